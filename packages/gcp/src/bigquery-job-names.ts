// Ids under which one piece of work was submitted: the caller's, and where that one can't be used again (it failed, or what it
// made is gone, or it was another piece of work of the same name) that id with a number. The last one that exists counts.
import type { Resource } from './bigquery-client.ts';
import { toJobId, type BigQueryJobs } from './bigquery-jobs.ts';

const maxNames = 20;

export const jobName = (jobId: string, number: number): string => toJobId(number === 1 ? jobId : `${jobId}-${number}`);

export type LastJob = { readonly number: number; readonly jobId: string; readonly resource: Resource };

/** The last job of these names that BigQuery knows; undefined: it knows none. */
export const findLast = async (jobs: BigQueryJobs, jobId: string, signal: AbortSignal): Promise<LastJob | undefined> => {
  let last: LastJob | undefined;
  for (let number = 1; number <= maxNames; number += 1) {
    const name = jobName(jobId, number);
    const resource = await jobs.find(name, signal);
    if (resource === undefined) return last;
    last = { number, jobId: name, resource };
    // Nothing follows a job that runs.
    if (resource.status.state !== 'DONE') return last;
  }
  return last;
};

export const isRunning = (job: LastJob): boolean => job.resource.status.state !== 'DONE';
export const hasFailed = (job: LastJob): boolean => job.resource.status.errorResult !== undefined;
