// Follows a backfill that somebody works on, whoever it is: shows it until it is over, and reads what came of it.
import type { PlanReader } from '@floodgate/core/app/plan-store.ts';
import { readHeldUp } from '@floodgate/core/app/read-held-up.ts';
import { readBackfillStatus, type BackfillStatus } from '@floodgate/core/app/read-status.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { StoreReader } from '@floodgate/core/ports/status-store.ts';
import type { Backend } from './backend.ts';
import { readBackfillOutput } from './backfill-output.ts';
import type { BackfillOutput } from './output-schema.ts';
import { createProgressDisplay, type ProgressDisplay } from './progress-display.ts';
import { renderHeldUp } from './render/progress.ts';
import type { Session } from './session.ts';

/** How often it is looked whether the process that serves a backfill is still there. */
export const lookEveryMs = 1_000;

const heldUpEveryMs = 3_000;

type Follow = {
  readonly store: StoreReader;
  readonly plans: PlanReader;
  readonly backfillId: string;
  readonly pollMs: number;
  /** Ends the following, e.g. because the process that served has gone. */
  readonly isAbandoned: () => Promise<boolean>;
};

export const readStatus = async (store: StoreReader, backfillId: string): Promise<BackfillStatus> => {
  const status = await readBackfillStatus(store, backfillId);
  if (status === undefined) throw new FloodgateError('unknown_backfill', `there is no backfill ${backfillId}`, { hint: 'npx floodgate status lists them' });
  return status;
};

export const isOver = ({ backfill }: BackfillStatus): boolean => backfill.state !== 'active';

/** Shows it until it is over, abandoned, or Ctrl-C. */
export const follow = async (
  session: Session,
  { store, plans, backfillId, pollMs, isAbandoned }: Follow,
): Promise<{ readonly display: ProgressDisplay; readonly ended: 'over' | 'abandoned' | 'interrupted' }> => {
  const { clock, interrupted } = session;
  let status = await readStatus(store, backfillId);
  const display = await createProgressDisplay(session, plans, status.backfill.pipelineHash);
  let [lookedAt, wasPaused] = [clock.now(), false];
  let askedAt = clock.now();
  const told = new Set<string>();
  /** Once per cause: what is tried again without end must not look like a backfill that is slow. */
  const tellHeldUp = async (): Promise<void> => {
    for (const heldUp of await readHeldUp(store, backfillId)) {
      const cause = `${heldUp.processorId}|${heldUp.failure.code}`;
      if (told.has(cause)) continue;
      told.add(cause);
      display.note(renderHeldUp(heldUp, session.print.style, session.flags).join('\n'));
    }
  };
  for (;;) {
    display.show(status);
    if (isOver(status)) return { display, ended: 'over' };
    if (status.control.paused && !wasPaused)
      display.note(`paused by ${status.control.by || 'somebody'}; to go on: npx floodgate resume ${backfillId}${session.flags}`);
    wasPaused = status.control.paused;
    if (clock.now() - lookedAt >= lookEveryMs) {
      if (await isAbandoned()) return { display, ended: 'abandoned' };
      lookedAt = clock.now();
    }
    if (clock.now() - askedAt >= heldUpEveryMs) {
      askedAt = clock.now();
      await tellHeldUp();
    }
    try {
      await clock.sleep(pollMs, interrupted);
    } catch {
      return { display, ended: 'interrupted' };
    }
    status = await readStatus(store, backfillId);
  }
};

export const never = async (): Promise<boolean> => false;

export const readOutput = async (
  session: Session,
  places: Backend['places'],
  store: StoreReader,
  plans: PlanReader,
  backfillId: string,
  resumedAt?: number,
): Promise<BackfillOutput> => {
  const output = await readBackfillOutput({
    store,
    plans,
    backfillId,
    now: session.clock.now(),
    ...places,
    ...(resumedAt === undefined ? {} : { resumedAt }),
  });
  if (output === undefined) throw new FloodgateError('unknown_backfill', `there is no backfill ${backfillId}`, { hint: 'npx floodgate status lists them' });
  return output;
};

export type Watched = { readonly output: BackfillOutput; readonly ended: 'over' | 'abandoned' | 'interrupted' };

/** Follows a backfill that others serve; with `untilGone` only while they are there. */
export const watch = async (session: Session, backend: Backend, backfillId: string, untilGone: boolean): Promise<Watched> => {
  await using stack = await backend.openStore();
  const { store } = stack.deps;
  const isAbandoned = untilGone ? async () => (await backend.findServer()) === undefined : never;
  const { display, ended } = await follow(session, { store, plans: stack.plans, backfillId, pollMs: backend.pollMs, isAbandoned });
  display.end();
  return { output: await readOutput(session, backend.places, store, stack.plans, backfillId), ended };
};
