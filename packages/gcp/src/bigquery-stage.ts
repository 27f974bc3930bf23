// Staging: one job that makes a table with rows, hashes, dates and expiry, under the id that the caller chose. Whoever stages
// again under that id gets what that job made; crashed before it, between it and its answer, or after: the same.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import { WarehouseError, type StageJob, type StagedDate, type TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { stagingTable } from '@floodgate/sql/googlesql/names.ts';
import { bindDates, createStaging, selectNothing, selectStagedHashes, type Projection } from '@floodgate/sql/googlesql/stage.ts';
import { quoteNames, quoteTable } from '@floodgate/sql/googlesql/names.ts';
import type { BigQueryContext } from './bigquery-context.ts';
import { projectionsOf } from './bigquery-coercion.ts';
import { findLast, hasFailed, isRunning, jobName, type LastJob } from './bigquery-job-names.ts';
import { digestOf, type QueryRequest } from './bigquery-jobs.ts';
import { packRows } from './bigquery-rows.ts';
import { dropTable, loadedTable } from './bigquery-staging.ts';
import { fieldOf, getTable } from './bigquery-tables.ts';

const stagingHours = 24;
const requestLabel = 'floodgate_request';

type Prepared = {
  readonly sql: string;
  readonly projections: readonly Projection[];
  readonly release?: () => Promise<unknown>;
};

/** What a job does, in 40 characters: equal for two that may stand for each other. Rows are read once, so they can't be part of it. */
const requestDigest = ({ target, staging, dates, body }: StageJob, source: string): string =>
  digestOf([target.table, target.columns, staging, dates, body.kind, body.kind === 'select' ? body.sql : '', source]);

const prepareSelect = async (context: BigQueryContext, job: StageJob, sql: string, signal: AbortSignal): Promise<Prepared> => {
  const bound = bindDates(sql, job.dates);
  // Held against the declaration before anything is read: a dry run costs nothing.
  const { columns, statementType } = await context.jobs.dryRun({ sql: bound }, signal);
  if (statementType !== '' && statementType !== 'SELECT')
    throw new WarehouseError('invalid_sql', `a processor's SQL is one SELECT, and this is ${statementType}`);
  return { sql: bound, projections: projectionsOf(job.target, columns) };
};

/** Rows go into a table of their own first, so that hashes are computed by the same SQL as those of a SELECT. */
const prepareRows = async (context: BigQueryContext, job: StageJob & { body: { kind: 'rows' } }, jobId: string, signal: AbortSignal): Promise<Prepared> => {
  const { target } = job;
  const projections = target.columns.map((column) => ({ column, expression: quoteNames([column.name]) }));
  const { rows, content } = await packRows(target.columns, job.body.rows, signal);
  if (rows === 0) return { sql: selectNothing(target.columns), projections };
  const table = loadedTable(context, target, job.staging);
  const [dataset = '', name = ''] = table.split('.');
  // The name of the content: the same rows sent again are the same job, others are another one.
  const loadId = `${jobId}-rows-${digestOf(content.toString('base64')).slice(0, 12)}`;
  const schema = target.columns.map((column) => ({ ...fieldOf(column), ...(fieldOf(column).mode === 'REQUIRED' ? { mode: 'NULLABLE' } : {}) }));
  const loaded = await context.jobs.load(
    { jobId: loadId, destination: { dataset, table: name }, format: 'NEWLINE_DELIMITED_JSON', schema, content, labels: { floodgate: 'stage', ...job.labels } },
    signal,
  );
  if (loaded.rows !== rows) throw new WarehouseError('contract_broken', `${loaded.rows} rows of ${target.table} were loaded where ${rows} were yielded`);
  return { sql: `SELECT * FROM ${quoteTable(table)}`, projections, release: () => dropTable(context, table, signal) };
};

const failureOf = async (context: BigQueryContext, { jobId }: LastJob, signal: AbortSignal): Promise<never> => {
  await context.jobs.wait(jobId, signal, true);
  throw new WarehouseError('unknown', `the job ${jobId} failed and does not say why`);
};

/** Rows and hash of each date in a staging table, NULL and dates outside included. */
const readHashes = async (context: BigQueryContext, target: TableSpec, table: string, labels: StageJob['labels'], signal: AbortSignal) => {
  const { rows } = await context.jobs.query({ sql: selectStagedHashes(target, table), labels: { floodgate: 'stage', ...labels } }, signal);
  return rows as readonly { readonly day: PartitionDate | null; readonly n: number; readonly content_hash: string }[];
};

const checkedDates = (job: StageJob, found: Awaited<ReturnType<typeof readHashes>>): ReadonlyMap<PartitionDate, StagedDate> => {
  const staged = new Map<PartitionDate, StagedDate>(job.dates.map((date) => [date, { rows: 0, contentHash: '' }]));
  for (const { day, n, content_hash: contentHash } of found) {
    if (day === null) throw new WarehouseError('contract_broken', `${n} rows have no ${job.target.partitionColumn}`);
    if (!staged.has(day)) {
      throw new WarehouseError('contract_broken', `${n} rows of ${day} lie outside ${job.dates[0]} to ${job.dates.at(-1)}`, {
        hint: `restrict ${job.target.partitionColumn} to @start_date and @end_date`,
      });
    }
    staged.set(day, { rows: n, contentHash });
  }
  return staged;
};

const submit = async (context: BigQueryContext, job: StageJob, from: number, signal: AbortSignal): Promise<void> => {
  const { jobs, settings } = context;
  const table = stagingTable(settings.stagingDataset, job.target.table, job.staging);
  const resolved = job.body.kind === 'select' ? await context.resolveSources(job.body.sql, job.body.sources, signal) : { sql: '', version: '' };
  const digest = requestDigest(job, resolved.version);
  const prepared =
    job.body.kind === 'select'
      ? await prepareSelect(context, job, resolved.sql, signal)
      : await prepareRows(context, { ...job, body: job.body }, jobName(job.jobId, from), signal);
  const request: QueryRequest = {
    sql: createStaging({ target: job.target, table, dates: job.dates, expiresInHours: stagingHours }, prepared.projections, prepared.sql),
    labels: { floodgate: 'stage', ...job.labels, [requestLabel]: digest },
    priority: settings.stagePriority,
  };
  for (let number = from; ; number += 1) {
    const { jobId, attached, resource } = await jobs.submitQuery({ ...request, jobId: jobName(job.jobId, number) }, signal);
    // Another piece of work has had this name: a status store that was lost counts its generations anew.
    if (attached && resource.configuration?.labels?.[requestLabel] !== digest) continue;
    await jobs.results(jobId, { maxRows: 0, analyzed: true }, signal);
    await prepared.release?.();
    return;
  }
};

/** A job of this name and work that is running or has left its table; what has failed stays failed. */
const attachTo = async (context: BigQueryContext, job: StageJob, last: LastJob, signal: AbortSignal): Promise<boolean> => {
  const source = job.body.kind === 'select' ? (await context.resolveSources(job.body.sql, job.body.sources, signal)).version : '';
  if (last.resource.configuration?.labels?.[requestLabel] !== requestDigest(job, source)) return false;
  if (isRunning(last)) await context.jobs.wait(last.jobId, signal, true);
  else if (hasFailed(last)) await failureOf(context, last, signal);
  return (await getTable(context, stagingTable(context.settings.stagingDataset, job.target.table, job.staging), signal)) !== undefined;
};

export const stageRows = async (context: BigQueryContext, job: StageJob, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, StagedDate>> => {
  if (job.dates.length === 0) throw new WarehouseError('contract_broken', `the job ${job.jobId} has no dates`);
  const last = await findLast(context.jobs, job.jobId, signal);
  if (last === undefined || !(await attachTo(context, job, last, signal))) await submit(context, job, (last?.number ?? 0) + 1, signal);
  const table = stagingTable(context.settings.stagingDataset, job.target.table, job.staging);
  const found = await readHashes(context, job.target, table, job.labels, signal);
  try {
    return checkedDates(job, found);
  } catch (error) {
    await dropTable(context, table, signal);
    throw error;
  }
};
