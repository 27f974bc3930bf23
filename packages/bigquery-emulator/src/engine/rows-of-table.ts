// Rows of a table as the REST API gives and takes them: pages of tabledata.list, streaming inserts, sizes.
import type { DuckDBValue } from '@duckdb/node-api';
import type { Engine, TableStats } from '../engine-contract.ts';
import { BigQueryProblem } from '../problem.ts';
import { formatTableId, type TableField, type TableId } from '../types.ts';
import { bytesOfColumnSql } from '../values/size.ts';
import { columnsOf, typeOfField } from '../values/types.ts';
import { decodeRow, encodeCell } from '../values/wire.ts';
import type { Keeper } from './keeper.ts';
import { inPartitionSql } from './partitions.ts';
import { stagePlace, stageRows } from './row-stage.ts';
import type { Services } from './run.ts';
import { storeSql } from './storable.ts';
import { quoteName } from './sql-text.ts';
import { findField, sourceSql, splitDecorator, type StoredTable } from './stored-table.ts';
import { defaultSql } from './table-making.ts';
import type { Unit } from './unit.ts';

const open = (unit: Unit, id: TableId): { readonly table: StoredTable; readonly from: string } => {
  const { table: plain, partitionId } = splitDecorator(id);
  const table = unit.requireTable(plain);
  const where = partitionId === undefined ? '' : ` WHERE ${inPartitionSql(table, partitionId)}`;
  return { table, from: `${sourceSql(table, unit.isBuffered(table.uid))} AS "$t"${where}` };
};

/** BigQuery's size of the rows, as an aggregate. */
export const totalBytesSql = (fields: readonly TableField[]): string =>
  fields.length === 0 ? '0' : `coalesce(sum(${fields.map((field) => bytesOfColumnSql(quoteName(field.name), typeOfField(field))).join(' + ')}), 0)`;

export const readStats = async (services: Services, keeper: Keeper, id: TableId): Promise<TableStats> => {
  await keeper.prepare([id]);
  return services.units.atomically(async (unit) => {
    const { table, from } = open(unit, id);
    const [row] = await unit.connection.rows(`SELECT count(*), ${totalBytesSql(table.schema.fields)} FROM ${from}`);
    return { numRows: Number(row?.[0]), numBytes: Number(row?.[1]) };
  });
};

export const readRows = async (
  services: Services,
  keeper: Keeper,
  ...[id, page]: Parameters<Engine['tables']['read']>
): ReturnType<Engine['tables']['read']> => {
  await keeper.prepare([id]);
  return services.units.atomically(async (unit) => {
    const { table, from } = open(unit, id);
    const fields = page.fields === undefined ? table.schema.fields : page.fields.map((name) => selectField(table, name));
    const columns = columnsOf({ fields });
    const totalRows = await unit.connection.number(`SELECT count(*) FROM ${from}`);
    const names = fields.map(({ name }) => quoteName(name)).join(', ');
    // The numbers of rows of a result have no gaps, so that a late page costs no more than the first.
    const rest = table.isAnonymous
      ? `${from} WHERE rowid >= ${page.startIndex} AND rowid < ${page.startIndex + page.maxRows}`
      : `${from} LIMIT ${page.maxRows} OFFSET ${page.startIndex}`;
    const found = page.maxRows === 0 || fields.length === 0 ? [] : await unit.connection.rows(`SELECT ${names} FROM ${rest}`);
    const options = { useInt64Timestamp: page.useInt64Timestamp === true };
    const rows = found.map((row) => columns.map(({ type }, index) => encodeCell(row[index] as DuckDBValue, type, options)));
    return { columns, fields, rows, totalRows };
  });
};

const selectField = (table: StoredTable, name: string): TableField => {
  const field = findField(table.schema.fields, name);
  if (field === undefined) throw new BigQueryProblem('invalid', `Selected field ${name} not found in table ${formatTableId(table)}`);
  return field;
};

/** https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll */
export const insertStreamed = async (
  services: Services,
  keeper: Keeper,
  ...[id, rows, { skipInvalid, ignoreUnknown }]: Parameters<Engine['tables']['insertAll']>
): ReturnType<Engine['tables']['insertAll']> =>
  services.units.atomically(async (unit) => {
    const { table: plain, partitionId } = splitDecorator(id);
    const table = unit.requireTable(plain);
    const { fields } = table.schema;
    const withDefaults = fields.filter(({ defaultValueExpression }) => defaultValueExpression !== undefined);
    const lenient = fields.map((field) => (withDefaults.includes(field) && field.mode === 'REQUIRED' ? { ...field, mode: 'NULLABLE' as const } : field));
    const errors: { readonly index: number; readonly errors: readonly { reason: string; location: string; message: string }[] }[] = [];
    const good: (readonly DuckDBValue[])[] = [];
    for (const [index, row] of rows.entries()) {
      try {
        const decoded = decodeRow(row, lenient, { ignoreUnknown });
        const given = new Set(Object.keys(row).map((key) => key.toLowerCase()));
        good.push([...fields.map(({ name }) => decoded[name] as DuckDBValue), ...withDefaults.map(({ name }) => given.has(name.toLowerCase()))]);
      } catch (error) {
        if (!(error instanceof BigQueryProblem)) throw error;
        errors.push({ index, errors: [{ reason: error.reason, location: error.location ?? '', message: error.message }] });
      }
    }
    if (good.length === 0 || (errors.length > 0 && !skipInvalid)) return errors;
    const flagOf = (field: TableField): string => `$given_${fields.indexOf(field)}`;
    await stageRows(unit.connection, fields, withDefaults.map(flagOf), good);
    await refuseStrays(unit, table, partitionId);
    const { place, streamedAt } = await keeper.streamPlace(unit, table);
    const values = fields.map((field) => {
      const stored = storeSql(field, quoteName(field.name));
      return withDefaults.includes(field) ? `CASE WHEN ${quoteName(flagOf(field))} THEN ${stored} ELSE ${defaultSql(field)} END` : stored;
    });
    const names = [...fields.map(({ name }) => quoteName(name)), ...streamedAt.map(() => '"$streamed_at"')];
    await unit.connection.run(`INSERT INTO ${place} (${names.join(', ')}) SELECT ${[...values, ...streamedAt].join(', ')} FROM ${stagePlace}`, unit.present);
    await unit.connection.run(`DROP TABLE ${stagePlace}`);
    unit.written.set(table.uid, table);
    return errors;
  });

/** `table$20240101` takes rows of that partition alone. */
const refuseStrays = async (unit: Unit, table: StoredTable, partitionId: string | undefined): Promise<void> => {
  if (partitionId === undefined) return;
  const strays = await unit.connection.number(`SELECT count(*) FROM ${stagePlace} WHERE (${inPartitionSql(table, partitionId)}) IS NOT TRUE`);
  if (strays > 0)
    throw new BigQueryProblem(
      'invalid',
      `Some rows belong to different partitions rather than destination partition ${partitionId} of ${formatTableId(table)}`,
    );
};
