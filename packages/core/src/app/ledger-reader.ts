// Loads the part of the ledger, and of the sources' digests, that a question about freshness needs.
import { ledgerYearSchema, parseDocument, type LedgerYearDocument } from '../contracts/documents.ts';
import { windowIndexes, type Calendar } from '../domain/calendar.ts';
import { ledgerPath, type LedgerView } from '../domain/ledger.ts';
import { yearOf, type PartitionDate } from '../domain/partition-date.ts';
import type { Pipeline, Processor } from '../domain/pipeline.ts';
import type { StoreReader } from '../ports/status-store.ts';
import type { SourceDigest, TableSpec, Warehouse } from '../ports/warehouse.ts';

export const specOf = ({ table, partitionColumn, key, columns }: Processor): TableSpec => ({ table, partitionColumn, key, columns });

/** Calendar positions `[from, to)` that a processor reads of each upstream table for the positions `first..last`. */
const reach = (processor: Processor, calendar: Calendar, first: number, last: number) =>
  processor.upstreams.map(({ table, window }) => ({
    table,
    from: windowIndexes(calendar, window, first).from,
    to: windowIndexes(calendar, window, last).to,
  }));

const rangeOf = (calendar: Calendar, from: number, to: number): { first: PartitionDate; last: PartitionDate } | undefined => {
  const [first, last] = [calendar.dates[from]?.date, calendar.dates[to - 1]?.date];
  return first === undefined || last === undefined || from >= to ? undefined : { first, last };
};

export type SourceDigests = ReadonlyMap<string, ReadonlyMap<PartitionDate, SourceDigest>>;

/** What sources and external tables hold on the dates that these processors read for the positions `first..last`. */
export const readSourceDigests = async (
  warehouse: Warehouse,
  pipeline: Pipeline,
  processors: readonly Processor[],
  calendar: Calendar,
  positions: { readonly first: number; readonly last: number },
  signal: AbortSignal,
): Promise<SourceDigests> => {
  const wanted = new Map<string, { from: number; to: number }>();
  for (const processor of processors) {
    for (const { table, from, to } of reach(processor, calendar, positions.first, positions.last)) {
      const producer = pipeline.processors.find((other) => other.table === table);
      if (producer !== undefined && producer.kind !== 'external') continue;
      const known = wanted.get(table);
      wanted.set(table, { from: Math.min(from, known?.from ?? from), to: Math.max(to, known?.to ?? to) });
    }
  }
  const digests = new Map<string, ReadonlyMap<PartitionDate, SourceDigest>>();
  for (const [table, { from, to }] of wanted) {
    const range = rangeOf(calendar, from, to);
    if (range === undefined) continue;
    const source = pipeline.sources.find(({ name }) => `source.${name}` === table);
    const external = pipeline.processors.find((other) => other.table === table);
    if (source !== undefined) digests.set(table, await warehouse.digestSource(source, range, signal));
    else if (external !== undefined) digests.set(table, await warehouse.digestTable(specOf(external), range, signal));
  }
  return digests;
};

/** Paths of the ledger documents that hold these processors, and everything that they read, for the positions. */
export const ledgerPathsFor = (
  pipeline: Pipeline,
  processors: readonly Processor[],
  calendar: Calendar,
  positions: { readonly first: number; readonly last: number },
): readonly string[] => {
  const paths = new Set<string>();
  const add = (processorId: string, from: number, to: number): void => {
    const range = rangeOf(calendar, from, to);
    if (range === undefined) return;
    for (let year = yearOf(range.first); year <= yearOf(range.last); year += 1) paths.add(ledgerPath(pipeline.id, processorId, year));
  };
  for (const processor of processors) {
    add(processor.id, positions.first, positions.last + 1);
    for (const { table, from, to } of reach(processor, calendar, positions.first, positions.last)) {
      const producer = pipeline.processors.find((other) => other.table === table);
      if (producer !== undefined && producer.kind !== 'external') add(producer.id, from, to);
    }
  }
  return [...paths].sort();
};

export const readLedgerYears = async (reader: StoreReader, paths: readonly string[]): Promise<ReadonlyMap<string, LedgerYearDocument>> => {
  const documents = await reader.getMany(paths);
  return new Map(documents.flatMap((document) => (document === undefined ? [] : [[document.path, parseDocument(ledgerYearSchema, document)] as const])));
};

export const viewOf = (pipelineId: string, years: ReadonlyMap<string, LedgerYearDocument>, sources: SourceDigests): LedgerView => ({
  entry: (processorId, date) => years.get(ledgerPath(pipelineId, processorId, yearOf(date)))?.entries[date],
  sourceDigest: (table, date) => sources.get(table)?.get(date)?.digest,
});
