// The pipeline of the simulated runs: three phases, windows that look back, an edge inside a phase, audits that can fail and a
// gate that a person may have to approve. Which of these a run has is drawn from its seed.
import { addDays, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { WarehouseFunction } from '../support/memory-warehouse.ts';
import type { FolderOptions } from '../support/pipeline-folder.ts';

export type Shape = {
  /** Dates before its own that `rolling` reads. */
  readonly lookback: number;
  /** Dates before its own that `features` reads of `rolling`. */
  readonly featureLookback: number;
  /** Whether `ranks`, whose rows a function of ours yields, stands beside `rolling` in phase 2 and reads it. */
  readonly ranks: boolean;
  readonly bootstrapDays: number;
  readonly hold: boolean;
  readonly maxAttempts: number;
};

const within = (rows: readonly JsonObject[], first: string, last: string): readonly JsonObject[] =>
  rows.filter((row) => (row['day'] as string) >= first && (row['day'] as string) <= last);

/** Sum of a column per item over the window that ends with each row's own date. */
const sums = (rows: readonly JsonObject[], column: string, lookback: number, first: PartitionDate, last: PartitionDate, as: string): readonly JsonObject[] => {
  const byItem = Map.groupBy(within(rows, addDays(first, -lookback), last), (row) => row['item'] as string);
  return within(rows, first, last).map(({ day, item }) => {
    const from = addDays(day as PartitionDate, -lookback);
    let total = 0;
    for (const row of byItem.get(item as string) ?? [])
      if ((row['day'] as string) >= from && (row['day'] as string) <= (day as string)) total += row[column] as number;
    return { day: day ?? null, item: item ?? null, [as]: total };
  });
};

/** What the statements of the pipeline compute: pure functions of what they read. */
export const functionsOf = (shape: Shape): Readonly<Record<string, WarehouseFunction>> => ({
  games: ({ first, last, read }) => within(read('source.feed'), first, last).map(({ day = null, item = null, value = null }) => ({ day, item, value })),
  rolling: ({ first, last, read }) => sums(read('test.games'), 'value', shape.lookback, first, last, 'total'),
  ranks: ({ first, last, read }) =>
    within(read('test.rolling'), first, last).map(({ day = null, item = null, total }) => ({ day, item, rank: Math.round(total as number) % 7 })),
  features: ({ first, last, read }) => sums(read('test.rolling'), 'total', shape.featureLookback, first, last, 'score'),
});

export const folderOf = (shape: Shape): FolderOptions => {
  const retry = { max_attempts: shape.maxAttempts, base_seconds: 0.5, max_seconds: 5 };
  const common = { partition_column: 'day', key: ['day', 'item'], retry, timeout_seconds: 120 };
  const bootstrap = shape.bootstrapDays === 0 ? {} : { bootstrap_days: shape.bootstrapDays };
  return {
    phases: shape.hold ? { 2: { gate: { hold: true } } } : {},
    processors: {
      games: { ...common, audits: [{ accepted_range: { column: 'value', min: 0 } }] },
      rolling: { ...common, ...bootstrap, upstreams: { 'test.games': `[-${shape.lookback}d, 0d]` } },
      ...(shape.ranks
        ? {
            ranks: {
              ...common,
              ...bootstrap,
              phase: 2,
              kind: 'code',
              table: 'test.ranks',
              columns: { day: 'DATE', item: 'STRING', rank: 'FLOAT64' },
              upstreams: { 'test.rolling': '0d' },
            },
          }
        : {}),
      features: { ...common, ...bootstrap, upstreams: { 'test.rolling': shape.featureLookback === 0 ? '0d' : `[-${shape.featureLookback}d, 0d]` } },
    },
  };
};
