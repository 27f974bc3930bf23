// Asks the server of a source, and owns what that server may be burdened with: how often it is asked, how long we wait, when we
// stop. Per source and process one pace: after a 429 all dates of the source wait, after a refusal (403) none is sent any more
// until the pause is over. An answer is whole by the server's own count, or it is no answer.
import { createHash } from 'node:crypto';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { backoffMs } from '@floodgate/core/domain/failure.ts';
import type { CodeContext } from '@floodgate/core/app/deps.ts';

export type Asker = Pick<CodeContext, 'settings' | 'clock' | 'random' | 'logger' | 'shared' | 'signal'>;

export type Answer = {
  readonly text: string;
  readonly sha256: string;
  readonly bytes: number;
  /** What the server said that it sent; undefined: it didn't say. */
  readonly announced: { readonly rows: number | undefined; readonly sha256: string | undefined; readonly games: number | undefined };
};

type Pace = { nextAt: number; blockedUntil: number; blockedBecause: string };

const numberOf = (settings: CodeContext['settings'], name: string, initial: number): number => {
  const text = settings[name];
  return text === undefined || text === '' ? initial : Number(text);
};

const limitsOf = ({ settings }: Asker, source: string) => ({
  perSecond: numberOf(settings, `source_per_second_${source}`, numberOf(settings, 'source_per_second', 10)),
  attempts: numberOf(settings, 'source_attempts', 5),
  timeoutMs: numberOf(settings, 'source_timeout_seconds', 20) * 1_000,
  deadlineMs: numberOf(settings, 'source_deadline_seconds', 120) * 1_000,
  blockedMs: numberOf(settings, 'source_pause_seconds', 60) * 1_000,
  retry: { maxAttempts: 5, baseMs: numberOf(settings, 'source_backoff_ms', 500), maxMs: 15_000 },
});
type Limits = ReturnType<typeof limitsOf>;

const paceOf = ({ shared }: Asker, source: string): Pace => shared(`pace of ${source}`, () => ({ nextAt: 0, blockedUntil: 0, blockedBecause: '' }));

/** Waits until this source may be asked again; each call takes the next place. */
const takeTurn = async ({ clock, signal }: Asker, pace: Pace, { perSecond }: Limits): Promise<void> => {
  const at = Math.max(clock.now(), pace.nextAt);
  pace.nextAt = at + 1_000 / perSecond;
  if (at > clock.now()) await clock.sleep(at - clock.now(), signal);
};

/** Runs `work` for at most so long. */
const within = async <Result>({ clock, signal }: Asker, ms: number, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> => {
  const [late, done] = [new AbortController(), new AbortController()];
  void clock.sleep(ms, done.signal).then(
    () => late.abort(new Error(`no whole answer within ${ms / 1_000} s`)),
    () => undefined,
  );
  try {
    return await work(AbortSignal.any([signal, late.signal]));
  } finally {
    done.abort();
  }
};

type Try =
  | { readonly outcome: 'answer'; readonly answer: Answer }
  /** Worth another try, after `waitMs` at least. */
  | {
      readonly outcome: 'again';
      readonly code: 'source_unavailable' | 'source_incomplete';
      readonly isTooOften: boolean;
      readonly why: string;
      readonly waitMs: number;
    }
  | { readonly outcome: 'blocked' | 'refused'; readonly why: string; readonly waitMs: number };

/** Seconds, or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
export const retryAfterMs = (header: string | null, now: number): number => {
  if (header === null) return 0;
  const seconds = Number(header);
  const until = Number.isFinite(seconds) ? now + seconds * 1_000 : Date.parse(header);
  return Number.isNaN(until) ? 0 : Math.max(0, until - now);
};

const countIn = (response: Response, name: string): number | undefined => {
  const text = response.headers.get(name);
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
};

const readAnswer = async (response: Response): Promise<Try> => {
  const body = Buffer.from(await response.arrayBuffer());
  const sha256 = createHash('sha256').update(body).digest('hex');
  const text = body.toString('utf8');
  const rows = text === '' ? 0 : text.trimEnd().split('\n').length;
  const announced = {
    rows: countIn(response, 'x-row-count'),
    sha256: response.headers.get('x-content-sha256') ?? undefined,
    games: countIn(response, 'x-game-count'),
  };
  const incomplete = (why: string): Try => ({ outcome: 'again', code: 'source_incomplete', isTooOften: false, why, waitMs: 0 });
  if (announced.rows !== undefined && announced.rows !== rows) return incomplete(`${rows} of ${announced.rows} rows came`);
  if (announced.sha256 !== undefined && announced.sha256 !== sha256) return incomplete('the bytes are not those that the server announced');
  if (text !== '' && !text.endsWith('\n')) return incomplete('the last line is cut off');
  return { outcome: 'answer', answer: { text, sha256, bytes: body.length, announced } };
};

/** The words in an error's body, without the JSON around them where it is of the usual form. */
const saidBy = (body: string): string => {
  try {
    const { error } = JSON.parse(body) as { readonly error?: { readonly message?: unknown } };
    if (typeof error?.message === 'string') return error.message;
  } catch {
    // No JSON: the text itself.
  }
  return body.trim();
};

const send = async (asker: Asker, url: string, limits: Limits): Promise<Try> => {
  try {
    return await within(asker, limits.timeoutMs, async (signal) => {
      // oxlint-disable-next-line no-restricted-globals -- this file is the adapter of the servers of sources
      const response = await fetch(url, { signal, headers: { 'user-agent': 'floodgate', accept: 'application/x-ndjson' } });
      const { status } = response;
      if (status === 200) return readAnswer(response);
      const said = saidBy(await response.text()).slice(0, 200);
      const why = `${status}${said === '' ? '' : `: ${said}`}`;
      const waitMs = retryAfterMs(response.headers.get('retry-after'), asker.clock.now());
      if (status === 401 || status === 403 || status === 451) return { outcome: 'blocked', why, waitMs };
      if (status === 429 || status === 408 || status >= 500)
        return { outcome: 'again', code: 'source_unavailable', isTooOften: status === 429 || waitMs > 0, why, waitMs };
      return { outcome: 'refused', why, waitMs };
    });
  } catch (error) {
    asker.signal.throwIfAborted();
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    const message = error instanceof Error ? error.message : String(error);
    return { outcome: 'again', code: 'source_unavailable', isTooOften: false, why: `${message}${cause}`, waitMs: 0 };
  }
};

/** The same words for every date of the source, so that they are one cause: the server refuses us, and not this date. */
const refuseBlocked = (source: string, base: string, { blockedBecause }: Pace, { blockedMs }: Limits): never => {
  throw new FloodgateError('source_blocked', `${source}: the server refuses us (${blockedBecause}): ${base}`, {
    hint: `find out why (address, key, too many requests), then go on with npx floodgate retry (a process that was refused asks again after ${blockedMs / 1_000} s, another one at once)`,
  });
};

/**
 * The whole answer to GET `path`. Throws FloodgateError: `no_source_url`, `source_blocked` and `source_refused` (asking again is of no
 * use), `source_unavailable` and `source_incomplete` (once all tries are used up or the deadline is near).
 */
export const ask = async (asker: Asker, source: string, path: string): Promise<Answer> => {
  const base = asker.settings['source_url'];
  if (base === undefined || base === '')
    throw new FloodgateError('no_source_url', `${source}: nobody said from where to fetch`, {
      hint: 'name the server with --source-url, or leave phase 1 out',
    });
  const url = `${base.replace(/\/+$/, '')}${path}`;
  const [limits, pace, { clock }] = [limitsOf(asker, source), paceOf(asker, source), asker];
  const endsAt = clock.now() + limits.deadlineMs;
  for (let attempt = 1; ; attempt += 1) {
    if (pace.blockedUntil > clock.now()) refuseBlocked(source, base, pace, limits);
    await takeTurn(asker, pace, limits);
    // Refused meanwhile, while this one waited for its turn.
    if (pace.blockedUntil > clock.now()) refuseBlocked(source, base, pace, limits);
    const tried = await send(asker, url, limits);
    if (tried.outcome === 'answer') return tried.answer;
    if (tried.outcome === 'blocked') {
      pace.blockedUntil = clock.now() + Math.max(limits.blockedMs, tried.waitMs);
      pace.blockedBecause = tried.why;
      refuseBlocked(source, base, pace, limits);
    }
    if (tried.outcome === 'refused') throw new FloodgateError('source_refused', `${source}: ${url} answered ${tried.why}`);
    if (tried.outcome !== 'again') continue;
    // All dates of the source wait, not this one alone.
    if (tried.isTooOften) pace.nextAt = Math.max(pace.nextAt, clock.now() + tried.waitMs);
    const waitMs = Math.max(tried.waitMs, backoffMs(limits.retry, attempt, asker.random()));
    asker.logger.warn({ source, url, attempt, code: tried.code, why: tried.why, waitMs }, 'a source is asked again');
    if (attempt >= limits.attempts || clock.now() + waitMs > endsAt)
      throw new FloodgateError(
        tried.code,
        `${source}: ${url} gave no whole answer in ${attempt} ${attempt === 1 ? 'try' : 'tries'}; the last one: ${tried.why}`,
        { hint: 'look at the server; once it answers: npx floodgate retry' },
      );
    await clock.sleep(waitMs, asker.signal);
  }
};
