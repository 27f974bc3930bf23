// The emulator in this process, and the official client on it. Every test takes a dataset of its own, so that tests share a
// server and nothing else.
import { BigQuery } from '@google-cloud/bigquery';
import type { BigQueryOptions, Dataset, Job } from '@google-cloud/bigquery';
import { createEmulatorClock } from '@floodgate/bigquery-emulator/control/emulator-clock.ts';
import type { EmulatorClock } from '@floodgate/bigquery-emulator/control/emulator-clock.ts';
import { startServer } from '@floodgate/bigquery-emulator/server.ts';

// Tests look into answers of many shapes; a wrong path is undefined and fails its assertion.
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;
export type Answer = { readonly status: number; readonly body: Json; readonly headers: Headers };

export const projectId = 'floodgate-test';

/** The client of whoever has no credentials, which are not looked for either. Nothing is tried twice: tests see the first answer. */
export const connect = (url: string): BigQuery =>
  new BigQuery({
    projectId,
    apiEndpoint: url,
    retryOptions: { autoRetry: false },
    authClient: { getRequestHeaders: async () => new Headers({ authorization: 'Bearer nobody' }) } as unknown as NonNullable<BigQueryOptions['authClient']>,
  });

export type TestServer = AsyncDisposable & {
  readonly url: string;
  readonly client: BigQuery;
  readonly clock: EmulatorClock;
  readonly newDataset: () => Promise<Dataset>;
  /** What goes over the wire. Paths beneath `/bigquery/v2/projects/{projectId}`; with a leading `//` beneath the root. */
  readonly call: (method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => Promise<Answer>;
  /** A call of the control endpoint that must succeed. */
  readonly control: (method: string, path: string, body?: unknown) => Promise<Json>;
};

export const callServer = async (
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> => {
  const response = await fetch(path.startsWith('//') ? `${url}${path.slice(1)}` : `${url}/bigquery/v2/projects/${projectId}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text), headers: response.headers };
};

export const startBigQuery = async (
  options: { readonly limits?: boolean; readonly slots?: number; readonly storageHost?: string } = {},
): Promise<TestServer> => {
  const clock = createEmulatorClock();
  const server = await startServer({ port: 0, limits: true, clock, ...options });
  const client = connect(server.url);
  let datasets = 0;
  return {
    url: server.url,
    client,
    clock,
    newDataset: async () => {
      datasets += 1;
      const [dataset] = await client.createDataset(`nba_${datasets}`);
      return dataset;
    },
    call: (...rest) => callServer(server.url, ...rest),
    control: async (method, path, body) => {
      const { status, body: answer } = await callServer(server.url, method, `//emulator/v1${path}`, body);
      if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
      return answer;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
};

export type Failure = { readonly code?: number; readonly reason?: string; readonly location?: string; readonly message: string };

/** What a caller of the client sees where its call fails. */
export const failureOf = async (call: Promise<unknown>): Promise<Failure> => {
  try {
    await call;
  } catch (error) {
    const { code, message, errors } = error as { code?: number; message: string; errors?: readonly { readonly reason: string; readonly location?: string }[] };
    const [first] = errors ?? [];
    return {
      message,
      ...(code === undefined ? {} : { code }),
      ...(first === undefined ? {} : { reason: first.reason, ...(first.location === undefined ? {} : { location: first.location }) }),
    };
  }
  throw new Error('the call succeeded');
};

/** A query job to its end: its resource and the rows of its first page. */
export const runJob = async (
  client: BigQuery,
  options: Parameters<BigQuery['createQueryJob']>[0],
): Promise<{ readonly job: Job; readonly rows: Json[]; readonly metadata: Json }> => {
  const [job] = await client.createQueryJob(options);
  const [rows] = await job.getQueryResults();
  const [metadata] = await job.getMetadata();
  return { job, rows, metadata };
};

export const rowsOf = async (client: BigQuery, query: string, params?: Json): Promise<Json[]> =>
  (await client.query(params === undefined ? { query } : { query, params }))[0] as Json[];

/** The resource of a job at its end; rejects with its error. The client's own waiting looks only twice a second. */
export const finishJob = async (job: Job): Promise<Json> => {
  for (;;) {
    const [metadata] = await job.getMetadata();
    const { state, errorResult } = metadata.status;
    if (errorResult !== undefined) throw Object.assign(new Error(errorResult.message), { errors: [errorResult] });
    if (state === 'DONE') return metadata;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
