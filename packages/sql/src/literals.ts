/** Literals: strings by their placeholder, numbers in GoogleSQL's width, dates and times by a cast. */
import { allowKeys } from './ast.ts';
import type { Node } from './ast.ts';
import { DUCKDB_TYPES } from './google-types.ts';
import { PLACEHOLDER } from './lexer.ts';
import type { LexedSql, Literal } from './lexer.ts';
import { printed, quoteString } from './printed.ts';
import type { Printed, SqlType } from './printed.ts';
import { RefusedSql } from './problems.ts';

const TIME_LITERALS: Readonly<Record<string, SqlType>> = { date: 'DATE', datetime: 'DATETIME', timestamp: 'TIMESTAMP' };

function literalOf(lexed: LexedSql, node: Node): Literal | undefined {
  const value = node.body['value'];
  if (node.kind !== 'literal' || typeof value !== 'string' || !value.startsWith(PLACEHOLDER)) return undefined;
  return lexed.literals[Number(value.slice(PLACEHOLDER.length))];
}

export function stringValueOf(lexed: LexedSql, node: Node): string | undefined {
  const literal = node.body['literal_type'] === 'string' ? literalOf(lexed, node) : undefined;
  return literal?.kind === 'string' ? literal.value : undefined;
}

export function printLiteral(lexed: LexedSql, node: Node): Printed {
  allowKeys('literal', node.body, ['literal_type', 'value']);
  const type = String(node.body['literal_type']);
  const value = String(node.body['value']);
  if (type === 'number') return printNumber(value);
  if (type === 'hex_number') return printInteger(BigInt(`0x${value.replace(/^0x/iu, '')}`));
  const literal = literalOf(lexed, node);
  if (literal === undefined) throw new RefusedSql('literal', `this ${type} literal is not understood`);
  if (type === 'string') return printed(quoteString(literal.value), 'STRING');
  if (type === 'byte_string')
    return printed(`'${[...literal.value].map((byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')}'::BLOB`, 'BYTES');
  const timeType = TIME_LITERALS[type];
  if (timeType === undefined) throw new RefusedSql(type.toUpperCase(), `${type.toUpperCase()} literals are not supported`);
  return printed(`CAST(${quoteString(literal.value)} AS ${DUCKDB_TYPES[timeType]})`, timeType);
}

/** DuckDB reads 1 as 32 bits and 1.5 as a DECIMAL; GoogleSQL as INT64 and FLOAT64. */
function printNumber(text: string): Printed {
  if (/^\d+$/u.test(text)) return printInteger(BigInt(text));
  const parts = /^(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/u.exec(text);
  if (parts === null) throw new RefusedSql('number', `the number ${text} is not understood`);
  const sql = `${parts[1] || '0'}.${parts[2] || '0'}e${Number(parts[3] ?? 0)}`;
  return { sql, type: 'FLOAT64', decimal: decimalOf(parts[1] ?? '', parts[2] ?? '', Number(parts[3] ?? 0)) };
}

/** Digits, point and exponent as a plain decimal that NUMERIC can hold; '' where it can't. */
function decimalOf(whole: string, fraction: string, exponent: number): string {
  const point = whole.length + exponent;
  const digits = whole + fraction;
  if (Math.abs(exponent) > 40) return '';
  const [before, after] = point <= 0 ? ['0', '0'.repeat(-point) + digits] : [digits.slice(0, point).padEnd(point, '0'), digits.slice(point)];
  const shortest = after.replace(/0+$/u, '');
  return shortest.length > 9 || before.replace(/^0+/u, '').length > 29 ? '' : `${before || '0'}.${shortest || '0'}`;
}

function printInteger(value: bigint): Printed {
  return { sql: `${value}::BIGINT`, type: 'INT64', raw: String(value) };
}
