// How a server can be told to misbehave: rules that are asked one after another at every request, and the incidents that change
// what it knows.
import * as z from 'zod';
import { feedNames, type FeedName, type FeedRows, type Row } from './feeds.ts';

const at = { feed: z.enum(feedNames).optional(), date: z.string().optional() };
/** How often: `times` and no more, or a share of the requests by chance; without either always. */
const often = { times: z.int().min(1).optional(), share: z.number().min(0).max(1).optional() };

const faultSchema = z.union([
  z.strictObject({ kind: z.enum(['403', '429', '500']), ...at, ...often, retry_after: z.union([z.number(), z.string()]).optional() }),
  /** slow: the answer comes after a while; hang: never; truncate: it ends in the middle, cut: and the connection with it; empty: 200 with nothing. */
  z.strictObject({ kind: z.enum(['slow', 'hang', 'truncate', 'cut', 'empty']), ...at, ...often, delay_ms: z.int().min(0).default(2_000) }),
  /**
   * A game is put off: on its old date nothing is left of it, in any feed, and the new one has it, rows and score. Where it is not
   * played yet, the schedule has it without a score, and the other feeds nothing.
   */
  z.strictObject({ kind: z.literal('postpone'), game_id: z.string(), to: z.iso.date(), played: z.boolean().default(true) }),
  /** Rows are corrected after the fact. */
  z.strictObject({
    kind: z.literal('correct'),
    feed: z.enum(feedNames),
    where: z.record(z.string(), z.union([z.string(), z.number()])),
    set: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  }),
]);
export const faultsSchema = z.array(faultSchema);
export type Fault = z.output<typeof faultSchema>;
export type AnswerFault = Extract<Fault, { readonly delay_ms: number } | { readonly kind: '403' | '429' | '500' }>;

const isOfAnswers = (fault: Fault): fault is AnswerFault => fault.kind !== 'postpone' && fault.kind !== 'correct';

export class Faults {
  readonly #random: () => number;
  #faults: { readonly fault: Fault; left: number }[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  add(faults: readonly Fault[]): void {
    for (const fault of faults) this.#faults.push({ fault, left: ('times' in fault ? fault.times : undefined) ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#faults = [];
  }

  get all(): readonly Fault[] {
    return this.#faults.map(({ fault }) => fault);
  }

  /** What becomes of this request; counts it. */
  next(feed: string, date: string): AnswerFault | undefined {
    for (const entry of this.#faults) {
      const { fault } = entry;
      if (!isOfAnswers(fault) || entry.left === 0) continue;
      if ((fault.feed !== undefined && fault.feed !== feed) || (fault.date !== undefined && fault.date !== date)) continue;
      if (fault.share !== undefined && this.#random() >= fault.share) continue;
      entry.left -= 1;
      return fault;
    }
    return undefined;
  }

  /** Rows of a feed as they are after the incidents; undefined: there is no such season. */
  async rows(feeds: FeedRows, feed: FeedName, at: string): Promise<readonly Row[] | undefined> {
    const rows = feed === 'schedule' ? await this.#schedule(feeds, at) : await this.#rowsOf(feeds, feed, at);
    return rows?.map((row) => this.#corrected(feed, row));
  }

  #corrected(feed: FeedName, row: Row): Row {
    let changed = row;
    for (const { fault } of this.#faults)
      if (fault.kind === 'correct' && fault.feed === feed && Object.entries(fault.where).every(([name, value]) => changed[name] === value))
        changed = { ...changed, ...fault.set };
    return changed;
  }

  /** Where each game that was put off is now: the last word counts. */
  get #postponed(): ReadonlyMap<unknown, Postponed> {
    return new Map(this.#faults.flatMap(({ fault }) => (fault.kind === 'postpone' ? [[fault.game_id, fault] as const] : [])));
  }

  async #schedule(feeds: FeedRows, season: string): Promise<readonly Row[] | undefined> {
    const postponed = this.#postponed;
    return (await feeds.schedule(season))?.map((row) => {
      const put = postponed.get(row['game_id']);
      if (put === undefined) return row;
      return { ...moved(row, put.to), ...(put.played ? {} : { home_score: null, away_score: null, home_win: null }) };
    });
  }

  async #rowsOf(feeds: FeedRows, feed: Exclude<FeedName, 'schedule'>, date: string): Promise<readonly Row[]> {
    const rows = (await feeds.rows(feed, date)).filter((row) => !this.#postponed.has(row['game_id']));
    for (const { game_id: id, to, played } of this.#postponed.values()) {
      if (to !== date || !played) continue;
      const from = await dateOf(feeds, id);
      if (from !== undefined) rows.push(...(await feeds.rows(feed, from)).filter((row) => row['game_id'] === id).map((row) => moved(row, to)));
    }
    return rows;
  }
}

type Postponed = Extract<Fault, { readonly kind: 'postpone' }>;

/** On which date the feeds have a game, whatever was done to it here. */
const dateOf = async (feeds: FeedRows, id: string): Promise<string | undefined> => {
  for (const season of await feeds.seasons()) {
    const game = (await feeds.schedule(season))?.find((row) => row['game_id'] === id);
    if (game !== undefined) return String(game['game_date']);
  }
  return undefined;
};

/** The row on another date, at the same time of the day. Lines keep the moment at which they were offered. */
const moved = (row: Row, to: string): Row => {
  const { game_date: from, start_time_utc: start } = row;
  const days = (Date.parse(to) - Date.parse(String(from))) / 86_400_000;
  if (typeof start !== 'string') return { ...row, game_date: to };
  const day = new Date(Date.parse(`${start.slice(0, 10)}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
  return { ...row, game_date: to, start_time_utc: `${day}${start.slice(10)}` };
};
