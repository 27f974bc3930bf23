// Makes target and commit log exist as declared, and tells in words where they differ. Invariant: a target that is prepared
// has a log with exactly one fence row.
import type { Column } from '@floodgate/core/domain/pipeline.ts';
import { WarehouseError, metadataColumns, type TableSpec, type TableComparison } from '@floodgate/core/ports/warehouse.ts';
import { createCommitLog } from '@floodgate/sql/googlesql/prepare.ts';
import { commitLogName, datasetOf, elementType, nameOf } from '@floodgate/sql/googlesql/names.ts';
import type { MaybeResource, Resource } from './bigquery-client.ts';
import type { BigQueryContext } from './bigquery-context.ts';
import { isDuplicate, isNotFound, isPreconditionFailed } from './bigquery-errors.ts';
import type { GcpSettings } from './settings.ts';
import { scalarName, typeName, type Field } from './bigquery-values.ts';

const metadataTypes: Readonly<Record<(typeof metadataColumns)[number], string>> = {
  _row_hash: 'STRING',
  _generation: 'INT64',
  _backfill_id: 'STRING',
  processed_at: 'TIMESTAMP',
};

/** https://cloud.google.com/bigquery/docs/clustered-tables#cluster_column_types: no FLOAT64, BYTES, JSON or ARRAY; four at most. */
const clusteringTypes: readonly string[] = ['STRING', 'INT64', 'NUMERIC', 'BOOL', 'DATE', 'TIMESTAMP'];
const maxClusteringColumns = 4;
const changeTries = 5;

export const fieldOf = (column: Column): Field => {
  const element = elementType(column.type);
  return {
    name: column.name,
    type: element ?? column.type,
    // A REPEATED field is never NULL, so that `required` says nothing of it.
    mode: element !== undefined ? 'REPEATED' : column.required ? 'REQUIRED' : 'NULLABLE',
    ...(column.description === '' ? {} : { description: column.description }),
  };
};

const clusteringOf = ({ key, columns, partitionColumn }: TableSpec): readonly string[] =>
  key
    .filter((name) => name !== partitionColumn && clusteringTypes.includes(columns.find((column) => column.name === name)?.type ?? ''))
    .slice(0, maxClusteringColumns);

export const tableUri = (table: string): string => `/datasets/${datasetOf(table)}/tables/${nameOf(table)}`;

/** Undefined where there is no such table. */
export const getTable = async ({ jobs }: BigQueryContext, table: string, signal: AbortSignal): Promise<MaybeResource> => {
  try {
    return await jobs.calls.call({ method: 'GET', uri: tableUri(table) }, signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
};

const mismatch = (message: string, hint: string): WarehouseError => new WarehouseError('schema_mismatch', message, { hint });

const checkDataset = async ({ jobs, settings }: BigQueryContext, dataset: string, signal: AbortSignal): Promise<void> => {
  const found = await jobs.calls.call({ method: 'GET', uri: `/datasets/${dataset}` }, signal).catch((error: unknown) => {
    if (isNotFound(error))
      throw mismatch(
        `there is no dataset ${dataset} in project ${settings.projectId}`,
        `bq --location=${settings.location} mk --dataset ${settings.projectId}:${dataset}`,
      );
    throw error;
  });
  checkLocation(`the dataset ${dataset}`, found, settings);
};

/** Jobs of another region say of a table that it is not there. */
const checkLocation = (what: string, { location }: Resource, settings: GcpSettings): void => {
  if (location === undefined || String(location).toUpperCase() === settings.location.toUpperCase()) return;
  throw new WarehouseError('location_mismatch', `${what} lies in ${location}, jobs run in ${settings.location}`, {
    hint: `set FLOODGATE_GCP_LOCATION to ${location}: all datasets must lie where jobs run`,
  });
};

const modeName = (mode: string | undefined): string => (mode === 'REQUIRED' ? 'required' : 'nullable');

/** `+` is declared and can't be added, `-` is in the table alone, `~` is otherwise. */
const columnDifferences = (target: TableSpec, fields: readonly Field[]): readonly string[] => {
  const byName = new Map(fields.map((field) => [field.name.toLowerCase(), field]));
  const own = new Set([...target.columns.map(({ name }) => name), ...metadataColumns].map((name) => name.toLowerCase()));
  const lines: string[] = [];
  for (const column of target.columns) {
    const field = byName.get(column.name.toLowerCase());
    if (field === undefined) {
      if (column.required) lines.push(`+ ${column.name} ${column.type} (required: only nullable columns can be added)`);
    } else if (typeName(field) !== column.type) lines.push(`~ ${column.name}: declared ${column.type}, found ${typeName(field)}`);
    else if (field.mode !== 'REPEATED' && (field.mode === 'REQUIRED') !== column.required)
      lines.push(`~ ${column.name}: declared ${column.required ? 'required' : 'nullable'}, found ${modeName(field.mode)}`);
  }
  for (const field of fields) if (!own.has(field.name.toLowerCase())) lines.push(`- ${field.name} ${typeName(field)}`);
  for (const name of metadataColumns) {
    const field = byName.get(name);
    if (field === undefined) lines.push(`+ ${name} (a column that Floodgate keeps; was this table made by something else?)`);
    else if (scalarName(field.type) !== metadataTypes[name]) lines.push(`~ ${name}: Floodgate keeps ${metadataTypes[name]} in it, found ${typeName(field)}`);
  }
  return lines;
};

/** What is wrong with a table that exists, in words. */
export const tableDifferences = (target: TableSpec, table: Resource): readonly string[] => {
  if (table.type !== undefined && table.type !== 'TABLE') return [`~ it is a ${String(table.type).toLowerCase()}, and rows are written into tables only`];
  const lines = [...columnDifferences(target, table.schema?.fields ?? [])];
  const partitioning = table.timePartitioning;
  if (partitioning === undefined)
    lines.push(`~ partitioned by ${target.partitionColumn}, by day: found ${table.rangePartitioning ? 'partitions by range' : 'no partitions'}`);
  else if (partitioning.field !== target.partitionColumn || partitioning.type !== 'DAY')
    lines.push(
      `~ partitioned by ${target.partitionColumn}, by day: found ${partitioning.field ?? 'the time of loading'}, by ${String(partitioning.type).toLowerCase()}`,
    );
  return lines;
};

const createTarget = async (context: BigQueryContext, target: TableSpec, signal: AbortSignal): Promise<void> => {
  const { jobs, settings } = context;
  const dataset = datasetOf(target.table);
  const clustering = clusteringOf(target);
  const resource = {
    tableReference: { projectId: settings.projectId, datasetId: dataset, tableId: nameOf(target.table) },
    schema: { fields: [...target.columns.map(fieldOf), ...metadataColumns.map((name): Field => ({ name, type: metadataTypes[name], mode: 'NULLABLE' }))] },
    timePartitioning: { type: 'DAY', field: target.partitionColumn },
    ...(clustering.length === 0 ? {} : { clustering: { fields: clustering } }),
    labels: { floodgate: 'target' },
  };
  try {
    await jobs.calls.call({ method: 'POST', uri: `/datasets/${dataset}/tables`, json: resource }, signal);
  } catch (error) {
    // Somebody else was faster, or the answer of an earlier try was lost: whatever is there is compared.
    if (!isDuplicate(error)) throw error;
  }
};

/** Fields of the table with those that are declared and not there, and with the declared descriptions; undefined: nothing to change. */
const widened = (target: TableSpec, fields: readonly Field[]): readonly Field[] | undefined => {
  const declared = new Map(target.columns.map((column) => [column.name.toLowerCase(), column]));
  const known = new Set(fields.map(({ name }) => name.toLowerCase()));
  const missing = target.columns.filter(({ name }) => !known.has(name.toLowerCase()));
  const isDescribed = fields.every((field) => (declared.get(field.name.toLowerCase())?.description ?? field.description ?? '') === (field.description ?? ''));
  if (missing.length === 0 && isDescribed) return undefined;
  return [
    ...fields.map((field) => {
      const column = declared.get(field.name.toLowerCase());
      return column === undefined ? field : { ...field, description: column.description };
    }),
    ...missing.map(fieldOf),
  ];
};

const ensureTarget = async (context: BigQueryContext, target: TableSpec, signal: AbortSignal): Promise<Resource> => {
  for (let attempt = 1; ; attempt += 1) {
    const table = await getTable(context, target.table, signal);
    if (table === undefined) {
      await checkDataset(context, datasetOf(target.table), signal);
      await createTarget(context, target, signal);
      continue;
    }
    checkLocation(`the table ${target.table}`, table, context.settings);
    const lines = tableDifferences(target, table);
    if (lines.length > 0)
      throw mismatch(`${target.table} is not as declared:\n  ${lines.join('\n  ')}`, 'change the declaration, or rename or drop the table and fill it again');
    const fields = widened(target, table.schema.fields);
    if (fields === undefined) return table;
    try {
      return await context.jobs.calls.call(
        { method: 'PATCH', uri: tableUri(target.table), json: { schema: { fields } }, headers: { 'If-Match': String(table.etag) } },
        signal,
      );
    } catch (error) {
      // Somebody changed the table between our look and our change: look again.
      if (!isPreconditionFailed(error) || attempt === changeTries) throw error;
      await context.jobs.calls.pause(attempt, signal);
    }
  }
};

/** Asked for first: a table takes few changes of its metadata in ten seconds, and several processes begin at once. */
const ensureLog = async (context: BigQueryContext, table: string, signal: AbortSignal): Promise<void> => {
  for (let attempt = 1; ; attempt += 1) {
    if ((await getTable(context, commitLogName(table), signal)) !== undefined) return;
    try {
      await context.jobs.query({ sql: createCommitLog(table), labels: { floodgate: 'prepare' } }, signal);
      return;
    } catch (error) {
      const again = error instanceof WarehouseError && ['rate_limited', 'transaction_conflict', 'unavailable'].includes(error.code);
      if (!again || attempt === changeTries) throw error;
      await context.jobs.calls.pause(attempt, signal);
    }
  }
};

export const inspectTarget = async (context: BigQueryContext, target: TableSpec, signal: AbortSignal): Promise<TableComparison> => {
  const table = await getTable(context, target.table, signal);
  if (table === undefined) return { state: 'absent' };
  checkLocation(`the table ${target.table}`, table, context.settings);
  const lines = tableDifferences(target, table);
  if (lines.length > 0) return { state: 'different', differences: lines };
  const fields: readonly Field[] = table.schema?.fields ?? [];
  const known = new Set(fields.map(({ name }) => name.toLowerCase()));
  return { state: 'as_declared', missing: target.columns.map(({ name }) => name).filter((name) => !known.has(name.toLowerCase())) };
};

export const prepareTarget = async (context: BigQueryContext, target: TableSpec, signal: AbortSignal): Promise<Resource> => {
  const table = await ensureTarget(context, target, signal);
  await ensureLog(context, target.table, signal);
  return table;
};

/** Rows of a date that is older than the life of the table's partitions would be gone as soon as they are committed. */
export const refuseExpired = ({ clock }: BigQueryContext, target: TableSpec, table: MaybeResource, first: string): void => {
  const expirationMs = Number(table?.timePartitioning?.expirationMs ?? 0);
  const ageMs = clock.now() - Date.parse(first);
  if (expirationMs === 0 || ageMs < expirationMs) return;
  const days = (ms: number): string => `${Math.floor(ms / 86_400_000)} days`;
  throw mismatch(
    `partitions of ${target.table} expire after ${days(expirationMs)}, and ${first} is ${days(ageMs)} old: its rows would be gone at once`,
    `bq update --time_partitioning_expiration 0 ${target.table}`,
  );
};
