// Writing the rows of a query, a load or a copy into a table by dispositions.
// https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationQuery
import { refusePartitionsOfJob } from '@floodgate/cloud-limits/refusals.ts';
import type { Destination } from '../engine-contract.ts';
import { BigQueryProblem } from '../problem.ts';
import { formatTableId, type TableField, type TableId } from '../types.ts';
import { formatType, typeOfField } from '../values/types.ts';
import { inPartitionSql, partitionIdSql } from './partitions.ts';
import type { PartitionLimits, Services } from './run.ts';
import { columnsSql, storeSql } from './storable.ts';
import { quoteName, textLiteral } from './sql-text.ts';
import { findField, placeOf, samePartitioning, type StoredTable } from './stored-table.ts';
import { defaultSql, draftTable } from './table-making.ts';
import type { Unit } from './unit.ts';

export type WrittenRows = { readonly table: StoredTable; readonly rows: number; readonly partitions: readonly string[] };

/** Rows that lie in a temporary table, whose columns have the names of `fields`. */
export type StagedRows = { readonly place: string; readonly fields: readonly TableField[] };

const alreadyExists = (id: TableId): BigQueryProblem => new BigQueryProblem('duplicate', `Already Exists: Table ${formatTableId(id)}`);

export const writeStaged = async (
  services: Services,
  unit: Unit,
  staged: StagedRows,
  destination: Destination,
  replacesSchema: 'query' | 'load',
): Promise<WrittenRows> => {
  const existing = unit.table(destination.table);
  if (existing === undefined) {
    if (destination.create === 'CREATE_NEVER') throw new BigQueryProblem('notFound', `Not found: Table ${formatTableId(destination.table)}`);
    return writeNew(services, unit, staged, destination, undefined);
  }
  for (const key of ['partitioning', 'clustering'] as const) {
    if (destination[key] === undefined) continue;
    const isSame =
      key === 'partitioning'
        ? samePartitioning(existing.partitioning, destination.partitioning)
        : JSON.stringify(existing.clustering) === JSON.stringify(destination.clustering);
    if (!isSame) throw new BigQueryProblem('invalid', `Incompatible table ${key} specification of table ${formatTableId(existing)}`);
  }
  if (destination.write === 'WRITE_EMPTY') {
    const where = destination.partitionId === undefined ? '' : ` WHERE ${inPartitionSql(existing, destination.partitionId)}`;
    if ((await unit.connection.number(`SELECT count(*) FROM (SELECT 1 FROM ${placeOf(existing)}${where} LIMIT 1)`)) > 0) throw alreadyExists(destination.table);
  }
  if (destination.write === 'WRITE_TRUNCATE') {
    if (destination.partitionId === undefined) return writeNew(services, unit, staged, destination, existing);
    services.units.enterTable(unit, existing);
    unit.noteTouched(existing, [destination.partitionId]);
    await unit.connection.run(`DELETE FROM ${placeOf(existing)} WHERE ${inPartitionSql(existing, destination.partitionId)}`);
  }
  assertCompatible(existing, staged.fields, replacesSchema);
  return insertStaged(services, unit, existing, staged, destination.partitionId);
};

const writeNew = async (
  services: Services,
  unit: Unit,
  staged: StagedRows,
  destination: Destination,
  existing: StoredTable | undefined,
): Promise<WrittenRows> => {
  // A table that is overwritten keeps how it is split, and gives up its schema.
  const fields = destination.schema?.fields ?? staged.fields;
  const kept = existing === undefined ? {} : { requirePartitionFilter: existing.requirePartitionFilter, properties: existing.properties };
  const expiresAt = destination.expiresAt ?? existing?.expiresAt;
  const partitioning = destination.partitioning ?? existing?.partitioning;
  const clustering = destination.clustering ?? existing?.clustering;
  const table = draftTable(services, unit, {
    ...destination.table,
    schema: { fields },
    requirePartitionFilter: destination.requirePartitionFilter ?? false,
    properties: {},
    ...kept,
    ...(partitioning === undefined ? {} : { partitioning }),
    ...(clustering === undefined ? {} : { clustering }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  });
  await unit.connection.run(`CREATE TABLE ${placeOf(table)} (${columnsSql(fields)})`);
  unit.changes.push({ kind: 'table', id: destination.table, before: unit.tableOrRemains(destination.table), after: table });
  return insertStaged(services, unit, table, staged, destination.partitionId);
};

/** Columns that the staged rows don't have get their defaults. */
export const insertStaged = async (
  services: Services,
  unit: Unit,
  table: StoredTable,
  staged: StagedRows,
  partitionId: string | undefined,
): Promise<WrittenRows> => {
  const { connection } = unit;
  const partition = partitionIdSql(table.partitioning);
  if (table.partitioning !== undefined && partitionId !== undefined) {
    const [stray] = await connection.rows(`SELECT ${partition} FROM ${staged.place} WHERE ${partition} <> ${textLiteral(partitionId)} LIMIT 1`);
    if (stray !== undefined)
      throw new BigQueryProblem(
        'invalid',
        `Some rows belong to different partitions rather than destination partition ${partitionId} of ${formatTableId(table)}, such as ${String(stray[0])}`,
      );
  }
  const written =
    table.partitioning === undefined
      ? []
      : (await connection.rows(`SELECT DISTINCT ${partition} AS id FROM ${staged.place} ORDER BY id`)).map(([id]) => String(id));
  await assertWithinLimits(services.partitionLimits, unit, table, written);
  const values = table.schema.fields.map((field) => {
    const source = findField(staged.fields, field.name);
    return source === undefined ? defaultSql(field) : storeSql(field, quoteName(source.name));
  });
  const rows = await connection.change(`INSERT INTO ${placeOf(table)} SELECT ${values.join(', ')} FROM ${staged.place}`, unit.present);
  unit.written.set(table.uid, table);
  return { table, rows, partitions: written };
};

const assertWithinLimits = async (limits: PartitionLimits | undefined, unit: Unit, table: StoredTable, written: readonly string[]): Promise<void> => {
  if (limits === undefined) return;
  if (written.length > limits.perJob) {
    const { reason, message } = refusePartitionsOfJob(written.length);
    throw new BigQueryProblem(reason, message, 'query');
  }
  if (written.length === 0) return;
  const partition = partitionIdSql(table.partitioning);
  const others = await unit.connection.number(
    `SELECT count(DISTINCT ${partition}) FROM ${placeOf(table)} WHERE ${partition} NOT IN (${written.map(textLiteral).join(', ')})`,
  );
  if (others + written.length > limits.perTable)
    throw new BigQueryProblem('invalidQuery', `Too many partitions of table ${formatTableId(table)}: at most ${limits.perTable} are allowed`, 'query');
};

/** What is appended must have the table's columns, by name. */
const assertCompatible = (table: StoredTable, fields: readonly TableField[], source: 'query' | 'load'): void => {
  const refuse = (detail: string): BigQueryProblem =>
    new BigQueryProblem(
      source === 'query' ? 'invalidQuery' : 'invalid',
      source === 'query' ? `Invalid schema update. ${detail}` : `Provided Schema does not match Table ${formatTableId(table)}. ${detail}`,
    );
  for (const field of fields) {
    const present = findField(table.schema.fields, field.name);
    if (present === undefined) throw refuse(`Cannot add fields (field: ${field.name})`);
    const [from, to] = [present, field].map((one) => formatType(typeOfField(one)));
    if (from !== to) throw refuse(`Field ${field.name} has changed type from ${from} to ${to}`);
  }
  for (const field of table.schema.fields)
    if (field.mode === 'REQUIRED' && field.defaultValueExpression === undefined && findField(fields, field.name) === undefined)
      throw refuse(`Cannot omit the REQUIRED field ${field.name}`);
};
