// What a path, a document and a query may be, and what a query means: one answer for every store. A store that accepted
// more than the others would let code pass its tests here and fail on the other backend.
//
// Every field of a declared index holds a string or a number, or is null or absent. Documents where it is null or absent are found
// by no condition on it and left out of an order by it. Strings compare by code points, numbers come before strings.
import type { StoreIndex } from '../contracts/store-indexes.ts';
import { StoreError } from './status-store.ts';
import type { Condition, Json, JsonObject, Query } from './status-store.ts';

/** Firestore's limit. Here it is held against the UTF-8 bytes of the JSON text. */
const maxDocumentBytes = 1_048_576;
/** Firestore's limit for one `in`. */
const maxInValues = 30;

export type Scalar = string | number;

export type PathParts = {
  /** Path of the collection. */
  readonly collection: string;
  /** Last segment of the collection's path. */
  readonly group: string;
};

// Firestore's rules for ids: no `.`, `..`, `__x__`; control characters would only hide in logs.
// oxlint-disable-next-line no-control-regex
const segmentPattern = /^(?!\.{1,2}$)(?!__.*__$)[^/\u0000-\u001f\u007f]+$/;

/** What was found of paths before: the same ones are read and written again and again. */
const knownPaths = new Map<string, PathParts>();
const maxKnownPaths = 50_000;

/** Throws StoreError `invalid` for what is no document path. */
export function splitDocumentPath(path: string): PathParts {
  const known = knownPaths.get(path);
  if (known !== undefined) return known;
  if (knownPaths.size >= maxKnownPaths) knownPaths.clear();
  const parts = readDocumentPath(path);
  knownPaths.set(path, parts);
  return parts;
}

function readDocumentPath(path: string): PathParts {
  const segments = checkSegments(path, 0, 'document', 'collection and id in turn, as in backfills/b1/tasks/t1');
  const collection = path.slice(0, path.length - segments.at(-1)!.length - 1);
  return { collection, group: segments.at(-2)! };
}

/** Throws StoreError `invalid` for what is no collection path. */
function groupOfCollection(path: string): string {
  return checkSegments(path, 1, 'collection', 'an odd number of names, as in backfills/b1/tasks').at(-1)!;
}

function checkSegments(path: string, parity: 0 | 1, what: string, shape: string): readonly string[] {
  const segments = path.split('/');
  if (segments.length % 2 !== parity) throw invalid(`"${path}" is no ${what} path`, `A ${what} path has ${shape}.`);
  for (const segment of segments) {
    if (!segmentPattern.test(segment) || segment.length > 500) throw invalid(`"${path}" is no ${what} path: the name "${segment}" is not allowed`);
  }
  // So that one collection is exactly one range of paths within its group: `a/1/a/2` would lie inside the range of `a`.
  for (let i = 2; i < segments.length; i += 2) {
    if (segments.some((segment, at) => at % 2 === 0 && at < i && segment === segments[i]))
      throw invalid(`"${path}" is no ${what} path: the collection name "${segments[i]}" occurs twice`);
  }
  return segments;
}

/** Objects that freezeJson made or has seen whole: nobody can change them any more, so they are shared and not copied. */
const frozen = new WeakSet<object>();

/**
 * A deeply frozen copy that shares what is frozen already, so that a document that was read, changed in one place and
 * written back costs what changed. Throws StoreError `invalid` for what is no JSON; keys with `undefined` are left out.
 */
export function freezeJson(data: JsonObject): JsonObject {
  if (data === null || typeof data !== 'object' || Array.isArray(data)) throw invalid('a document is an object');
  return freezeValue(data, '') as JsonObject;
}

function freezeValue(value: unknown, where: string): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw invalid(`the number ${value} at "${where}" is no JSON`);
      return value;
    case 'object':
      return value === null ? null : freezeContainer(value, where);
    default:
      throw invalid(`a value of type ${typeof value} at "${where}" is no JSON`);
  }
}

function freezeContainer(value: object, where: string): Json {
  if (frozen.has(value)) return value as Json;
  const copy = Array.isArray(value) ? value.map((item, index) => freezeValue(item, `${where}[${index}]`)) : freezeObject(value, where);
  Object.freeze(copy);
  frozen.add(copy);
  return copy;
}

function freezeObject(value: object, where: string): JsonObject {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw invalid(`an instance of ${value.constructor.name} at "${where}" is no JSON`);
  const copy: Record<string, Json> = {};
  for (const key of Object.keys(value)) {
    const item: unknown = (value as Record<string, unknown>)[key];
    // JSON.parse makes `__proto__` a key of its own; an assignment would change the prototype instead.
    if (key === '__proto__') throw invalid(`the key "__proto__" at "${where}" is not allowed`);
    if (item !== undefined) copy[key] = freezeValue(item, where === '' ? key : `${where}.${key}`);
  }
  return copy;
}

/** The document's JSON text. Throws StoreError `invalid` above the size limit. */
export function documentText(path: string, data: JsonObject): string {
  const text = JSON.stringify(data);
  // A UTF-16 unit is at most 3 bytes in UTF-8: nearly every document is small enough without being counted.
  if (text.length * 3 > maxDocumentBytes) {
    const bytes = new TextEncoder().encode(text).length;
    if (bytes > maxDocumentBytes) {
      throw invalid(`${path} has ${bytes} bytes, more than the ${maxDocumentBytes} of a document`, 'Split it into several documents.');
    }
  }
  return text;
}

/** Reads a field; dots lead into nested objects. */
function fieldOf(data: JsonObject, field: string): Json | undefined {
  if (!field.includes('.')) return Object.hasOwn(data, field) ? data[field] : undefined;
  let value: Json | undefined = data;
  for (const name of field.split('.')) {
    if (value === null || typeof value !== 'object' || Array.isArray(value) || !Object.hasOwn(value, name)) return undefined;
    value = (value as JsonObject)[name];
  }
  return value;
}

/** A field as indexes hold it; dots lead into nested objects. */
export function scalarOf(data: JsonObject, field: string): Scalar | undefined {
  const value = fieldOf(data, field);
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}

/** By code points, as UTF-8 bytes would compare (SQLite, Firestore); numbers before strings. */
export function compareScalars(a: Scalar, b: Scalar): number {
  if (typeof a === 'number') return typeof b === 'number' ? a - b : -1;
  return typeof b === 'number' ? 1 : compareStrings(a, b);
}

export function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codePointRank(x) - codePointRank(y);
  }
  return a.length - b.length;
}

/** A surrogate stands for a code point above every unit of its own plane. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** A query that a store may run: in the words of one declared index. */
export type CheckedQuery = {
  readonly group: string;
  /** Undefined for a whole group. */
  readonly collection: string | undefined;
  /** Undefined where path order and group are all that it needs. */
  readonly index: StoreIndex | undefined;
  readonly equal: readonly { readonly field: string; readonly values: readonly Scalar[] }[];
  readonly ranges: readonly { readonly field: string; readonly op: '<' | '<=' | '>' | '>='; readonly value: Scalar }[];
  readonly orderBy: Query['orderBy'] | undefined;
  readonly limit: number | undefined;
};

/** The declared indexes, looked up by group. */
export type IndexCatalog = {
  readonly indexesOf: (group: string) => readonly StoreIndex[];
  readonly fieldsOf: (group: string) => readonly string[];
};

const fieldPattern = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/;
const groupPattern = /^[A-Za-z][A-Za-z0-9_]*$/;

export function createIndexCatalog(indexes: readonly StoreIndex[]): IndexCatalog {
  const byGroup = new Map<string, readonly StoreIndex[]>();
  for (const index of indexes) {
    const names = [...index.fields];
    if (!groupPattern.test(index.group) || names.length === 0 || new Set(names).size !== names.length || !names.every((name) => fieldPattern.test(name))) {
      throw invalid(`the index ${describeIndex(index.group, index.fields)} is not well formed`);
    }
    byGroup.set(index.group, [...(byGroup.get(index.group) ?? []), index]);
  }
  const fields = new Map([...byGroup].map(([group, list]) => [group, [...new Set(list.flatMap((index) => index.fields))]]));
  return { indexesOf: (group) => byGroup.get(group) ?? [], fieldsOf: (group) => fields.get(group) ?? [] };
}

/** Throws StoreError `invalid` where an indexed field of a document holds what no index can compare. */
export function checkIndexedFields(catalog: IndexCatalog, group: string, path: string, data: JsonObject): void {
  for (const field of catalog.fieldsOf(group)) {
    const value = fieldOf(data, field);
    if (value !== undefined && value !== null && typeof value !== 'string' && typeof value !== 'number') {
      throw invalid(`${path}: the indexed field "${field}" must be a string, a number or null`, 'A boolean that is queried is better a state with a name.');
    }
  }
}

/** Throws StoreError `invalid`, naming the index to declare, for a query that no declared index serves. */
export function checkQuery(query: Query, catalog: IndexCatalog): CheckedQuery {
  const collection = 'collection' in query ? query.collection : undefined;
  const group = 'collection' in query ? groupOfCollection(query.collection) : query.group;
  if (query.limit !== undefined && !(Number.isInteger(query.limit) && query.limit > 0))
    throw invalid(`the limit ${query.limit} is not a positive whole number`);
  const conditions = query.where ?? [];
  const equal = conditions.filter((condition) => condition.op === '==' || condition.op === 'in').map(checkEquality);
  const ranges = conditions.filter((condition) => condition.op !== '==' && condition.op !== 'in').map(checkRange);
  const orderBy = query.orderBy;

  const equalFields = equal.map((condition) => condition.field);
  const tailFields = [...new Set([...ranges.map((range) => range.field), ...(orderBy === undefined ? [] : [orderBy.field])])];
  if (new Set(equalFields).size !== equalFields.length) throw invalid('a query compares a field for equality once');
  if (tailFields.length > 1) throw invalid(`a query has its ranges and its order on one field, not on ${tailFields.join(' and ')}`);
  if (tailFields.some((field) => equalFields.includes(field))) throw invalid(`a query can't both fix "${tailFields[0]}" and range or order over it`);
  const used = [...equalFields, ...tailFields];
  const index = used.length === 0 ? undefined : findIndex(catalog.indexesOf(group), equalFields, tailFields[0]);
  if ((used.length > 0 && index === undefined) || (collection === undefined && catalog.indexesOf(group).length === 0)) {
    const missing = describeIndex(group, used);
    throw invalid(
      `no declared index serves this query over ${collection ?? `all ${group}`}: it needs ${missing}`,
      `Add ${missing} to storeIndexes in packages/core/src/contracts/store-indexes.ts.`,
    );
  }
  return { group, collection, index, equal, ranges, orderBy, limit: query.limit };
}

/** Prefers an index that the query uses up: its entries then come in path order and by collection. */
function findIndex(indexes: readonly StoreIndex[], equalFields: readonly string[], tail: string | undefined): StoreIndex | undefined {
  const used = equalFields.length + (tail === undefined ? 0 : 1);
  return indexes
    .filter((index) => equalFields.every((field) => index.fields.slice(0, equalFields.length).includes(field)))
    .filter((index) => tail === undefined || index.fields[equalFields.length] === tail)
    .sort((a, b) => Math.abs(a.fields.length - used) - Math.abs(b.fields.length - used))[0];
}

function checkEquality({ field, op, value }: Condition): CheckedQuery['equal'][number] {
  if (op === '==') return { field, values: [checkScalar(field, value)] };
  if (!Array.isArray(value) || value.length === 0 || value.length > maxInValues) throw invalid(`"in" on "${field}" takes 1 to ${maxInValues} values`);
  return { field, values: [...new Set((value as readonly Json[]).map((item) => checkScalar(field, item)))] };
}

function checkRange({ field, op, value }: Condition): CheckedQuery['ranges'][number] {
  if (op === '==' || op === 'in') throw invalid(`${op} is no range`);
  return { field, op, value: checkScalar(field, value) };
}

function checkScalar(field: string, value: Json): Scalar {
  if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) return value;
  throw invalid(`a condition on "${field}" compares with a string or a number, not with ${JSON.stringify(value)}`);
}

/** Whether a document of the query's group is in its result. */
export function matchesQuery(query: CheckedQuery, collection: string, data: JsonObject): boolean {
  if (query.collection !== undefined && query.collection !== collection) return false;
  if (query.orderBy !== undefined && scalarOf(data, query.orderBy.field) === undefined) return false;
  return (
    query.equal.every(({ field, values }) => {
      const value = scalarOf(data, field);
      return value !== undefined && values.includes(value);
    }) && query.ranges.every(({ field, op, value }) => holdsRange(scalarOf(data, field), op, value))
  );
}

function holdsRange(actual: Scalar | undefined, op: '<' | '<=' | '>' | '>=', bound: Scalar): boolean {
  if (actual === undefined || typeof actual !== typeof bound) return false;
  const order = compareScalars(actual, bound);
  switch (op) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

/** The order of a query's result: its own, ties by path. */
export function compareForQuery(
  query: CheckedQuery,
  a: { readonly path: string; readonly data: JsonObject },
  b: { readonly path: string; readonly data: JsonObject },
): number {
  if (query.orderBy !== undefined) {
    const { field, direction } = query.orderBy;
    const order = compareScalars(scalarOf(a.data, field)!, scalarOf(b.data, field)!);
    if (order !== 0) return direction === 'asc' ? order : -order;
  }
  return compareStrings(a.path, b.path);
}

function describeIndex(group: string, fields: readonly string[]): string {
  return `{ group: '${group}', fields: [${fields.map((field) => `'${field}'`).join(', ')}] }`;
}

function invalid(message: string, hint?: string): StoreError {
  return new StoreError('invalid', message, hint === undefined ? {} : { hint });
}
