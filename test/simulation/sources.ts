// The rows that everything is computed from, and what becomes of them in mid-run: changed, taken away, changed and changed
// back, broken so that an audit refuses what is computed of them, and mended.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { Random } from './random.ts';

const feed = 'source.feed';

export type Sources = {
  readonly rowsOf: (date: PartitionDate) => readonly JsonObject[];
  /** Changes one date; what it was before, for changing it back. A spoilt date stays as it is: undefined. */
  readonly change: (date: PartitionDate) => readonly JsonObject[] | undefined;
  readonly restore: (date: PartitionDate, rows: readonly JsonObject[]) => void;
  /** Rows that no audit lets pass, until `mend`. */
  readonly spoil: (date: PartitionDate) => void;
  readonly mend: () => void;
  readonly isChanged: boolean;
};

export const createSources = (options: {
  readonly dates: readonly PartitionDate[];
  readonly random: Random;
  readonly put: (source: string, date: PartitionDate, rows: readonly JsonObject[]) => void;
  readonly onChange: (source: string, date: PartitionDate, text: string) => void;
}): Sources => {
  const { dates, random, put, onChange } = options;
  const rows = new Map<PartitionDate, readonly JsonObject[]>();
  const spoilt = new Map<PartitionDate, readonly JsonObject[]>();
  let isChanged = false;
  /** So that no key comes twice. */
  let added = 0;

  const rowsOf = (date: PartitionDate): readonly JsonObject[] => rows.get(date) ?? [];
  const write = (date: PartitionDate, next: readonly JsonObject[], text: string): void => {
    rows.set(date, next);
    put(feed, date, next);
    isChanged = true;
    onChange(feed, date, text);
  };

  for (const [index, date] of dates.entries()) {
    const made = Array.from({ length: random.int(1, 3) }, (_, item) => ({ day: date, item: `i${item}`, value: 10 * index + item + random.int(0, 9) }));
    rows.set(date, made);
    put(feed, date, made);
  }

  return {
    rowsOf,
    get isChanged() {
      return isChanged;
    },
    change: (date) => {
      const before = rowsOf(date);
      const how = random.pick(['value', 'value', 'more', 'fewer', 'none']);
      if (spoilt.has(date)) return undefined;
      if (how === 'none') write(date, [], 'all rows gone');
      else if (how === 'fewer' && before.length > 1) write(date, before.slice(1), 'a row gone');
      else if (how === 'more') write(date, [...before, { day: date, item: `n${(added += 1)}`, value: random.int(0, 99) }], 'a row more');
      else
        write(
          date,
          before.map((row) => ({ ...row, value: random.int(0, 999) })),
          'other values',
        );
      return before;
    },
    restore: (date, before) => {
      if (!spoilt.has(date)) write(date, before, 'as before');
    },
    spoil: (date) => {
      if (spoilt.has(date)) return;
      spoilt.set(date, rowsOf(date));
      write(date, [{ day: date, item: 'i0', value: -1 }], 'spoilt');
    },
    mend: () => {
      for (const [date, before] of spoilt) write(date, before, 'mended');
      spoilt.clear();
    },
  };
};
