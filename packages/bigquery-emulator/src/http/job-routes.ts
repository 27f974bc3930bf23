// jobs.insert, get, list, cancel and delete: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/jobs
import { randomUUID } from 'node:crypto';
import { bigquery } from '@floodgate/cloud-limits/limits.ts';
import { Router, type Request, type Response } from 'express';
import type { JobState } from '../jobs/job.ts';
import { readConfiguration } from '../jobs/configuration.ts';
import { etagOf, writeJob, writeListedJob } from '../jobs/job-resource.ts';
import type { JobRunner, Submitted } from '../jobs/job-runner.ts';
import type { JobStore } from '../jobs/job-store.ts';
import { BigQueryProblem, notImplemented } from '../problem.ts';
import { baseUrlOf, bodyOf, callerSignal, projectOf, queryText, queryTexts } from './call.ts';
import { pageOf } from './pages.ts';
import { checkFields, invalid, readOneOf, readOptionalCount, readOptionalObject, readOptionalText } from './read-json.ts';
import { readMultipart, type Media, type Uploads } from './uploads.ts';

type Dependencies = { readonly store: JobStore; readonly runner: JobRunner; readonly uploads: Uploads };

/** The longest that a call waits for a job whose answer it must lose. */
const maxLostAnswerWaitMs = 600_000;

/** The job does its work, and whoever submitted it never hears of it. */
export const loseAnswer = async ({ job, loseAnswer: how }: Submitted, request: Request, response: Response): Promise<boolean> => {
  if (how === undefined) return false;
  await job.waitUntilDone(maxLostAnswerWaitMs, callerSignal(response));
  if (how === 'reset') request.socket.resetAndDestroy();
  else throw new BigQueryProblem('backendError', 'Ordered from the emulator: the answer is lost');
  return true;
};

export const readJobId = (value: unknown): string => {
  const jobId = readOptionalText(value, 'jobReference.jobId') ?? `job_${randomUUID().replaceAll('-', '').slice(0, 28)}`;
  if (!bigquery.job.idPattern.test(jobId)) {
    throw invalid(`Invalid job ID "${jobId}". Job IDs must be alphanumeric (plus underscores and dashes) and must be at most 1024 characters long.`);
  }
  return jobId;
};

const insertFields = {
  configuration: 'known',
  jobReference: 'known',
  kind: 'harmless',
  etag: 'harmless',
  id: 'harmless',
  selfLink: 'harmless',
  user_email: 'harmless',
  status: 'harmless',
  statistics: 'harmless',
} as const;

export const createJobRoutes = ({ store, runner, uploads }: Dependencies): Router => {
  const insert = async (request: Request, response: Response, projectId: string, value: unknown, media?: Media): Promise<void> => {
    const body = readOptionalObject(value, 'the job') ?? {};
    try {
      checkFields('', body, insertFields);
      const reference = readOptionalObject(body['jobReference'], 'jobReference') ?? {};
      const location = readOptionalText(reference['location'], 'jobReference.location');
      const spec = readConfiguration(body['configuration'], projectId, media !== undefined);
      if (spec.type === 'QUERY' && spec.dryRun) {
        const dry = await runner.dryRun(projectId, spec, location);
        const resource = {
          kind: 'bigquery#job',
          configuration: spec.configuration,
          // Without an id: no job was made.
          jobReference: { projectId, location: dry.location },
          statistics: dry.statistics,
          status: { state: 'DONE' },
        };
        response.json({ ...resource, etag: etagOf(resource) });
        return;
      }
      const submitted = await runner.submit({ projectId, jobId: readJobId(reference['jobId']), ...(location === undefined ? {} : { location }) }, spec, media);
      if (await loseAnswer(submitted, request, response)) return;
      response.json(writeJob(submitted.job, baseUrlOf(request)));
    } catch (error) {
      await media?.remove();
      throw error;
    }
  };

  const routes = Router();
  routes.post('/projects/:projectId/jobs', (request, response) => insert(request, response, projectOf(request), bodyOf(request)));
  routes.get('/projects/:projectId/jobs', (request, response) => {
    const projectId = projectOf(request);
    const states = queryTexts(request, 'stateFilter').map((state) => {
      const known = readOneOf(state.toUpperCase(), 'stateFilter', ['PENDING', 'RUNNING', 'DONE']);
      return known as JobState;
    });
    const parentJobId = queryText(request, 'parentJobId');
    const minCreationTime = readOptionalCount(queryText(request, 'minCreationTime'), 'minCreationTime');
    const maxCreationTime = readOptionalCount(queryText(request, 'maxCreationTime'), 'maxCreationTime');
    const jobs = store.list(projectId, {
      states,
      ...(parentJobId === undefined ? {} : { parentJobId }),
      ...(minCreationTime === undefined ? {} : { minCreationTime }),
      ...(maxCreationTime === undefined ? {} : { maxCreationTime }),
    });
    const full = readOneOf(queryText(request, 'projection')?.toLowerCase(), 'projection', ['full', 'minimal']) === 'full';
    const page = pageOf(jobs, {
      of: `jobs ${projectId}`,
      pageToken: queryText(request, 'pageToken'),
      maxResults: readOptionalCount(queryText(request, 'maxResults'), 'maxResults'),
    });
    const listed = page.items.map((job) => writeListedJob(job, full));
    response.json({
      kind: 'bigquery#jobList',
      etag: etagOf(listed),
      jobs: listed,
      ...(page.nextPageToken === undefined ? {} : { nextPageToken: page.nextPageToken }),
    });
  });
  const find = (request: Request) => store.get({ projectId: projectOf(request), jobId: String(request.params['jobId']) }, queryText(request, 'location'));
  routes.get('/projects/:projectId/jobs/:jobId', (request, response) => {
    response.json(writeJob(find(request), baseUrlOf(request)));
  });
  routes.post('/projects/:projectId/jobs/:jobId/cancel', (request, response) => {
    const job = find(request);
    job.stop('User requested cancellation');
    response.json({ kind: 'bigquery#jobCancelResponse', job: writeJob(job, baseUrlOf(request)) });
  });
  routes.delete('/projects/:projectId/jobs/:jobId/delete', (request, response) => {
    const job = find(request);
    if (!job.isDone) throw new BigQueryProblem('resourceInUse', `Job ${job.record.jobId} is still running`);
    for (const child of store.list(job.record.projectId, { parentJobId: job.record.jobId })) store.remove(child);
    store.remove(job);
    response.status(204).end();
  });

  return routes.use(createUploadRoutes({ uploads, insert }));
};

const createUploadRoutes = ({
  uploads,
  insert,
}: {
  readonly uploads: Uploads;
  readonly insert: (request: Request, response: Response, projectId: string, body: unknown, media: Media) => Promise<void>;
}): Router => {
  const routes = Router();
  routes.post('/upload/projects/:projectId/jobs', async (request, response) => {
    const type = queryText(request, 'uploadType') ?? request.get('x-goog-upload-protocol');
    if (type === 'multipart') {
      const { body, media } = await readMultipart(request);
      await insert(request, response, projectOf(request), body, media);
      return;
    }
    if (type !== 'resumable') throw notImplemented(`the upload type ${type ?? '(none)'}`);
    const id = await uploads.start(projectOf(request), bodyOf(request));
    response
      .set('location', `${baseUrlOf(request)}/upload/bigquery/v2/projects/${projectOf(request)}/jobs?uploadType=resumable&upload_id=${id}`)
      .status(200)
      .end();
  });
  routes.put('/upload/projects/:projectId/jobs', async (request, response) => {
    const { received, complete } = await uploads.write(queryText(request, 'upload_id') ?? '', request);
    if (complete !== undefined) return await insert(request, response, complete.projectId, complete.body, complete.media);
    if (received > 0) response.set('range', `bytes=0-${received - 1}`);
    // 308 Resume Incomplete, in Google's use of it.
    response.status(308).end();
  });
  return routes;
};
