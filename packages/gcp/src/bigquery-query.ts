// Reading for people and planners: one statement that only reads, with a bound on its rows.
import { tryPartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Json } from '@floodgate/core/ports/status-store.ts';
import { WarehouseError, type QueryOptions, type QueryResult } from '@floodgate/core/ports/warehouse.ts';
import type { BigQueryContext } from './bigquery-context.ts';
import { isNotFound } from './bigquery-errors.ts';
import type { DryRun, QueryRequest } from './bigquery-jobs.ts';
import type { Param } from './bigquery-values.ts';

/** A parameter's type follows from its JSON value; text that is an existing date is a DATE. */
const toParam = (value: Json): Param => {
  if (typeof value === 'boolean') return { type: 'BOOL', value };
  if (typeof value === 'number') return { type: Number.isSafeInteger(value) ? 'INT64' : 'FLOAT64', value };
  if (Array.isArray(value)) return { type: `ARRAY<${value.length === 0 ? 'STRING' : toParam((value as readonly Json[])[0] as Json).type}>`, value };
  if (typeof value === 'string' && tryPartitionDate(value) !== undefined) return { type: 'DATE', value };
  return { type: 'STRING', value: value === null || typeof value === 'string' ? value : JSON.stringify(value) };
};

/** GoogleSQL is BigQuery's own: both dialects are one. Only what a dry run calls a SELECT is let through. */
const checked = async (context: BigQueryContext, sql: string, options: QueryOptions, signal: AbortSignal): Promise<{ request: QueryRequest; dry: DryRun }> => {
  const resolved = await context.resolveSources(sql, options.sources ?? [], signal);
  const params = Object.fromEntries(Object.entries(options.params ?? {}).map(([name, value]) => [name, toParam(value)]));
  const request: QueryRequest = { sql: resolved.sql, params, analyzed: true, ...(options.labels === undefined ? {} : { labels: options.labels }) };
  const dry = await context.jobs.dryRun(request, signal);
  if (dry.statementType !== 'SELECT')
    throw new WarehouseError('invalid_sql', `only a single statement that reads is allowed here, found ${dry.statementType}`, { hint: 'SELECT or WITH' });
  return { request, dry };
};

export const runQuery = async (context: BigQueryContext, sql: string, options: QueryOptions, signal: AbortSignal): Promise<QueryResult> => {
  const { request } = await checked(context, sql, options, signal);
  const { columns, rows } = await context.jobs.query({ ...request, maxRows: options.maxRows }, signal);
  return { columns, rows };
};

/** Undefined where a table that is read is not there yet: on a new project, phases read what no task has made so far. */
export const estimateQuery = async (context: BigQueryContext, sql: string, options: QueryOptions, signal: AbortSignal): Promise<number | undefined> => {
  try {
    return (await checked(context, sql, options, signal)).dry.bytes;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
};
