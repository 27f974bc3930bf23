// All jobs of this server, by project and id, and their journal. An id is taken for ever, whatever became of the job. With a
// folder every change of state is appended to `jobs.jsonl` before anybody hears of it, so that a client that was told DONE is
// told so again after kill -9. A job that was under way then is DONE with `jobInternalError`: nobody knows whether its work
// was committed, so whoever submitted it must look at his tables, as he must after any lost answer.
import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EmulatorClock } from '../control/emulator-clock.ts';
import { BigQueryProblem } from '../problem.ts';
import { formatJobId, Job, jobKey, type JobRecord, type JobState } from './job.ts';

export type JobFilter = {
  readonly states?: readonly JobState[];
  readonly parentJobId?: string;
  readonly minCreationTime?: number;
  readonly maxCreationTime?: number;
};

export type JobStore = Disposable & {
  /** Throws `duplicate` where the id is taken. */
  readonly add: (record: Omit<JobRecord, 'state' | 'createdAt' | 'details' | 'statistics'>) => Job;
  /** Throws `notFound`. A job outside the multi-regions US and EU is found only with its location, as with BigQuery. */
  readonly get: (id: { readonly projectId: string; readonly jobId: string }, location?: string) => Job;
  /** The job of an equal request of the last 15 minutes. */
  readonly findRequest: (projectId: string, requestKey: string) => Job | undefined;
  /** Newest first. Child jobs are listed under their parent only. */
  readonly list: (projectId: string, filter: JobFilter) => readonly Job[];
  readonly all: () => readonly Job[];
  readonly remove: (job: Job) => void;
  /** Forgets all jobs, and their ids. */
  readonly clear: () => void;
};

const requestLifeMs = 15 * 60_000;
const multiRegions = new Set(['US', 'EU']);
const interrupted = {
  reason: 'jobInternalError',
  message: 'The job encountered an internal error during execution and was unable to complete successfully.',
} as const;

type Line = { readonly put: JobRecord } | { readonly remove: string } | { readonly clear: true };

const readJournal = (file: string): Map<string, JobRecord> => {
  const records = new Map<string, JobRecord>();
  if (!existsSync(file)) return records;
  for (const text of readFileSync(file, 'utf8').split('\n')) {
    let line: Line;
    try {
      line = JSON.parse(text) as Line;
    } catch {
      // The last line may have been cut off by the death of the process: nobody has heard of it.
      continue;
    }
    if ('put' in line) records.set(jobKey(line.put), line.put);
    else if ('remove' in line) records.delete(line.remove);
    else records.clear();
  }
  return records;
};

const openJournal = (folder: string): { readonly records: Map<string, JobRecord>; readonly append: (line: Line) => void; readonly close: () => void } => {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'jobs.jsonl');
  const records = readJournal(file);
  // Written anew at every start, with one line per job.
  writeFileSync(`${file}.new`, [...records.values()].map((put) => `${JSON.stringify({ put })}\n`).join(''));
  renameSync(`${file}.new`, file);
  const handle = openSync(file, 'a');
  return { records, append: (line) => appendFileSync(handle, `${JSON.stringify(line)}\n`), close: () => closeSync(handle) };
};

export const openJobStore = ({ folder, clock }: { readonly folder?: string | undefined; readonly clock: EmulatorClock }): JobStore => {
  const journal = folder === undefined ? undefined : openJournal(folder);
  const jobs = new Map<string, Job>();
  const requests = new Map<string, Job>();
  const write = (job: Job): void => {
    // A job that was cleared or removed while it ran leaves no trace.
    if (jobs.get(job.key) === job) journal?.append({ put: job.record });
  };
  const put = (record: JobRecord): Job => {
    const job = new Job(record, clock, write);
    jobs.set(job.key, job);
    if (record.requestKey !== undefined) requests.set(`${record.projectId}:${record.requestKey}`, job);
    return job;
  };
  for (const record of journal?.records.values() ?? []) {
    const job = put(record);
    if (!job.isDone) job.finish(interrupted);
  }

  return {
    add: (draft) => {
      const taken = jobs.get(jobKey(draft));
      if (taken !== undefined) throw new BigQueryProblem('duplicate', `Already Exists: Job ${formatJobId(taken.record)}`);
      const job = put({ ...draft, state: 'PENDING', createdAt: clock.now(), details: {}, statistics: {} });
      write(job);
      return job;
    },
    get: (id, location) => {
      const job = jobs.get(jobKey(id));
      const asked = location?.toUpperCase();
      const found =
        job !== undefined && (asked === undefined ? multiRegions.has(job.record.location.toUpperCase()) : asked === job.record.location.toUpperCase());
      if (found) return job;
      throw new BigQueryProblem('notFound', `Not found: Job ${id.projectId}:${location === undefined ? '' : `${location}.`}${id.jobId}`);
    },
    findRequest: (projectId, requestKey) => {
      const job = requests.get(`${projectId}:${requestKey}`);
      if (job === undefined || jobs.get(job.key) !== job || clock.now() - job.record.createdAt > requestLifeMs) return undefined;
      return job;
    },
    list: (projectId, { states, parentJobId, minCreationTime, maxCreationTime }) =>
      [...jobs.values()]
        .filter(
          ({ record }) =>
            record.projectId === projectId &&
            record.parentJobId === parentJobId &&
            (states === undefined || states.length === 0 || states.includes(record.state)) &&
            record.createdAt >= (minCreationTime ?? 0) &&
            record.createdAt <= (maxCreationTime ?? Number.POSITIVE_INFINITY),
        )
        .reverse(),
    all: () => [...jobs.values()],
    remove: (job) => {
      jobs.delete(job.key);
      journal?.append({ remove: job.key });
    },
    clear: () => {
      for (const job of jobs.values()) job.stop('the emulator was reset');
      jobs.clear();
      requests.clear();
      journal?.append({ clear: true });
    },
    [Symbol.dispose]: () => journal?.close(),
  };
};
