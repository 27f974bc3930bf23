// jobs.query and jobs.getQueryResults: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/jobs/query
import { createHash } from 'node:crypto';
import { Router, type Request, type Response } from 'express';
import type { Engine } from '../engine-contract.ts';
import { readConfiguration, type QuerySpec } from '../jobs/configuration.ts';
import type { Job } from '../jobs/job.ts';
import { etagOf, jobReferenceOf } from '../jobs/job-resource.ts';
import type { JobRunner } from '../jobs/job-runner.ts';
import type { JobStore } from '../jobs/job-store.ts';
import { describeDml, schemaOf } from '../jobs/run-statement.ts';
import { BigQueryProblem } from '../problem.ts';
import { bodyOf, callerSignal, projectOf, queryText } from './call.ts';
import { toProblem } from './error-body.ts';
import { loseAnswer, readJobId } from './job-routes.ts';
import { readPageToken, readRowPage, tableNotFound, writePageToken } from './pages.ts';
import {
  checkFields,
  only,
  readOneOf,
  readOptionalBoolean,
  readOptionalCount,
  readOptionalObject,
  readOptionalText,
  type FieldRules,
  type JsonObject,
} from './read-json.ts';

type Dependencies = { readonly engine: Engine; readonly store: JobStore; readonly runner: JobRunner; readonly limits: boolean };
type PageRequest = { readonly startIndex: number; readonly maxResults: number | undefined; readonly useInt64Timestamp: boolean };

const defaultTimeoutMs = 10_000;
const maxTimeoutMs = 200_000;

const requestFields: FieldRules = {
  query: 'known',
  kind: 'harmless',
  maxResults: 'known',
  defaultDataset: 'known',
  timeoutMs: 'known',
  dryRun: 'known',
  useQueryCache: 'harmless',
  useLegacySql: 'known',
  parameterMode: 'known',
  queryParameters: 'known',
  location: 'known',
  formatOptions: 'known',
  labels: 'known',
  maximumBytesBilled: 'known',
  requestId: 'known',
  jobTimeoutMs: 'known',
  preserveNulls: 'harmless',
  reservation: 'harmless',
  maxSlots: 'harmless',
  // A job is always made.
  jobCreationMode: only('JOB_CREATION_REQUIRED', 'JOB_CREATION_OPTIONAL', 'JOB_CREATION_MODE_UNSPECIFIED'),
  createSession: only(false),
  continuous: only(false),
  writeIncrementalResults: only(false),
  connectionProperties: (value) => Array.isArray(value) && value.length === 0,
};

const readFormatOptions = (value: JsonObject | undefined): boolean => {
  checkFields('formatOptions', value ?? {}, {
    useInt64Timestamp: 'known',
    timestampOutputFormat: only('TIMESTAMP_OUTPUT_FORMAT_UNSPECIFIED', 'FLOAT64', 'INT64'),
  });
  return (readOptionalBoolean(value?.['useInt64Timestamp'], 'formatOptions.useInt64Timestamp') ?? false) || value?.['timestampOutputFormat'] === 'INT64';
};

/** What decides whether a request with a known `requestId` is the same one: everything that may change the result. */
const requestKeyOf = (body: JsonObject): string | undefined => {
  const requestId = readOptionalText(body['requestId'], 'requestId');
  if (requestId === undefined) return undefined;
  const { query, defaultDataset, queryParameters, parameterMode, location, labels, maximumBytesBilled } = body;
  const digest = createHash('sha256').update(JSON.stringify([query, defaultDataset, queryParameters, parameterMode, location, labels, maximumBytesBilled]));
  return `${requestId}:${digest.digest('hex').slice(0, 32)}`;
};

export const createQueryRoutes = ({ engine, store, runner, limits }: Dependencies): Router => {
  /** Throws the job's error. */
  const writeResults = async ({ record }: Job, page: PageRequest): Promise<JsonObject> => {
    if (record.errorResult !== undefined) throw toProblem(record.errorResult);
    const { outcome } = record;
    const common = { jobReference: jobReferenceOf(record), jobComplete: true, cacheHit: false, totalBytesProcessed: String(outcome?.bytesProcessed ?? 0) };
    if (outcome === undefined) throw new BigQueryProblem('invalid', `Job ${record.jobId} is not a query job`);
    if (outcome.rowsIn === undefined) return { ...common, ...(outcome.dml === undefined ? {} : describeDml(outcome.dml)) };
    if (engine.tables.get(outcome.rowsIn) === undefined) throw tableNotFound(outcome.rowsIn);
    const { rows, nextIndex } = await readRowPage(engine, outcome.rowsIn, { ...page, limits });
    return {
      ...common,
      schema: schemaOf(outcome.columns),
      totalRows: String(outcome.totalRows),
      ...(rows.length === 0 ? {} : { rows }),
      ...(nextIndex === undefined ? {} : { pageToken: writePageToken(record.jobId, nextIndex) }),
    };
  };

  const answerWhenDone = async (response: Response, kind: string, job: Job, timeoutMs: number | undefined, page: PageRequest): Promise<void> => {
    const isDone = await job.waitUntilDone(Math.min(timeoutMs ?? defaultTimeoutMs, maxTimeoutMs), callerSignal(response));
    if (response.closed) return;
    const results = isDone ? await writeResults(job, page) : { jobReference: jobReferenceOf(job.record), jobComplete: false };
    response.json({ kind, etag: etagOf(results), ...results });
  };

  const query = async (request: Request, response: Response): Promise<void> => {
    const body = bodyOf(request);
    const projectId = projectOf(request);
    checkFields('', body, requestFields);
    const {
      requestId: _,
      timeoutMs,
      maxResults,
      formatOptions,
      location: place,
      kind: _kind,
      jobCreationMode: _mode,
      dryRun,
      labels,
      jobTimeoutMs,
      reservation: _reservation,
      maxSlots: _slots,
      ...queryFields
    } = body;
    const location = readOptionalText(place, 'location');
    const page = {
      startIndex: 0,
      maxResults: readOptionalCount(maxResults, 'maxResults'),
      useInt64Timestamp: readFormatOptions(readOptionalObject(formatOptions, 'formatOptions')),
    };
    const spec = readConfiguration({ query: queryFields, dryRun, labels, jobTimeoutMs }, projectId, false) as QuerySpec;
    if (spec.dryRun) {
      const dry = await runner.dryRun(projectId, spec, location);
      const { totalBytesProcessed, query: statistics } = dry.statistics as { totalBytesProcessed: string; query: JsonObject };
      response.json({
        kind: 'bigquery#queryResponse',
        jobReference: { projectId, location: dry.location },
        jobComplete: true,
        cacheHit: false,
        totalBytesProcessed,
        ...(statistics['schema'] === undefined ? {} : { schema: statistics['schema'] }),
      });
      return;
    }
    const requestKey = requestKeyOf(body);
    const known = requestKey === undefined ? undefined : store.findRequest(projectId, requestKey);
    const submitted =
      known === undefined
        ? await runner.submit(
            { projectId, jobId: readJobId(undefined), ...(location === undefined ? {} : { location }), ...(requestKey === undefined ? {} : { requestKey }) },
            spec,
          )
        : { job: known };
    if (await loseAnswer(submitted, request, response)) return;
    await answerWhenDone(response, 'bigquery#queryResponse', submitted.job, readOptionalCount(timeoutMs, 'timeoutMs'), page);
  };

  const getResults = async (request: Request, response: Response): Promise<void> => {
    const job = store.get({ projectId: projectOf(request), jobId: String(request.params['jobId']) }, queryText(request, 'location'));
    const timestampFormat = readOneOf(queryText(request, 'formatOptions.timestampOutputFormat'), 'formatOptions.timestampOutputFormat', [
      'TIMESTAMP_OUTPUT_FORMAT_UNSPECIFIED',
      'FLOAT64',
      'INT64',
      'ISO8601_STRING',
    ]);
    const useInt64Timestamp = readFormatOptions({
      useInt64Timestamp: queryText(request, 'formatOptions.useInt64Timestamp'),
      timestampOutputFormat: timestampFormat,
    });
    const pageToken = queryText(request, 'pageToken');
    await answerWhenDone(response, 'bigquery#getQueryResultsResponse', job, readOptionalCount(queryText(request, 'timeoutMs'), 'timeoutMs'), {
      startIndex:
        pageToken === undefined ? (readOptionalCount(queryText(request, 'startIndex'), 'startIndex') ?? 0) : readPageToken(pageToken, job.record.jobId),
      maxResults: readOptionalCount(queryText(request, 'maxResults'), 'maxResults'),
      useInt64Timestamp,
    });
  };

  const routes = Router();
  routes.post('/projects/:projectId/queries', query);
  routes.get('/projects/:projectId/queries/:jobId', getResults);
  return routes;
};
