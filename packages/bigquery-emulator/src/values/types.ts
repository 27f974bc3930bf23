// GoogleSQL types as text, as columns of the REST API, and back.
// https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types
import { BigQueryProblem, notImplemented } from '../problem.ts';
import { scalarKinds } from '../types.ts';
import type { Column, ScalarKind, SqlType, TableField, TableSchema } from '../types.ts';

/** GoogleSQL's own names, its aliases, and the legacy names of the REST API. */
const scalarsByName: Readonly<Record<string, ScalarKind>> = {
  ...Object.fromEntries(scalarKinds.map((kind) => [kind, kind] as const)),
  INTEGER: 'INT64',
  INT: 'INT64',
  SMALLINT: 'INT64',
  BIGINT: 'INT64',
  TINYINT: 'INT64',
  BYTEINT: 'INT64',
  FLOAT: 'FLOAT64',
  DOUBLE: 'FLOAT64',
  DECIMAL: 'NUMERIC',
  BOOLEAN: 'BOOL',
};
const legacyNames = {
  INT64: 'INTEGER',
  FLOAT64: 'FLOAT',
  NUMERIC: 'NUMERIC',
  BOOL: 'BOOLEAN',
  STRING: 'STRING',
  BYTES: 'BYTES',
  DATE: 'DATE',
  DATETIME: 'DATETIME',
  TIME: 'TIME',
  TIMESTAMP: 'TIMESTAMP',
  JSON: 'JSON',
} as const satisfies Record<ScalarKind, TableField['type']>;
const refusedTypes: ReadonlySet<string> = new Set(['BIGNUMERIC', 'BIGDECIMAL', 'GEOGRAPHY', 'INTERVAL', 'RANGE', 'UUID', 'FOREIGN']);

/** RECORD and STRUCT nest at most 15 deep. */
const maxDepth = 15;
const maxNameCharacters = 300;
const maxDescriptionCharacters = 1024;

/** Kinds by any of their names; refused types throw, unknown ones are undefined. */
export function scalarKindOf(name: string): ScalarKind | undefined {
  const upper = name.toUpperCase();
  if (refusedTypes.has(upper)) throw notImplemented(`the type ${upper}`);
  return Object.hasOwn(scalarsByName, upper) ? scalarsByName[upper] : undefined;
}

export function formatType(type: SqlType): string {
  if (type.kind === 'ARRAY') return `ARRAY<${formatType(type.element)}>`;
  if (type.kind !== 'STRUCT') return type.kind;
  return `STRUCT<${type.fields.map(({ name, type: field }) => (name === '' ? '' : `${quoteName(name)} `) + formatType(field)).join(', ')}>`;
}

const quoteName = (name: string): string => (/^[A-Za-z_]\w*$/u.test(name) ? name : `\`${name}\``);

const typeToken = /\s*(?:([A-Za-z_]\w*)|`([^`]+)`|([<>,(]|\)|[0-9]+))/uy;
type Token = { readonly text: string; readonly isName: boolean };

/** Reads `ARRAY<STRUCT<a INT64, b NUMERIC(10, 2)>>`; parameters of types are read over. Throws `invalid`. */
export function parseType(text: string): SqlType {
  const tokens: Token[] = [];
  const unknown = (): BigQueryProblem => new BigQueryProblem('invalid', `Invalid type: ${text}`);
  for (let at = 0; text.slice(at).trim() !== ''; at = typeToken.lastIndex) {
    typeToken.lastIndex = at;
    const match = typeToken.exec(text);
    if (match === null) throw unknown();
    tokens.push({ text: match[1] ?? match[2] ?? match[3] ?? '', isName: match[3] === undefined });
  }
  let next = 0;
  const takes = (expected: string): boolean => {
    const token = tokens[next];
    if (token === undefined || token.isName || token.text !== expected) return false;
    next += 1;
    return true;
  };
  const must = (expected: string): void => {
    if (!takes(expected)) throw unknown();
  };
  const readFields = (depth: number): SqlType => {
    const fields: { name: string; type: SqlType }[] = [];
    while (!takes('>')) {
      if (fields.length > 0) must(',');
      const after = tokens[next + 1];
      const name = tokens[next]?.isName === true && after?.isName === true ? (tokens[next++]?.text ?? '') : '';
      fields.push({ name, type: read(depth + 1) });
    }
    return { kind: 'STRUCT', fields };
  };
  const read = (depth: number): SqlType => {
    const token = tokens[next++];
    if (token === undefined || !token.isName || depth > maxDepth) throw unknown();
    const name = token.text.toUpperCase();
    if (name === 'ARRAY') {
      must('<');
      const element = read(depth);
      must('>');
      if (element.kind === 'ARRAY') throw unknown();
      return { kind: 'ARRAY', element };
    }
    if (name === 'STRUCT') {
      must('<');
      return readFields(depth);
    }
    const kind = scalarKindOf(name);
    if (kind === undefined) throw unknown();
    if (takes('(')) while (!takes(')')) if (next++ >= tokens.length) throw unknown();
    return { kind };
  };
  const type = read(0);
  if (next < tokens.length) throw unknown();
  return type;
}

export function typeOfField(field: TableField): SqlType {
  const element: SqlType =
    field.type === 'RECORD'
      ? { kind: 'STRUCT', fields: (field.fields ?? []).map((inner) => ({ name: inner.name, type: typeOfField(inner) })) }
      : { kind: scalarsByName[field.type] as ScalarKind };
  return field.mode === 'REPEATED' ? { kind: 'ARRAY', element } : element;
}

/** As results and tables made by queries describe it. A nameless field of a STRUCT is called `_field_1`, as BigQuery does. */
export function fieldOfColumn({ name, type }: Column): TableField {
  const mode = type.kind === 'ARRAY' ? 'REPEATED' : 'NULLABLE';
  const element = type.kind === 'ARRAY' ? type.element : type;
  if (element.kind === 'ARRAY') throw new BigQueryProblem('invalid', `Field ${name} has the type ARRAY of ARRAY`);
  if (element.kind !== 'STRUCT') return { name, type: legacyNames[element.kind], mode };
  return { name, type: 'RECORD', mode, fields: structFields(element.fields).map(fieldOfColumn) };
}

/** Fields of a STRUCT, each with a name. */
export const structFields = (fields: readonly Column[]): readonly Column[] =>
  fields.map((field, index) => (field.name === '' ? { ...field, name: `_field_${index + 1}` } : field));

/** Columns of a result that the statement gave no name: `f0_`, `f1_`, … counted among themselves. */
export function nameColumns(columns: readonly Column[]): readonly Column[] {
  let nameless = 0;
  return columns.map((column) => (column.name === '' ? { ...column, name: `f${nameless++}_` } : column));
}

export const columnsOf = (schema: TableSchema): Column[] => schema.fields.map((field) => ({ name: field.name, type: typeOfField(field) }));

/** Reads what a client sent as `schema`. Throws `invalid`, naming the field. */
export function readSchema(json: unknown): TableSchema {
  if (!isRecord(json)) throw new BigQueryProblem('invalid', 'Invalid value for schema: an object with fields is expected');
  return { fields: readFields(json['fields'] ?? [], '', 1) };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

function readFields(json: unknown, parent: string, depth: number): TableField[] {
  if (!Array.isArray(json)) throw new BigQueryProblem('invalid', 'Invalid value for fields: a list is expected');
  if (depth > maxDepth) throw new BigQueryProblem('invalid', `Field ${parent} exceeds the maximum nesting of ${maxDepth} levels`);
  const fields = json.map((field: unknown) => readField(field, parent, depth));
  const seen = new Set<string>();
  for (const { name } of fields) {
    if (seen.has(name.toLowerCase())) throw new BigQueryProblem('invalid', `Duplicate field name: ${pathOf(parent, name)}`);
    seen.add(name.toLowerCase());
  }
  return fields;
}

const pathOf = (parent: string, name: string): string => (parent === '' ? name : `${parent}.${name}`);
const modes = ['NULLABLE', 'REQUIRED', 'REPEATED'] as const;
/** What a field may carry beside; other keys are refused, so that nothing that BigQuery would honour is dropped in silence. */
const knownKeys: ReadonlySet<string> = new Set(['name', 'type', 'mode', 'fields', 'description', 'precision', 'scale', 'maxLength', 'defaultValueExpression']);
const reservedPrefixes = /^(?:_CHANGE_|_COLIDENTIFIER|_FILE_|_PARTITION|_ROW_TIMESTAMP|_TABLE_|__ROOT__)/iu;

function readField(json: unknown, parent: string, depth: number): TableField {
  if (!isRecord(json)) throw new BigQueryProblem('invalid', 'Invalid value for fields: an object is expected');
  const name = readName(json['name'], parent);
  const path = pathOf(parent, name);
  refuseUnknownKeys(json, path);
  const type = readLegacyType(json['type'], path);
  const mode = modes.find((known) => known === (typeof json['mode'] === 'string' ? json['mode'].toUpperCase() : (json['mode'] ?? 'NULLABLE')));
  if (mode === undefined) throw new BigQueryProblem('invalid', `Invalid value for mode: ${describe(json['mode'])} is not a valid value. Field: ${path}`);
  const fields = type === 'RECORD' ? readFields(json['fields'] ?? [], path, depth + 1) : undefined;
  if (fields?.length === 0) throw new BigQueryProblem('invalid', `Field ${path} is type RECORD but has no schema`);
  if (fields === undefined && Array.isArray(json['fields']) && json['fields'].length > 0) {
    throw new BigQueryProblem('invalid', `Field ${path} is type ${type} and can't have fields`);
  }
  return {
    name,
    type,
    mode,
    ...(fields === undefined ? {} : { fields }),
    ...readText(json, 'description', path, maxDescriptionCharacters),
    ...readText(json, 'defaultValueExpression', path, 10_000),
    ...readTypeParameters(json, type, path),
  };
}

function readName(name: unknown, parent: string): string {
  if (typeof name !== 'string' || name === '') throw new BigQueryProblem('required', `Field name is missing${parent === '' ? '' : ` in ${parent}`}`);
  if (name.length > maxNameCharacters || reservedPrefixes.test(name)) {
    throw new BigQueryProblem(
      'invalid',
      `Invalid field name "${name.slice(0, 320)}". Fields must contain the allowed characters, and be at most 300 characters long.`,
    );
  }
  // https://docs.cloud.google.com/bigquery/docs/schemas#flexible-column-names
  if (!/^[A-Za-z_]\w*$/u.test(name)) throw notImplemented(`column names beyond letters, digits and underscores ("${name}")`);
  return name;
}

function readLegacyType(type: unknown, path: string): TableField['type'] {
  if (typeof type !== 'string' || type === '') throw new BigQueryProblem('required', `The type of field ${path} is missing`);
  if (/^(?:RECORD|STRUCT)$/iu.test(type)) return 'RECORD';
  const kind = scalarKindOf(type);
  if (kind === undefined) throw new BigQueryProblem('invalid', `Invalid value for type: ${type.slice(0, 100)} is not a valid value. Field: ${path}`);
  return legacyNames[kind];
}

function refuseUnknownKeys(json: Readonly<Record<string, unknown>>, path: string): void {
  for (const [key, value] of Object.entries(json)) {
    const isEmpty =
      value === null || value === undefined || value === '' || (key === 'policyTags' && isRecord(value) && Object.values(value).flat().length === 0);
    if (!knownKeys.has(key) && !isEmpty) throw notImplemented(`${key} of a column (${path})`);
  }
}

const describe = (value: unknown): string => (typeof value === 'object' ? 'an object' : String(value).slice(0, 100));

function readText<Key extends 'description' | 'defaultValueExpression'>(
  json: Readonly<Record<string, unknown>>,
  key: Key,
  path: string,
  max: number,
): { [_ in Key]?: string } {
  const text = json[key];
  if (text === undefined || text === null) return {};
  if (typeof text !== 'string' || text.length > max)
    throw new BigQueryProblem('invalid', `Invalid value for ${key} of field ${path}: a text of at most ${max} characters is expected`);
  return { [key]: text } as { [_ in Key]: string };
}

/** STRING(n), BYTES(n), NUMERIC(p, s): numbers, as text or as such. */
function readTypeParameters(
  json: Readonly<Record<string, unknown>>,
  type: TableField['type'],
  path: string,
): Pick<TableField, 'precision' | 'scale' | 'maxLength'> {
  const read = (key: 'precision' | 'scale' | 'maxLength'): number | undefined => {
    const value = json[key];
    if (value === undefined || value === null || value === 0 || value === '0') return undefined;
    const isAllowed = key === 'maxLength' ? type === 'STRING' || type === 'BYTES' : type === 'NUMERIC';
    if (!isAllowed || !/^[1-9]\d{0,17}$/u.test(describe(value)))
      throw new BigQueryProblem('invalid', `Invalid value for ${key} of field ${path}: ${describe(value)}`);
    return Number(value);
  };
  const maxLength = read('maxLength');
  const precision = read('precision');
  const scale = read('scale');
  // https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types#parameterized_decimal_type
  const isDecimal =
    (scale ?? 0) <= 9 && (precision === undefined ? scale === undefined : precision >= Math.max(1, scale ?? 0) && precision <= (scale ?? 0) + 29);
  if (!isDecimal)
    throw new BigQueryProblem(
      'invalid',
      `Invalid NUMERIC(${precision ?? ''}, ${scale ?? 0}) of field ${path}: a scale of 0 to 9 and a precision of at most 29 + scale are expected`,
    );
  return {
    ...(maxLength === undefined ? {} : { maxLength: String(maxLength) }),
    ...(precision === undefined ? {} : { precision: String(precision) }),
    ...(scale === undefined ? {} : { scale: String(scale) }),
  };
}
