// Turns a request into an activated backfill: resolve, read calendar and ledger, plan, check overlap, activate. Nothing
// before the activation is visible to anybody; the activation is one transaction on `pipelines/{id}`, which is the one
// place where plans are serialised, and it only goes through on the activation count that the plan was made on.
import {
  backfillPath,
  controlPath,
  decisionSchema,
  deadLetterSchema,
  parseDocument,
  pipelineStatePath,
  pipelineStateSchema,
  planPath,
  requestPath,
  taskSchema,
  type BackfillDocument,
  type DecisionDocument,
  type PipelineStateDocument,
} from '../contracts/documents.ts';
import type { BackfillRequest } from '../contracts/request.ts';
import type { Calendar } from '../domain/calendar.ts';
import { FloodgateError } from '../domain/errors.ts';
import { toFailure } from '../domain/failure.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import { countTasks, makePlan, type Plan } from '../domain/plan.ts';
import { selectDates, selectProcessors, type SelectedDates } from '../domain/selection.ts';
import { continueTrace } from '../domain/trace.ts';
import type { Json, JsonObject } from '../ports/status-store.ts';
import { unfinishedOf } from './reopen.ts';
import { readCalendar } from './calendar-reader.ts';
import { bindWarehouse } from './deadline.ts';
import type { EngineDeps, PipelineCatalog } from './deps.ts';
import { estimatePlan, type PlanEstimate } from './estimate-plan.ts';
import { ledgerPathsFor, readLedgerYears, readSourceDigests, viewOf } from './ledger-reader.ts';
import { transact } from './outbox.ts';
import { readBackfill, storePlan, type PlanReader } from './plan-store.ts';

export type AcceptDeps = EngineDeps & { readonly catalog: PipelineCatalog; readonly plans: PlanReader; readonly defaultMaxInFlight: number };

export type AcceptInput = {
  readonly request: BackfillRequest;
  /** Decides once: the request's own key, else the source and id of the event that carried it. */
  readonly idempotencyKey: string;
  readonly traceparent: string;
  readonly dryRun: boolean;
};

export type PlanSummary = {
  readonly plan: Plan;
  readonly pipeline: Pipeline;
  readonly calendar: Calendar;
  readonly dates: SelectedDates;
  readonly estimate: PlanEstimate;
};

export type AcceptOutcome =
  | { readonly outcome: 'accepted'; readonly backfillId: string; readonly summary: PlanSummary | undefined }
  | { readonly outcome: 'planned'; readonly summary: PlanSummary }
  | {
      readonly outcome: 'rejected';
      readonly failure: { readonly code: string; readonly message: string; readonly hint?: string };
      readonly conflictsWith: string;
    };

const maxPlanTries = 5;

/** Which active backfill still has to do a partition. */
const readBusy = async (
  deps: AcceptDeps,
  state: PipelineStateDocument | undefined,
): Promise<(processorId: string, date: PartitionDate) => string | undefined> => {
  const busy = new Map<string, string>();
  for (const backfillId of state?.activeBackfills ?? []) {
    const backfill = await readBackfill(deps.store, backfillId);
    if (backfill === undefined) continue;
    // Each for itself: what one of two has done, the other may still have to do.
    for (const key of await unfinishedOf(deps, backfill)) busy.set(key, backfillId);
  }
  return (processorId, date) => busy.get(`${processorId}|${date}`);
};

/** When a partition failed for good; undefined where it did not, or was committed since. */
const readFailed = async (deps: AcceptDeps, pipelineId: string): Promise<(processorId: string, date: PartitionDate) => number | undefined> => {
  const failed = new Map<string, number>();
  const note = (key: string, at: number): void => void failed.set(key, Math.max(at, failed.get(key) ?? 0));
  for (const document of await deps.store.query({ group: 'deadLetters', where: [{ field: 'state', op: '==', value: 'open' }] })) {
    const entry = parseDocument(deadLetterSchema, document);
    if (entry.kind === 'task' && entry.pipelineId === pipelineId) note(`${entry.processorId}|${entry.date}`, entry.openedAt);
  }
  for (const document of await deps.store.query({ group: 'tasks', where: [{ field: 'state', op: '==', value: 'quarantined' }] })) {
    const task = parseDocument(taskSchema, document);
    if (task.pipelineId === pipelineId) note(`${task.processorId}|${task.date}`, task.endedAt ?? 0);
  }
  return (processorId, date) => failed.get(`${processorId}|${date}`);
};

const readState = async (deps: AcceptDeps, pipelineId: string): Promise<PipelineStateDocument | undefined> => {
  const document = await deps.store.get(pipelineStatePath(pipelineId));
  return document === undefined ? undefined : parseDocument(pipelineStateSchema, document);
};

type Made =
  | { readonly outcome: 'planned'; readonly summary: PlanSummary; readonly files: Readonly<Record<string, string>>; readonly activation: number }
  | {
      readonly outcome: 'rejected';
      readonly failure: { readonly code: string; readonly message: string; readonly hint?: string };
      readonly conflictsWith: string;
    };

const planOnce = async (deps: AcceptDeps, request: BackfillRequest, signal: AbortSignal): Promise<Made> => {
  const loaded = await deps.catalog.load(request.pipeline);
  if (loaded === undefined) {
    throw new FloodgateError('unknown_pipeline', `pipeline: expected one of ${deps.catalog.ids.join(', ')}, found "${request.pipeline}"`);
  }
  const { pipeline, files } = loaded;
  const processors = selectProcessors(pipeline, request);
  const { calendar, digest: calendarDigest } = await readCalendar(deps.warehouse, pipeline, signal);
  const dates = selectDates(calendar, request);
  const state = await readState(deps, pipeline.id);
  const computed = pipeline.processors.filter(({ kind }) => kind !== 'external');
  const positions = { first: 0, last: calendar.dates.length - 1 };
  const sources = await readSourceDigests(deps.warehouse, pipeline, computed, calendar, reachOf(calendar, dates), signal);
  const years = await readLedgerYears(deps.store, ledgerPathsFor(pipeline, computed, calendar, positions));
  const [plannedBy, failedAt] = [await readBusy(deps, state), await readFailed(deps, pipeline.id)];
  const view = viewOf(pipeline.id, years, sources);
  const made = makePlan({
    pipeline,
    calendar,
    calendarDigest,
    processors,
    dates: dates.wanted,
    reprocess: request.reprocess,
    gate: request.gate,
    view,
    plannedBy,
    hasFailed: (processorId, date) => (failedAt(processorId, date) ?? 0) > (view.entry(processorId, date)?.committedAt ?? 0),
  });
  if (made.outcome === 'overlap') {
    const listed = made.dates.slice(0, 5).join(', ') + (made.dates.length > 5 ? ` and ${made.dates.length - 5} more` : '');
    return {
      outcome: 'rejected',
      conflictsWith: made.backfillId,
      failure: {
        code: 'overlap',
        message: `backfill ${made.backfillId} is already computing ${made.processorId} on ${made.dates.length} of these dates: ${listed}`,
        hint: `wait for it (npx floodgate watch ${made.backfillId}), leave these dates out (--exclude), or cancel it (npx floodgate cancel ${made.backfillId})`,
      },
    };
  }
  const estimate = await estimatePlan(deps, { pipeline, plan: made.plan, years }, signal);
  return { outcome: 'planned', summary: { plan: made.plan, pipeline, calendar, dates, estimate }, files, activation: state?.activation ?? 0 };
};

/** Source digests are read as far back as any window of the wanted dates can reach through any number of edges: from the first date on. */
const reachOf = (calendar: Calendar, dates: SelectedDates): { readonly first: number; readonly last: number } => {
  const wanted = [...dates.wanted].map((date) => calendar.indexOf.get(date) as number);
  return { first: 0, last: wanted.reduce((last, index) => Math.max(last, index), 0) };
};

const asJson = (request: BackfillRequest): JsonObject => JSON.parse(JSON.stringify(request)) as Record<string, Json>;

const activate = async (deps: AcceptDeps, input: AcceptInput, made: Extract<Made, { outcome: 'planned' }>): Promise<AcceptOutcome | 'plan_again'> => {
  const { summary, files } = made;
  const { plan, pipeline, calendar } = summary;
  const { request } = input;
  const now = deps.clock.now();
  await storePlan(deps.store, { plan, pipeline, calendar, files, now });
  const backfillId = `${pipeline.id}-${deps.ids.newId().slice(0, 6)}`;
  return transact(deps, async (transaction, send): Promise<AcceptOutcome | 'plan_again'> => {
    const [stateDocument, decisionDocument, storedPlan] = await transaction.getMany([
      pipelineStatePath(pipeline.id),
      requestPath(input.idempotencyKey),
      planPath(plan.hash),
    ]);
    if (decisionDocument !== undefined) return decided(parseDocument(decisionSchema, decisionDocument));
    const state = stateDocument === undefined ? undefined : parseDocument(pipelineStateSchema, stateDocument);
    // It has expired while this process slept.
    if (storedPlan === undefined) return 'plan_again';
    if ((state?.activation ?? 0) !== made.activation) return 'plan_again';
    const sequence = (state?.sequence ?? 0) + 1;
    const backfill: BackfillDocument = {
      backfillId,
      pipelineId: pipeline.id,
      pipelineHash: pipeline.hash,
      planHash: plan.hash,
      sequence,
      state: 'active',
      reprocess: request.reprocess,
      gate: request.gate,
      priority: request.priority,
      limits: {
        maxInFlight: request.limits.maxInFlight ?? deps.defaultMaxInFlight,
        ...(request.limits.datesPerTask === undefined ? {} : { datesPerTask: request.limits.datesPerTask }),
      },
      phases: [...plan.phases],
      tasks: Object.fromEntries([...plan.processors].map(([id, entries]) => [id, entries.filter(({ kind }) => kind === 'task').length])),
      reason: request.reason,
      requestedBy: request.requestedBy,
      request: asJson(request),
      createdAt: now,
      endedAt: null,
      traceparent: input.traceparent,
    };
    const decision: DecisionDocument = { decision: 'accepted', backfillId, failure: null, conflictsWith: '', decidedAt: now };
    transaction.create(backfillPath(backfillId), backfill);
    transaction.create(controlPath(backfillId), { paused: false, cancelled: false, by: request.requestedBy, at: now });
    transaction.create(requestPath(input.idempotencyKey), decision);
    transaction.set(pipelineStatePath(pipeline.id), {
      pipelineId: pipeline.id,
      sequence,
      activation: made.activation + 1,
      activeBackfills: [...(state?.activeBackfills ?? []), backfillId],
      latestHash: pipeline.hash,
    });
    const about = { subject: backfillId, traceparent: input.traceparent };
    send('floodgate.backfill.moved', { backfillId }, about);
    send('floodgate.tasks.ended', { backfillId, phases: [...plan.phases] }, about);
    return { outcome: 'accepted', backfillId, summary };
  });
};

const decided = (decision: DecisionDocument): AcceptOutcome =>
  decision.decision === 'accepted'
    ? { outcome: 'accepted', backfillId: decision.backfillId, summary: undefined }
    : { outcome: 'rejected', failure: decision.failure ?? { code: 'rejected', message: 'rejected before' }, conflictsWith: decision.conflictsWith };

/**
 * Decides a request once per idempotency key. Errors that will not go away (unknown processor, empty selection, broken
 * source) are decisions and recorded; others are thrown, so that the carrying message is delivered again.
 */
export const acceptRequest = async (given: AcceptDeps, asked: AcceptInput, signal: AbortSignal): Promise<AcceptOutcome> => {
  const deps = bindWarehouse(given);
  const input = { ...asked, traceparent: continueTrace(asked.traceparent, () => deps.ids.newId()) };
  const before = await deps.store.get(requestPath(input.idempotencyKey));
  if (before !== undefined && !input.dryRun) return decided(parseDocument(decisionSchema, before));
  for (let attempt = 1; attempt <= maxPlanTries; attempt += 1) {
    let made: Made;
    try {
      made = await planOnce(deps, input.request, signal);
    } catch (error) {
      const failure = toFailure(error);
      // Selection and pipeline errors carry codes of their own, which the task table doesn't know.
      const lasting = failure.class === 'permanent' || (error instanceof FloodgateError && failure.class === 'unknown');
      if (!lasting || input.dryRun) throw error;
      return reject(deps, input, {
        outcome: 'rejected',
        failure: { code: failure.code, message: failure.message, ...(failure.hint === undefined ? {} : { hint: failure.hint }) },
        conflictsWith: '',
      });
    }
    if (made.outcome === 'rejected') return input.dryRun ? made : reject(deps, input, made);
    if (input.dryRun) return { outcome: 'planned', summary: made.summary };
    const outcome = await activate(deps, input, made);
    if (outcome !== 'plan_again') {
      if (outcome.outcome === 'accepted')
        deps.logger.info({ backfillId: outcome.backfillId, tasks: countTasks(made.summary.plan), plan: made.summary.plan.hash }, 'backfill accepted');
      return outcome;
    }
  }
  throw new FloodgateError('conflict', `other backfills of ${input.request.pipeline} were activated ${maxPlanTries} times while this one was planned`, {
    hint: 'send the request again',
  });
};

const reject = async (deps: AcceptDeps, input: AcceptInput, rejected: Extract<Made, { outcome: 'rejected' }>): Promise<AcceptOutcome> =>
  deps.store.transaction(async (transaction): Promise<AcceptOutcome> => {
    const before = await transaction.get(requestPath(input.idempotencyKey));
    if (before !== undefined) return decided(parseDocument(decisionSchema, before));
    const decision: DecisionDocument = {
      decision: 'rejected',
      backfillId: '',
      failure: { ...rejected.failure, class: 'permanent' },
      conflictsWith: rejected.conflictsWith,
      decidedAt: deps.clock.now(),
    };
    transaction.create(requestPath(input.idempotencyKey), decision);
    return rejected;
  });
