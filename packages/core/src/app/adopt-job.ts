// What becomes of the warehouse job of a worker that died: the next claim goes on with it, or cancels it. A job goes on
// without its worker, and on BigQuery it costs money.
//
// It is adopted only as a whole: by a claim of exactly its dates, with the code, the digest and the versions of the inputs
// that the claim would record now; the versions say that no upstream commit fell between the two claims. Sources and external
// tables have no versions, so that the job of a processor that reads one is never adopted. The staging of an adopted job keeps
// its name; the generation that commits the rows is the new claim's.
//
// A span that died is released again in shorter spans (`recover_running`), so that no later claim has exactly its dates.
// Recovery leaves such a job on the first task of the span alone: the claim of that one finds that it can't adopt the job,
// and cancels it, once. A span of one date is its own first task, and adopts.
import type { StageJobRecord, TaskDocument } from '../contracts/documents.ts';
import type { JobState } from '../ports/warehouse.ts';
import type { EngineDeps } from './deps.ts';

/** As they were before the claim's transaction. unknown: the warehouse did not say. */
export type JobStates = ReadonlyMap<string, JobState | 'unknown'>;

export type JobName = Readonly<Pick<StageJobRecord, 'jobId' | 'staging'>>;

/**
 * Asked outside the transaction, so what it says may be outdated when that decides. A job that has ended meanwhile answers
 * whoever attaches to it, with its rows or with its error; the task is then put back and computed anew.
 */
export const readJobStates = async (deps: EngineDeps, tasks: readonly TaskDocument[], signal: AbortSignal): Promise<JobStates> => {
  const states = new Map<string, JobState | 'unknown'>();
  for (const { job } of tasks) {
    if (job === null || states.has(job.jobId)) continue;
    try {
      states.set(job.jobId, await deps.warehouse.jobState(job.jobId, signal));
    } catch (error) {
      if (signal.aborted) throw error;
      deps.logger.warn({ jobId: job.jobId, err: error }, 'state of a left job not known; it will be cancelled');
      states.set(job.jobId, 'unknown');
    }
  }
  return states;
};

/** A task that is being claimed, still with the job that was left on it, and the version of its inputs now. */
export type Claimed = { readonly task: TaskDocument; readonly inputVersion: string };

/** The job that the claim goes on with, where there is one. */
export const findAdoptable = (claimed: readonly Claimed[], states: JobStates): JobName | undefined => {
  const left = claimed[0]?.task.job ?? null;
  if (left === null || left.dates !== claimed.length) return undefined;
  const state = states.get(left.jobId);
  if (state !== 'running' && state !== 'succeeded') return undefined;
  const fits = claimed.every(
    ({ task: { job, codeHash, inputDigest }, inputVersion }) =>
      job?.jobId === left.jobId && job.codeHash === codeHash && job.inputDigest === inputDigest && job.inputVersion === inputVersion,
  );
  return fits ? { jobId: left.jobId, staging: left.staging } : undefined;
};

/** Jobs that no task carries any more once these are claimed, and that may still run. */
export const findAbandoned = (taken: readonly TaskDocument[], adopted: JobName | undefined, states: JobStates): readonly string[] => {
  const left = new Set(taken.flatMap(({ job }) => (job === null || job.jobId === adopted?.jobId ? [] : [job.jobId])));
  return [...left].filter((jobId) => {
    const state = states.get(jobId) ?? 'unknown';
    return state === 'running' || state === 'unknown';
  });
};

/** Best effort: a job that goes on all the same costs money and nothing else, since nobody will look at its staging. */
export const cancelJobs = async (deps: EngineDeps, jobIds: readonly string[], signal: AbortSignal): Promise<void> => {
  for (const jobId of jobIds) {
    try {
      await deps.warehouse.cancelJob(jobId, signal);
      deps.logger.info({ jobId }, 'left job cancelled');
    } catch (error) {
      deps.logger.warn({ jobId, err: error }, 'left job not cancelled');
    }
  }
};

/**
 * Stagings that a task may still use. One that waits with a job of its own counts, as long as its dates may travel together
 * again; a finished one does not, although the names stay on it.
 */
export const stagingsInUse = ({ state, staged, job, spanLimit }: TaskDocument): readonly string[] => {
  switch (state) {
    case 'waiting':
    case 'queued':
      return job === null || job.dates > spanLimit ? [] : [job.staging];
    case 'running':
      return job === null ? [] : [job.staging];
    case 'staged':
    case 'committing':
    case 'quarantined':
      return staged === null ? [] : [staged.staging];
    default:
      return [];
  }
};
