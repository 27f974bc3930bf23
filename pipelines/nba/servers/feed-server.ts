// An HTTP server of NBA data, for trying and testing how it is fetched:
//   GET /v1/seasons                  JSON
//   GET /v1/schedule/2023-24         NDJSON, all games of the season
//   GET /v1/<feed>/2024-01-26        NDJSON, one date; empty where there is nothing
//   POST /faults [..]  GET /faults  DELETE /faults     how it shall misbehave, see faults.ts
//   GET /requests                    how often each feed was asked for
//   PUT /as-of  2024-01-05T18:00:00Z  what the simulated league serves from now on: what was known then; empty: everything
// Every answer says how many rows and games it has, and the hash of its bytes; errors are JSON.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { Faults, faultsSchema, type AnswerFault, type Fault } from './faults.ts';
import { feedNames, type FeedName, type FeedRows, type Row } from './feeds.ts';

export type FeedServer = AsyncDisposable & {
  readonly url: string;
  readonly faults: Faults;
  /** Requests by `feed` since the start, those that were refused included. */
  readonly requests: ReadonlyMap<string, number>;
};

export type FeedServerOptions = {
  readonly feeds: FeedRows;
  /** 0: any that is free. */
  readonly port?: number;
  readonly faults?: readonly Fault[];
  /** Decides about faults with a share. */
  readonly random: () => number;
};

const sendJson = (response: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(`${JSON.stringify(body)}\n`);
};

const sendError = (response: ServerResponse, status: number, code: string, message: string, headers?: Readonly<Record<string, string>>): void =>
  sendJson(response, status, { error: { code, message } }, headers);

const refusals = { '403': 'you are not welcome here', '429': 'too many requests', '500': 'something broke' } as const;

const sendRows = async (response: ServerResponse, rows: readonly Row[], fault: AnswerFault | undefined): Promise<void> => {
  const lines = (fault?.kind === 'empty' ? [] : rows).map((row) => `${JSON.stringify(row)}\n`);
  const body = Buffer.from(lines.join(''));
  response.writeHead(200, {
    'content-type': 'application/x-ndjson',
    'x-row-count': String(lines.length),
    'x-game-count': String(new Set(rows.slice(0, lines.length).flatMap(({ game_id: id }) => (typeof id === 'string' ? [id] : []))).size),
    'x-content-sha256': createHash('sha256').update(body).digest('hex'),
    ...(fault?.kind === 'cut' ? { 'content-length': String(body.length) } : {}),
  });
  if (fault?.kind === 'truncate') response.end(lines.slice(0, Math.floor(lines.length / 2)).join(''));
  else if (fault?.kind === 'cut') response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
  else response.end(body);
};

const serveFeed = async (response: ServerResponse, feeds: FeedRows, faults: Faults, feed: FeedName, at: string, closed: AbortSignal): Promise<void> => {
  const fault = faults.next(feed, at);
  if (fault?.kind === '403' || fault?.kind === '429' || fault?.kind === '500') {
    const retryAfter = fault.retry_after;
    return sendError(
      response,
      Number(fault.kind),
      `fault_${fault.kind}`,
      refusals[fault.kind],
      retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
    );
  }
  // Answered by nobody: the client gives up, or the server is closed.
  if (fault?.kind === 'hang') return;
  if (fault?.kind === 'slow') await systemClock.sleep(fault.delay_ms, closed).catch(() => undefined);
  if (feed !== 'schedule' && !/^\d{4}-\d{2}-\d{2}$/.test(at)) return sendError(response, 400, 'bad_date', `${at} is no date`);
  const rows = await faults.rows(feeds, feed, at);
  if (rows === undefined) return sendError(response, 404, 'unknown_season', `there is no season ${at}; there are ${(await feeds.seasons()).join(', ')}`);
  return sendRows(response, rows, fault);
};

const serveFaults = async (request: IncomingMessage, response: ServerResponse, faults: Faults): Promise<void> => {
  if (request.method === 'DELETE') faults.clear();
  if (request.method === 'POST') {
    const parsed = faultsSchema.safeParse(JSON.parse(await text(request)));
    if (!parsed.success) return sendError(response, 400, 'bad_faults', parsed.error.message);
    faults.add(parsed.data);
  }
  sendJson(response, 200, faults.all);
};

/** Listens on this machine only. */
export const startFeedServer = async ({ feeds, port = 0, faults: initial = [], random }: FeedServerOptions): Promise<FeedServer> => {
  const faults = new Faults(random);
  faults.add(initial);
  const requests = new Map<string, number>();
  const closed = new AbortController();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [, version, feed, at, ...more] = new URL(request.url ?? '/', 'http://localhost').pathname.split('/').map(decodeURIComponent);
    if (version === 'faults') return serveFaults(request, response, faults);
    if (version === 'as-of' && request.method === 'PUT') {
      const instant = (await text(request)).trim();
      feeds.knowAsOf(instant === '' ? undefined : instant);
      return sendJson(response, 200, { as_of: instant });
    }
    if (version === 'requests') return sendJson(response, 200, Object.fromEntries(requests));
    if (version === 'v1' && feed === 'seasons') return sendJson(response, 200, await feeds.seasons());
    const known = feedNames.find((name) => name === feed);
    if (version !== 'v1' || known === undefined || at === undefined || more.length > 0)
      return sendError(response, 404, 'unknown_feed', `there is no ${request.url ?? '/'}; feeds are ${feedNames.join(', ')}`);
    requests.set(known, (requests.get(known) ?? 0) + 1);
    return serveFeed(response, feeds, faults, known, at, closed.signal);
  };
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendError(response, 500, 'internal', error instanceof Error ? error.message : String(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    faults,
    requests,
    [Symbol.asyncDispose]: async () => {
      closed.abort();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      feeds.close();
    },
  };
};
