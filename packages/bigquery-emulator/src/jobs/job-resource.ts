// The job as the REST API shows it: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/Job
import { createHash } from 'node:crypto';
import type { ErrorProto } from '../problem.ts';
import { formatJobId, type Job, type JobRecord } from './job.ts';

export const userEmailOf = (projectId: string): string => `emulator@${projectId}.iam.gserviceaccount.com`;

export const etagOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22);

const statusOf = ({ state, errorResult }: JobRecord): { state: string; errorResult?: ErrorProto; errors?: readonly ErrorProto[] } => ({
  state,
  ...(errorResult === undefined ? {} : { errorResult, errors: [errorResult] }),
});

const statisticsOf = ({ createdAt, startedAt, endedAt, parentJobId, statistics, details, type }: JobRecord): Readonly<Record<string, unknown>> => ({
  creationTime: String(createdAt),
  ...(startedAt === undefined ? {} : { startTime: String(startedAt) }),
  ...(endedAt === undefined ? {} : { endTime: String(endedAt) }),
  ...(startedAt === undefined || endedAt === undefined ? {} : { finalExecutionDurationMs: String(endedAt - startedAt) }),
  ...(parentJobId === undefined ? {} : { parentJobId }),
  ...statistics,
  ...(Object.keys(details).length === 0 ? {} : { [type.toLowerCase()]: details }),
});

export const jobReferenceOf = ({ projectId, jobId, location }: JobRecord): Readonly<Record<string, string>> => ({ projectId, jobId, location });

export const writeJob = ({ record }: Job, baseUrl: string): Readonly<Record<string, unknown>> => {
  const resource = {
    kind: 'bigquery#job',
    id: formatJobId(record),
    selfLink: `${baseUrl}/bigquery/v2/projects/${record.projectId}/jobs/${record.jobId}?location=${record.location}`,
    user_email: userEmailOf(record.projectId),
    configuration: record.configuration,
    jobReference: jobReferenceOf(record),
    statistics: statisticsOf(record),
    status: statusOf(record),
    jobCreationReason: { code: 'REQUESTED' },
  };
  return { ...resource, etag: etagOf(resource) };
};

/** In jobs.list: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/jobs/list */
export const writeListedJob = ({ record }: Job, full: boolean): Readonly<Record<string, unknown>> => ({
  kind: 'bigquery#job',
  id: formatJobId(record),
  jobReference: jobReferenceOf(record),
  state: record.state,
  ...(record.errorResult === undefined ? {} : { errorResult: record.errorResult }),
  statistics: statisticsOf(record),
  status: statusOf(record),
  user_email: userEmailOf(record.projectId),
  // The configuration is a matter of the full projection, but for the kind of job.
  configuration: full ? record.configuration : { jobType: record.type },
});
