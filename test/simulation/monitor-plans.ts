// Plans as the monitor reads them: which partitions a backfill does, and which ones each of them needs before it may run.
import type { TaskDocument } from '@floodgate/core/contracts/documents.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Pipeline, Processor } from '@floodgate/core/domain/pipeline.ts';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import type { JsonObject, StoredDocument } from '@floodgate/core/ports/status-store.ts';
import { isDeclaredSkip, readDates, windowPositions, type OracleDate } from './oracle.ts';

export type ReadDocument = (path: string) => StoredDocument | undefined;

export type PlannedPartition = { readonly kind: 'task' | 'fresh' | 'skip' | 'await'; readonly reason: string };
export type Needed = { readonly processorId: string; readonly date: PartitionDate };

export type PlanWatch = {
  readonly pipeline: Pipeline;
  readonly dates: readonly OracleDate[];
  readonly entries: ReadonlyMap<string, ReadonlyMap<PartitionDate, PlannedPartition>>;
  readonly processor: (id: string) => Processor;
  /** Partitions in the hard windows of this one that should exist. */
  readonly needs: (processorId: string, date: PartitionDate) => readonly Needed[];
};

type Chunk = {
  readonly processorId: string;
  readonly groups: readonly { readonly kind: PlannedPartition['kind']; readonly reason: string; readonly dates: readonly PartitionDate[] }[];
};
type CalendarChunk = {
  readonly seasons: readonly { readonly season: string; readonly dates: readonly (readonly [string, readonly (readonly [string, number])[]])[] }[];
};

/** Reading a folder costs milliseconds, and its hash says all about it: kept for all runs of a thread. */
const pipelines = new Map<string, Pipeline>();

const readVersion = (read: ReadDocument, hash: string): Pipeline => {
  const known = pipelines.get(hash);
  if (known !== undefined) return known;
  const stored = read(`pipelineVersions/${hash}`);
  if (stored === undefined) throw new RangeError(`pipeline version ${hash} is not stored`);
  const result = readPipeline(new Map(Object.entries(stored.data['files'] as Record<string, string>)));
  if (!result.ok) throw new RangeError(`pipeline version ${hash} can't be read: ${result.problems[0]?.message ?? ''}`);
  if (pipelines.size > 500) pipelines.clear();
  pipelines.set(hash, result.pipeline);
  return result.pipeline;
};

/** Throws RangeError where a part of the plan is missing: a backfill was activated that nobody can run. */
export const readPlan = (read: ReadDocument, hash: string): PlanWatch => {
  const plan = read(`plans/${hash}`);
  if (plan === undefined) throw new RangeError(`plan ${hash} is not stored`);
  const pipeline = readVersion(read, plan.data['pipelineHash'] as string);
  let dates: readonly OracleDate[] = [];
  const entries = new Map<string, Map<PartitionDate, PlannedPartition>>();
  for (const path of plan.data['chunks'] as readonly string[]) {
    const chunk = read(path);
    if (chunk === undefined) throw new RangeError(`plan ${hash} lacks ${path}`);
    if (path.endsWith('/calendar')) {
      dates = datesOf(chunk.data as unknown as CalendarChunk);
      continue;
    }
    const { processorId, groups } = chunk.data as unknown as Chunk;
    const row = entries.get(processorId) ?? new Map<PartitionDate, PlannedPartition>();
    for (const { kind, reason, dates: own } of groups) for (const date of own) row.set(date, { kind, reason });
    entries.set(processorId, row);
  }
  return assemble(pipeline, dates, entries);
};

const datesOf = ({ seasons }: CalendarChunk): readonly OracleDate[] =>
  readDates(seasons.flatMap(({ season, dates }) => dates.flatMap(([date, kinds]): JsonObject[] => kinds.map(([kind]) => ({ date, season, kind })))));

const assemble = (pipeline: Pipeline, dates: readonly OracleDate[], entries: PlanWatch['entries']): PlanWatch => {
  const processors = new Map(pipeline.processors.map((processor) => [processor.id, processor]));
  const positions = new Map(dates.map(({ date }, index) => [date, index]));
  const known = new Map<string, readonly Needed[]>();
  const processor = (id: string): Processor => {
    const found = processors.get(id);
    if (found === undefined) throw new RangeError(`pipeline version ${pipeline.hash} has no processor ${id}`);
    return found;
  };
  const find = (processorId: string, date: PartitionDate): readonly Needed[] =>
    processor(processorId).upstreams.flatMap(({ table, window, strength }) => {
      const producer = pipeline.processors.find((other) => other.table === table);
      const index = positions.get(date);
      if (strength === 'soft' || producer === undefined || producer.kind === 'external' || index === undefined) return [];
      return windowPositions(window, dates, index).flatMap((at) =>
        isDeclaredSkip(producer, dates, at) ? [] : [{ processorId: producer.id, date: (dates[at] as OracleDate).date }],
      );
    });
  return {
    pipeline,
    dates,
    entries,
    processor,
    needs: (processorId, date) => {
      const key = `${processorId}|${date}`;
      const needs = known.get(key) ?? find(processorId, date);
      known.set(key, needs);
      return needs;
    },
  };
};

/** How messages name a task. */
export const nameOf = ({ processorId, date, backfillId }: Pick<TaskDocument, 'processorId' | 'date' | 'backfillId'>): string =>
  `${processorId} ${date} of ${backfillId}`;
