/** Operators and comparisons. Operands come parenthesized, so precedence is the tree's. */
import { allowKeys, isEmpty, toNode } from './ast.ts';
import type { Node } from './ast.ts';
import type { ExpressionPrinter } from './functions/call.ts';
import { bare, coerceLiterals, overflowOf, printed, quoteString } from './printed.ts';
import type { Printed, SqlType } from './printed.ts';
import { RefusedSql } from './problems.ts';

type OperatorPrinter = (printer: ExpressionPrinter, node: Node) => Printed;

function sides(printer: ExpressionPrinter, node: Node): readonly [Printed, Printed] {
  allowKeys(node.kind.toUpperCase(), node.body, ['left', 'right']);
  return coerceLiterals([printer.print(toNode(node.body['left'])), printer.print(toNode(node.body['right']))]) as [Printed, Printed];
}

/** The sides of an operator that hands infinity on. */
function uncheckedSides(printer: ExpressionPrinter, node: Node): readonly [Printed, Printed] {
  allowKeys(node.kind.toUpperCase(), node.body, ['left', 'right']);
  return coerceLiterals([printer.printUnchecked(toNode(node.body['left'])), printer.printUnchecked(toNode(node.body['right']))]) as [Printed, Printed];
}

function inner(printer: ExpressionPrinter, node: Node): Printed {
  allowKeys(node.kind.toUpperCase(), node.body, ['this', 'not']);
  return printer.print(toNode(node.body['this']));
}

function comparison(operator: string): OperatorPrinter {
  return (printer, node) => {
    const [left, right] = sides(printer, node);
    return printed(`(${bare(left)} ${operator} ${bare(right)})`, 'BOOL');
  };
}

function logical(operator: string): OperatorPrinter {
  return (printer, node) => {
    const [left, right] = sides(printer, node);
    return printed(`(${left.sql} ${operator} ${right.sql})`, 'BOOL');
  };
}

/** The type of `+`, `-` and `*`; unknown where an operand is. */
function numberType(left: Printed, right: Printed): SqlType | undefined {
  if (left.type === 'FLOAT64' || right.type === 'FLOAT64') return 'FLOAT64';
  if (left.type === 'NUMERIC' || right.type === 'NUMERIC') return left.type !== undefined && right.type !== undefined ? 'NUMERIC' : undefined;
  return left.type === 'INT64' && right.type === 'INT64' ? 'INT64' : undefined;
}

/** One literal keeps its cast to BIGINT when both sides are literals, or DuckDB would add them in 32 bits. */
function arithmeticText(left: Printed, operator: string, right: Printed): string {
  const isLiteral = left.raw !== undefined && right.raw !== undefined;
  return `(${isLiteral ? left.sql : bare(left)} ${operator} ${bare(right)})`;
}

function addition(operator: '+' | '-'): OperatorPrinter {
  return (printer, node) => {
    const [left, right] = uncheckedSides(printer, node);
    if (toNode(node.body['left']).kind === 'interval' || toNode(node.body['right']).kind === 'interval') {
      throw new RefusedSql('INTERVAL', 'INTERVAL is supported inside DATE_ADD, DATE_SUB and their like alone');
    }
    if (left.type === 'DATE' && right.type === 'DATE')
      throw new RefusedSql('DATE - DATE', 'the difference of two dates is an INTERVAL: write DATE_DIFF(a, b, DAY)');
    if (left.type === 'DATE') return printed(`(${left.sql} ${operator} ${right.raw ?? `CAST(${right.sql} AS INTEGER)`})`, 'DATE');
    const type = numberType(left, right);
    return { sql: arithmeticText(left, operator, right), type, ...overflowOf([left, right], type, 'error') };
  };
}

function multiplication(printer: ExpressionPrinter, node: Node): Printed {
  const [left, right] = uncheckedSides(printer, node);
  const type = numberType(left, right);
  const text = arithmeticText(left, '*', right);
  if (type === 'NUMERIC') return printed(`CAST(${text} AS DECIMAL(38, 9))`, type);
  // Of two NUMERIC columns DuckDB keeps more than nine digits; whether they are is known when it plans.
  const mayBeNumeric = [left, right].every((value) => value.type === undefined || value.type === 'NUMERIC');
  return { sql: mayBeNumeric ? `fg_product(${text})` : text, type, ...overflowOf([left, right], type, 'error') };
}

/** What is divided hands infinity on; a divisor that is infinite would hide it. */
function dividedSides(printer: ExpressionPrinter, node: Node): readonly [Printed, Printed] {
  allowKeys(node.kind.toUpperCase(), node.body, ['left', 'right']);
  return coerceLiterals([printer.printUnchecked(toNode(node.body['left'])), printer.print(toNode(node.body['right']))]) as [Printed, Printed];
}

function division(printer: ExpressionPrinter, node: Node): Printed {
  const [left, right] = dividedSides(printer, node);
  if (numberType(left, right) === 'NUMERIC') return printed(`fg_numeric_divide(${bare(left)}, ${bare(right)})`, 'NUMERIC');
  if ((left.type === 'NUMERIC' && right.type !== 'FLOAT64') || (right.type === 'NUMERIC' && left.type !== 'FLOAT64')) {
    throw new RefusedSql('NUMERIC division', 'division of NUMERIC by a column of unknown type is not supported, cast it');
  }
  const isNonZero =
    right.raw !== undefined ? BigInt(right.raw.replaceAll(/[()]/gu, '')) !== 0n : /^[0-9.]+e[0-9+-]+$/u.test(right.sql) && Number(right.sql) !== 0;
  const isPlain = isNonZero && (left.type !== undefined || right.type === 'FLOAT64');
  const sql = isPlain ? `(${bare(left)} / ${bare(right)})` : `${printer.isStatement ? 'fg_divide_told' : 'fg_divide'}(${bare(left)}, ${bare(right)})`;
  // An integer divided by a number of 1 or more stays in the range.
  const own = left.type === 'INT64' && right.type === 'INT64' ? undefined : 'error';
  return { sql, type: 'FLOAT64', ...overflowOf([left], 'FLOAT64', own) };
}

function negation(printer: ExpressionPrinter, node: Node): Printed {
  allowKeys('NEG', node.body, ['this', 'not']);
  const value = printer.printUnchecked(toNode(node.body['this']));
  if (value.raw !== undefined) return { sql: `(-${value.raw})::BIGINT`, type: 'INT64', raw: `(-${value.raw})` };
  return {
    sql: `(-${value.sql})`,
    type: value.type,
    ...overflowOf([value], value.type),
    ...(value.decimal === undefined ? {} : { decimal: value.decimal === '' ? '' : `-${value.decimal}` }),
  };
}

function isBoolean(value: boolean): OperatorPrinter {
  return (printer, node) => {
    const { sql } = inner(printer, node);
    return printed(`(${sql} IS ${node.body['not'] === true ? '' : 'NOT '}DISTINCT FROM ${value})`, 'BOOL');
  };
}

function between(printer: ExpressionPrinter, node: Node): Printed {
  allowKeys('BETWEEN', node.body, ['this', 'low', 'high', 'not']);
  const [value, low, high] = coerceLiterals(['this', 'low', 'high'].map((key) => printer.print(toNode(node.body[key])))).map(bare);
  return printed(`(${value} ${node.body['not'] === true ? 'NOT ' : ''}BETWEEN ${low} AND ${high})`, 'BOOL');
}

/** GoogleSQL's LIKE escapes by a backslash, DuckDB's by nothing unless told. */
function like(printer: ExpressionPrinter, node: Node): Printed {
  const [left, right] = sides(printer, node);
  const pattern = printer.stringLiteral(toNode(node.body['right']));
  const escape = pattern !== undefined && !pattern.includes('\\') ? '' : ` ESCAPE ${quoteString('\\')}`;
  return printed(`(${left.sql} LIKE ${right.sql}${escape})`, 'BOOL');
}

function bitwise(operator: '&' | '|' | '^'): OperatorPrinter {
  return (printer, node) => {
    const [left, right] = sides(printer, node);
    if (left.type === 'BYTES' || right.type === 'BYTES') throw new RefusedSql(operator, `${operator} of BYTES is not supported`);
    return printed(operator === '^' ? `xor(${left.sql}, ${right.sql})` : `(${left.sql} ${operator} ${right.sql})`, 'INT64');
  };
}

function isNull(printer: ExpressionPrinter, node: Node): Printed {
  const { sql } = inner(printer, node);
  return printed(`(${sql} IS ${isEmpty(node.body['not']) ? '' : 'NOT '}NULL)`, 'BOOL');
}

export const OPERATORS: Readonly<Record<string, OperatorPrinter>> = {
  add: addition('+'),
  sub: addition('-'),
  mul: multiplication,
  div: division,
  neg: negation,
  bitwise_and: bitwise('&'),
  bitwise_not: (printer, node) => printed(`(~${inner(printer, node).sql})`, 'INT64'),
  bitwise_or: bitwise('|'),
  bitwise_xor: bitwise('^'),
  concat: (printer, node) => {
    const [left, right] = sides(printer, node);
    return printed(`(${left.sql} || ${right.sql})`, left.type ?? right.type);
  },
  eq: comparison('='),
  neq: comparison('<>'),
  lt: comparison('<'),
  lte: comparison('<='),
  gt: comparison('>'),
  gte: comparison('>='),
  null_safe_eq: comparison('IS NOT DISTINCT FROM'),
  null_safe_neq: comparison('IS DISTINCT FROM'),
  and: logical('AND'),
  or: logical('OR'),
  not: (printer, node) => printed(`(NOT ${inner(printer, node).sql})`, 'BOOL'),
  is_null: isNull,
  is_true: isBoolean(true),
  is_false: isBoolean(false),
  between,
  like,
};
