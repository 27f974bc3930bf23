// Writes per document. A burst is fine, a rate that lasts is not: what counts is the window as a whole, so ten writes in one
// second may be followed by none for nine.

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

/** No rate meter per document: there are thousands of documents, most of them written once or twice. */
type Writes = { readonly path: string; readonly times: number[]; writes: number; at: number };

export const createSustainedWriteMeter = ({ perSecond, windowMs }: { readonly perSecond: number; readonly windowMs: number }): SustainedWriteMeter => {
  const limit = Math.floor((perSecond * windowMs) / 1_000);
  const documents = new Map<string, Writes>();

  /** The times are few, since they are those of one window. */
  const forgetOld = (times: number[], now: number): void => {
    let old = 0;
    while (old < times.length && (times[old] as number) <= now - windowMs) old += 1;
    if (old > 0) times.splice(0, old);
  };

  return {
    record: (path, now) => {
      const document = documents.get(path);
      if (document === undefined) {
        documents.set(path, { path, times: [now], writes: 1, at: now });
        return 1;
      }
      const { times } = document;
      forgetOld(times, now);
      times.push(now);
      if (times.length > document.writes) {
        document.writes = times.length;
        document.at = now;
      }
      return times.length;
    },
    isHot: (path, now) => {
      const times = documents.get(path)?.times;
      if (times === undefined || times.length < limit) return false;
      forgetOld(times, now);
      return times.length >= limit;
    },
    hottest: (count) =>
      [...documents.values()]
        .sort((a, b) => b.writes - a.writes || (a.path < b.path ? -1 : 1))
        .slice(0, count)
        .map(({ path, writes, at }) => ({ path, writes, at })),
  };
};
