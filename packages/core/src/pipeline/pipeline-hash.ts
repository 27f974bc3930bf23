// Hashes of a pipeline and of its processors. A code hash changes exactly when the rows may: a changed description or
// timeout must not make years of partitions stale. No hash depends on the order of keys in YAML, on line endings or on
// trailing blanks.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../domain/digest.ts';
import { sourceTable, type Column, type Pipeline, type Processor, type Source } from '../domain/pipeline.ts';
import { formatOfFile } from '../domain/source-files.ts';
import { formatWindow } from '../domain/window.ts';

const normaliseText = (text: string): string =>
  text
    .replace(/\r\n?/g, '\n')
    .replace(/[ \t]+$/gm, '')
    .trimEnd();

/** All texts within a value normalised, names of keys apart: they never hold line endings. */
const normalised = (value: unknown): unknown => {
  if (typeof value === 'string') return normaliseText(value);
  if (Array.isArray(value)) return value.map(normalised);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, normalised(each)]));
};

const textOf = (value: unknown): string => canonicalJson(normalised(value));

const sha256 = (value: unknown): string => createHash('sha256').update(textOf(value)).digest('hex');

const byKey = <Item>(items: readonly Item[], key: (item: Item) => string): Readonly<Record<string, Item>> =>
  Object.fromEntries(items.map((item) => [key(item), item]));

const columnsThatDecide = (columns: readonly Column[]): unknown =>
  Object.fromEntries(columns.map(({ name, type, digits }) => [name, type === 'FLOAT64' || type === 'ARRAY<FLOAT64>' ? { type, digits } : { type }]));

/** One pattern alone hashes as it did before there could be several: nothing turns stale by an upgrade. */
const filesOf = ({ files, format }: Source): { readonly files: unknown; readonly format: string } => {
  const [first = '', ...more] = files;
  return { files: more.length === 0 ? first : files, format: format ?? (more.length === 0 ? formatOfFile(first) : 'by extension') };
};

/**
 * 16 hex characters over all that decides a processor's rows: its kind, source text, columns, key, partition column and
 * upstreams with their windows; for `load` also how its sources are read; for `code` also the files that it imports.
 */
export const codeHashOf = (processor: Omit<Processor, 'codeHash'>, sources: readonly Source[], imported: ReadonlyMap<string, string>): string => {
  const read = sources.filter(({ name }) => processor.upstreams.some(({ table }) => table === sourceTable(name)));
  return sha256({
    kind: processor.kind,
    source: processor.source,
    imported: Object.fromEntries(imported),
    columns: columnsThatDecide(processor.columns),
    key: [...processor.key].sort(),
    partitionColumn: processor.partitionColumn,
    upstreams: Object.fromEntries(processor.upstreams.filter(({ optional }) => !optional).map(({ table, window }) => [table, formatWindow(window)])),
    sources: Object.fromEntries(
      read.map((source) => [source.name, { ...filesOf(source), dateColumn: source.dateColumn, columns: columnsThatDecide(source.columns) }]),
    ),
  }).slice(0, 16);
};

/** 64 hex characters over the whole pipeline. */
export const pipelineHashOf = (pipeline: Omit<Pipeline, 'hash'>): string => {
  const withNames = (item: { readonly columns: readonly Column[] }): unknown => ({ ...item, columns: byKey(item.columns, ({ name }) => name) });
  return sha256({
    ...pipeline,
    sources: pipeline.sources.map((source) => ({ ...(withNames(source) as Source), ...filesOf(source) })).sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1)),
    processors: pipeline.processors.map((processor) => ({
      ...(withNames(processor) as Processor),
      upstreams: byKey(processor.upstreams, ({ table }) => table),
    })),
  });
};
