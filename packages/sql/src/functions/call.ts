/** What the printers of single functions are given, and the small checks that they share. */
import type { Node } from '../ast.ts';
import type { Printed } from '../printed.ts';
import { RefusedSql } from '../problems.ts';

export interface ExpressionPrinter {
  print(node: Node): Printed;
  /** Of a whole statement, not of a pipeline's SELECT. */
  readonly isStatement: boolean;
  /** As `print`, for whoever hands `overflow` on. */
  printUnchecked(node: Node): Printed;
  /** The value of a string literal, undefined for anything else. */
  stringLiteral(node: Node | undefined): string | undefined;
  /** The value of an integer literal, also a negative one. */
  integerLiteral(node: Node | undefined): bigint | undefined;
}

export interface FunctionCall extends ExpressionPrinter {
  /** Canonical, upper case. */
  readonly name: string;
  readonly args: readonly Node[];
}

export type FunctionPrinter = (call: FunctionCall) => Printed;

export function expectArguments(call: FunctionCall, least: number, most = least): void {
  if (call.args.length >= least && call.args.length <= most) return;
  const expected = least === most ? `${least}` : `${least} to ${most}`;
  throw new RefusedSql(call.name, `${call.name} takes ${expected} arguments here, ${call.args.length} were given`);
}

export function argument(call: FunctionCall, index: number): Node {
  const node = call.args[index];
  if (node === undefined) throw new RefusedSql(call.name, `${call.name}: argument ${index + 1} is missing`);
  return node;
}

export function operand(call: FunctionCall, index: number): Printed {
  return call.print(argument(call, index));
}

export function uncheckedOperand(call: FunctionCall, index: number): Printed {
  return call.printUnchecked(argument(call, index));
}

/** All operands as they stand, integer literals without a cast. */
export function bareOperands(call: FunctionCall): readonly string[] {
  return call.args.map((node) => {
    const value = call.print(node);
    return value.raw ?? value.sql;
  });
}

export function expectString(call: FunctionCall, index: number, what: string): string {
  const value = call.stringLiteral(argument(call, index));
  if (value === undefined) throw new RefusedSql(call.name, `${call.name}: ${what} must be a string literal`);
  return value;
}
