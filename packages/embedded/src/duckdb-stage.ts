// Staging rows and hashing them on the way.
import { createHash } from 'node:crypto';
import type { DuckDBDateValue } from '@duckdb/node-api';
import { daysBetween, fromDay, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { WarehouseError, type StageJob, type StagedDate, type TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { insertStaged, insertStagedReturning, jsonProjection, jsonRows, selectStagedHashes, type Projection } from '@floodgate/sql/duckdb/stage.ts';
import type { DuckDbContext } from './duckdb-context.ts';
import { coerce } from './duckdb-coercion.ts';
import type { DuckDbSession, Parameters, Row } from './duckdb-session.ts';
import { toWireRow } from './duckdb-rows.ts';
import { sourcesIn } from './duckdb-sources.ts';
import type { Segment } from './duckdb-staging.ts';
import { dateValue } from './duckdb-values.ts';

/** Up to this many dates, hashes come back row by row with the insert; beyond, a second statement adds them up. */
const maxDatesReturned = 4;
const maxRowsPerBatch = 5000;
/** Statements over more dates are worth several threads. */
export const maxNarrowDates = 8;

/** 128 bits as 32 hex digits; empty for no rows. */
const contentHash = (rows: number, sum1: string, xor1: bigint, sum2: string, xor2: bigint): string =>
  rows === 0 ? '' : createHash('sha256').update(`${rows}:${sum1}:${xor1}:${sum2}:${xor2}`).digest('hex').slice(0, 32);

type Sums = { rows: number; sum1: bigint; xor1: bigint; sum2: bigint; xor2: bigint };

/** The same as `hashParts` in SQL: rows of (date, first hash, second hash). */
const addUp = (rows: readonly Row[]): Map<PartitionDate | null, StagedDate> => {
  const byDay = new Map<number | null, Sums>();
  for (const [value, first, second] of rows as readonly [DuckDBDateValue | null, bigint, bigint][]) {
    const day = value === null ? null : value.days;
    let sums = byDay.get(day);
    if (!sums) byDay.set(day, (sums = { rows: 0, sum1: 0n, xor1: 0n, sum2: 0n, xor2: 0n }));
    sums.rows += 1;
    sums.sum1 += first;
    sums.xor1 ^= first;
    sums.sum2 += second;
    sums.xor2 ^= second;
  }
  return new Map(
    [...byDay].map(([day, sums]) => [
      day === null ? null : fromDay(day),
      { rows: sums.rows, contentHash: contentHash(sums.rows, String(sums.sum1), sums.xor1, String(sums.sum2), sums.xor2) },
    ]),
  );
};

/** Rows of (date, rows, sum, xor, sum, xor), as `hashParts` yields them. */
export const fromHashParts = (rows: readonly Row[]): Map<PartitionDate | null, StagedDate> =>
  new Map(
    (rows as readonly [DuckDBDateValue | null, bigint, string, bigint, string, bigint][]).map(([value, count, sum1, xor1, sum2, xor2]) => [
      value === null ? null : fromDay(value.days),
      { rows: Number(count), contentHash: contentHash(Number(count), sum1, xor1, sum2, xor2) },
    ]),
  );

const hasGaps = (dates: readonly PartitionDate[]): boolean => daysBetween(dates[0] as PartitionDate, dates.at(-1) as PartitionDate) !== dates.length - 1;

/** Types that a SELECT yields, by its translated text. */
const yieldedTypes = new WeakMap<DuckDbContext, Map<string, readonly Projection[]>>();

const projectionsOf = async (
  context: DuckDbContext,
  session: DuckDbSession,
  target: TableSpec,
  sql: string,
  cacheKey: string,
): Promise<readonly Projection[]> => {
  let known = yieldedTypes.get(context);
  if (!known) yieldedTypes.set(context, (known = new Map()));
  const cached = known.get(cacheKey);
  if (cached) return cached;
  const yielded = new Map((await session.describe(sql)).map(({ name, type }) => [name, type]));
  const names = new Set(target.columns.map((column) => column.name));
  const coercions = target.columns.map((column) => coerce(column, yielded.get(column.name)));
  const problems = [
    ...coercions.flatMap((coercion) => ('problem' in coercion ? [coercion.problem] : [])),
    ...[...yielded.keys()].filter((name) => !names.has(name)).map((name) => `+ ${name} is not declared`),
  ];
  if (problems.length > 0)
    throw new WarehouseError('contract_broken', `the SELECT for ${target.table} does not yield what is declared:\n  ${problems.join('\n  ')}`);
  const projections = coercions.flatMap((coercion) => ('problem' in coercion ? [] : [coercion]));
  if (known.size > 500) known.clear();
  known.set(cacheKey, projections);
  return projections;
};

async function* inBatches(job: StageJob & { body: { kind: 'rows' } }, signal: AbortSignal): AsyncGenerator<readonly JsonObject[]> {
  const names = new Set(job.target.columns.map((column) => column.name));
  let batch: JsonObject[] = [];
  let row = 0;
  for await (const value of job.body.rows) {
    if (signal.aborted) throw new WarehouseError('cancelled', 'the call was cancelled', { cause: signal.reason });
    batch.push(toWireRow(job.target.columns, names, value, (row += 1)));
    if (batch.length < maxRowsPerBatch) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Inserts into the segment and resolves with rows and hash per date, dates outside the job and NULL included. */
const insertRows = async (
  context: DuckDbContext,
  job: StageJob,
  segment: Segment,
  staging: bigint,
  signal: AbortSignal,
): Promise<Map<PartitionDate | null, StagedDate>> => {
  const { target, dates, body } = job;
  const gaps = hasGaps(dates) ? dates : undefined;
  const hashes = (session: DuckDbSession): Promise<readonly Row[]> => session.preparedRows(selectStagedHashes(target, segment.number), { staging });
  if (body.kind === 'rows') {
    const insert = insertStaged(
      target,
      segment.number,
      target.columns.map((column) => ({ column, expression: jsonProjection(column) })),
      jsonRows(target.columns),
      gaps,
    );
    // The connection is taken for each batch alone: the rows' producer may itself be waiting for the warehouse.
    for await (const batch of inBatches({ ...job, body }, signal)) {
      await context.connections.use(signal, (session) => session.prepared(insert, { staging, rows: JSON.stringify(batch) }));
    }
    return fromHashParts(await context.connections.use(signal, hashes));
  }
  const select = async (session: DuckDbSession): Promise<Map<PartitionDate | null, StagedDate>> => {
    const sql = context.translate(body.sql);
    const lease = await context.sources.acquire(session, sourcesIn([body.sql], body.sources));
    try {
      const projections = await projectionsOf(context, session, target, sql, `${lease.version}\n${JSON.stringify(target.columns)}\n${sql}`);
      const parameters: Parameters = { staging, start_date: dateValue(dates[0] as PartitionDate), end_date: dateValue(dates.at(-1) as PartitionDate) };
      if (dates.length <= maxDatesReturned)
        return addUp(await session.preparedRows(insertStagedReturning(target, segment.number, projections, sql, gaps), parameters));
      const insert = insertStaged(target, segment.number, projections, sql, gaps);
      await (gaps === undefined ? session.prepared(insert, parameters) : session.run(insert, parameters));
      return fromHashParts(await hashes(session));
    } catch (error) {
      throw context.sources.explain(error, body.sources);
    } finally {
      lease.release();
    }
  };
  return context.connections.use(signal, select, dates.length > maxNarrowDates ? 'wide' : 'narrow');
};

const ofDates = (job: StageJob, found: Map<PartitionDate | null, StagedDate>): ReadonlyMap<PartitionDate, StagedDate> => {
  const staged = new Map<PartitionDate, StagedDate>(job.dates.map((date) => [date, { rows: 0, contentHash: '' }]));
  for (const [date, of] of found) {
    if (date === null) throw new WarehouseError('contract_broken', `${of.rows} rows have no ${job.target.partitionColumn}`);
    if (!staged.has(date)) {
      throw new WarehouseError('contract_broken', `${of.rows} rows of ${date} lie outside ${job.dates[0]} to ${job.dates.at(-1)}`, {
        hint: `restrict ${job.target.partitionColumn} to @start_date and @end_date`,
      });
    }
    staged.set(date, of);
  }
  return staged;
};

export const stageRows = async (context: DuckDbContext, job: StageJob, signal: AbortSignal): Promise<ReadonlyMap<PartitionDate, StagedDate>> => {
  if (job.dates.length === 0) throw new WarehouseError('contract_broken', `the job ${job.jobId} has no dates`);
  const { staging } = context;
  const number = staging.nextNumber();
  const segment = await context.connections.use(signal, (session) => staging.acquire(session, job.target, job.dates.length));
  let rows = 0;
  try {
    const found = await insertRows(context, job, segment, number, signal);
    for (const of of found.values()) rows += of.rows;
    const dates = ofDates(job, found);
    const replaced = staging.remove(job.target.table, job.staging);
    if (replaced) await context.connections.use(undefined, (session) => session.run(replaced));
    staging.add(job.target.table, { name: job.staging, rows: { segment: segment.number, staging: number }, dates, segment });
    return dates;
  } finally {
    const unused = staging.release(segment, rows);
    if (unused) await context.connections.use(undefined, (session) => session.run(unused));
  }
};
