// Plans lie in chunks (processor, year) under their hash, written with the document that names them before the activation
// that refers to them: a crash in between leaves a plan that nobody reads, until it expires.
import * as z from 'zod';
import {
  backfillPath,
  backfillSchema,
  parseDocument,
  pipelineVersionPath,
  pipelineVersionSchema,
  planCalendarPath,
  planCalendarSchema,
  planChunkPath,
  planChunkSchema,
  planPath,
  planSchema,
  type BackfillDocument,
} from '../contracts/documents.ts';
import { createCalendar, type Calendar } from '../domain/calendar.ts';
import { FloodgateError } from '../domain/errors.ts';
import { yearOf, type PartitionDate } from '../domain/partition-date.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import type { Plan, PlanEntry } from '../domain/plan.ts';
import { readPipeline } from '../pipeline/read-pipeline.ts';
import type { JsonObject, StatusStore, StoreReader } from '../ports/status-store.ts';

/** A plan with the pipeline and the calendar that it was made with. */
export type LoadedPlan = {
  readonly pipeline: Pipeline;
  readonly calendar: Calendar;
  /** Entries of each processor by position in the calendar. */
  readonly entries: ReadonlyMap<string, ReadonlyMap<number, PlanEntry>>;
};

type Write = { readonly path: string; readonly data: JsonObject };

const chunkWrites = (plan: Plan): readonly Write[] =>
  [...plan.processors].flatMap(([processorId, entries]) => {
    const years = new Map<number, PlanEntry[]>();
    for (const entry of entries) {
      const year = yearOf(entry.date);
      years.set(year, [...(years.get(year) ?? []), entry]);
    }
    return [...years].map(([year, ofYear]) => {
      const groups = new Map<string, { kind: PlanEntry['kind']; reason: string; dates: PartitionDate[] }>();
      for (const { kind, reason, date } of ofYear) {
        const group = groups.get(`${kind}|${reason}`) ?? { kind, reason, dates: [] };
        group.dates.push(date);
        groups.set(`${kind}|${reason}`, group);
      }
      return { path: planChunkPath(plan.hash, processorId, year), data: { processorId, year, groups: [...groups.values()] } };
    });
  });

const calendarWrite = (plan: Plan, calendar: Calendar): Write => {
  const seasons = new Map<string, [string, [string, number][]][]>();
  for (const { date, season, kinds } of calendar.dates) {
    const dates = seasons.get(season) ?? [];
    dates.push([date, kinds.map(({ kind, items }) => [kind, items])]);
    seasons.set(season, dates);
  }
  return { path: planCalendarPath(plan.hash), data: { seasons: [...seasons].map(([season, dates]) => ({ season, dates })) } };
};

/**
 * Writes a plan and everything that it refers to, at once: it is there as a whole or not at all, whatever expires meanwhile.
 * Writing it again is harmless, and makes it young again.
 */
export const storePlan = async (
  store: StatusStore,
  input: {
    readonly plan: Plan;
    readonly pipeline: Pipeline;
    readonly calendar: Calendar;
    readonly files: Readonly<Record<string, string>>;
    readonly now: number;
  },
): Promise<void> => {
  const { plan, pipeline, now } = input;
  const parts = [calendarWrite(plan, input.calendar), ...chunkWrites(plan)];
  await store.transaction(async (transaction) => {
    for (const { path, data } of parts) transaction.set(path, data);
    transaction.set(pipelineVersionPath(pipeline.hash), { pipelineId: pipeline.id, hash: pipeline.hash, files: input.files, storedAt: now });
    transaction.set(planPath(plan.hash), {
      hash: plan.hash,
      pipelineId: pipeline.id,
      pipelineHash: pipeline.hash,
      calendarDigest: plan.calendarDigest,
      chunks: parts.map(({ path }) => path),
      createdAt: now,
    });
  });
};

const need = async (reader: StoreReader, path: string) => {
  const document = await reader.get(path);
  if (document === undefined) throw new FloodgateError('not_found', `document ${path} is missing from the status store`);
  return document;
};

/** What was read before, by the files that a store hands out again while the document has not changed. */
const readBefore = new WeakMap<object, ReturnType<typeof readPipeline>>();

/** Reads a stored pipeline version, validated as when it was planned. */
const readPipelineVersion = async (reader: StoreReader, hash: string): Promise<Pipeline> => {
  const stored = parseDocument(pipelineVersionSchema, await need(reader, pipelineVersionPath(hash)));
  const read = readBefore.get(stored.files) ?? readPipeline(new Map(Object.entries(stored.files)));
  readBefore.set(stored.files, read);
  if (!read.ok)
    throw new FloodgateError(
      'code_version_mismatch',
      `this build can't read pipeline version ${hash} of ${stored.pipelineId}: ${read.problems[0]?.message ?? ''}`,
    );
  if (read.pipeline.hash !== hash)
    throw new FloodgateError('code_version_mismatch', `this build reads pipeline version ${hash} of ${stored.pipelineId} as ${read.pipeline.hash}`, {
      hint: 'run the build that planned this backfill, or cancel it and plan again',
    });
  return read.pipeline;
};

const planEntrySchema = z.custom<PlanEntry>((value) => typeof value === 'object');

const readPlan = async (reader: StoreReader, pipelines: (hash: string) => Promise<Pipeline>, planHash: string): Promise<LoadedPlan> => {
  const plan = parseDocument(planSchema, await need(reader, planPath(planHash)));
  const pipeline = await pipelines(plan.pipelineHash);
  const documents = await reader.getMany(plan.chunks);
  const calendarDocument = documents[plan.chunks.indexOf(planCalendarPath(planHash))];
  if (calendarDocument === undefined) throw new FloodgateError('not_found', `plan ${planHash} has no calendar`);
  const calendar = createCalendar(
    parseDocument(planCalendarSchema, calendarDocument).seasons.flatMap(({ season, dates }) =>
      dates.map(([date, kinds]) => ({ date, season, kinds: kinds.map(([kind, items]) => ({ kind, items })) })),
    ),
  );
  const entries = new Map<string, Map<number, PlanEntry>>();
  for (const [index, path] of plan.chunks.entries()) {
    if (path === planCalendarPath(planHash)) continue;
    const document = documents[index];
    if (document === undefined) throw new FloodgateError('not_found', `plan ${planHash} lacks its chunk ${path}`);
    const chunk = parseDocument(planChunkSchema, document);
    const row = entries.get(chunk.processorId) ?? new Map<number, PlanEntry>();
    for (const { kind, reason, dates } of chunk.groups) {
      for (const date of dates) row.set(calendar.indexOf.get(date) as number, planEntrySchema.parse({ date, kind, reason }));
    }
    entries.set(chunk.processorId, row);
  }
  // Processors in the order of the pipeline, dates in the order of the calendar, whatever the order of the chunks.
  const ordered = pipeline.processors.flatMap(({ id }) => {
    const row = entries.get(id);
    return row === undefined ? [] : [[id, new Map([...row].sort(([a], [b]) => a - b))] as const];
  });
  return { pipeline, calendar, entries: new Map(ordered) };
};

export type PlanReader = {
  readonly pipeline: (hash: string) => Promise<Pipeline>;
  readonly plan: (hash: string) => Promise<LoadedPlan>;
};

/** Plans and pipeline versions never change, so what was read once is kept: the last `keep` of each. */
export const createPlanReader = (store: StoreReader, keep = 8): PlanReader => {
  const cached = <T>(load: (hash: string) => Promise<T>): ((hash: string) => Promise<T>) => {
    const known = new Map<string, Promise<T>>();
    return (hash) => {
      const hit = known.get(hash);
      if (hit !== undefined) return hit;
      const loading = load(hash);
      known.set(hash, loading);
      loading.catch(() => known.delete(hash));
      const oldest = known.keys().next();
      if (known.size > keep && !oldest.done) known.delete(oldest.value);
      return loading;
    };
  };
  const pipeline = cached((hash) => readPipelineVersion(store, hash));
  return { pipeline, plan: cached((hash) => readPlan(store, pipeline, hash)) };
};

export const readBackfill = async (reader: StoreReader, backfillId: string): Promise<BackfillDocument | undefined> => {
  const document = await reader.get(backfillPath(backfillId));
  return document === undefined ? undefined : parseDocument(backfillSchema, document);
};

/** Whether any of these backfills is active; '' stands for none. */
export const someActive = async (reader: StoreReader, backfillIds: ReadonlySet<string>): Promise<boolean> => {
  for (const id of backfillIds) if (id !== '' && (await readBackfill(reader, id))?.state === 'active') return true;
  return false;
};
