// Stagings that exist: tables of the staging dataset, found by a prefix, each with its dates in its description.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import { WarehouseError, type QueryResult, type TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { stagingPrefix, stagingTable } from '@floodgate/sql/googlesql/names.ts';
import { createPreserved, holdsDate, selectStagedRows } from '@floodgate/sql/googlesql/stage.ts';
import type { BigQueryContext } from './bigquery-context.ts';
import { isNotFound } from './bigquery-errors.ts';
import { getTable, tableUri } from './bigquery-tables.ts';

/** For people, who look into what was quarantined and accept or reject it. */
const preservedHours = 30 * 24;
/** Rows of code are loaded into a table of their own before their staging is made of it; no staging's name ends so. */
const rowsSuffix = '-rows';
const pageTables = 1_000;

const tableOf = (context: BigQueryContext, target: TableSpec, staging: string): string => stagingTable(context.settings.stagingDataset, target.table, staging);

/** Where the rows of a staging are loaded. */
export const loadedTable = (context: BigQueryContext, target: TableSpec, staging: string): string => `${tableOf(context, target, staging)}${rowsSuffix}`;

export const stagingMissing = (target: TableSpec, names: readonly string[]): WarehouseError =>
  new WarehouseError('staging_missing', `staged rows of ${target.table} are gone: ${names.join(', ')}`, {
    missing: names,
    hint: 'these dates are computed again',
  });

/** Whether it was there. */
export const dropTable = async ({ jobs }: BigQueryContext, table: string, signal: AbortSignal): Promise<boolean> => {
  try {
    await jobs.calls.call({ method: 'DELETE', uri: tableUri(table) }, signal);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
};

/** Loaded rows are dropped where no staging came to be of them. Where both are there, they are listed again and dropped the next time. */
export const dropStagings = async (context: BigQueryContext, target: TableSpec, stagings: readonly string[], signal: AbortSignal): Promise<void> => {
  await Promise.all(
    stagings.map(async (staging) => {
      if (!(await dropTable(context, tableOf(context, target, staging), signal))) await dropTable(context, loadedTable(context, target, staging), signal);
    }),
  );
};

/** Those of `wanted` that are gone, or do not hold the date that is wanted of them. */
export const findMissing = async (
  context: BigQueryContext,
  target: TableSpec,
  wanted: readonly { readonly staging: string; readonly date: PartitionDate }[],
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const names = [...new Set(wanted.map(({ staging }) => staging))];
  const descriptions = new Map(
    await Promise.all(
      names.map(async (name) => [name, (await getTable(context, tableOf(context, target, name), signal))?.description as string | undefined] as const),
    ),
  );
  return [...new Set(wanted.filter(({ staging, date }) => !holdsDate(descriptions.get(staging), date)).map(({ staging }) => staging))].sort();
};

/** Rows that were loaded stand for the staging that is being made of them: whoever uses that name uses them. */
export const listStagings = async ({ jobs, settings }: BigQueryContext, target: TableSpec, signal: AbortSignal): Promise<readonly string[]> => {
  const prefix = stagingPrefix(target.table);
  const names = new Set<string>();
  let pageToken: string | undefined;
  do {
    const qs = { maxResults: pageTables, ...(pageToken === undefined ? {} : { pageToken }) };
    const page = await jobs.calls.call({ method: 'GET', uri: `/datasets/${settings.stagingDataset}/tables`, qs }, signal);
    for (const { tableReference } of (page.tables ?? []) as readonly { readonly tableReference: { readonly tableId: string } }[]) {
      const { tableId } = tableReference;
      if (tableId.startsWith(prefix)) names.add(tableId.slice(prefix.length, tableId.endsWith(rowsSuffix) ? -rowsSuffix.length : undefined));
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return [...names].sort();
};

export const readStagedRows = async (
  context: BigQueryContext,
  target: TableSpec,
  staging: string,
  date: PartitionDate,
  maxRows: number,
  signal: AbortSignal,
): Promise<QueryResult> => {
  if ((await findMissing(context, target, [{ staging, date }], signal)).length > 0) throw stagingMissing(target, [staging]);
  const { rows } = await context.jobs.query({ sql: selectStagedRows(target, tableOf(context, target, staging), date, maxRows), maxRows }, signal);
  return { columns: target.columns.map(({ name, type }) => ({ name, type })), rows };
};

/** Idempotent: preserving again under the same name replaces it. */
export const preserveDate = async (
  context: BigQueryContext,
  target: TableSpec,
  staging: string,
  date: PartitionDate,
  preserved: string,
  signal: AbortSignal,
): Promise<void> => {
  if ((await findMissing(context, target, [{ staging, date }], signal)).length > 0) throw stagingMissing(target, [staging]);
  const table = tableOf(context, target, preserved);
  if (staging === preserved) {
    const expirationTime = String(context.clock.now() + preservedHours * 3_600_000);
    await context.jobs.calls.call({ method: 'PATCH', uri: tableUri(table), json: { expirationTime } }, signal);
    return;
  }
  const sql = createPreserved({ target, table, dates: [date], expiresInHours: preservedHours }, tableOf(context, target, staging));
  await context.jobs.query({ sql, labels: { floodgate: 'preserve' } }, signal);
};
