// A server on fakes, and a client that shows status and body.
import { createEmulatorClock, frozenTime, type EmulatorClock } from '../control/emulator-clock.ts';
import { createFakeAnalyzer, createFakeEngine, type FakeEngine } from '../fakes.fixture.ts';
import { serve, type ServerOptions } from './serve.ts';

// Tests look into answers of many shapes; a wrong path is undefined and fails its assertion.
// oxlint-disable-next-line typescript/no-explicit-any
export type Answer = { readonly status: number; readonly body: any; readonly headers: Headers };
export type FakeServer = AsyncDisposable & {
  readonly url: string;
  readonly engine: FakeEngine;
  readonly clock: EmulatorClock;
  /** Paths beneath /bigquery/v2/projects/p; with a leading `//` beneath the root. */
  readonly call: (method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => Promise<Answer>;
  readonly query: (sql: string, more?: Readonly<Record<string, unknown>>) => Promise<Answer>;
  readonly insert: (sql: string, jobId: string, more?: Readonly<Record<string, unknown>>) => Promise<Answer>;
  /** The job, once it is DONE. */
  readonly done: (jobId: string) => Promise<Answer>;
};

export const startFakeServer = async (options: Partial<ServerOptions> = {}): Promise<FakeServer> => {
  const clock = options.clock ?? createEmulatorClock(frozenTime(1_700_000_000_000));
  const engine = createFakeEngine(clock);
  const server = await serve({ port: 0, limits: true, ...options }, { analyzer: createFakeAnalyzer(), engine, clock });
  const call: FakeServer['call'] = async (method, path, body, headers = {}) => {
    const url = path.startsWith('//') ? `${server.url}${path.slice(1)}` : `${server.url}/bigquery/v2/projects/p${path}`;
    const response = await fetch(url, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text), headers: response.headers };
  };
  await engine.datasets.create({ projectId: 'p', datasetId: 'd', location: 'US', properties: {} });
  return {
    url: server.url,
    engine,
    clock,
    call,
    query: (sql, more = {}) => call('POST', '/queries', { query: sql, useLegacySql: false, ...more }),
    insert: (sql, jobId, more = {}) =>
      call('POST', '/jobs', { jobReference: { projectId: 'p', jobId }, configuration: { query: { query: sql, useLegacySql: false }, ...more } }),
    done: async (jobId) => {
      for (let tries = 0; ; tries += 1) {
        const answer = await call('GET', `/jobs/${jobId}`);
        if (tries > 1_000 || answer.status !== 200 || answer.body.status.state === 'DONE') return answer;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
};
