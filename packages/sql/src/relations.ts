/**
 * What is known of the types of columns while a statement is printed: of tables from whoever runs it, of subqueries and
 * CTEs from their SELECT lists. Nothing is known without `columnTypes`, and everything is printed all the same then, except
 * where a meaning depends on the type (arithmetic of NUMERIC above all).
 */
import type { GoogleType } from './google-types.ts';
import { commonType } from './printed.ts';
import type { SqlType } from './printed.ts';

export interface KnownType {
  readonly type?: SqlType | undefined;
  readonly google?: GoogleType | undefined;
}

export interface Relation {
  /** Lower case. */
  readonly alias: string;
  /** The type of a column by lower-case name, `{}` where it is not known; undefined: no such column. */
  readonly column: (name: string) => KnownType | undefined;
  /** Whether a name that `column` doesn't know is none of its columns. */
  readonly isComplete: boolean;
}

/** The columns that a query yields. */
export type Shape = Pick<Relation, 'column' | 'isComplete'> & {
  /** In order, where `*` hides none of them. */
  readonly list?: readonly (readonly [name: string, type: KnownType])[];
};

export const UNKNOWN_SHAPE: Shape = { column: () => undefined, isComplete: false };

export function relationOf(alias: string, { column, isComplete }: Shape): Relation {
  return { alias: alias.toLowerCase(), column, isComplete };
}

export function shapeOf(columns: ReadonlyMap<string, KnownType>): Shape {
  return { column: (name) => columns.get(name), isComplete: true };
}

/** Columns of the SELECT list, and of relations that `*` stands for. */
export function listShape(list: readonly (readonly [name: string, type: KnownType])[], stars: readonly Shape[]): Shape {
  const column = (name: string): KnownType | undefined => {
    const found = [...list.flatMap(([candidate, type]) => (candidate === name ? [type] : [])), ...stars.flatMap((star) => star.column(name) ?? [])];
    return found.length === 0 ? undefined : merged(found);
  };
  return { column, isComplete: stars.every((star) => star.isComplete), ...(stars.length === 0 ? { list } : {}) };
}

/** Columns of a set operation correspond by position; the left side names them. */
export function setShape({ list: left }: Shape, { list: right }: Shape): Shape {
  if (left === undefined || right === undefined) return UNKNOWN_SHAPE;
  return listShape(
    left.map(([name, type], index) => [name, merged([type, right[index]?.[1] ?? {}])]),
    [],
  );
}

/** @param levels relations of the enclosing queries, innermost last. */
export function resolveColumn(levels: readonly (readonly Relation[])[], table: string | undefined, written: string): KnownType {
  const name = written.toLowerCase();
  for (const level of levels.toReversed()) {
    const relations = table === undefined ? level : level.filter(({ alias }) => alias === table.toLowerCase());
    const found = relations.flatMap((relation) => relation.column(name) ?? []);
    if (found.length > 0) return found.length === 1 ? (found[0] as KnownType) : merged(found);
    // A column that a relation may have and nobody knows of hides the outer ones.
    if (relations.length > 0 && (table !== undefined || relations.some(({ isComplete }) => !isComplete))) return {};
    if (table !== undefined) {
      const struct = level.flatMap((relation) => relation.column(table.toLowerCase()) ?? [])[0];
      if (struct !== undefined) return fieldOf(struct.google, name);
      if (level.some(({ isComplete }) => !isComplete)) return {};
    }
  }
  return {};
}

export function fieldOf(type: GoogleType | undefined, name: string): KnownType {
  if (type?.kind !== 'STRUCT') return {};
  const field = type.fields.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
  return field === undefined ? {} : known(field.type);
}

export function elementOf(type: GoogleType | undefined): KnownType {
  return type?.kind === 'ARRAY' ? known(type.element) : {};
}

export function known(type: GoogleType): KnownType {
  return type.kind === 'ARRAY' || type.kind === 'STRUCT' ? { google: type } : { type: type.kind };
}

/** Of the sides of a set operation, or of a column that USING has in both tables. */
function merged(types: readonly KnownType[]): KnownType {
  const google = types.map((type) => JSON.stringify(type.google));
  if (google[0] !== undefined) return google.every((text) => text === google[0]) ? (types[0] as KnownType) : {};
  return { type: commonType(types.map(({ type }) => ({ sql: '', type }))) };
}

export function typeOf({ type, google }: KnownType): GoogleType | undefined {
  return google ?? (type === undefined ? undefined : { kind: type });
}

export function arrayOf(element: KnownType | undefined): GoogleType | undefined {
  const type = element === undefined ? undefined : typeOf(element);
  return type === undefined || type.kind === 'ARRAY' ? undefined : { kind: 'ARRAY', element: type };
}
