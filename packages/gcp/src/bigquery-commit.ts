// The commit as one script job. What is to be written is decided from the log as it was read; the script makes sure in its
// transaction that the log is still that, and that the staged rows are those that were audited. A script whose answer is lost is
// found by its id; one that is sent twice finds its dates in the log, and changes nothing.
import { decideCommit } from '@floodgate/core/ports/commit-rules.ts';
import { WarehouseError, type CommitBatch, type CommitEntry, type CommitLogEntry } from '@floodgate/core/ports/warehouse.ts';
import { assertions, commitScript, type CommitSpec } from '@floodgate/sql/googlesql/commit.ts';
import type { BigQueryContext } from './bigquery-context.ts';
import { isNotFound } from './bigquery-errors.ts';
import { findLast, isRunning, jobName } from './bigquery-job-names.ts';
import { digestOf } from './bigquery-jobs.ts';
import { fencedOut, notPrepared, raiseFenceTo, readLog, toEntry } from './bigquery-log.ts';
import { findMissing, stagingMissing } from './bigquery-staging.ts';

const maxTries = 4;
const requestLabel = 'floodgate_request';

/** How rows of the written entries get into the target. */
const plan = (batch: CommitBatch, known: readonly CommitLogEntry[], written: ReadonlySet<CommitEntry>, isDamaged: boolean) => {
  const logged = new Set(known.map(({ date }) => date));
  const of = (entry: CommitEntry): 'merged' | 'replaced' | 'inserted' => {
    // Keys of rows that somebody has put there by hand may come twice: nothing is matched against them.
    if (entry.rewrite || isDamaged || batch.strategy === 'overwrite_partition') return 'replaced';
    if (batch.strategy === 'insert_only') return logged.has(entry.date) ? 'replaced' : 'inserted';
    return 'merged';
  };
  const entries = [...written];
  return {
    merged: entries.filter((entry) => of(entry) === 'merged'),
    replaced: entries.filter((entry) => of(entry) === 'replaced'),
    inserted: entries.filter((entry) => of(entry) === 'inserted'),
  };
};

const specOf = (context: BigQueryContext, batch: CommitBatch, known: readonly CommitLogEntry[], isDamaged: boolean): CommitSpec => {
  const { entries, allowed, written } = decideCommit(batch, known);
  return {
    target: batch.target,
    stagingDataset: context.settings.stagingDataset,
    laneEpoch: batch.laneEpoch,
    committedAt: batch.committedAt,
    strategy: batch.strategy,
    dates: batch.entries.map(({ date }) => date).sort(),
    known,
    allowed,
    entries,
    ...plan(batch, known, written, isDamaged),
  };
};

const has = (error: WarehouseError, assertion: string): boolean => error.message.includes(assertion);

/** What the failed script means to whoever sent the batch; undefined: it is to be decided anew. */
const explain = async (
  context: BigQueryContext,
  batch: CommitBatch,
  spec: CommitSpec,
  error: WarehouseError,
  signal: AbortSignal,
): Promise<Error | undefined> => {
  const { table } = batch.target;
  if (has(error, assertions.fenced)) return fencedOut(context, table, batch.laneEpoch, signal);
  if (has(error, assertions.logMoved) || has(error, assertions.rowsDiffer)) return undefined;
  if (has(error, assertions.stagedRows) || isNotFound(error)) {
    const missing = await findMissing(context, batch.target, spec.allowed, signal);
    if (missing.length > 0) return stagingMissing(batch.target, missing);
    if (has(error, assertions.stagedRows))
      return new WarehouseError('contract_broken', `the staged rows of ${table} are not those that were audited`, { cause: error });
    return notPrepared(table);
  }
  return error;
};

export const commitEntries = async (context: BigQueryContext, batch: CommitBatch, signal: AbortSignal): Promise<readonly CommitLogEntry[]> => {
  const { jobs } = context;
  const { table } = batch.target;
  if (batch.entries.length === 0) {
    await raiseFenceTo(context, batch.target, batch.laneEpoch, signal);
    return [];
  }
  const last = await findLast(jobs, batch.jobId, signal);
  // Somebody else's call of the same batch: its end is waited for, and then the log tells what is left to do.
  if (last !== undefined && isRunning(last))
    await jobs.wait(last.jobId, signal).catch((error: unknown) => (signal.aborted ? Promise.reject(error) : undefined));
  let number = last === undefined ? 1 : last.number + 1;
  let isDamaged = false;
  for (let attempt = 1; ; attempt += 1) {
    const known = await readLog(
      context,
      table,
      batch.entries.map(({ date }) => date),
      signal,
    );
    const spec = specOf(context, batch, known, isDamaged);
    const sql = commitScript(spec);
    try {
      const labels = { floodgate: 'commit', ...batch.labels, [requestLabel]: digestOf(sql) };
      const { jobId, attached, resource } = await jobs.submitQuery({ sql, labels, jobId: jobName(batch.jobId, number) }, signal);
      number += 1;
      if (attached && resource.configuration?.labels?.[requestLabel] !== labels[requestLabel]) continue;
      return (await jobs.results(jobId, { analyzed: true }, signal)).rows.map(toEntry);
    } catch (error) {
      if (!(error instanceof WarehouseError) || signal.aborted) throw error;
      const final = await explain(context, batch, spec, error, signal);
      if (final !== undefined) throw final;
      if (has(error, assertions.rowsDiffer)) {
        if (isDamaged) throw new WarehouseError('contract_broken', `${table} does not hold the rows that were written into it`, { cause: error });
        isDamaged = true;
      }
      if (attempt >= maxTries) throw error;
      await jobs.calls.pause(attempt, signal);
    }
  }
};
