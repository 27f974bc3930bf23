// The scheduler: one pass looks at what moved, releases what is ready within the limits, and ends the backfill when
// nothing can move any more. One planner at a time schedules a backfill (lease); even two at once would only cost time,
// since every release is a transaction that sees control, gate and task as they are.
import {
  backfillPath,
  backfillSchema,
  controlPath,
  controlSchema,
  gatePath,
  gateSchema,
  parseDocument,
  pipelineStatePath,
  pipelineStateSchema,
  schedulerLeasePath,
  taskCollection,
  taskIdOf,
  taskPath,
  taskSchema,
  type BackfillDocument,
  type BackfillState,
  type ControlDocument,
  type GateDocument,
  type TaskDocument,
} from '../contracts/documents.ts';
import type { Processor } from '../domain/pipeline.ts';
import { autoSpan, findReady, findStuck, formSpans, type Ready, type Span } from '../domain/schedule.ts';
import { canTransition, isGood, isInFlight, openStates } from '../domain/task-state.ts';
import {
  basisOf,
  countDispatches,
  countInFlight,
  dateAt,
  judgeReadable,
  noteTasks,
  openView,
  plannedProcessors,
  refreshView,
  settleAwaited,
  type BackfillView,
} from './backfill-view.ts';
import { bindWarehouse } from './deadline.ts';
import type { EngineDeps } from './deps.ts';
import { createHeldLease } from './lease-watch.ts';
import { transact } from './outbox.ts';
import { readBackfill, someActive, type PlanReader } from './plan-store.ts';
import { saveProgress } from './save-progress.ts';
import { moveTask, pathOfTask, saveTask } from './task-writes.ts';

export type SchedulerDeps = EngineDeps & {
  readonly plans: PlanReader;
  /** Executions that the workers can run at once, all together: spans leave work for each. */
  readonly workers: number;
  /** Dates per dispatch where neither request nor pipeline says. */
  readonly defaultDatesPerTask: number | 'auto';
  /** What a dispatch under `auto` should take, in ms: long enough to be efficient, short enough to pause, retry and show. */
  readonly autoTargetMs: number;
  readonly progressEveryMs: number;
};

export type PassOutcome =
  | { readonly outcome: 'not_ours' }
  | { readonly outcome: 'over'; readonly state: BackfillState }
  /** Goes on; `wakeAt`: when a task's backoff ends, if nothing else happens before. */
  | { readonly outcome: 'going'; readonly released: number; readonly wakeAt: number | undefined };

type Scheduler = {
  /** Looks once. Doorbells, timers and the reconciler all end here; calling it too often only costs time. */
  readonly pass: (signal: AbortSignal) => Promise<PassOutcome>;
  /** Gives the lease back and rings whoever may take it. Only while no pass runs. */
  readonly release: () => Promise<void>;
  readonly backfillId: string;
};

const writesPerTransaction = 400;
/** One running, one waiting at its side, and one more while a pass is under way. */
const dispatchesPerWorker = 3;

export const createScheduler = (given: SchedulerDeps, backfillId: string): Scheduler => {
  const deps = bindWarehouse(given);
  const held = createHeldLease(deps, schedulerLeasePath(backfillId));
  let view: BackfillView | undefined;
  let progressAt = Number.NEGATIVE_INFINITY;
  const largestTried = new Map<string, number>();
  const dirty = new Set<string>();
  /** States of a phase about which the validator was rung: once is enough, the reconciler does it again. */
  const rungFor = new Set<string>();

  /**
   * A view only holds while nobody else releases and while what it wrote is known: after an error, or another holder of the
   * lease, a task may have been released and have ended unseen. It is read anew then.
   */
  const pass = (signal: AbortSignal): Promise<PassOutcome> =>
    look(signal).catch((error: unknown) => {
      view = undefined;
      throw error;
    });

  const look = async (signal: AbortSignal): Promise<PassOutcome> => {
    const backfill = await readBackfill(deps.store, backfillId);
    if (backfill === undefined) return { outcome: 'not_ours' };
    if (backfill.state !== 'active') return { outcome: 'over', state: backfill.state };
    const kept = await held.keep();
    if (kept !== 'kept') view = undefined;
    if (kept === 'not_ours') return { outcome: 'not_ours' };
    const control = await readControl();
    if (control.cancelled) {
      view ??= await deps.plans
        .plan(backfill.planHash)
        .then((plan) => openView(deps.store, backfillId, plan))
        .catch(() => undefined);
      return cancelStep(backfill);
    }
    if (view === undefined) {
      view = await openView(deps.store, backfillId, await deps.plans.plan(backfill.planHash));
      for (const processorId of view.grid.keys()) dirty.add(processorId);
    } else for (const { processorId } of await refreshView(deps.store, backfillId, view)) dirty.add(processorId);
    const current = view;
    const gates = await readGates(backfill);
    const awaiting = await settleAwaited(deps, current, (phase) => gates.get(phase)?.state === 'open', signal);
    const { ready, released } = control.paused ? { ready: 0, released: 0 } : await releaseReady(backfill, current, gates);
    const end = ready === 0 && !control.paused ? await endIfStill(backfill, current, gates, awaiting, signal) : undefined;
    await writeProgress(current, end !== undefined);
    // What turned stale can be released at once, and nobody else rings for it.
    if (end === 'turned_stale') return { outcome: 'going', released, wakeAt: deps.clock.now() };
    if (end !== undefined) return { outcome: 'over', state: end };
    return { outcome: 'going', released, wakeAt: nextWake(current) };
  };

  const release = (): Promise<void> =>
    transact(deps, async (transaction, send) => {
      if (await held.giveBack(transaction)) send('floodgate.backfill.moved', { backfillId }, { subject: backfillId, traceparent: '' });
    });

  const readControl = async (): Promise<ControlDocument> => {
    const document = await deps.store.get(controlPath(backfillId));
    return document === undefined ? { paused: true, cancelled: false, by: '', at: 0 } : parseDocument(controlSchema, document);
  };

  const readGates = async (backfill: BackfillDocument): Promise<ReadonlyMap<number, GateDocument>> => {
    const documents = await deps.store.getMany(backfill.phases.map((phase) => gatePath(backfillId, phase)));
    return new Map(
      documents.flatMap((document) => {
        if (document === undefined) return [];
        const gate = parseDocument(gateSchema, document);
        return [[gate.phase, gate] as const];
      }),
    );
  };

  const datesPerTaskOf = (backfill: BackfillDocument, processor: Processor | undefined): number | 'auto' =>
    backfill.limits.datesPerTask ?? (processor === undefined || processor.datesPerTask === 'auto' ? deps.defaultDatesPerTask : processor.datesPerTask);

  const maxSpanOf = (backfill: BackfillDocument, current: BackfillView, ready: readonly Ready[]) => {
    const counts = new Map<string, number>();
    for (const { processorId } of ready) counts.set(processorId, (counts.get(processorId) ?? 0) + 1);
    const spanOf = (processorId: string): number => {
      const processor = plannedProcessors(current.plan).find(({ id }) => id === processorId);
      const asked = datesPerTaskOf(backfill, processor);
      const maxSpan = Math.min(processor?.maxDatesPerTask ?? 1, backfill.limits.maxInFlight);
      if (asked !== 'auto') return Math.min(asked, maxSpan);
      const done = [...(current.tasks.get(processorId)?.values() ?? [])].filter(({ state }) => isGood(state));
      const recent = done.slice(-50);
      const msPerDate = recent.length === 0 ? undefined : recent.reduce((sum, { computeMs }) => sum + computeMs, 0) / recent.length;
      return autoSpan({
        msPerDate,
        largestTried: largestTried.get(processorId) ?? 0,
        ready: counts.get(processorId) ?? 0,
        workers: deps.workers,
        maxSpan,
        targetMs: deps.autoTargetMs,
      });
    };
    const known = new Map<string, number>();
    return (processorId: string): number => {
      const span = known.get(processorId) ?? spanOf(processorId);
      known.set(processorId, span);
      return span;
    };
  };

  const releaseReady = async (
    backfill: BackfillDocument,
    current: BackfillView,
    gates: ReadonlyMap<number, GateDocument>,
  ): Promise<{ readonly ready: number; readonly released: number }> => {
    const { pipeline, calendar } = current.plan;
    const open = (phase: number): boolean => gates.get(phase)?.state === 'open';
    const mayRelease = (phase: number): boolean => backfill.gate === 'window' || backfill.phases.every((earlier) => earlier >= phase || open(earlier));
    const ready = findReady({ pipeline, calendar, grid: current.grid, now: deps.clock.now(), mayRelease });
    const spans = formSpans(ready, maxSpanOf(backfill, current, ready));
    let room = backfill.limits.maxInFlight - countInFlight(current);
    // Under `auto` the next span is better sized than this one, so only as many wait as keep the workers busy.
    const isAuto = datesPerTaskOf(backfill, undefined) === 'auto';
    const outranked = await isOutranked(backfill);
    let dispatches = outranked
      ? Math.max(0, 1 - countDispatches(current))
      : isAuto
        ? Math.max(0, deps.workers * dispatchesPerWorker - countDispatches(current))
        : Number.POSITIVE_INFINITY;
    let released = 0;
    let batch: Span[] = [];
    let size = 0;
    const flush = async (): Promise<void> => {
      if (batch.length === 0) return;
      const tasks = await releaseSpans(backfill, current, batch);
      noteTasks(current, tasks);
      for (const { processorId } of tasks) dirty.add(processorId);
      released += tasks.length;
      [batch, size] = [[], 0];
    };
    for (const span of spans) {
      if (span.indexes.length > room || dispatches === 0) break;
      dispatches -= 1;
      if (size + span.indexes.length + 1 > writesPerTransaction) await flush();
      batch.push(span);
      size += span.indexes.length + 1;
      room -= span.indexes.length;
    }
    await flush();
    return { ready: ready.length, released };
  };

  /** A backfill beside one of higher priority that isn't paused keeps one dispatch going: behind, but never starved. */
  const isOutranked = async (backfill: BackfillDocument): Promise<boolean> => {
    const active = await deps.store.query({ collection: 'backfills', where: [{ field: 'state', op: '==', value: 'active' }] });
    const higher = active.map((document) => parseDocument(backfillSchema, document)).filter(({ priority }) => priority > backfill.priority);
    const controls = await deps.store.getMany(higher.map((other) => controlPath(other.backfillId)));
    return controls.some((document) => document !== undefined && !parseDocument(controlSchema, document).paused);
  };

  /** Releases spans in one transaction: tasks and their dispatches, only while control, gates and lease say so. */
  const releaseSpans = async (backfill: BackfillDocument, current: BackfillView, spans: readonly Span[]): Promise<readonly TaskDocument[]> => {
    const processors = new Map(plannedProcessors(current.plan).map((processor) => [processor.id, processor]));
    const now = deps.clock.now();
    const paths = spans.map(({ processorId, indexes }) => indexes.map((index) => taskPath(backfillId, processorId, dateAt(current.plan, index))));
    return transact(deps, async (transaction, send) => {
      const fixed = [
        controlPath(backfillId),
        schedulerLeasePath(backfillId),
        backfillPath(backfillId),
        ...backfill.phases.map((phase) => gatePath(backfillId, phase)),
      ];
      const documents = await transaction.getMany([...fixed, ...paths.flat()]);
      const [control, lease, fresh] = documents;
      if (control === undefined || lease === undefined || fresh === undefined) return [];
      const { paused, cancelled } = parseDocument(controlSchema, control);
      const now_ = parseDocument(backfillSchema, fresh);
      if (paused || cancelled || now_.state !== 'active' || !held.isOurs(lease)) return [];
      const openPhases = new Set(
        documents.slice(3, fixed.length).flatMap((document) => {
          if (document === undefined) return [];
          const gate = parseDocument(gateSchema, document);
          return gate.state === 'open' ? [gate.phase] : [];
        }),
      );
      const stored = new Map(
        documents.slice(fixed.length).flatMap((document) => (document === undefined ? [] : [[document.path, parseDocument(taskSchema, document)] as const])),
      );
      const released: TaskDocument[] = [];
      for (const { processorId, indexes } of spans) {
        const processor = processors.get(processorId);
        if (processor === undefined) continue;
        if (backfill.gate === 'phase' && !backfill.phases.every((earlier) => earlier >= processor.phase || openPhases.has(earlier))) continue;
        const dispatchId = deps.ids.newId();
        const tasks = indexes.flatMap((index): TaskDocument[] => {
          const date = dateAt(current.plan, index);
          const entry = current.plan.entries.get(processorId)?.get(index);
          const before = stored.get(taskPath(backfillId, processorId, date));
          const common = { dispatchId, sequence: now_.sequence, releasedAt: now, rewrite: backfill.reprocess === 'all' && entry?.reason === 'requested' };
          if (before !== undefined) {
            if (!canTransition(before.state, 'release_again') || before.notBefore > now) return [];
            return [moveTask(before, 'release_again', common)];
          }
          return [
            {
              taskId: taskIdOf(processorId, date),
              backfillId,
              pipelineId: backfill.pipelineId,
              pipelineHash: backfill.pipelineHash,
              processorId,
              table: processor.table,
              phase: processor.phase,
              date,
              state: 'queued',
              revision: 1,
              epoch: 0,
              attempt: 0,
              reason: entry?.reason ?? '',
              notBefore: 0,
              spanLimit: processor.maxDatesPerTask,
              job: null,
              codeHash: processor.codeHash,
              inputDigest: '',
              staged: null,
              generation: 0,
              failure: null,
              evidence: [],
              deadLetter: false,
              rows: null,
              computeMs: 0,
              claimedAt: 0,
              stagedAt: 0,
              endedAt: null,
              traceparent: backfill.traceparent,
              ...common,
            },
          ];
        });
        if (tasks.length === 0) continue;
        for (const task of tasks) saveTask(transaction, task);
        released.push(...tasks);
        largestTried.set(processorId, Math.max(largestTried.get(processorId) ?? 0, tasks.length));
        const data = { dispatchId, backfillId, processorId, tasks: tasks.map((task) => ({ path: pathOfTask(task), epoch: task.epoch })) };
        send('floodgate.tasks.dispatched', data, { subject: dispatchId, traceparent: backfill.traceparent });
      }
      return released;
    });
  };

  /** Ends the backfill where it is complete, or where nothing can move without an operator. */
  const endIfStill = async (
    backfill: BackfillDocument,
    current: BackfillView,
    gates: ReadonlyMap<number, GateDocument>,
    awaiting: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<BackfillState | 'turned_stale' | undefined> => {
    const now = deps.clock.now();
    if ([...current.open.values()].some(({ state, notBefore }) => isInFlight(state) || notBefore > now)) return undefined;
    const planned = plannedProcessors(current.plan);
    const stuck = findStuck(current.plan.pipeline, current.plan.calendar, current.grid);
    // What nobody computes is as settled as what failed: dates left alone, those whose backfill has ended without them, and
    // those that a failure keeps from starting.
    const settled = (phase: number): boolean =>
      planned
        .filter((processor) => processor.phase === phase)
        .every(({ id }) =>
          (current.grid.get(id) ?? []).every(
            (status, index) =>
              status === undefined || status.status === 'good' || status.status === 'bad' || status.status === 'awaited' || stuck.get(id)?.has(index) === true,
          ),
        );
    const allOpen = backfill.phases.every((phase) => gates.get(phase)?.state === 'open');
    const allGood = [...current.grid.values()].every((row) =>
      row.every((status) => status === undefined || status.status === 'good' || (status.status === 'awaited' && status.by === '')),
    );
    if (allGood && allOpen) return (await turnStale(current, signal)) ? 'turned_stale' : finish(backfill, 'completed', current.open, gates);
    if (await someActive(deps.store, awaiting)) return undefined;
    for (const phase of backfill.phases) {
      const gate = gates.get(phase);
      if (gate?.state === 'open') continue;
      // A drained phase whose gate was not decided on what the tasks say now is the validator's turn, not the end.
      if (settled(phase)) {
        if (gate === undefined || gate.state === 'waiting' || gate.basis !== basisOf(current, phase)) {
          const isStuck = planned.some((processor) => processor.phase === phase && stuck.has(processor.id));
          await ringValidator(backfill, current, phase, isStuck);
          return undefined;
        }
      }
      if (backfill.gate === 'phase') break;
    }
    return (await turnStale(current, signal)) ? 'turned_stale' : finish(backfill, 'blocked', current.open, gates);
  };

  /**
   * Tasks that end ring the validator themselves. Where a phase waited for another backfill, or its last task went back to
   * waiting for what has failed, none of its own does: the planner is the one who sees it.
   */
  const ringValidator = async (backfill: BackfillDocument, current: BackfillView, phase: number, isStuck: boolean): Promise<void> => {
    const awaits = plannedProcessors(current.plan).some(
      (processor) => processor.phase === phase && [...(current.plan.entries.get(processor.id)?.values() ?? [])].some(({ kind }) => kind === 'await'),
    );
    const about = `${phase}|${backfill.sequence}|${basisOf(current, phase)}`;
    if (!(awaits || isStuck) || rungFor.has(about)) return;
    rungFor.add(about);
    await transact(deps, async (_, send) =>
      send('floodgate.tasks.ended', { backfillId, phases: [phase] }, { subject: backfillId, traceparent: backfill.traceparent }),
    );
  };

  /** Finished tasks whose inputs have changed since go back to waiting. */
  const turnStale = async (current: BackfillView, signal: AbortSignal): Promise<boolean> => {
    const positions = new Map(
      [...current.tasks].map(([id, row]) => [id, [...row].filter(([, { state }]) => state === 'succeeded' || state === 'unchanged').map(([index]) => index)]),
    );
    const stale = (await judgeReadable(deps, current.plan, positions, signal))?.stale ?? new Map<string, readonly number[]>();
    const paths = [...stale].flatMap(([id, indexes]) => indexes.map((index) => taskPath(backfillId, id, dateAt(current.plan, index))));
    if (paths.length === 0) return false;
    for (let at = 0; at < paths.length; at += writesPerTransaction) {
      const turned = await deps.store.transaction(async (transaction) => {
        // Another may have ended the backfill before this one took the lease.
        const [lease, fresh] = await transaction.getMany([schedulerLeasePath(backfillId), backfillPath(backfillId)]);
        if (lease === undefined || !held.isOurs(lease)) return [];
        if (fresh === undefined || parseDocument(backfillSchema, fresh).state !== 'active') return [];
        const tasks = (await transaction.getMany(paths.slice(at, at + writesPerTransaction))).flatMap((document) => {
          if (document === undefined) return [];
          const task = parseDocument(taskSchema, document);
          const name = task.state === 'succeeded' ? ('turn_stale' as const) : ('turn_stale_unchanged' as const);
          if (!canTransition(task.state, name)) return [];
          return [
            moveTask(task, name, {
              epoch: task.epoch + 1,
              attempt: 0,
              notBefore: 0,
              endedAt: null,
              failure: { code: 'inputs_changed', class: 'not_ready', message: 'an upstream partition changed after this one was computed' },
            }),
          ];
        });
        for (const task of tasks) saveTask(transaction, task);
        return tasks;
      });
      noteTasks(current, turned);
      for (const { processorId } of turned) dirty.add(processorId);
    }
    deps.logger.info({ backfillId, tasks: paths.length }, 'tasks turned stale');
    return true;
  };

  /** Cancelling needs no plan: a backfill whose pipeline version this build can't read can still be ended. */
  const cancelStep = async (backfill: BackfillDocument): Promise<PassOutcome> => {
    const readOpen = async (): Promise<readonly TaskDocument[]> => {
      const documents = await deps.store.query({ collection: taskCollection(backfillId), where: [{ field: 'state', op: 'in', value: openStates }] });
      return documents.map((document) => parseDocument(taskSchema, document));
    };
    const open = await readOpen();
    for (let at = 0; at < open.length; at += writesPerTransaction) {
      const paths = open.slice(at, at + writesPerTransaction).map(pathOfTask);
      const cancelled = await deps.store.transaction(async (transaction) => {
        const tasks = (await transaction.getMany(paths)).flatMap((document) => {
          if (document === undefined) return [];
          const task = parseDocument(taskSchema, document);
          const name = (['cancel_waiting', 'cancel_queued', 'cancel_running', 'cancel_staged'] as const).find((candidate) =>
            canTransition(task.state, candidate),
          );
          return name === undefined ? [] : [moveTask(task, name, { epoch: task.epoch + 1, endedAt: deps.clock.now() })];
        });
        for (const task of tasks) saveTask(transaction, task);
        return tasks;
      });
      if (view !== undefined) noteTasks(view, cancelled);
      for (const { processorId } of cancelled) dirty.add(processorId);
    }
    const left = new Map((await readOpen()).map((task) => [pathOfTask(task), task]));
    if (left.size > 0) return { outcome: 'going', released: 0, wakeAt: undefined };
    const end = await finish(backfill, 'cancelled', left, new Map());
    if (view !== undefined) await writeProgress(view, true);
    // Something was put back to work meanwhile: it is cancelled by the next look.
    return end === undefined ? { outcome: 'going', released: 0, wakeAt: deps.clock.now() } : { outcome: 'over', state: 'cancelled' };
  };

  /** Ends the backfill if it still is as this pass saw it: an operator who put tasks back or approved a gate meanwhile has rung. */
  const finish = async (
    backfill: BackfillDocument,
    state: BackfillState,
    seen: ReadonlyMap<string, TaskDocument>,
    gates: ReadonlyMap<number, GateDocument>,
  ): Promise<BackfillState | undefined> =>
    transact(deps, async (transaction, send) => {
      const open = await transaction.query({ collection: taskCollection(backfillId), where: [{ field: 'state', op: 'in', value: openStates }] });
      const judged = await transaction.getMany(state === 'blocked' ? backfill.phases.map((phase) => gatePath(backfillId, phase)) : []);
      const [stored, pipelineState, control, lease] = await transaction.getMany([
        backfillPath(backfillId),
        pipelineStatePath(backfill.pipelineId),
        controlPath(backfillId),
        schedulerLeasePath(backfillId),
      ]);
      if (stored === undefined || pipelineState === undefined || control === undefined || lease === undefined) return undefined;
      const before = parseDocument(backfillSchema, stored);
      // Reopened, cancelled or taken over since this pass began: another pass decides.
      if (before.state !== 'active' || before.sequence !== backfill.sequence || !held.isOurs(lease)) return undefined;
      if (parseDocument(controlSchema, control).cancelled !== (state === 'cancelled')) return undefined;
      if (open.length !== seen.size || open.some((document) => parseDocument(taskSchema, document).revision !== seen.get(document.path)?.revision))
        return undefined;
      for (const document of judged) {
        const gate = document === undefined ? undefined : parseDocument(gateSchema, document);
        if (gate !== undefined && gate.evaluation !== gates.get(gate.phase)?.evaluation) return undefined;
      }
      const active = parseDocument(pipelineStateSchema, pipelineState);
      transaction.set(backfillPath(backfillId), { ...before, state, endedAt: deps.clock.now() });
      transaction.set(pipelineStatePath(backfill.pipelineId), { ...active, activeBackfills: active.activeBackfills.filter((id) => id !== backfillId) });
      send('floodgate.backfill.ended', { backfillId, state }, { subject: backfillId, traceparent: backfill.traceparent });
      return state;
    });

  const writeProgress = async (current: BackfillView, now: boolean): Promise<void> => {
    const at = deps.clock.now();
    if (dirty.size === 0 || (!now && at - progressAt < deps.progressEveryMs)) return;
    progressAt = at;
    const changed = [...dirty];
    dirty.clear();
    await saveProgress(deps.store, backfillId, current, changed, at);
  };

  const nextWake = (current: BackfillView): number | undefined => {
    const later = [...current.open.values()].filter(({ state, notBefore }) => state === 'waiting' && notBefore > 0).map(({ notBefore }) => notBefore);
    return later.length === 0 ? undefined : Math.min(...later);
  };

  return { backfillId, pass, release };
};
