// Takes jobs in and sees them through: id, faults, queue, slot, work, end. A job that was taken in ends as DONE whatever
// happens; what goes wrong in it is its `errorResult`.
import { bigquery } from '@floodgate/cloud-limits/limits.ts';
import type { EmulatorClock } from '../control/emulator-clock.ts';
import type { Faults, JobEffects } from '../control/faults.ts';
import type { Settings } from '../control/settings.ts';
import { BigQueryProblem } from '../problem.ts';
import type { JobSpec, QuerySpec } from './configuration.ts';
import type { SourceFile } from './fetch-sources.ts';
import type { Job } from './job.ts';
import type { JobStore } from './job-store.ts';
import type { PrepareQuery } from './prepare-query.ts';
import { toProto, type QueryWork } from './run-query.ts';
import type { TransferWork } from './run-transfer.ts';
import type { Slots } from './slots.ts';

export type JobIdentity = { readonly projectId: string; readonly jobId: string; readonly location?: string; readonly requestKey?: string };
export type Submitted = { readonly job: Job; readonly loseAnswer?: JobEffects['loseAnswer'] };

export type JobRunner = {
  /**
   * Throws `duplicate` for an id that is taken, and `notImplemented` for a statement that this server can't run: such a job is
   * not kept. A query that BigQuery refuses is a job that is DONE with its error when this resolves, any other one is under
   * way (jobs.insert answers like that: googleapis/python-bigquery#104 and bigrquery's tests show the error of a mistyped name
   * in the job, not in the call).
   */
  readonly submit: (identity: JobIdentity, spec: JobSpec, media?: SourceFile & { readonly remove: () => Promise<void> }) => Promise<Submitted>;
  /** Statistics of a query that is not run. Throws what is wrong with it. */
  readonly dryRun: (
    projectId: string,
    spec: QuerySpec,
    location: string | undefined,
  ) => Promise<{ readonly location: string; readonly statistics: Readonly<Record<string, unknown>> }>;
  /** Stops everything that is under way and waits for it. */
  readonly close: () => Promise<void>;
};

type Dependencies = {
  readonly store: JobStore;
  readonly slots: Slots;
  readonly faults: Faults;
  readonly settings: Settings;
  readonly clock: EmulatorClock;
  readonly prepareQuery: PrepareQuery;
  readonly queryWork: QueryWork;
  readonly transferWork: TransferWork;
};

export const createJobRunner = ({ store, slots, faults, settings, clock, prepareQuery, queryWork, transferWork }: Dependencies): JobRunner => {
  const underWay = new Map<Job, Promise<void>>();

  const runToEnd = async (job: Job, spec: JobSpec, effects: JobEffects, work: (begin: () => Promise<void>) => Promise<void>): Promise<void> => {
    const { stopSignal } = job;
    const ended = new AbortController();
    let giveBack = (): void => {};
    const begin = async (): Promise<void> => {
      giveBack = await slots.take(spec.type === 'QUERY' ? spec.priority : 'INTERACTIVE', stopSignal);
      job.start();
      const timeoutMs = spec.jobTimeoutMs ?? bigquery.query.timeoutMs;
      clock.sleep(timeoutMs, ended.signal).then(
        () => job.stop(`Job timed out after ${timeoutMs / 1_000} sec`),
        () => {},
      );
      await clock.sleep(effects.hang ? Number.POSITIVE_INFINITY : settings.runMs + effects.runMs, stopSignal);
      if (effects.error !== undefined) throw effects.error;
    };
    try {
      await clock.sleep(settings.queueMs + effects.queueMs, stopSignal);
      await work(begin);
      // The work is done: from here on it succeeds, even if somebody wants to stop it.
      await clock.sleep(settings.settleMs + effects.settleMs);
      job.finish();
    } catch (error) {
      job.finish(toProto(stopSignal.aborted ? stopSignal.reason : error));
    } finally {
      ended.abort();
      giveBack();
    }
  };

  const prepare = async (
    job: Job,
    spec: JobSpec,
    identity: JobIdentity,
    media: SourceFile | undefined,
  ): Promise<(begin: () => Promise<void>) => Promise<void>> => {
    switch (spec.type) {
      case 'QUERY': {
        const prepared = await prepareQuery(identity.projectId, spec, identity.location);
        job.record.location = prepared.location;
        return (begin) => queryWork.run(job, spec, prepared, begin);
      }
      case 'LOAD':
        return (begin) => transferWork.load(job, spec, begin, media);
      case 'COPY':
        return (begin) => transferWork.copy(job, spec, begin);
    }
  };

  return {
    submit: async (identity, spec, media) => {
      const { projectId, jobId, location, requestKey } = identity;
      const job = store.add({
        projectId,
        jobId,
        location: location ?? 'US',
        type: spec.type,
        configuration: spec.configuration,
        ...(requestKey === undefined ? {} : { requestKey }),
      });
      const effects = faults.forJob({ type: spec.type, jobId, labels: spec.labels, sql: spec.type === 'QUERY' ? spec.sql : '' });
      const submitted = { job, ...(effects.loseAnswer === undefined ? {} : { loseAnswer: effects.loseAnswer }) };
      try {
        const work = await prepare(job, spec, identity, media);
        const end = runToEnd(job, spec, effects, work).finally(() => {
          underWay.delete(job);
          return media?.remove();
        });
        underWay.set(job, end);
      } catch (error) {
        await media?.remove();
        job.finish(toProto(error));
        if (error instanceof BigQueryProblem && error.reason === 'notImplemented') {
          store.remove(job);
          throw error;
        }
      }
      return submitted;
    },
    dryRun: async (projectId, spec, location) => {
      const prepared = await prepareQuery(projectId, spec, location);
      return { location: prepared.location, statistics: { creationTime: String(clock.now()), ...(await queryWork.dryRun(prepared, spec)) } };
    },
    close: async () => {
      for (const job of underWay.keys()) job.stop('the emulator was closed');
      await Promise.allSettled(underWay.values());
    },
  };
};
