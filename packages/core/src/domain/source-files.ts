// Which files belong to a source, what they are written in, and which date each of them holds. Files that are copied by hand
// (team_boxscores.parquet) and files that are landed date by date (team_boxscores/2024-01-26.ndjson.gz) may be declared side
// by side, but a source reads one format at a time: both at once would hold the same dates twice.
import { tryPartitionDate, type PartitionDate } from './partition-date.ts';
import type { Source } from './pipeline.ts';

export const sourceFormats = ['parquet', 'csv', 'ndjson'] as const;
export type SourceFormat = (typeof sourceFormats)[number];

/** Stands in a pattern for a date: such a file holds the rows of that date and of no other. */
export const datePlaceholder = '{date}';

/** For lists of an object store. */
const globOfPattern = (pattern: string): string => pattern.replace(datePlaceholder, '*');

/** By the extension, `.gz` or not. */
export const formatOfFile = (name: string): SourceFormat => {
  const extension = /\.(\w+)(?:\.gz)?$/.exec(name)?.[1]?.toLowerCase();
  if (extension === 'csv') return 'csv';
  return extension === 'ndjson' || extension === 'jsonl' || extension === 'json' ? 'ndjson' : 'parquet';
};

/** The date that a key has in the place of `{date}`; undefined where there is none, or no date. */
export const dateOfKey = (pattern: string, key: string): PartitionDate | undefined => {
  const [before, after] = pattern.split(datePlaceholder);
  if (before === undefined || after === undefined) return undefined;
  const shape = [before, after].map((text) => text.replaceAll(/[\\^$.+?()[\]{}|]/g, '\\$&').replaceAll('*', '[^/]*'));
  const [, text] = new RegExp(`^${shape.join('(\\d{4}-\\d{2}-\\d{2})')}$`, 'u').exec(key) ?? [];
  return text === undefined ? undefined : tryPartitionDate(text);
};

type Keyed = { readonly key: string };

export type ListedSource<Info extends Keyed> = {
  readonly files: readonly Info[];
  readonly format: SourceFormat;
  /** Dates of the files, in their order; undefined where a file may hold any date. */
  readonly dates: readonly PartitionDate[] | undefined;
  /** Patterns that found files of different formats: the source can't be read. */
  readonly mixed: readonly string[];
};

/** One list of what the patterns of a source find. Keys that are found twice count once; all are sorted. */
export const listSource = async <Info extends Keyed>(
  source: Pick<Source, 'files' | 'format'>,
  list: (glob: string) => Promise<readonly Info[]>,
): Promise<ListedSource<Info>> => {
  const found = await Promise.all(source.files.map((pattern) => list(globOfPattern(pattern))));
  const byKey = new Map<string, { readonly info: Info; readonly date: PartitionDate | undefined }>();
  const formats = new Map<SourceFormat, string>();
  for (const [index, pattern] of source.files.entries()) {
    for (const info of found[index] ?? []) {
      const date = dateOfKey(pattern, info.key);
      if (byKey.has(info.key) || (date === undefined && pattern.includes(datePlaceholder))) continue;
      byKey.set(info.key, { info, date });
      formats.set(source.format ?? formatOfFile(info.key), pattern);
    }
  }
  const sorted = [...byKey.values()].sort((a, b) => (a.info.key < b.info.key ? -1 : 1));
  const dates = sorted.flatMap(({ date }) => date ?? []);
  return {
    files: sorted.map(({ info }) => info),
    format: [...formats.keys()][0] ?? source.format ?? formatOfFile(source.files[0] ?? ''),
    dates: dates.length === sorted.length && sorted.length > 0 ? dates : undefined,
    mixed: formats.size > 1 ? [...formats.values()] : [],
  };
};

/** For people: `games.parquet or games/*.ndjson.gz`. */
export const describeFiles = ({ files }: Pick<Source, 'files'>): string => files.join(' or ');
