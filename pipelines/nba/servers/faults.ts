// How a server can be told to misbehave: rules that are asked one after another at every request, and the incidents that change
// what it knows.
import * as z from 'zod';
import { feedNames, type Row } from './feeds.ts';

const at = { feed: z.enum(feedNames).optional(), date: z.string().optional() };
/** How often: `times` and no more, or a share of the requests by chance; without either always. */
const often = { times: z.int().min(1).optional(), share: z.number().min(0).max(1).optional() };

const faultSchema = z.union([
  z.strictObject({ kind: z.enum(['403', '429', '500']), ...at, ...often, retry_after: z.union([z.number(), z.string()]).optional() }),
  /** slow: the answer comes after a while; hang: never; truncate: it ends in the middle, cut: and the connection with it; empty: 200 with nothing. */
  z.strictObject({ kind: z.enum(['slow', 'hang', 'truncate', 'cut', 'empty']), ...at, ...often, delay_ms: z.int().min(0).default(2_000) }),
  /** A game is put off: on its old date nothing is left of it, on the new one it is without a score. */
  z.strictObject({ kind: z.literal('postpone'), game_id: z.string(), to: z.string() }),
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

  /** Rows of a feed as they are after the incidents. */
  apply(feed: string, rows: readonly Row[]): readonly Row[] {
    let changed = rows;
    for (const { fault } of this.#faults) {
      if (fault.kind === 'postpone') changed = postpone(changed, feed, fault);
      if (fault.kind !== 'correct' || fault.feed !== feed) continue;
      changed = changed.map((row) => (Object.entries(fault.where).every(([name, value]) => row[name] === value) ? { ...row, ...fault.set } : row));
    }
    return changed;
  }
}

const postpone = (rows: readonly Row[], feed: string, { game_id: id, to }: Extract<Fault, { readonly kind: 'postpone' }>): readonly Row[] =>
  feed === 'schedule'
    ? rows.map((row) => (row['game_id'] === id ? { ...row, game_date: to, home_score: null, away_score: null, home_win: null } : row))
    : rows.filter((row) => row['game_id'] !== id);
