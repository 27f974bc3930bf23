// What a statement reads: the bytes that BigQuery would bill, and whether it may without a filter on the partition column.
import { BigQueryProblem } from '../problem.ts';
import { bytesOfColumnSql } from '../values/size.ts';
import { typeOfField } from '../values/types.ts';
import type { Bindings } from './database.ts';
import { partitionIdSql } from './partitions.ts';
import { isExactFor, type Scan } from './scan-plan.ts';
import type { Services } from './run.ts';
import { quoteName } from './sql-text.ts';
import { findField, placeOf, sourceSql, type StoredTable } from './stored-table.ts';
import type { Unit } from './unit.ts';

/** A query that the statement amounts to, for the planner. */
export type Reading = {
  readonly sql: string;
  /** For temporary tables that the query names. */
  readonly setup?: readonly string[];
  /** Its rows are updated or deleted: all columns count. */
  readonly changes?: StoredTable;
  /** A MERGE ON FALSE reads nothing of its target. */
  readonly mayVanish?: StoredTable;
};

/** Throws where a table that wants a partition filter is read without one. */
export const readScans = async (
  services: Services,
  unit: Unit,
  readings: readonly Reading[],
  tables: readonly StoredTable[],
  bindings: Bindings,
  statementSql: string,
): Promise<readonly Scan[]> => {
  const scans: Scan[] = [];
  for (const reading of readings) {
    const texts = [...(reading.setup ?? []), reading.sql].map((text) =>
      tables.reduce((rest, table) => rest.replaceAll(sourceSql(table, true), placeOf(table)), text),
    );
    const mentioned = tablesIn(texts.join('\n'), unit, tables);
    const found = await services.planner.plan(texts.at(-1) as string, bindings, mentioned, texts.slice(0, -1));
    // INFORMATION_SCHEMA reads tables, too, and asks nothing for it.
    const own = found.filter((scan) => tables.some(({ uid }) => uid === scan.table.uid));
    assertFiltered(reading, mentioned, own, statementSql);
    // The questions of a MERGE go to the same target and source, which are billed once.
    const earlier = scans.splice(0);
    scans.push(...own.map((scan) => withAllColumns(scan, reading.changes)));
    for (const scan of earlier) {
      const index = scans.findIndex(({ table }) => table.uid === scan.table.uid);
      if (index < 0) scans.push(scan);
      else scans[index] = union(scans[index] as Scan, scan);
    }
  }
  return scans;
};

const assertFiltered = ({ mayVanish }: Reading, mentioned: readonly StoredTable[], scans: readonly Scan[], statementSql: string): void => {
  for (const table of mentioned) {
    if (!table.requirePartitionFilter || table.partitioning === undefined) continue;
    const own = scans.filter((scan) => scan.table.uid === table.uid);
    if (own.length === 0 && mayVanish?.uid === table.uid) continue;
    if (own.length === 0 || own.some(({ partitionFilters }) => !isFiltered(partitionFilters, statementSql)))
      throw missingFilter(table, table.partitioning.field);
  }
};

const withAllColumns = (scan: Scan, changed: StoredTable | undefined): Scan =>
  scan.table.uid === changed?.uid ? { ...scan, columns: scan.table.schema.fields.map(({ name }) => name.toLowerCase()) } : scan;

const union = (a: Scan, b: Scan): Scan => ({
  table: a.table,
  columns: [...new Set([...a.columns, ...b.columns])],
  partitionFilters: a.partitionFilters.length === 0 ? [] : b.partitionFilters.length === 0 ? [] : a.partitionFilters,
});

/** DuckDB adds `IS NOT NULL` where a join implies it; that is no filter unless the statement itself has one. */
const isFiltered = (filters: readonly string[], statementSql: string): boolean =>
  filters.some((filter) => !/^\(?"?\w+"? IS NOT NULL\)?$/i.test(filter.trim()) || /\bIS\s+NOT\s+NULL\b/i.test(statementSql));

// https://docs.cloud.google.com/bigquery/docs/querying-partitioned-tables#require_a_partition_filter_in_queries
const missingFilter = ({ projectId, datasetId, tableId }: StoredTable, column: string): BigQueryProblem =>
  new BigQueryProblem(
    'invalidQuery',
    `Cannot query over table '${projectId}.${datasetId}.${tableId}' without a filter over column(s) '${column}' that can be used for partition elimination`,
    'query',
  );

const tablesIn = (text: string, unit: Unit, known: readonly StoredTable[]): readonly StoredTable[] => {
  const uids = new Set([...text.matchAll(/\bdata\.t(\d+)\b/g)].map(([, uid]) => Number(uid)));
  const found = known.filter(({ uid }) => uids.has(uid));
  if (found.length === uids.size) return found;
  return [...new Map([...found, ...[...unit.view.tables.values()].filter(({ uid }) => uids.has(uid))].map((table) => [table.uid, table])).values()];
};

/** Sums over the columns that are read, of the partitions that the filters leave. Results of queries cost nothing again. */
export const bytesOf = async (unit: Unit, scans: readonly Scan[]): Promise<number> => {
  let bytes = 0;
  for (const { table, columns, partitionFilters } of scans) {
    const fields = table.schema.fields.filter(({ name }) => columns.includes(name.toLowerCase()));
    if (fields.length === 0 || table.isAnonymous) continue;
    const size = fields.map((field) => bytesOfColumnSql(quoteName(field.name), typeOfField(field))).join(' + ');
    const { partitioning } = table;
    const filter = partitioning === undefined || partitionFilters.length === 0 ? undefined : partitionFilters.map((text) => `(${text})`).join(' AND ');
    const exact = partitioning !== undefined && isExactFor(partitioning, findField(table.schema.fields, partitioning.field)?.type ?? '');
    const where =
      filter === undefined
        ? ''
        : exact
          ? ` WHERE ${filter}`
          : ` WHERE ${partitionIdSql(partitioning)} IN (SELECT DISTINCT ${partitionIdSql(partitioning)} FROM ${placeOf(table)} WHERE ${filter})`;
    bytes += await unit.connection.number(`SELECT sum(${size}) FROM ${placeOf(table)}${where}`);
  }
  return bytes;
};
