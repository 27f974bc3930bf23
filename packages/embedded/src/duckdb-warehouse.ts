// The warehouse in one DuckDB file. This class owns the pool, the registry of staging and the jobs that run; what it
// does with them stands in duckdb-{schema,stage,checks,commit,sources,query}.ts. A commit is durable when it resolves.
import { availableParallelism, totalmem } from 'node:os';
import type { DuckDBValue } from '@duckdb/node-api';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Source } from '@floodgate/core/domain/pipeline.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { ObjectStore } from '@floodgate/core/ports/object-store.ts';
import {
  WarehouseError,
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
import { preservedSchema, quoteTable, sourceCatalog, stagingCatalog } from '@floodgate/sql/duckdb/names.ts';
import { createSchema } from '@floodgate/sql/duckdb/prepare.ts';
import { createKeptDigests } from '@floodgate/sql/duckdb/digest.ts';
import { createPreservedNames, selectPreservedNames } from '@floodgate/sql/duckdb/stage.ts';
import { runDuckDbChecks } from './duckdb-checks.ts';
import { commitEntries, raiseFenceTo, readLog } from './duckdb-commit.ts';
import { DuckDbConnections } from './duckdb-connections.ts';
import type { DuckDbSession } from './duckdb-session.ts';
import { createTranslator, type DuckDbContext, type Translate } from './duckdb-context.ts';
import { digestRelation, SourceDigests } from './duckdb-digest.ts';
import { exportTable, type ExportFormat } from './duckdb-export.ts';
import { WarehouseJobs } from './duckdb-jobs.ts';
import { dropPreserved, preserveDate, readStagedRows } from './duckdb-preserve.ts';
import { runQuery } from './duckdb-query.ts';
import { describeTables, inspectTarget, prepareTarget, type TableDescription } from './duckdb-schema.ts';
import { SourceCatalog } from './duckdb-sources.ts';
import { maxNarrowDates, stageRows } from './duckdb-stage.ts';
import { toDate } from './duckdb-values.ts';
import { StagingRegistry } from './duckdb-staging.ts';

export type DuckDbWarehouseOptions = {
  /** Path of the database file, made where it doesn't exist. */
  readonly file: string;
  /** Where sources' files are found; without it sources are missing. */
  readonly objectStore?: ObjectStore;
  readonly translate: Translate;
  /** Statements that the translation relies on, run on every connection. */
  readonly prelude?: readonly string[];
  readonly clock: Clock;
  /** A limit that DuckDB never exceeds; without it the limit follows need. */
  readonly memoryLimitBytes?: number;
  /** Of one statement over many dates, where nothing else runs; all cores unless said otherwise. */
  readonly threads?: number;
  /** Calls that run at once; further ones wait. */
  readonly connections?: number;
  /** Sources whose files are no larger are held in memory. */
  readonly maxSourceTableBytes?: number;
};

const defaultConnections = 4;
/** 28 MB of Parquet with 2.4 million events take seconds to load and compress: those stay files. */
const defaultSourceTableBytes = 16 * 2 ** 20;
/** DuckDB copies the write-ahead log into the file once it is this long; see docs of `open`. */
const checkpointAfter = '64MB';

/**
 * Staged rows that wait for their commit are what fills memory. Beyond this much they go to disk: 2.4 million rows of
 * play-by-play then took 1.0 GB in all instead of 1.4, for the same CPU.
 */
const startingMemoryBytes = 512e6;

/** A limit that was set holds; otherwise DuckDB's own, 80 % of the machine, is the last that is tried. */
const memoryOf = (limitBytes: number | undefined): { readonly bytes: number; readonly maxBytes: number } => {
  const maxBytes = limitBytes ?? totalmem() * 0.8;
  return { bytes: limitBytes ?? Math.min(startingMemoryBytes, maxBytes), maxBytes };
};

export class DuckDbWarehouse implements Warehouse {
  readonly #context: DuckDbContext;
  readonly #jobs = new WarehouseJobs();
  readonly #digests = new SourceDigests();
  /** Declarations that tables are known to have. */
  readonly #prepared = new Map<string, string>();
  /** Changes of the catalog run one after another: two at once conflict in DuckDB. */
  #schemaTurn: Promise<unknown> = Promise.resolve();

  private constructor(context: DuckDbContext) {
    this.#context = context;
  }

  /** Throws `unavailable` where another process holds the file. */
  static async open(options: DuckDbWarehouseOptions): Promise<DuckDbWarehouse> {
    const config = {
      checkpoint_threshold: checkpointAfter,
    };
    const initial = [
      // Small blocks: a staging of a few rows fills one block per column at least.
      `ATTACH ':memory:' AS ${stagingCatalog} (BLOCK_SIZE 16384)`,
      `ATTACH ':memory:' AS ${sourceCatalog} (COMPRESS)`,
      createSchema(preservedSchema),
      createPreservedNames(),
      createKeptDigests(),
    ];
    const connections = await DuckDbConnections.open(
      options.file,
      config,
      {
        connections: options.connections ?? defaultConnections,
        threads: options.threads ?? availableParallelism(),
        memory: memoryOf(options.memoryLimitBytes),
      },
      initial,
      ["SET TimeZone = 'UTC'", ...(options.prelude ?? [])],
    );
    const context: DuckDbContext = {
      connections,
      staging: new StagingRegistry(),
      sources: new SourceCatalog(options.objectStore, options.clock, options.maxSourceTableBytes ?? defaultSourceTableBytes),
      translate: createTranslator(options.translate),
      clock: options.clock,
    };
    await connections.use(undefined, async (session) => {
      for (const [table, name, date] of (await session.rows(selectPreservedNames())) as readonly [string, string, DuckDBValue][]) {
        context.staging.add(table, {
          name,
          rows: { preserved: name, staging: context.staging.nextNumber() },
          dates: new Set([toDate(date)]),
          segment: undefined,
        });
      }
    });
    return new DuckDbWarehouse(context);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.connections[Symbol.asyncDispose]();
  }

  async prepareTable(target: TableSpec, signal: AbortSignal): Promise<void> {
    // Workers prepare before every dispatch. Only this process can change the file, so once is enough.
    const declaration = JSON.stringify(target.columns);
    if (this.#prepared.get(target.table) === declaration && !signal.aborted) return;
    await this.#changeSchema(signal, (session) => prepareTarget(session, target));
    this.#prepared.set(target.table, declaration);
  }

  inspectTable(target: TableSpec, signal: AbortSignal): Promise<TableComparison> {
    return this.#use(signal, (session) => inspectTarget(session, target));
  }

  stage(job: StageJob, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, StagedDate>> {
    return this.#jobs.run(
      job.jobId,
      job,
      signal,
      (running) => stageRows(this.#context, job, running),
      () => this.#context.staging.get(job.target.table, job.staging) !== undefined,
    );
  }

  async jobState(jobId: string): Promise<JobState> {
    return this.#jobs.stateOf(jobId);
  }

  cancelJob(jobId: string): Promise<void> {
    return this.#jobs.cancel(jobId);
  }

  runChecks(job: CheckJob, signal: AbortSignal): Promise<CheckResult> {
    return this.#use(signal, (session) => runDuckDbChecks(this.#context, session, job), job.dates.length > maxNarrowDates ? 'wide' : 'narrow');
  }

  preserveStaging(target: TableSpec, staging: string, date: PartitionDate, preserved: string, signal: AbortSignal): Promise<void> {
    return this.#changeSchema(signal, (session) => preserveDate(session, this.#context.staging, target, staging, date, preserved));
  }

  readStaging(target: TableSpec, staging: string, date: PartitionDate, maxRows: number, signal: AbortSignal): Promise<QueryResult> {
    return this.#use(signal, (session) => readStagedRows(session, this.#context.staging, target, staging, date, maxRows));
  }

  async dropStaging(target: TableSpec, staging: readonly string[], signal: AbortSignal): Promise<void> {
    const found = staging.flatMap((name) => this.#context.staging.get(target.table, name) ?? []);
    const preserved = found.flatMap(({ rows }) => ('preserved' in rows ? [rows.preserved] : []));
    if (preserved.length > 0) await this.#use(signal, (session) => dropPreserved(session, target, preserved));
    const unused = found.flatMap(({ name }) => this.#context.staging.remove(target.table, name) ?? []);
    // What is forgotten must be dropped: this much is not cancelled.
    if (unused.length > 0) {
      await this.#context.connections.use(undefined, async (session) => {
        for (const drop of unused) await session.run(drop);
      });
    }
  }

  async listStaging(target: TableSpec): Promise<readonly string[]> {
    return this.#context.staging.names(target.table);
  }

  commit(batch: CommitBatch, signal: AbortSignal): Promise<readonly CommitLogEntry[]> {
    return this.#jobs.runOnce(batch.jobId, signal, (running) => this.#use(running, (session) => commitEntries(session, this.#context.staging, batch)));
  }

  fence(target: TableSpec, laneEpoch: number, signal: AbortSignal): Promise<void> {
    return this.#use(signal, (session) => raiseFenceTo(session, target, laneEpoch));
  }

  readCommitLog(target: TableSpec, dates: readonly PartitionDate[] | 'all', signal: AbortSignal): Promise<readonly CommitLogEntry[]> {
    return this.#use(signal, (session) => readLog(session, target.table, dates));
  }

  digestSource(source: Source, range: DateRange, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, SourceDigest>> {
    return this.#use(signal, (session) => this.#digests.read(this.#context.sources, session, source, range), 'wide');
  }

  digestTable(table: TableSpec, range: DateRange, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, SourceDigest>> {
    return this.#use(signal, (session) => digestRelation(session, quoteTable(table.table), table.partitionColumn, table.columns, range), 'wide');
  }

  query(sql: string, options: QueryOptions, signal: AbortSignal): Promise<QueryResult> {
    return this.#use(signal, (session) => runQuery(this.#context, session, sql, options), 'wide');
  }

  /** DuckDB doesn't tell before it has read. */
  async estimateBytes(): Promise<undefined> {
    return undefined;
  }

  /** Tables of all schemas but Floodgate's own, for people. */
  describeTables(signal: AbortSignal): Promise<readonly TableDescription[]> {
    return this.#use(signal, describeTables);
  }

  /** Writes a table's declared columns to a file, ordered by its columns from left to right. */
  exportTable(table: string, format: ExportFormat, path: string, signal: AbortSignal): Promise<{ readonly rows: number }> {
    return this.#use(signal, (session) => exportTable(session, table, format, path), 'wide');
  }

  #use<T>(signal: AbortSignal, body: (session: DuckDbSession) => Promise<T>, width?: 'narrow' | 'wide'): Promise<T> {
    return this.#context.connections.use(signal, body, width);
  }

  #changeSchema<T>(signal: AbortSignal, body: (session: DuckDbSession) => Promise<T>): Promise<T> {
    const attempt = async (triesLeft: number): Promise<T> => {
      try {
        return await this.#use(signal, body);
      } catch (error) {
        // A commit of the same table was under way; it ends within milliseconds, and nothing of ours has happened.
        if (triesLeft === 0 || !(error instanceof WarehouseError) || error.code !== 'transaction_conflict') throw error;
        await this.#context.clock.sleep(20, signal);
        return attempt(triesLeft - 1);
      }
    };
    const turn = this.#schemaTurn.then(() => attempt(10));
    this.#schemaTurn = turn.catch(() => undefined);
    return turn;
  }
}
