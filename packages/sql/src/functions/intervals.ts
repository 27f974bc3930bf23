/** INTERVAL as the argument of the date functions, the one place where it is supported. */
import { allowKeys, isBody, toNode } from '../ast.ts';
import { PLACEHOLDER } from '../lexer.ts';
import { bare } from '../printed.ts';
import { RefusedSql } from '../problems.ts';
import { argument } from './call.ts';
import type { FunctionCall } from './call.ts';

export interface IntervalArgument {
  /** DuckDB text of the amount. */
  readonly amount: string;
  /** The amount where it is a literal. */
  readonly literal: bigint | undefined;
  /** Upper case, e.g. DAY. */
  readonly unit: string;
}

export function interval(call: FunctionCall, index: number): IntervalArgument {
  const node = argument(call, index);
  if (node.kind !== 'interval') throw new RefusedSql(call.name, `${call.name}: INTERVAL n part is expected`);
  allowKeys('INTERVAL', node.body, ['this', 'unit']);
  const unit = node.body['unit'];
  if (!isBody(unit) || unit['type'] !== 'simple' || typeof unit['unit'] !== 'string')
    throw new RefusedSql('INTERVAL', 'INTERVAL: only INTERVAL n part is supported');
  const amount = toNode(node.body['this']);
  // The parser makes a string of the number in INTERVAL 1 DAY; real strings are placeholders.
  const text = amount.kind === 'literal' ? String(amount.body['value']) : undefined;
  if (text !== undefined && !text.startsWith(PLACEHOLDER) && /^\d+$/u.test(text))
    return { amount: text, literal: BigInt(text), unit: unit['unit'].toUpperCase() };
  if (text !== undefined) throw new RefusedSql('INTERVAL', 'INTERVAL: the amount must be an integer');
  return { amount: bare(call.print(amount)), literal: call.integerLiteral(amount), unit: unit['unit'].toUpperCase() };
}

/** DuckDB's INTERVAL; the amount may be an expression. */
export function intervalSql(call: FunctionCall, index: number): string {
  const { amount, literal, unit } = interval(call, index);
  if (!/^(MICROSECOND|MILLISECOND|SECOND|MINUTE|HOUR|DAY|WEEK|MONTH|QUARTER|YEAR)$/u.test(unit))
    throw new RefusedSql('INTERVAL', `INTERVAL: the part ${unit} is not supported`);
  return literal === undefined ? `INTERVAL (CAST(${amount} AS BIGINT)) ${unit}` : `INTERVAL (${literal}) ${unit}`;
}
