// A pipeline folder for tests of the use cases, as text, since a plan stores the folder and reads it again: source.feed →
// games (phase 1, same date) → rolling (phase 2, the three days before and the date) → features (phase 3, same date). Its
// statements are names of functions of the in-memory warehouse.
import type { PipelineCatalog } from '@floodgate/core/app/deps.ts';
import { addDays, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { WarehouseFunction } from './memory-warehouse.ts';

export type FolderOptions = {
  /** Merged into the processors of that name; other names are added. null removes. */
  readonly processors?: Readonly<Record<string, object | null>>;
  /** Merged into the phases of that number. */
  readonly phases?: Readonly<Record<string, object>>;
  readonly files?: Readonly<Record<string, string>>;
};

const day = { partition_column: 'day', key: ['day', 'item'] };

const defaults: Readonly<Record<string, object>> = {
  games: {
    ...day,
    phase: 1,
    kind: 'load',
    table: 'test.games',
    columns: { day: 'DATE', item: 'STRING', value: 'FLOAT64' },
    upstreams: { 'source.feed': '0d' },
  },
  rolling: {
    ...day,
    phase: 2,
    kind: 'sql',
    table: 'test.rolling',
    columns: { day: 'DATE', item: 'STRING', total: 'FLOAT64' },
    upstreams: { 'test.games': '[-3d, 0d]' },
  },
  features: {
    ...day,
    phase: 3,
    kind: 'sql',
    table: 'test.features',
    columns: { day: 'DATE', item: 'STRING', score: 'FLOAT64' },
    upstreams: { 'test.rolling': '0d' },
  },
};

const phases: Readonly<Record<string, object>> = { 1: { name: 'load' }, 2: { name: 'window' }, 3: { name: 'features' } };

const pipelineFiles = (options: FolderOptions = {}): ReadonlyMap<string, string> => {
  const names = [...new Set([...Object.keys(defaults), ...Object.keys(options.processors ?? {})])].filter((name) => options.processors?.[name] !== null);
  const processors = Object.fromEntries(names.map((name) => [name, { ...defaults[name], ...options.processors?.[name] }]));
  const used = new Set(Object.values(processors).map((processor) => String((processor as { phase: number }).phase)));
  const yaml = {
    name: 'test',
    calendar: { sql: 'calendar', reads: ['source.feed'] },
    sources: { feed: { files: 'feed_*.parquet', date_column: 'day', key: ['day', 'item'], columns: { day: 'DATE', item: 'STRING', value: 'FLOAT64' } } },
    phases: Object.fromEntries([...used].sort().map((number) => [number, { name: `phase ${number}`, ...phases[number], ...options.phases?.[number] }])),
    processors,
  };
  const code = names.map((name) => [`processors/${name}.${(processors[name] as { kind?: string }).kind === 'code' ? 'ts' : 'sql'}`, name] as const);
  return new Map([['pipeline.yaml', JSON.stringify(yaml, null, 1)], ...code, ...Object.entries(options.files ?? {})]);
};

/** A catalog whose folder can be replaced while it is used. */
export type TestCatalog = PipelineCatalog & { readonly replace: (options: FolderOptions) => void };

export const createTestCatalog = (options: FolderOptions = {}): TestCatalog => {
  let files = pipelineFiles(options);
  let read: ReturnType<typeof readPipeline> | undefined;
  return {
    ids: ['test'],
    replace: (next) => {
      files = pipelineFiles(next);
      read = undefined;
    },
    load: async (pipelineId) => {
      if (pipelineId !== 'test') return undefined;
      read ??= readPipeline(files);
      if (!read.ok) throw new Error(read.problems.map(({ message }) => message).join('\n'));
      return { pipeline: read.pipeline, files: Object.fromEntries(files) };
    },
  };
};

const within = (rows: readonly JsonObject[], first: PartitionDate, last: PartitionDate): readonly JsonObject[] =>
  rows.filter((row) => (row['day'] as string) >= first && (row['day'] as string) <= last);

/** The functions of the default processors. What they yield is a pure function of what they read. */
export const pipelineFunctions: Readonly<Record<string, WarehouseFunction>> = {
  games: ({ first, last, read }) =>
    within(read('source.feed'), first, last).map(({ day: date, item, value }) => ({ day: date ?? null, item: item ?? null, value: value ?? null })),
  rolling: ({ first, last, read }) => {
    const games = read('test.games');
    return within(games, first, last).map(({ day: date, item }) => {
      const window = within(games, addDays(date as PartitionDate, -3), date as PartitionDate);
      const total = window.filter((row) => row['item'] === item).reduce((sum, row) => sum + (row['value'] as number), 0);
      return { day: date ?? null, item: item ?? null, total };
    });
  },
  features: ({ first, last, read }) =>
    within(read('test.rolling'), first, last).map(({ day: date, item, total }) => ({ day: date ?? null, item: item ?? null, score: (total as number) * 2 })),
};
