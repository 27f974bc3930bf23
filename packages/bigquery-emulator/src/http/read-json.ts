// Reads what came in as JSON. What has the wrong type is `invalid`, as with Google; a field that is not known here is refused
// by name, since leaving it out could change the result without anybody seeing it.
import { BigQueryProblem, notImplemented } from '../problem.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** `known`: read by us. `harmless`: changes nothing that this server does. A function: harmless with these values only. */
export type FieldRules = Readonly<Record<string, 'known' | 'harmless' | ((value: unknown) => boolean)>>;

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** For fields that may be given with the value that they have anyway. */
export const only =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);
export const onlyEmpty = (value: unknown): boolean =>
  value === '' || (Array.isArray(value) && value.length === 0) || (isObject(value) && Object.keys(value).length === 0);

export const invalid = (message: string, location?: string): BigQueryProblem => new BigQueryProblem('invalid', message, location);
export const required = (name: string): BigQueryProblem => new BigQueryProblem('required', `Required parameter is missing: ${name}`, name);

/** `path` is the place of `object` in the request, for the messages. */
export const checkFields = (path: string, object: JsonObject, rules: FieldRules): void => {
  for (const [name, value] of Object.entries(object)) {
    if (value === null || value === undefined) continue;
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === 'known' || rule === 'harmless' || (typeof rule === 'function' && rule(value))) continue;
    const field = path === '' ? name : `${path}.${name}`;
    throw notImplemented(rule === undefined ? `the field ${field}` : `the value ${JSON.stringify(value).slice(0, 200)} of ${field}`);
  }
};

export const readObject = (value: unknown, path: string): JsonObject => {
  if (!isObject(value)) throw invalid(`Invalid value for ${path}: an object is expected`, path);
  return value;
};
export const readOptionalObject = (value: unknown, path: string): JsonObject | undefined => (value == null ? undefined : readObject(value, path));

export const readText = (value: unknown, path: string): string => {
  if (value == null || value === '') throw required(path);
  if (typeof value !== 'string') throw invalid(`Invalid value for ${path}: a string is expected`, path);
  return value;
};
export const readOptionalText = (value: unknown, path: string): string | undefined => (value == null || value === '' ? undefined : readText(value, path));

export const readOptionalBoolean = (value: unknown, path: string): boolean | undefined => {
  if (value == null) return undefined;
  // As text in query strings; Python writes it with a capital.
  const text = typeof value === 'string' ? value.toLowerCase() : value;
  if (text === true || text === 'true') return true;
  if (text === false || text === 'false') return false;
  throw invalid(`Invalid value for ${path}: a boolean is expected`, path);
};

/** Integers of 64 bits are texts on the wire; numbers are taken as well. */
export const readOptionalInteger = (value: unknown, path: string): number | undefined => {
  if (value == null || value === '') return undefined;
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw invalid(`Invalid value for ${path}: an integer is expected`, path);
  return number;
};
export const readOptionalCount = (value: unknown, path: string): number | undefined => {
  const number = readOptionalInteger(value, path);
  if (number !== undefined && number < 0) throw invalid(`Invalid value for ${path}: ${number} is negative`, path);
  return number;
};

export const readOneOf = <const Values extends readonly string[]>(value: unknown, path: string, values: Values): Values[number] | undefined => {
  const text = readOptionalText(value, path);
  if (text === undefined) return undefined;
  if (!values.includes(text)) throw invalid(`Invalid value for ${path}: ${text} is not one of ${values.join(', ')}`, path);
  return text;
};
export const readTexts = (value: unknown, path: string): readonly string[] => {
  if (value == null) return [];
  if (!Array.isArray(value)) throw invalid(`Invalid value for ${path}: an array is expected`, path);
  return value.map((item, index) => readText(item, `${path}[${index}]`));
};
