// The worker: executes dispatches and serves commit lanes. A message is acked once its effect, or the reason why it has
// none, is in the store.
import { createCommitLanes, type LaneDeps } from '@floodgate/core/app/commit-lane.ts';
import { executeDispatch, type WorkerDeps as ExecuteDeps } from '@floodgate/core/app/execute-dispatch.ts';
import { recordMalformed, recordMessage } from '@floodgate/core/app/reconcile.ts';
import { parseMessage, subscriptions } from '@floodgate/core/contracts/messages.ts';
import { toFailure, type Failure } from '@floodgate/core/domain/failure.ts';
import type { Delivery, Subscription, Verdict } from '@floodgate/core/ports/message-bus.ts';

export const workerRoles = ['compute', 'commit'] as const;
export type WorkerRole = (typeof workerRoles)[number];

export type WorkerDeps = ExecuteDeps &
  LaneDeps & {
    /** What this process does; it subscribes to nothing else. Both, unless said otherwise. */
    readonly roles?: ReadonlySet<WorkerRole>;
    /** Dispatches that this process executes at once. */
    readonly concurrency: number;
    /** Tables whose lanes this process serves at once. */
    readonly lanes: number;
    /** Nothing can go on in this process (disk full): it should stop. What it held has been given back. */
    readonly onHalt: (failure: Failure) => void;
  };

export type WorkerApp = {
  readonly start: () => Promise<void>;
  /** Finishes what it holds within `graceMs`, all together, and returns the rest. */
  readonly stop: (graceMs: number) => Promise<void>;
  readonly isReady: () => boolean;
};

/** Of the grace period: a dispatch may work for minutes, to give it back or to commit takes seconds. */
const dispatchShare = 0.7;

export const createWorkerApp = (deps: WorkerDeps): WorkerApp => {
  const lanes = createCommitLanes(deps);
  const roles = deps.roles ?? new Set(workerRoles);
  let tasks: Subscription | undefined;
  let commits: Subscription | undefined;
  let isOpen = false;
  /** What was taken and has not come to its end. */
  const running = new Set<Promise<unknown>>();

  /** Where the store can't be written either, nothing could be recorded: the error itself says that this process must stop. */
  const haltOn = async (work: () => Promise<{ readonly outcome: string } | { readonly outcome: 'halt'; readonly failure: Failure }>): Promise<Verdict> => {
    const working = work();
    running.add(working);
    try {
      const result = await working;
      if ('failure' in result) deps.onHalt(result.failure);
      return 'ack';
    } catch (error) {
      const failure = toFailure(error);
      if (failure.class === 'halt') deps.onHalt(failure);
      throw error;
    } finally {
      running.delete(working);
    }
  };

  const onTask = async (delivery: Delivery): Promise<Verdict> => {
    const message = parseMessage(delivery.attributes, delivery.data);
    if (message.type === 'malformed') await recordMalformed(deps, delivery, message.problem);
    if (message.type !== 'floodgate.tasks.dispatched') return 'ack';
    const { data } = message;
    return haltOn(async () => {
      const outcome = await executeDispatch(deps, data, delivery.signal);
      // Its documents were deleted, or another deployment's messages come here: whoever sent it waits in vain.
      if (outcome.outcome === 'dropped' && outcome.why === 'unknown_backfill') {
        const { backfillId, processorId, tasks: named } = data;
        await recordMessage(deps, delivery, {
          code: 'unknown_backfill',
          class: 'permanent',
          message: `${named.length} dates of ${processorId} were dispatched for ${backfillId}, and there is no such backfill`,
          hint: 'nothing is lost if it was deleted; if it was not, two deployments share these topics',
        });
      }
      return outcome;
    });
  };

  const onCommit = async (delivery: Delivery): Promise<Verdict> => {
    const message = parseMessage(delivery.attributes, delivery.data);
    if (message.type === 'malformed') await recordMalformed(deps, delivery, message.problem);
    if (message.type !== 'floodgate.lane.rung') return 'ack';
    const { table } = message.data;
    return haltOn(async () => lanes.serve(table, delivery.signal));
  };

  return {
    start: async () => {
      [tasks, commits] = await Promise.all([
        roles.has('compute') ? deps.bus.subscribe(subscriptions.workerTasks, onTask, { maxOutstanding: deps.concurrency }) : undefined,
        // A lane in service holds one delivery; doorbells for it come and go beside it.
        roles.has('commit') ? deps.bus.subscribe(subscriptions.workerCommits, onCommit, { maxOutstanding: deps.lanes * 2 }) : undefined,
      ]);
      isOpen = true;
    },
    stop: async (graceMs) => {
      isOpen = false;
      const startedAt = deps.clock.now();
      // Dispatches first: what they stage is still committed, in the part of the grace period that is kept for that.
      await tasks?.stop(graceMs * dispatchShare);
      await commits?.stop(Math.max(graceMs - (deps.clock.now() - startedAt), 0));
      // A bus needn't wait for what it has aborted, which is writing now that its tasks are free again.
      await Promise.allSettled(running);
    },
    isReady: () => isOpen,
  };
};
