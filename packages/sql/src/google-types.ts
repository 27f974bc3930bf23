/** GoogleSQL types as text: `ARRAY<STRUCT<a INT64, b NUMERIC(10, 2)>>`, read once, and written for GoogleSQL or for DuckDB. */
import type { SqlType } from './printed.ts';
import { RefusedSql } from './problems.ts';

export type GoogleType =
  | { readonly kind: SqlType; readonly parameters?: readonly number[] }
  | { readonly kind: 'ARRAY'; readonly element: GoogleType }
  | { readonly kind: 'STRUCT'; readonly fields: readonly { readonly name: string; readonly type: GoogleType }[] };

/** GoogleSQL's names and aliases of scalar types. */
export const TYPE_NAMES: Readonly<Record<string, SqlType>> = {
  BIGINT: 'INT64',
  BOOL: 'BOOL',
  BOOLEAN: 'BOOL',
  BYTEINT: 'INT64',
  BYTES: 'BYTES',
  DATE: 'DATE',
  DATETIME: 'DATETIME',
  DECIMAL: 'NUMERIC',
  FLOAT64: 'FLOAT64',
  INT: 'INT64',
  INT64: 'INT64',
  INTEGER: 'INT64',
  JSON: 'JSON',
  NUMERIC: 'NUMERIC',
  SMALLINT: 'INT64',
  STRING: 'STRING',
  TIME: 'TIME',
  TIMESTAMP: 'TIMESTAMP',
  TINYINT: 'INT64',
};

export const DUCKDB_TYPES: Readonly<Record<SqlType, string>> = {
  BOOL: 'BOOLEAN',
  BYTES: 'BLOB',
  DATE: 'DATE',
  DATETIME: 'TIMESTAMP',
  FLOAT64: 'DOUBLE',
  INT64: 'BIGINT',
  JSON: 'JSON',
  NUMERIC: 'DECIMAL(38, 9)',
  STRING: 'VARCHAR',
  TIME: 'TIME',
  TIMESTAMP: 'TIMESTAMPTZ',
};

const PARAMETERS_OF: Readonly<Partial<Record<SqlType, number>>> = { STRING: 1, BYTES: 1, NUMERIC: 2 };
const TOKEN = /\s*([A-Za-z_][A-Za-z0-9_]*|`[^`]*`|\d+|[<>(),])/uy;

export function parseGoogleType(text: string): GoogleType {
  const tokens = tokensOf(text);
  const [type, end] = readType(tokens, 0);
  if (end < tokens.length) throw unknownType(text);
  return type;
}

/** For GoogleSQL; names as they were written. */
export function formatGoogleType(type: GoogleType): string {
  if (type.kind === 'ARRAY') return `ARRAY<${formatGoogleType(type.element)}>`;
  if (type.kind === 'STRUCT') return `STRUCT<${type.fields.map((field) => `${field.name} ${formatGoogleType(field.type)}`).join(', ')}>`;
  return type.parameters === undefined ? type.kind : `${type.kind}(${type.parameters.join(', ')})`;
}

export function duckdbTypeOf(type: GoogleType): string {
  if (type.kind === 'ARRAY') return `${duckdbTypeOf(type.element)}[]`;
  if (type.kind === 'STRUCT') return `STRUCT(${type.fields.map((field) => `"${field.name.replaceAll('"', '""')}" ${duckdbTypeOf(field.type)}`).join(', ')})`;
  return DUCKDB_TYPES[type.kind];
}

/** The type as expressions know it: undefined for ARRAY and STRUCT. */
export function scalarOf(type: GoogleType): SqlType | undefined {
  return type.kind === 'ARRAY' || type.kind === 'STRUCT' ? undefined : type.kind;
}

function unknownType(text: string): RefusedSql {
  return new RefusedSql(text.trim(), `the type ${text.trim()} is not supported`);
}

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = [];
  let at = 0;
  while (text.slice(at).trim() !== '') {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[1];
    if (token === undefined) throw unknownType(text);
    tokens.push(token);
    at = TOKEN.lastIndex;
  }
  return tokens;
}

function readType(tokens: readonly string[], at: number): readonly [GoogleType, number] {
  const name = tokens[at]?.toUpperCase() ?? '';
  if (name === 'ARRAY') {
    expect(tokens, at + 1, '<');
    const [element, end] = readType(tokens, at + 2);
    if (element.kind === 'ARRAY') throw new RefusedSql('ARRAY', 'an ARRAY of ARRAYs is no type of GoogleSQL');
    expect(tokens, end, '>');
    return [{ kind: 'ARRAY', element }, end + 1];
  }
  if (name === 'STRUCT') return readStruct(tokens, at + 1);
  const kind = TYPE_NAMES[name];
  if (kind === undefined) throw unknownType(tokens[at] ?? 'without a name');
  if (tokens[at + 1] !== '(') return [{ kind }, at + 1];
  const parameters: number[] = [];
  let next = at + 2;
  for (; tokens[next] !== ')'; next += tokens[next + 1] === ',' ? 2 : 1) {
    if (!/^\d+$/u.test(tokens[next] ?? '')) throw unknownType(tokens.join(' '));
    parameters.push(Number(tokens[next]));
  }
  if (parameters.length === 0 || parameters.length > (PARAMETERS_OF[kind] ?? 0)) throw unknownType(`${kind}(${parameters.join(', ')})`);
  return [{ kind, parameters }, next + 1];
}

function readStruct(tokens: readonly string[], at: number): readonly [GoogleType, number] {
  expect(tokens, at, '<');
  const fields: { name: string; type: GoogleType }[] = [];
  let next = at + 1;
  while (tokens[next] !== '>') {
    const name = tokens[next]?.replaceAll('`', '') ?? '';
    if (!/^\w/u.test(name) || /^[<>(),]$/u.test(tokens[next + 1] ?? ','))
      throw new RefusedSql('STRUCT', 'a STRUCT whose fields have no names is not supported');
    const [type, end] = readType(tokens, next + 1);
    fields.push({ name, type });
    next = tokens[end] === ',' ? end + 1 : end;
    if (next === end && tokens[end] !== '>') throw unknownType(tokens.join(' '));
  }
  return [{ kind: 'STRUCT', fields }, next + 1];
}

function expect(tokens: readonly string[], at: number, token: string): void {
  if (tokens[at] !== token) throw unknownType(tokens.join(' '));
}
