// Brings a backfill to its end: follows it where another process runs on the home, runs the services here where none does,
// and takes over where the other one ends first. What it was asked to do is in the store, so nothing depends on who does it.
import { statfs } from 'node:fs/promises';
import { readBackfillStatus, type BackfillStatus } from '@floodgate/core/app/read-status.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Failure } from '@floodgate/core/domain/failure.ts';
import type { StoreReader } from '@floodgate/core/ports/status-store.ts';
import type { PlanReader } from '@floodgate/core/app/plan-store.ts';
import type { HttpTarget } from '@floodgate/http/http-server.ts';
import { readBackfillOutput } from './backfill-output.ts';
import { startControlServer } from './control-server.ts';
import { findHomeHolder } from './embedded-home.ts';
import { warehouseFile, type EmbeddedStack } from './embedded-stack.ts';
import type { BackfillOutput } from './output-schema.ts';
import { createProgressDisplay, type ProgressDisplay } from './progress-display.ts';
import { openHomeStore, reachHome, type OpenOptions } from './reach-home.ts';
import type { Session } from './session.ts';
import { withinGrace } from './within-grace.ts';

/** What is to be brought to its end, and whether it had begun before. */
export type Submitted = { readonly backfillId: string; readonly resumed: boolean };

export type Submit = {
  /** Asks the process that runs on the home. */
  readonly remote: (target: HttpTarget) => Promise<Submitted>;
  /** Asks the services of this process, before they start. */
  readonly own: (stack: EmbeddedStack) => Promise<Submitted>;
};

export type RunOptions = OpenOptions & {
  /** Name of the command, for those who meet this process. */
  readonly command: string;
  /** Once it is over, this may name another one to go on with, in the same process. */
  readonly andThen?: (output: BackfillOutput, stack: EmbeddedStack) => Promise<Submitted | undefined>;
};

const pollMs = 100;
/** How often it is looked whether the process that serves a backfill is still there. */
const lookEveryMs = 1_000;

type Follow = {
  readonly store: StoreReader;
  readonly plans: PlanReader;
  readonly backfillId: string;
  /** Ends the following, e.g. because the process that served has gone. */
  readonly isAbandoned: () => Promise<boolean>;
};

const readStatus = async (store: StoreReader, backfillId: string): Promise<BackfillStatus> => {
  const status = await readBackfillStatus(store, backfillId);
  if (status === undefined) throw new FloodgateError('unknown_backfill', `there is no backfill ${backfillId}`, { hint: 'npx floodgate status lists them' });
  return status;
};

const isOver = ({ backfill }: BackfillStatus): boolean => backfill.state !== 'active';

/** Shows it until it is over, abandoned, or Ctrl-C. */
const follow = async (
  session: Session,
  { store, plans, backfillId, isAbandoned }: Follow,
): Promise<{ readonly display: ProgressDisplay; readonly ended: 'over' | 'abandoned' | 'interrupted' }> => {
  const { clock, interrupted } = session;
  let status = await readStatus(store, backfillId);
  const display = await createProgressDisplay(session, plans, status.backfill.pipelineHash);
  let [lookedAt, wasPaused] = [clock.now(), false];
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
    try {
      await clock.sleep(pollMs, interrupted);
    } catch {
      return { display, ended: 'interrupted' };
    }
    status = await readStatus(store, backfillId);
  }
};

const never = async (): Promise<boolean> => false;

export type Serving = AsyncDisposable & {
  readonly server: Awaited<ReturnType<typeof startControlServer>>;
  /** Resolves if nothing can go on in this process: what was to be said is in the failure. */
  readonly halted: Promise<Failure>;
};

/** Less than this, and neither of the two databases can be relied on to write what it must. */
const leastFreeBytes = 4 * 2 ** 20;

/** Watches the disk: where it is so full that not even that can be noted, no other part of the process may notice. */
const watchDisk = async (session: Session, stopped: AbortSignal): Promise<Failure> => {
  const { home } = session.config;
  for (;;) {
    await session.clock.sleep(lookEveryMs, stopped);
    const { bavail, bsize } = await statfs(home);
    if (bavail * bsize < leastFreeBytes) return { code: 'disk_full', class: 'halt', message: `no space is left on the disk of ${home}`, hint: 'free some' };
  }
};

/** Starts the services and answers other processes, until it is disposed of: then it finishes or returns what it holds. */
export const serve = async (
  session: Session,
  stack: EmbeddedStack,
  options: { readonly command: string; readonly dataFolder: string | undefined; readonly listen?: { readonly host: string; readonly port: number } },
): Promise<Serving> => {
  const server = await startControlServer({ session, stack, ...options });
  try {
    await stack.startServices();
  } catch (error) {
    await server.close(0);
    throw error;
  }
  const stopped = new AbortController();
  const fullDisk = watchDisk(session, stopped.signal);
  // Rejected when the services stop, after which nobody asks.
  fullDisk.catch(() => undefined);
  return {
    server,
    halted: Promise.race([stack.halted, fullDisk]),
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await withinGrace(session, stack.stopServices(session.config.graceMs));
      await server.close(1_000);
    },
  };
};

const haltError = ({ code, message, hint }: Failure): FloodgateError =>
  new FloodgateError(code, `stopped: ${message}`, { hint: `${hint === undefined ? '' : `${hint}; `}nothing is lost: run the same command again to go on` });

/** Serves until these are over, Ctrl-C, or nothing can go on in this process. */
const runHere = async (
  session: Session,
  stack: EmbeddedStack,
  dataFolder: string | undefined,
  submitted: Submitted,
  options: RunOptions,
): Promise<BackfillOutput> => {
  await using serving = await serve(session, stack, { command: options.command, dataFolder });
  const { store } = stack.engine;
  let halted: Failure | undefined;
  void serving.halted.then(
    (failure) => {
      halted = failure;
    },
    () => undefined,
  );
  let current = submitted;
  for (;;) {
    const resumedAt = current.resumed ? session.clock.now() : undefined;
    const { display, ended } = await follow(session, {
      store,
      plans: stack.plans,
      backfillId: current.backfillId,
      isAbandoned: async () => halted !== undefined,
    });
    if (ended === 'interrupted') {
      display.stopping();
      await withinGrace(session, stack.stopServices(session.config.graceMs));
    }
    display.end();
    if (halted !== undefined) throw haltError(halted);
    const output = await readOutput(session, store, stack.plans, current.backfillId, resumedAt);
    const next = ended === 'over' ? await options.andThen?.(output, stack) : undefined;
    if (next === undefined) {
      if (ended === 'over')
        await waitForOthers(
          session,
          store,
          stack.plans,
          [...serving.server.handedOver].filter((id) => id !== current.backfillId),
        );
      return output;
    }
    current = next;
  }
};

/** Backfills that other commands handed over while this process ran: it promised to do them. */
const waitForOthers = async (session: Session, store: StoreReader, plans: PlanReader, others: readonly string[]): Promise<void> => {
  for (const backfillId of others) {
    if (isOver(await readStatus(store, backfillId))) continue;
    session.print.note(`This process also runs ${backfillId}, which was handed over to it; Ctrl-C leaves it for later.`);
    const { display, ended } = await follow(session, { store, plans, backfillId, isAbandoned: never });
    display.end();
    if (ended === 'interrupted') return;
  }
};

export const readOutput = async (session: Session, store: StoreReader, plans: PlanReader, backfillId: string, resumedAt?: number): Promise<BackfillOutput> => {
  const { home } = session.config;
  const output = await readBackfillOutput({
    store,
    plans,
    backfillId,
    now: session.clock.now(),
    home,
    warehouse: warehouseFile(home),
    ...(resumedAt === undefined ? {} : { resumedAt }),
  });
  if (output === undefined) throw new FloodgateError('unknown_backfill', `there is no backfill ${backfillId}`, { hint: 'npx floodgate status lists them' });
  return output;
};

export type Watched = { readonly output: BackfillOutput; readonly ended: 'over' | 'abandoned' | 'interrupted' };

/** Follows a backfill that another process serves. */
export const watch = async (session: Session, backfillId: string, untilGone: boolean): Promise<Watched> => {
  await using stack = await openHomeStore(session);
  const { store } = stack.deps;
  const isAbandoned = untilGone ? async () => (await findHomeHolder(session.config.home)) === undefined : never;
  const { display, ended } = await follow(session, { store, plans: stack.plans, backfillId, isAbandoned });
  display.end();
  return { output: await readOutput(session, store, stack.plans, backfillId), ended };
};

export type RunOutcome = { readonly output: BackfillOutput; /** The process that goes on with it after Ctrl-C. */ readonly servedBy: number | undefined };

export const runToEnd = async (session: Session, submit: Submit, options: RunOptions): Promise<RunOutcome> => {
  let submitted: Submitted | undefined;
  for (;;) {
    const reach = await reachHome(session, options);
    if (reach.kind === 'own') {
      await using stack = reach.stack;
      submitted ??= await submit.own(stack);
      return { output: await runHere(session, stack, reach.dataFolder, submitted, options), servedBy: undefined };
    }
    const { pid, command } = reach.greeting;
    if (submitted === undefined) {
      submitted = await submit.remote(reach.target);
      session.print.note(session.print.style.dim(`floodgate ${command} (process ${pid}) runs on this home and does the work`));
    }
    const { output, ended } = await watch(session, submitted.backfillId, true);
    if (ended !== 'abandoned') return { output, servedBy: ended === 'interrupted' ? pid : undefined };
    session.print.note(`process ${pid} has ended before the backfill did: going on with it here`);
    submitted = { ...submitted, resumed: true };
  }
};
