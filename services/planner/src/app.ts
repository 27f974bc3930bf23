// The planner: accepts requests, schedules every active backfill, and reconciles what crashes left behind. Doorbells only
// mark a backfill as moved; the pass that follows reads what is true.
import { acceptRequest, type AcceptDeps } from '@floodgate/core/app/accept-request.ts';
import { expireClosed } from '@floodgate/core/app/expire.ts';
import { createLeaseWatch } from '@floodgate/core/app/lease-watch.ts';
import { readBackfill } from '@floodgate/core/app/plan-store.ts';
import { dropOrphanStaging, recordMalformed, reconcile, type ReconcileReport } from '@floodgate/core/app/reconcile.ts';
import { createScheduler, type SchedulerDeps } from '@floodgate/core/app/release-tasks.ts';
import { backfillSchema, parseDocument } from '@floodgate/core/contracts/documents.ts';
import { parseMessage, subscriptions, type ParsedMessage } from '@floodgate/core/contracts/messages.ts';
import { parseRequest } from '@floodgate/core/contracts/parse-request.ts';
import type { Delivery, Subscription, Verdict } from '@floodgate/core/ports/message-bus.ts';

export type PlannerDeps = AcceptDeps &
  SchedulerDeps & {
    /** How long doorbells are gathered before a backfill is looked at. */
    readonly gatherMs: number;
    readonly reconcileEveryMs: number;
    readonly outboxAgeMs: number;
    readonly queuedAgeMs: number;
    /** How long closed backfills are kept. */
    readonly keepClosedMs: number;
    /** Called once a backfill has reached a state other than active. */
    readonly onEnded?: (backfillId: string, state: string) => void;
  };

export type PlannerApp = {
  readonly start: () => Promise<void>;
  readonly stop: (graceMs: number) => Promise<void>;
  readonly reconcileNow: () => Promise<ReconcileReport>;
  readonly isReady: () => boolean;
};

const expireEveryMs = 3_600_000;

type Scheduled = Pick<ReturnType<typeof createScheduler>, 'pass' | 'release'> & { busy: boolean; again: boolean; wake: AbortController | undefined };

export const createPlannerApp = (deps: PlannerDeps): PlannerApp => {
  const scheduled = new Map<string, Scheduled>();
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  const reconcileDeps = { ...deps, watch: createLeaseWatch(deps.clock, deps.lease) };
  let open: Subscription[] = [];

  const track = (work: Promise<void>): void => {
    running.add(work);
    void work.finally(() => running.delete(work));
  };

  const kick = (backfillId: string): void => {
    if (stopping.signal.aborted) return;
    const entry = scheduled.get(backfillId) ?? { ...createScheduler(deps, backfillId), busy: false, again: false, wake: undefined };
    scheduled.set(backfillId, entry);
    entry.again = true;
    entry.wake?.abort('woken');
    if (entry.busy) return;
    entry.busy = true;
    track(work(backfillId, entry));
  };

  const work = async (backfillId: string, entry: Scheduled): Promise<void> => {
    try {
      while (entry.again && !stopping.signal.aborted) {
        await deps.clock.sleep(deps.gatherMs, stopping.signal);
        entry.again = false;
        const result = await entry.pass(stopping.signal);
        if (result.outcome === 'over') {
          scheduled.delete(backfillId);
          // Rung while the pass ran: it may have been reopened since, so it is looked at once more.
          if (entry.again) kick(backfillId);
          return;
        }
        if (result.outcome === 'going' && result.released > 0) continue;
        if (result.outcome === 'going' && result.wakeAt !== undefined) wakeLater(backfillId, entry, result.wakeAt - deps.clock.now());
      }
    } catch (error) {
      // Whatever went wrong, the reconciler rings this backfill again; nothing was promised that is not in the store.
      if (!stopping.signal.aborted) deps.logger.error({ backfillId, err: error }, 'scheduling pass failed');
    } finally {
      entry.busy = false;
    }
  };

  const wakeLater = (backfillId: string, entry: Scheduled, delayMs: number): void => {
    entry.wake = new AbortController();
    track(
      deps.clock.sleep(Math.max(delayMs, 1), AbortSignal.any([entry.wake.signal, stopping.signal])).then(
        () => kick(backfillId),
        () => undefined, // something else woke it first
      ),
    );
  };

  const read = async (delivery: Delivery): Promise<ParsedMessage | undefined> => {
    const message = parseMessage(delivery.attributes, delivery.data);
    if (message.type !== 'malformed') return message;
    await recordMalformed(deps, delivery, message.problem);
    return undefined;
  };

  const onRequest = async (delivery: Delivery): Promise<Verdict> => {
    const message = await read(delivery);
    if (message?.type !== 'floodgate.backfill.requested') return 'ack';
    const parsed = parseRequest(message.data);
    if (!parsed.ok) {
      await recordMalformed(deps, delivery, parsed.problems.join('; '));
      return 'ack';
    }
    const { id, source, traceparent } = delivery.attributes;
    const outcome = await acceptRequest(
      deps,
      {
        request: parsed.request,
        idempotencyKey: parsed.request.idempotencyKey ?? `${source ?? ''}#${id ?? ''}`,
        traceparent: traceparent ?? '',
        dryRun: false,
      },
      delivery.signal,
    );
    if (outcome.outcome === 'rejected') deps.logger.warn({ request: id, failure: outcome.failure }, 'request rejected');
    return 'ack';
  };

  /** Kept rows whose quarantine was retried or rejected, and what a killed worker staged: nobody will ask for them again. */
  const dropLeftovers = async (backfillId: string): Promise<void> => {
    try {
      const backfill = await readBackfill(deps.store, backfillId);
      if (backfill !== undefined) await dropOrphanStaging(deps, await deps.plans.pipeline(backfill.pipelineHash), stopping.signal);
    } catch (error) {
      if (!stopping.signal.aborted) deps.logger.warn({ backfillId, err: error }, 'leftovers not dropped; the next backfill that ends will');
    }
  };

  const onEvent = async (delivery: Delivery): Promise<Verdict> => {
    const message = await read(delivery);
    switch (message?.type) {
      case 'floodgate.backfill.moved':
      case 'floodgate.tasks.ended':
      case 'floodgate.phase.completed':
      case 'floodgate.phase.held':
      case 'floodgate.phase.blocked':
        kick(message.data.backfillId);
        break;
      case 'floodgate.backfill.ended':
        deps.logger.info(message.data, 'backfill ended');
        await dropLeftovers(message.data.backfillId);
        deps.onEnded?.(message.data.backfillId, message.data.state);
        // Backfills that waited for its partitions may go on.
        for (const backfillId of scheduled.keys()) kick(backfillId);
        break;
      default:
        break;
    }
    return 'ack';
  };

  /**
   * The bus gave up on a message. A readable one was only a doorbell: the store still knows the task, and the reconciler rings
   * again. A request is more than that: nobody else knows of it, so it is decided here, once, like any other.
   */
  const onDeadLetter = async (delivery: Delivery): Promise<Verdict> => {
    const message = parseMessage(delivery.attributes, delivery.data);
    if (message.type === 'floodgate.backfill.requested') return onRequest(delivery);
    if (message.type === 'malformed') await recordMalformed(deps, delivery, message.problem);
    else deps.logger.warn({ type: message.type, from: delivery.attributes['deadlettersource'] }, 'the bus gave up on a doorbell');
    return 'ack';
  };

  let expiredAt = Number.NEGATIVE_INFINITY;
  const expireNowAndThen = async (): Promise<void> => {
    if (deps.clock.now() - expiredAt < expireEveryMs) return;
    expiredAt = deps.clock.now();
    await expireClosed(deps, deps.keepClosedMs);
  };

  const tick = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await deps.clock.sleep(deps.reconcileEveryMs, stopping.signal);
      } catch {
        return; // stopping
      }
      try {
        await reconcile(reconcileDeps);
        await expireNowAndThen();
      } catch (error) {
        deps.logger.error({ err: error }, 'reconciling failed');
      }
    }
  };

  return {
    start: async () => {
      await reconcile(reconcileDeps);
      const active = await deps.store.query({ collection: 'backfills', where: [{ field: 'state', op: '==', value: 'active' }] });
      for (const document of active) kick(parseDocument(backfillSchema, document).backfillId);
      open = await Promise.all([
        deps.bus.subscribe(subscriptions.plannerRequests, onRequest, { maxOutstanding: 1 }),
        deps.bus.subscribe(subscriptions.plannerTaskEvents, onEvent, { maxOutstanding: 100 }),
        deps.bus.subscribe(subscriptions.plannerPhaseEvents, onEvent, { maxOutstanding: 100 }),
        deps.bus.subscribe(subscriptions.plannerDeadLetters, onDeadLetter, { maxOutstanding: 10 }),
      ]);
      track(tick());
    },
    stop: async (graceMs) => {
      await Promise.all(open.map((subscription) => subscription.stop(graceMs)));
      stopping.abort();
      await Promise.all(running);
      open = [];
      // A lease that is given back is not waited for. One that is not dies in its time.
      await Promise.all(
        [...scheduled].map(([backfillId, { release }]) =>
          release().catch((error: unknown) => deps.logger.warn({ backfillId, err: error }, 'lease not given back; it dies by itself')),
        ),
      );
    },
    reconcileNow: () => reconcile(reconcileDeps),
    isReady: () => open.length > 0 && !stopping.signal.aborted,
  };
};
