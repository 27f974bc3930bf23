// Writes per document. A burst is fine, a rate that lasts is not: what counts is the window as a whole, so ten writes in one
// second may be followed by none for nine.
import { createRateMeter, type RateMeter } from './rate-meter.ts';

export type HotDocument = {
  readonly path: string;
  /** In the worst window. */
  readonly writes: number;
  /** When the worst window ended. */
  readonly at: number;
};

export type SustainedWriteMeter = {
  /** Counts a write and answers how many the window that ends now holds with it. */
  readonly record: (path: string, now: number) => number;
  /** Whether one more write now would be more than the rate allows. */
  readonly isHot: (path: string, now: number) => boolean;
  /** The most written documents, each with its worst window; those of equal rank by path. */
  readonly hottest: (count: number) => readonly HotDocument[];
};

export const createSustainedWriteMeter = ({ perSecond, windowMs }: { readonly perSecond: number; readonly windowMs: number }): SustainedWriteMeter => {
  const limit = Math.floor((perSecond * windowMs) / 1_000);
  const documents = new Map<string, { readonly meter: RateMeter; writes: number; at: number }>();
  return {
    record: (path, now) => {
      let document = documents.get(path);
      if (document === undefined) {
        document = { meter: createRateMeter({ limit, windowMs }), writes: 0, at: now };
        documents.set(path, document);
      }
      const writes = document.meter.record(now);
      if (writes > document.writes) {
        document.writes = writes;
        document.at = now;
      }
      return writes;
    },
    isHot: (path, now) => (documents.get(path)?.meter.used(now) ?? 0) >= limit,
    hottest: (count) =>
      [...documents]
        .map(([path, { writes, at }]) => ({ path, writes, at }))
        .sort((a, b) => b.writes - a.writes || (a.path < b.path ? -1 : 1))
        .slice(0, count),
  };
};
