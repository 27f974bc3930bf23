// Makes target and commit log exist as declared, and tells in words where they differ.
import type { Column } from '@floodgate/core/domain/pipeline.ts';
import { WarehouseError, metadataColumns, type TableSpec, type TableComparison } from '@floodgate/core/ports/warehouse.ts';
import { declaredType, duckdbType, schemaOf } from '@floodgate/sql/duckdb/names.ts';
import {
  addColumn,
  addPreservedColumn,
  commentOnColumn,
  createCommitLog,
  createSchema,
  createTarget,
  insertFence,
  selectColumns,
  selectTables,
} from '@floodgate/sql/duckdb/prepare.ts';
import type { DuckDbSession } from './duckdb-session.ts';

type Found = { readonly name: string; readonly type: string; readonly required: boolean; readonly comment: string };

const readColumns = async (session: DuckDbSession, table: string): Promise<readonly Found[]> =>
  (await session.rows(selectColumns(table))).map(([name, type, required, comment]) => ({
    name: String(name),
    type: String(type),
    required: required === true,
    comment: comment === null ? '' : String(comment),
  }));

/** Differences that are no new nullable columns: `+` is declared and can't be added, `-` is in the table alone, `~` is otherwise. */
const differences = (target: TableSpec, found: readonly Found[]): readonly string[] => {
  const byName = new Map(found.map((each) => [each.name, each]));
  const declared = new Map<string, Column>(target.columns.map((each) => [each.name, each]));
  const lines: string[] = [];
  for (const column of target.columns) {
    const existing = byName.get(column.name);
    if (!existing) {
      if (column.required) lines.push(`+ ${column.name} ${column.type} (required: only nullable columns can be added)`);
    } else if (existing.type !== duckdbType(column.type))
      lines.push(`~ ${column.name}: declared ${column.type}, found ${existing.type === 'VARCHAR' ? 'STRING' : declaredType(existing.type)}`);
    else if (existing.required !== column.required)
      lines.push(`~ ${column.name}: declared ${column.required ? 'required' : 'nullable'}, found ${existing.required ? 'required' : 'nullable'}`);
  }
  for (const each of found) {
    if (!declared.has(each.name) && !(metadataColumns as readonly string[]).includes(each.name)) lines.push(`- ${each.name} ${declaredType(each.type)}`);
  }
  for (const name of metadataColumns) if (!byName.has(name)) lines.push(`+ ${name} (a column that Floodgate keeps; was this table made by something else?)`);
  return lines;
};

export const inspectTarget = async (session: DuckDbSession, target: TableSpec): Promise<TableComparison> => {
  const found = await readColumns(session, target.table);
  if (found.length === 0) return { state: 'absent' };
  const lines = differences(target, found);
  if (lines.length > 0) return { state: 'different', differences: lines };
  const known = new Set(found.map(({ name }) => name));
  return { state: 'as_declared', missing: target.columns.map(({ name }) => name).filter((name) => !known.has(name)) };
};

export const prepareTarget = async (session: DuckDbSession, target: TableSpec): Promise<void> => {
  const found = await readColumns(session, target.table);
  if (found.length === 0) {
    await session.transaction(async () => {
      await session.run(createSchema(schemaOf(target.table)));
      await session.run(createTarget(target));
      await session.run(createCommitLog(target.table));
      await session.run(insertFence(target.table));
      for (const column of target.columns) if (column.description !== '') await session.run(commentOnColumn(target.table, column));
    });
    return;
  }
  const lines = differences(target, found);
  if (lines.length > 0) {
    throw new WarehouseError('schema_mismatch', `${target.table} is not as declared:\n  ${lines.join('\n  ')}`, {
      hint: 'change the declaration, or rename or drop the table and fill it again',
    });
  }
  const known = new Map(found.map((each) => [each.name, each]));
  const missing = target.columns.filter((column) => !known.has(column.name));
  const described = target.columns.filter((column) => column.description !== (known.get(column.name)?.comment ?? ''));
  if (
    (await session.rows(selectColumns(target.table.replace(/[^.]*$/, (name) => `_floodgate_commits_${name}`)))).length === 0 ||
    missing.length > 0 ||
    described.length > 0
  ) {
    await session.transaction(async () => {
      await session.run(createCommitLog(target.table));
      await session.run(insertFence(target.table));
      for (const column of missing) {
        await session.run(addColumn(target.table, column));
        await session.run(addPreservedColumn(target.table, column));
      }
      for (const column of described) await session.run(commentOnColumn(target.table, column));
    });
  }
};

export type TableDescription = {
  readonly table: string;
  readonly rows: number;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly required: boolean; readonly description: string }[];
};

export const describeTables = async (session: DuckDbSession): Promise<readonly TableDescription[]> => {
  const tables = await session.rows(selectTables());
  const described: TableDescription[] = [];
  for (const [schema, name, rows] of tables) {
    const table = `${String(schema)}.${String(name)}`;
    const columns = (await readColumns(session, table)).map((column) => ({
      name: column.name,
      type: declaredType(column.type),
      required: column.required,
      description: column.comment,
    }));
    described.push({ table, rows: Number(rows), columns });
  }
  return described;
};
