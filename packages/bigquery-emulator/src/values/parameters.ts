// Query parameters, as `queryParameters` of a request has them.
// https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/QueryParameter
import { DuckDBListValue, DuckDBStructValue } from '@duckdb/node-api';
import { BigQueryProblem, notImplemented } from '../problem.ts';
import type { Parameter, Parameters } from '../statement.ts';
import type { DuckDBValue, SqlType } from '../types.ts';
import { parseScalar } from './scalar.ts';
import { formatType, scalarKindOf } from './types.ts';

const maxDepth = 15;
type Json = Readonly<Record<string, unknown>>;
const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const isAbsent = (value: unknown): value is null | undefined => value === null || value === undefined;

const describe = (value: unknown): string =>
  typeof value === 'object' ? 'an object' : String(typeof value === 'string' ? JSON.stringify(value) : value).slice(0, 100);
const refuse = (message: string): BigQueryProblem => new BigQueryProblem('invalid', message, 'queryParameters');

/** By lower-case name; positional ones as `_p1`, `_p2`, … Throws `invalid`, naming the parameter. */
export function readParameters(parameterMode: unknown, queryParameters: unknown): Parameters {
  if (isAbsent(queryParameters)) return new Map();
  if (!Array.isArray(queryParameters)) throw refuse('Invalid value for queryParameters: a list is expected');
  if (queryParameters.length > 10_000) throw refuse('A query can have at most 10,000 parameters');
  const mode = isAbsent(parameterMode) || parameterMode === '' ? modeOf(queryParameters) : parameterMode;
  if (mode !== 'NAMED' && mode !== 'POSITIONAL') throw refuse(`Invalid value for parameterMode: ${describe(mode)}`);
  const parameters = new Map<string, Parameter>();
  for (const [index, parameter] of queryParameters.entries()) {
    if (!isJson(parameter)) throw refuse('Invalid value for queryParameters: an object is expected');
    const name = mode === 'NAMED' ? readName(parameter['name']) : readPosition(parameter['name'], index);
    if (parameters.has(name)) throw refuse(`Duplicate parameter name ${name}`);
    const label = mode === 'NAMED' ? `@${name}` : `at position ${index + 1}`;
    const type = readParameterType(parameter['parameterType'], label, 0);
    parameters.set(name, { type, value: readValue(parameter['parameterValue'], type, label) });
  }
  return parameters;
}

/** BigQuery wants the mode where there are parameters of the positional kind; a name tells as well. */
const modeOf = (parameters: readonly unknown[]): string =>
  parameters.every((parameter) => isJson(parameter) && !isAbsent(parameter['name']) && parameter['name'] !== '') ? 'NAMED' : 'POSITIONAL';

function readName(name: unknown): string {
  if (typeof name !== 'string' || !/^[A-Za-z_]\w{0,127}$/u.test(name)) throw refuse(`Invalid parameter name: ${describe(name)}`);
  if (/^_p\d+$/iu.test(name)) throw notImplemented(`a named parameter called ${name}, which is this emulator's name for a positional one`);
  return name.toLowerCase();
}

function readPosition(name: unknown, index: number): string {
  if (!isAbsent(name) && name !== '') throw refuse('Positional parameters have no names');
  return `_p${index + 1}`;
}

function readParameterType(json: unknown, label: string, depth: number): SqlType {
  if (!isJson(json) || typeof json['type'] !== 'string') throw refuse(`Query parameter ${label} has no type`);
  if (depth > maxDepth) throw refuse(`The type of query parameter ${label} is nested too deeply`);
  const name = json['type'].toUpperCase();
  if (name === 'ARRAY') {
    const element = readParameterType(json['arrayType'], label, depth);
    if (element.kind === 'ARRAY') throw refuse(`Query parameter ${label} is an ARRAY of ARRAY, which is no type`);
    return { kind: 'ARRAY', element };
  }
  if (name === 'STRUCT' || name === 'RECORD') {
    const fields: unknown = json['structTypes'] ?? [];
    if (!Array.isArray(fields)) throw refuse(`Invalid structTypes of query parameter ${label}`);
    return { kind: 'STRUCT', fields: readFieldTypes(fields, label, depth) };
  }
  const kind = scalarKindOf(name);
  if (kind === undefined) throw refuse(`Invalid type of query parameter ${label}: ${json['type'].slice(0, 100)}`);
  return { kind };
}

function readFieldTypes(fields: readonly unknown[], label: string, depth: number): { name: string; type: SqlType }[] {
  const read = fields.map((field) => {
    if (!isJson(field)) throw refuse(`Invalid structTypes of query parameter ${label}`);
    const { name } = field;
    if (typeof name !== 'string' || name === '') throw notImplemented(`a STRUCT parameter with a field without a name (${label})`);
    return { name, type: readParameterType(field['type'], label, depth + 1) };
  });
  if (new Set(read.map(({ name }) => name.toLowerCase())).size < read.length) throw notImplemented(`a STRUCT parameter with two fields of one name (${label})`);
  if (read.length === 0) throw notImplemented(`a STRUCT parameter without fields (${label})`);
  return read;
}

function readValue(json: unknown, type: SqlType, label: string): DuckDBValue {
  if (!isAbsent(json) && !isJson(json)) throw refuse(`Invalid parameterValue of query parameter ${label}`);
  const value: Json = json ?? {};
  if (type.kind === 'ARRAY') {
    // On the wire an empty list and none are the same, so there is no NULL array.
    const items: unknown = value['arrayValues'] ?? [];
    if (!Array.isArray(items) || !isAbsent(value['value'])) throw refuse(`Query parameter ${label} of type ${formatType(type)} needs arrayValues`);
    return new DuckDBListValue(items.map((item: unknown) => readValue(item, type.element, label)));
  }
  if (type.kind === 'STRUCT') {
    const entries: unknown = value['structValues'];
    if (isAbsent(entries) && isAbsent(value['value'])) return null;
    if (!isJson(entries)) throw refuse(`Query parameter ${label} of type ${formatType(type)} needs structValues`);
    const unknown = Object.keys(entries).find((key) => !type.fields.some(({ name }) => name === key));
    if (unknown !== undefined) throw refuse(`Query parameter ${label} has no field ${unknown.slice(0, 100)} in its type`);
    return new DuckDBStructValue(
      Object.fromEntries(
        type.fields.map((field) => [
          field.name,
          readValue(Object.hasOwn(entries, field.name) ? entries[field.name] : undefined, field.type, `${label}.${field.name}`),
        ]),
      ),
    );
  }
  const text: unknown = value['value'];
  if (isAbsent(text)) return null;
  // Clients send text; JSON's own numbers and booleans are read as the text that they are.
  const isText = typeof text === 'string' || typeof text === 'boolean' || (typeof text === 'number' && (!Number.isInteger(text) || Number.isSafeInteger(text)));
  const read = isText ? parseScalar(type.kind, String(text)) : undefined;
  if (read === undefined) throw refuse(`Query parameter ${label}: invalid value for ${type.kind}: ${describe(text)}`);
  return read;
}
