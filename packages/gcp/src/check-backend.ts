// What a service asks before it takes work: whether its project, database and dataset are there and may be used. Subscriptions are
// looked at when they are subscribed to. All that is wrong is said at once, with what to do.
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { StatusStore } from '@floodgate/core/ports/status-store.ts';
import type { BigQueryJobs } from './bigquery-jobs.ts';
import type { GcpSettings } from './settings.ts';

/** Longer than a cold connection takes, and shorter than a service's own deadline for its start, which can't say what it waited for. */
const answerWithinMs = 20_000;
const doctor = 'npx floodgate doctor --backend gcp says what is missing and how to create it';

type Parts = { readonly store: Pick<StatusStore, 'get'>; readonly jobs: { readonly calls: Pick<BigQueryJobs['calls'], 'call'> } };

/** What was asked and where, what came of it, and what to do. */
const describe = (what: string, error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof FloodgateError ? error.hint : undefined;
  return `${what}: ${message}${hint === undefined ? '' : ` (${hint})`}`;
};

/** Throws one FloodgateError `unavailable` that names everything that can't be used. */
export const checkBackend = async ({ store, jobs }: Parts, settings: GcpSettings, clock: Clock, signal: AbortSignal): Promise<void> => {
  const { projectId, firestoreDatabase, stagingDataset, emulators } = settings;
  const at = (host: string | undefined): string => (host === undefined ? '' : ` at the emulator ${host}`);
  const asked = [
    {
      what: `Firestore, database ${firestoreDatabase} of the project ${projectId}${at(emulators.firestore)}`,
      // A document that nobody writes: its absence is an answer.
      ask: () => store.get('backfills/nothing'),
    },
    {
      what: `BigQuery, dataset ${projectId}.${stagingDataset}${at(emulators.bigquery)}`,
      ask: (until: AbortSignal) => jobs.calls.call({ method: 'GET', uri: `/datasets/${stagingDataset}` }, until),
    },
  ];
  const done = new AbortController();
  const late = new AbortController();
  const timer = clock.sleep(answerWithinMs, AbortSignal.any([done.signal, signal])).then(
    () => late.abort(new FloodgateError('unavailable', `no answer within ${answerWithinMs / 1_000} s`)),
    () => undefined,
  );
  const until = AbortSignal.any([signal, late.signal]);
  const aborted = new Promise<never>((_, reject) => until.addEventListener('abort', () => reject(until.reason), { once: true }));
  aborted.catch(() => undefined);
  try {
    // Neither client can be told to give up in all it does: its answer is not waited for any longer.
    const results = await Promise.allSettled(asked.map(({ ask }) => Promise.race([ask(until), aborted])));
    signal.throwIfAborted();
    const problems = results.flatMap((result, index) => (result.status === 'rejected' ? [describe(asked[index]?.what ?? '', result.reason)] : []));
    if (problems.length > 0) throw new FloodgateError('unavailable', problems.join('\n'), { hint: doctor });
  } finally {
    done.abort();
    await timer;
  }
};
