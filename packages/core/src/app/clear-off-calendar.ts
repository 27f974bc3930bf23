// Empties the dates that were committed and have left the calendar since: a game was postponed (P73). No plan can name such a date,
// so it is emptied beside the plans: a commit of no rows, under a generation of its own, by way of the lane's document. Only where
// a person says so, since a calendar may have lost the date by mistake; and only while no backfill of the pipeline is active, so
// that nobody reads the rows meanwhile. What has read them is stale afterwards. Dying between commit and ledger leaves a log that is
// ahead of the ledger, which the next start puts right (adopt-logs.ts).
import { lanePath, laneSchema, ledgerYearSchema, parseDocument, pipelineStatePath, pipelineStateSchema } from '../contracts/documents.ts';
import type { Calendar } from '../domain/calendar.ts';
import { FloodgateError } from '../domain/errors.ts';
import { generationOf } from '../domain/generation.ts';
import { clearedBy, ledgerPathOf } from '../domain/ledger.ts';
import { yearOf, type PartitionDate } from '../domain/partition-date.ts';
import type { Pipeline, Processor } from '../domain/pipeline.ts';
import { windowRange } from '../domain/window.ts';
import { readCalendar } from './calendar-reader.ts';
import { bindWarehouse } from './deadline.ts';
import type { EngineDeps } from './deps.ts';
import { specOf } from './ledger-reader.ts';
import { findOffCalendar } from './off-calendar.ts';
import { transact } from './outbox.ts';
import { audit } from './reopen.ts';

export type ClearedTable = { readonly processorId: string; readonly table: string; readonly dates: readonly PartitionDate[]; readonly rows: number };

/** `stale`: partitions whose windows hold a date that was emptied, in the order of the pipeline. */
export type ClearReport = { readonly tables: readonly ClearedTable[]; readonly stale: number };

/**
 * Throws FloodgateError: `overlap` while a backfill of the pipeline is active, `conflict` where a table is being committed, and what
 * reading the calendar throws. What was emptied before the error stays so; asked again, it goes on with the rest.
 */
export const clearOffCalendar = async (given: EngineDeps, pipeline: Pipeline, by: string, signal: AbortSignal): Promise<ClearReport> => {
  const deps = bindWarehouse(given);
  const { calendar } = await readCalendar(deps.warehouse, pipeline, signal);
  const found: (readonly [Processor, readonly PartitionDate[]])[] = [];
  for (const processor of pipeline.processors.filter(({ kind }) => kind !== 'external')) {
    const dates = await findOffCalendar(deps, { pipeline, calendar }, processor, signal);
    if (dates.length > 0) found.push([processor, dates]);
  }
  if (found.length === 0) return { tables: [], stale: 0 };
  const generation = generationOf(await takeSequence(deps, pipeline), 1);
  const tables: ClearedTable[] = [];
  let stale = 0;
  for (const [processor, dates] of found) {
    // Before the rows go: whoever dies in between has marked more than was necessary, and never less.
    stale += await markReaders(deps, pipeline, calendar, processor, dates);
    tables.push(await clearTable(deps, pipeline, processor, dates, { generation, by }, signal));
  }
  deps.logger.info({ pipelineId: pipeline.id, tables: tables.length, stale }, 'dates that have left the calendar emptied');
  return { tables, stale };
};

/** A sequence number above those of all backfills. A plan that is being made from the rows of before is made again. */
const takeSequence = (deps: EngineDeps, { id }: Pipeline): Promise<number> =>
  deps.store.transaction(async (transaction) => {
    const document = await transaction.get(pipelineStatePath(id));
    if (document === undefined) throw new FloodgateError('not_found', `pipeline ${id} has no state document`);
    const state = parseDocument(pipelineStateSchema, document);
    const [active] = state.activeBackfills;
    if (active !== undefined)
      throw new FloodgateError('overlap', `backfill ${active} is active, and may be reading the rows`, {
        hint: `wait for it: npx floodgate watch ${active}; or npx floodgate cancel ${active}`,
      });
    const sequence = state.sequence + 1;
    transaction.set(pipelineStatePath(id), { ...state, sequence, activation: state.activation + 1 });
    return sequence;
  });

/** Takes the digests of what has read these dates out of the ledger, so that it counts as stale. Returns how many it were. */
const markReaders = async (deps: EngineDeps, pipeline: Pipeline, calendar: Calendar, cleared: Processor, dates: readonly PartitionDate[]): Promise<number> => {
  let count = 0;
  for (const reader of pipeline.processors) {
    const windows = reader.upstreams.filter(({ table }) => table === cleared.table).map(({ window }) => window);
    if (windows.length === 0) continue;
    const reads = calendar.dates.flatMap(({ date, season }) => {
      const ranges = windows.map((window) => windowRange(window, date, calendar.seasonStart.get(season) ?? date));
      return ranges.some(({ first, last }) => dates.some((each) => each >= first && each <= last)) ? [date] : [];
    });
    for (const [path, ofYear] of Map.groupBy(reads, (date) => ledgerPathOf(pipeline.id, reader.id, date)))
      count += await deps.store.transaction(async (transaction) => {
        const document = await transaction.get(path);
        const entries = document === undefined ? {} : { ...parseDocument(ledgerYearSchema, document).entries };
        const fresh = ofYear.filter((date) => (entries[date]?.inputDigest ?? '') !== '');
        for (const date of fresh) entries[date] = { ...entries[date]!, inputDigest: '' };
        if (fresh.length > 0) transaction.set(path, { entries });
        return fresh.length;
      });
  }
  return count;
};

const clearTable = async (
  deps: EngineDeps,
  pipeline: Pipeline,
  processor: Processor,
  dates: readonly PartitionDate[],
  { generation, by }: { readonly generation: number; readonly by: string },
  signal: AbortSignal,
): Promise<ClearedTable> => {
  const { table, id: processorId } = processor;
  const target = specOf(processor);
  const holder = `${clearedBy}-${deps.ids.newId()}`;
  const laneEpoch = await takeLane(deps, table, holder);
  const name = `${table.replace('.', '_')}_${generation.toString(36)}`;
  const staging = `${processorId}_${generation.toString(36)}`;
  const committedAt = deps.clock.now();
  let rows = 0;
  try {
    const staged = await deps.warehouse.stage(
      { jobId: `floodgate_clear_stage_${name}`, target, staging, dates, body: { kind: 'rows', rows: noRows() }, labels: { processor: processorId } },
      signal,
    );
    const hashOf = (date: PartitionDate): string => staged.get(date)?.contentHash ?? '';
    const entries = dates.map((date) => ({ date, generation, staging, contentHash: hashOf(date), rows: 0, backfillId: clearedBy, rewrite: true }));
    const job = { jobId: `floodgate_clear_${name}`, target, strategy: 'overwrite_partition', laneEpoch, entries, committedAt } as const;
    const log = await deps.warehouse.commit({ ...job, labels: { processor: processorId } }, signal);
    const older = log.find((entry) => entry.generation !== generation);
    if (older !== undefined) throw new FloodgateError('conflict', `${table} ${older.date} was committed by another meanwhile`, { hint: 'look again' });
    rows = await settle(deps, pipeline, processor, dates, { generation, by, committedAt, hashOf });
    await deps.warehouse.dropStaging(target, [staging], signal);
  } finally {
    await leaveLane(deps, table, holder);
  }
  return { processorId, table, dates, rows };
};

async function* noRows(): AsyncIterable<never> {
  // Nothing: that is the point.
}

/**
 * Takes the lane's next epoch. A holder without a recorded job is not waited for: his commits are fenced off from here on, and
 * he looks again once this is over.
 */
const takeLane = (deps: EngineDeps, table: string, holder: string): Promise<number> =>
  deps.store.transaction(async (transaction) => {
    const document = await transaction.get(lanePath(table));
    const lane = document === undefined ? undefined : parseDocument(laneSchema, document);
    if (lane !== undefined && lane.job !== null)
      throw new FloodgateError('conflict', `${table} is being committed`, { hint: 'run npx floodgate reconcile, then this again' });
    const epoch = (lane?.epoch ?? 0) + 1;
    transaction.set(lanePath(table), { table, epoch, holder, heartbeat: (lane?.heartbeat ?? 0) + 1, rung: true, job: null });
    return epoch;
  });

const leaveLane = (deps: EngineDeps, table: string, holder: string): Promise<void> =>
  transact(deps, async (transaction, send) => {
    const document = await transaction.get(lanePath(table));
    const lane = document === undefined ? undefined : parseDocument(laneSchema, document);
    if (lane?.holder !== holder) return;
    transaction.set(lanePath(table), { ...lane, holder: '', heartbeat: lane.heartbeat + 1, rung: false });
    // Whoever rang meanwhile was told that somebody would look.
    send('floodgate.lane.rung', { table }, { subject: table, traceparent: '' });
  });

/** Writes into the ledger what was committed. Returns how many rows the dates had by it. */
const settle = (
  deps: EngineDeps,
  pipeline: Pipeline,
  processor: Processor,
  dates: readonly PartitionDate[],
  commit: { readonly generation: number; readonly by: string; readonly committedAt: number; readonly hashOf: (date: PartitionDate) => string },
): Promise<number> =>
  deps.store.transaction(async (transaction) => {
    const paths = [...Map.groupBy(dates, yearOf).values()].map((ofYear) => ledgerPathOf(pipeline.id, processor.id, ofYear[0]!));
    const documents = await transaction.getMany(paths);
    let rows = 0;
    for (const [index, path] of paths.entries()) {
      const entries = documents[index] === undefined ? {} : { ...parseDocument(ledgerYearSchema, documents[index]).entries };
      for (const date of dates.filter((each) => ledgerPathOf(pipeline.id, processor.id, each) === path)) {
        rows += entries[date]?.rows ?? 0;
        const { generation, committedAt, hashOf } = commit;
        entries[date] = { generation, contentHash: hashOf(date), rows: 0, codeHash: '', inputDigest: '', backfillId: clearedBy, committedAt, computeMs: 0 };
      }
      transaction.set(path, { entries });
    }
    audit(deps, transaction, commit.by, 'clear_off_calendar', processor.table, { dates: [...dates], rows });
    return rows;
  });
