// Values that a DML statement gives to columns: INSERT's rows, and the SET of UPDATE and MERGE with its paths into STRUCTs.
import type { Assignment, Value } from '@floodgate/sql/translated-statement.ts';
import { BigQueryProblem } from '../problem.ts';
import type { SqlType, TableField } from '../types.ts';
import { typeOfField } from '../values/types.ts';
import type { Work } from './run.ts';
import { coerceSql, storeSql } from './storable.ts';
import { quoteName, textLiteral } from './sql-text.ts';
import { findField, type StoredTable } from './stored-table.ts';
import { defaultSql } from './table-making.ts';

export const requireField = (table: StoredTable, name: string): TableField => {
  const field = findField(table.schema.fields, name);
  if (field === undefined) throw new BigQueryProblem('invalidQuery', `Column ${name} is not present in table ${table.tableId}`, 'query');
  return field;
};

/** Expressions by field, in the types that DuckDB computes; `from` is where they are evaluated. */
type Computed = { readonly field: TableField; readonly path: readonly string[]; readonly expression: string };

const isDefault = (value: Value): value is Exclude<Value, string> => typeof value !== 'string';

/** DuckDB is asked for the types of so many expressions at once. */
const describedAtOnce = 500;

/** The expressions with the names of STRUCT fields that the columns have. Asks DuckDB for the types without running anything. */
const coerceAll = async ({ unit, bindings }: Work, computed: readonly Computed[], from: string): Promise<readonly string[]> => {
  const coerced: string[] = [];
  for (let start = 0; start < computed.length; start += describedAtOnce) {
    const some = computed.slice(start, start + describedAtOnce);
    const found = await unit.connection.describe(`SELECT ${some.map(({ expression }) => expression).join(', ')} ${from}`, bindings);
    for (const [index, { field, path, expression }] of some.entries()) {
      const type = found[index]?.type;
      if (type === undefined) throw new BigQueryProblem('internalError', `DuckDB told no type of ${path.join('.')}`);
      coerced.push(coerceSql(expression, type, typeAt(typeOfField(field), path.slice(1)), `the column ${path.join('.')}`));
    }
  }
  return coerced;
};

const typeAt = (type: SqlType, path: readonly string[]): SqlType => {
  const [name, ...rest] = path;
  if (name === undefined) return type;
  const field = type.kind === 'STRUCT' ? type.fields.find((one) => one.name.toLowerCase() === name.toLowerCase()) : undefined;
  if (field === undefined) throw new BigQueryProblem('invalidQuery', `Cannot access field ${name}`, 'query');
  return typeAt(field.type, rest);
};

/** For each row one expression per column of the table, in its order. `columns` absent: all. */
export const insertedRows = async (
  work: Work,
  table: StoredTable,
  columns: readonly string[] | undefined,
  rows: readonly (readonly Value[])[],
  from: string,
): Promise<readonly (readonly string[])[]> => {
  const named = (columns ?? table.schema.fields.map(({ name }) => name)).map((name) => requireField(table, name));
  for (const values of rows)
    if (named.length !== values.length)
      throw new BigQueryProblem('invalidQuery', `Inserted row has wrong column count; Has ${values.length}, expected ${named.length}`, 'query');
  const computed = rows.flatMap((values) =>
    named.flatMap((field, index): Computed[] => {
      const value = values[index] as Value;
      return isDefault(value) ? [] : [{ field, path: [field.name], expression: value }];
    }),
  );
  const coerced = (await coerceAll(work, computed, from)).values();
  return rows.map((values) => {
    const given = new Map(named.map((field, index) => [field.name, isDefault(values[index] as Value) ? undefined : (coerced.next().value as string)]));
    return table.schema.fields.map((field) => {
      const value = given.get(field.name);
      return value === undefined ? defaultSql(field) : storeSql(field, value);
    });
  });
};

/** One expression per column of the table for a row that is updated: what is not assigned stays. */
export const updatedRow = async (work: Work, table: StoredTable, alias: string, set: readonly Assignment[], from: string): Promise<readonly string[]> => {
  const given = set.filter((one): one is Assignment & { readonly value: string } => !isDefault(one.value));
  const computed = given.map(({ path, value }): Computed => ({ field: requireField(table, path[0] as string), path, expression: value }));
  const coerced = (await coerceAll(work, computed, from)).values();
  const coercedSet = set.map((one): Assignment => (isDefault(one.value) ? one : { path: one.path, value: coerced.next().value as string }));
  for (const { path } of set) requireField(table, path[0] as string);
  return table.schema.fields.map((field) => {
    const own = coercedSet.filter(({ path }) => path[0]?.toLowerCase() === field.name.toLowerCase());
    const old = `${quoteName(alias)}.${quoteName(field.name)}`;
    const [first] = own;
    if (first === undefined) return old;
    if (first.path.length === 1) return isDefault(first.value) ? defaultSql(field) : storeSql(field, first.value);
    return storeSql(
      field,
      rebuilt(
        typeOfField(field),
        old,
        own.map(({ path, value }) => ({ path: path.slice(1), value })),
      ),
    );
  });
};

/** The STRUCT with some of its fields replaced. */
const rebuilt = (type: SqlType, old: string, set: readonly Assignment[]): string => {
  if (type.kind !== 'STRUCT') throw new BigQueryProblem('invalidQuery', 'Only a field of a STRUCT can be assigned by its path', 'query');
  const entries = type.fields.map(({ name, type: inner }) => {
    const own = set.filter(({ path }) => path[0]?.toLowerCase() === name.toLowerCase());
    const present = `struct_extract(${old}, ${textLiteral(name)})`;
    const [first] = own;
    if (first === undefined) return `${quoteName(name)} := ${present}`;
    if (first.path.length > 1)
      return `${quoteName(name)} := ${rebuilt(
        inner,
        present,
        own.map(({ path, value }) => ({ path: path.slice(1), value })),
      )}`;
    return `${quoteName(name)} := ${isDefault(first.value) ? 'NULL' : first.value}`;
  });
  return `CASE WHEN ${old} IS NULL THEN error('Cannot set field of NULL STRUCT') ELSE struct_pack(${entries.join(', ')}) END`;
};
