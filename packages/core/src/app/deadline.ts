// No call of the warehouse may be waited for without end (P87): a backfill would stand, with nobody told. Staging, and what
// a code processor asks while it computes, have the deadline of their dispatch; every other call has one of these.
import { FloodgateError } from '../domain/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Warehouse } from '../ports/warehouse.ts';

/**
 * What nobody waits for any longer. Each is a multiple of what a whole backfill of the NBA pipeline takes on a laptop (34 s
 * at most, README.md), since a call that is given up in vain costs all that it had done.
 */
export const deadlines = {
  /** Looks at names, states, a log of one row a date. */
  lookMs: 2 * 60_000,
  /** Reads every file of a source, or the calendar over all of them. */
  readMs: 10 * 60_000,
  /** All checks of a table over the whole scope of a gate. */
  checkMs: 30 * 60_000,
  /** At most `maxDates` dates. On BigQuery it may queue behind others who write the table. */
  commitMs: 10 * 60_000,
} as const;

/**
 * Runs a call that must end in time: after `ms` its signal is aborted and `deadline_exceeded` is thrown, whether the call
 * ends of that or not. What the call does may still happen then; only its answer is not waited for.
 */
export const withDeadline = async <T>(clock: Clock, ms: number, signal: AbortSignal, what: string, run: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const call = new AbortController();
  const finished = new AbortController();
  const forward = (): void => call.abort(signal.reason);
  if (signal.aborted) forward();
  else signal.addEventListener('abort', forward, { once: true });
  const expiry = async (): Promise<never> => {
    await clock.sleep(ms, finished.signal);
    const error = new FloodgateError('deadline_exceeded', `${what} took longer than ${ms / 1_000} s`, { hint: 'look at the load of the warehouse' });
    call.abort(error);
    throw error;
  };
  try {
    const [running, expired] = [run(call.signal), expiry()];
    // Whichever loses the race has nobody who listens.
    for (const promise of [running, expired]) promise.catch(() => undefined);
    return await Promise.race([running, expired]);
  } finally {
    // A reason of our own: without one every call would make an exception, with a stack, that nobody reads.
    finished.abort('finished');
    signal.removeEventListener('abort', forward);
  }
};

const bindDeadlines = (inner: Warehouse, clock: Clock): Warehouse => {
  const within = <T>(ms: number, signal: AbortSignal, what: string, run: (own: AbortSignal) => Promise<T>): Promise<T> =>
    withDeadline(clock, ms, signal, what, run);
  const { lookMs, readMs, checkMs, commitMs } = deadlines;
  return {
    stage: (job, signal) => inner.stage(job, signal),
    prepareTable: (target, signal) => within(lookMs, signal, `preparing ${target.table}`, (own) => inner.prepareTable(target, own)),
    inspectTable: (target, signal) => within(lookMs, signal, `looking at ${target.table}`, (own) => inner.inspectTable(target, own)),
    jobState: (jobId, signal) => within(lookMs, signal, `asking for the job ${jobId}`, (own) => inner.jobState(jobId, own)),
    cancelJob: (jobId, signal) => within(lookMs, signal, `cancelling the job ${jobId}`, (own) => inner.cancelJob(jobId, own)),
    runChecks: (job, signal) => within(checkMs, signal, `checking ${job.dates.length} dates of ${job.target.table}`, (own) => inner.runChecks(job, own)),
    preserveStaging: (target, staging, date, preserved, signal) =>
      within(readMs, signal, `keeping the staged rows of ${target.table} ${date}`, (own) => inner.preserveStaging(target, staging, date, preserved, own)),
    readStaging: (target, staging, date, maxRows, signal) =>
      within(readMs, signal, `reading the staged rows of ${target.table} ${date}`, (own) => inner.readStaging(target, staging, date, maxRows, own)),
    dropStaging: (target, staging, signal) =>
      within(lookMs, signal, `dropping staged rows of ${target.table}`, (own) => inner.dropStaging(target, staging, own)),
    listStaging: (target, signal) => within(lookMs, signal, `listing what is staged for ${target.table}`, (own) => inner.listStaging(target, own)),
    commit: (batch, signal) => within(commitMs, signal, `committing ${batch.entries.length} dates to ${batch.target.table}`, (own) => inner.commit(batch, own)),
    fence: (target, laneEpoch, signal) => within(lookMs, signal, `fencing ${target.table}`, (own) => inner.fence(target, laneEpoch, own)),
    readCommitLog: (target, dates, signal) =>
      within(lookMs, signal, `reading the commit log of ${target.table}`, (own) => inner.readCommitLog(target, dates, own)),
    digestSource: (source, range, signal) => within(readMs, signal, `reading source.${source.name}`, (own) => inner.digestSource(source, range, own)),
    digestTable: (table, range, signal) => within(readMs, signal, `reading ${table.table}`, (own) => inner.digestTable(table, range, own)),
    query: (sql, options, signal) => within(readMs, signal, 'a query', (own) => inner.query(sql, options, own)),
    estimateBytes: (sql, options, signal) => within(lookMs, signal, 'a dry run', (own) => inner.estimateBytes(sql, options, own)),
  };
};

/** The same, with a warehouse each of whose calls ends in time, but for staging. Use cases that begin with it can't hang on one. */
export const bindWarehouse = <Deps extends { readonly warehouse: Warehouse; readonly clock: Clock }>(deps: Deps): Deps => ({
  ...deps,
  warehouse: bindDeadlines(deps.warehouse, deps.clock),
});
