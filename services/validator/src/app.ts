// The validator: looks whether a phase is drained whenever tasks of it ended, and decides its gate. Evaluations of one
// gate never run side by side here; two validators are kept apart by the number of the evaluation.
import { evaluateGate, type ValidatorDeps as EvaluateDeps } from '@floodgate/core/app/evaluate-gate.ts';
import { recordMalformed } from '@floodgate/core/app/reconcile.ts';
import { parseMessage, subscriptions } from '@floodgate/core/contracts/messages.ts';
import type { Delivery, Subscription, Verdict } from '@floodgate/core/ports/message-bus.ts';

export type ValidatorDeps = EvaluateDeps & {
  /** How long doorbells of one gate are gathered before it is looked at. */
  readonly gatherMs: number;
};

export type ValidatorApp = {
  readonly start: () => Promise<void>;
  readonly stop: (graceMs: number) => Promise<void>;
  readonly isReady: () => boolean;
};

export const createValidatorApp = (deps: ValidatorDeps): ValidatorApp => {
  const pending = new Map<string, { again: boolean }>();
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  let open: Subscription[] = [];

  const look = (backfillId: string, phase: number): void => {
    const key = `${backfillId}/${phase}`;
    const known = pending.get(key);
    if (known !== undefined) {
      known.again = true;
      return;
    }
    const entry = { again: true };
    pending.set(key, entry);
    const work = evaluate(backfillId, phase, entry);
    running.add(work);
    void work.finally(() => running.delete(work));
  };

  const evaluate = async (backfillId: string, phase: number, entry: { again: boolean }): Promise<void> => {
    try {
      while (entry.again && !stopping.signal.aborted) {
        await deps.clock.sleep(deps.gatherMs, stopping.signal);
        entry.again = false;
        const result = await evaluateGate(deps, backfillId, phase, stopping.signal);
        if (result.outcome === 'decided') deps.logger.info({ backfillId, phase, state: result.state }, 'gate decided');
        if (result.outcome === 'overtaken') entry.again = true;
      }
    } catch (error) {
      // The reconciler rings every gate that is not open, so an evaluation that failed here is made again.
      if (!stopping.signal.aborted) deps.logger.error({ backfillId, phase, err: error }, 'gate evaluation failed');
    } finally {
      // In the same turn in which the loop ended, so that no doorbell falls in between.
      pending.delete(`${backfillId}/${phase}`);
    }
  };

  const onEvent = async (delivery: Delivery): Promise<Verdict> => {
    const message = parseMessage(delivery.attributes, delivery.data);
    if (message.type === 'malformed') await recordMalformed(deps, delivery, message.problem);
    if (message.type === 'floodgate.tasks.ended') for (const phase of message.data.phases) look(message.data.backfillId, phase);
    return 'ack';
  };

  return {
    start: async () => {
      open = [await deps.bus.subscribe(subscriptions.validatorTaskEvents, onEvent, { maxOutstanding: 100 })];
    },
    stop: async (graceMs) => {
      await Promise.all(open.map((subscription) => subscription.stop(graceMs)));
      stopping.abort();
      await Promise.all(running);
      open = [];
    },
    isReady: () => open.length > 0 && !stopping.signal.aborted,
  };
};
