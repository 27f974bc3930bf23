// The warehouse on BigQuery. This class owns what this process remembers (jobs that run here, tables that are prepared); what it
// does stands in bigquery-{tables,stage,staging,commit,log,query,checks,digest,sources}.ts. Any number of processes may have one:
// what they must agree on lies in BigQuery, in ids of jobs, the fence row of each commit log, and etags.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Source } from '@floodgate/core/domain/pipeline.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import {
  type CheckJob,
  type CheckResult,
  type CommitBatch,
  type CommitLogEntry,
  type DateRange,
  type JobState,
  type QueryOptions,
  type QueryResult,
  type SourceDigest,
  type StageJob,
  type StagedDate,
  type TableComparison,
  type TableSpec,
  type Warehouse,
} from '@floodgate/core/ports/warehouse.ts';
import { cancelled, type MaybeResource, type Resource } from './bigquery-client.ts';
import { commitEntries } from './bigquery-commit.ts';
import type { BigQueryContext, BigQueryParts } from './bigquery-context.ts';
import { findLast, hasFailed, isRunning } from './bigquery-job-names.ts';
import type { BigQueryJobs } from './bigquery-jobs.ts';
import { LocalJobs } from './bigquery-local-jobs.ts';
import { raiseFenceTo, readLog } from './bigquery-log.ts';
import { estimateQuery, runQuery } from './bigquery-query.ts';
import { stageRows } from './bigquery-stage.ts';
import { dropStagings, listStagings, preserveDate, readStagedRows } from './bigquery-staging.ts';
import { getTable, inspectTarget, prepareTarget, refuseExpired } from './bigquery-tables.ts';
import type { GcpSettings } from './settings.ts';
import { SharedWork } from './shared-work.ts';

/** Workers prepare before every dispatch; somebody else may change the table meanwhile, so not for ever. */
const preparedForMs = 10 * 60_000;

export type BigQueryWarehouseOptions = { readonly jobs: BigQueryJobs; readonly settings: GcpSettings; readonly clock: Clock; readonly parts: BigQueryParts };

type PreparedTable = { readonly declaration: string; readonly until: number; readonly table: Resource };

export class BigQueryWarehouse implements Warehouse {
  readonly #context: BigQueryContext;
  readonly #parts: BigQueryParts;
  readonly #local = new LocalJobs();
  /** Several dispatches of one table begin at once: one of them prepares. */
  readonly #preparing = new SharedWork();
  readonly #prepared = new Map<string, PreparedTable>();

  constructor({ jobs, settings, clock, parts }: BigQueryWarehouseOptions) {
    this.#context = { jobs, settings, clock, resolveSources: parts.resolveSources };
    this.#parts = parts;
  }

  async prepareTable(target: TableSpec, signal: AbortSignal): Promise<void> {
    await this.#prepare(target, signal);
  }

  async inspectTable(target: TableSpec, signal: AbortSignal): Promise<TableComparison> {
    if (signal.aborted) throw cancelled(signal);
    return inspectTarget(this.#context, target, signal);
  }

  stage(job: StageJob, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, StagedDate>> {
    return this.#local.run(job.jobId, signal, async (running) => {
      const [first] = job.dates;
      if (first !== undefined) refuseExpired(this.#context, job.target, await this.#lookAt(job.target, running), first);
      return stageRows(this.#context, job, running);
    });
  }

  async jobState(jobId: string, signal: AbortSignal): Promise<JobState> {
    const here = this.#local.stateOf(jobId);
    if (here === 'running') return here;
    const last = await findLast(this.#context.jobs, jobId, signal);
    if (last === undefined) return here ?? 'absent';
    if (isRunning(last)) return 'running';
    if (hasFailed(last)) return 'failed';
    if (here === 'failed') return here;
    return (await this.#isIntact(last.resource, signal)) ? 'succeeded' : 'absent';
  }

  async cancelJob(jobId: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw cancelled(signal);
    if (await this.#local.cancel(jobId)) return;
    const last = await findLast(this.#context.jobs, jobId, signal);
    if (last !== undefined && isRunning(last)) await this.#context.jobs.cancel(last.jobId, signal);
  }

  runChecks(job: CheckJob, signal: AbortSignal): Promise<CheckResult> {
    return this.#parts.runChecks(job, signal);
  }

  preserveStaging(target: TableSpec, staging: string, date: PartitionDate, preserved: string, signal: AbortSignal): Promise<void> {
    return preserveDate(this.#context, target, staging, date, preserved, signal);
  }

  readStaging(target: TableSpec, staging: string, date: PartitionDate, maxRows: number, signal: AbortSignal): Promise<QueryResult> {
    return readStagedRows(this.#context, target, staging, date, maxRows, signal);
  }

  dropStaging(target: TableSpec, staging: readonly string[], signal: AbortSignal): Promise<void> {
    return dropStagings(this.#context, target, staging, signal);
  }

  listStaging(target: TableSpec, signal: AbortSignal): Promise<readonly string[]> {
    return listStagings(this.#context, target, signal);
  }

  commit(batch: CommitBatch, signal: AbortSignal): Promise<readonly CommitLogEntry[]> {
    return commitEntries(this.#context, batch, signal);
  }

  fence(target: TableSpec, laneEpoch: number, signal: AbortSignal): Promise<void> {
    return raiseFenceTo(this.#context, target, laneEpoch, signal);
  }

  async readCommitLog(target: TableSpec, dates: readonly PartitionDate[] | 'all', signal: AbortSignal): Promise<readonly CommitLogEntry[]> {
    if (signal.aborted) throw cancelled(signal);
    return readLog(this.#context, target.table, dates, signal);
  }

  digestSource(source: Source, range: DateRange, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, SourceDigest>> {
    return this.#parts.digestSource(source, range, signal);
  }

  digestTable(table: TableSpec, range: DateRange, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, SourceDigest>> {
    return this.#parts.digestTable(table, range, signal);
  }

  query(sql: string, options: QueryOptions, signal: AbortSignal): Promise<QueryResult> {
    return runQuery(this.#context, sql, options, signal);
  }

  estimateBytes(sql: string, options: QueryOptions, signal: AbortSignal): Promise<number | undefined> {
    return estimateQuery(this.#context, sql, options, signal);
  }

  /** Not made here: a staging may be tried where there is no target yet. */
  async #lookAt({ table }: TableSpec, signal: AbortSignal): Promise<MaybeResource> {
    const known = this.#prepared.get(table);
    return known !== undefined && known.until > this.#context.clock.now() ? known.table : getTable(this.#context, table, signal);
  }

  async #prepare(target: TableSpec, signal: AbortSignal): Promise<Resource> {
    if (signal.aborted) throw cancelled(signal);
    const declaration = JSON.stringify([target.partitionColumn, target.columns]);
    const known = this.#prepared.get(target.table);
    if (known !== undefined && known.declaration === declaration && known.until > this.#context.clock.now()) return known.table;
    const table = await this.#preparing
      .run(`${target.table} ${declaration}`, signal, (running) => prepareTarget(this.#context, target, running))
      .catch((error: unknown) => Promise.reject(signal.aborted ? cancelled(signal) : error));
    this.#prepared.set(target.table, { declaration, until: this.#context.clock.now() + preparedForMs, table });
    return table;
  }

  /** A job that made a table has succeeded as long as that table is there. */
  async #isIntact(job: Resource, signal: AbortSignal): Promise<boolean> {
    const made = job.configuration?.query?.destinationTable ?? job.statistics?.query?.ddlTargetTable;
    if (made?.datasetId !== this.#context.settings.stagingDataset) return true;
    return (await getTable(this.#context, `${made.datasetId}.${made.tableId}`, signal)) !== undefined;
  }
}
