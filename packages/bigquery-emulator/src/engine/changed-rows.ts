// Rows that a statement updates or deletes: found first, into a temporary table, then taken out and put back as they are now.
// DuckDB's own UPDATE and MERGE would not tell which partitions they touch, nor that a row is hit twice.
import { formatTableId } from '../types.ts';
import { partitionIdSql } from './partitions.ts';
import { invalidQuery, type Work } from './run.ts';
import { quoteName } from './sql-text.ts';
import { bufferOf, placeOf, type StoredTable } from './stored-table.ts';

/** Temporary tables have `$rid` (the row), `$pid` (its partition), and, where rows come back, a column for each of the table's. */
export const rowNumber = '"$rid"';
const partitionOf = '"$pid"';
export const newColumns = (table: StoredTable): readonly string[] => table.schema.fields.map((_, index) => `"$n${index}"`);

/** A FROM item of the target under its alias; rows that are still buffered have negative numbers. */
export const targetSql = (run: Work, table: StoredTable, alias: string): string => {
  if (!run.unit.isBuffered(table.uid)) return `${placeOf(table)} AS ${quoteName(alias)}`;
  const columns = table.schema.fields.map(({ name }) => quoteName(name)).join(', ');
  return `(SELECT rowid AS rowid, ${columns} FROM ${placeOf(table)} UNION ALL SELECT -1 - rowid AS rowid, ${columns} FROM ${bufferOf(table)}) AS ${quoteName(alias)}`;
};

export const headSql = (table: StoredTable, alias: string): string =>
  `${quoteName(alias)}.rowid AS ${rowNumber}, ${partitionIdSql(table.partitioning, alias)} AS ${partitionOf}`;

/** Refuses rows of the streaming buffer, and notes the partitions for conflicts. `changed` is a query with `$rid` and `$pid`. */
export const noteChanged = async (
  run: Work,
  table: StoredTable,
  changed: string,
  what: 'UPDATE or DELETE' | 'UPDATE, MERGE or DELETE' | 'TRUNCATE',
): Promise<void> => {
  const { unit } = run;
  const partitions = (await unit.connection.rows(`SELECT DISTINCT ${partitionOf} FROM (${changed})`)).map(([id]) => String(id));
  unit.noteTouched(table, partitions);
  if (!unit.isBuffered(table.uid)) return;
  // https://docs.cloud.google.com/bigquery/docs/data-manipulation-language#limitations
  if ((await unit.connection.number(`SELECT count(*) FROM (${changed}) WHERE ${rowNumber} < 0`)) > 0)
    throw invalidQuery(
      `${what} statement over table ${formatTableId(table).replace(':', '.')} would affect rows in the streaming buffer, which is not supported`,
    );
};

export const refuseSecondMatch = async (run: Work, changed: string): Promise<void> => {
  const [twice] = await run.unit.connection.rows(`SELECT 1 FROM (${changed}) GROUP BY ${rowNumber} HAVING count(*) > 1 LIMIT 1`);
  // https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_statement
  if (twice !== undefined) throw invalidQuery('UPDATE/MERGE must match at most one source row for each target row');
};

export const deleteChanged = (run: Work, table: StoredTable, changed: string): Promise<number> =>
  run.unit.connection.change(`DELETE FROM ${placeOf(table)} WHERE rowid IN (SELECT ${rowNumber} FROM (${changed}))`);
