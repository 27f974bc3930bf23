// Brings a backfill to its end: follows it where another process runs on the home, runs the services here where none does,
// and takes over where the other one ends first. What it was asked to do is in the store, so nothing depends on who does it.
import { statfs } from 'node:fs/promises';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Failure } from '@floodgate/core/domain/failure.ts';
import type { StoreReader } from '@floodgate/core/ports/status-store.ts';
import type { PlanReader } from '@floodgate/core/app/plan-store.ts';
import type { HttpTarget } from '@floodgate/http/http-server.ts';
import type { Backend, RunOutcome } from './backend.ts';
import { startControlServer } from './control-server.ts';
import type { EmbeddedStack } from './embedded-stack.ts';
import { follow, isOver, lookEveryMs, never, readOutput, readStatus, watch } from './follow.ts';
import type { BackfillOutput } from './output-schema.ts';
import { reachHome, type OpenOptions } from './reach-home.ts';
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
  backend: Backend,
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
      pollMs: backend.pollMs,
      isAbandoned: async () => halted !== undefined,
    });
    if (ended === 'interrupted') {
      display.stopping();
      await withinGrace(session, stack.stopServices(session.config.graceMs));
    }
    display.end();
    if (halted !== undefined) throw haltError(halted);
    const output = await readOutput(session, backend.places, store, stack.plans, current.backfillId, resumedAt);
    const next = ended === 'over' ? await options.andThen?.(output, stack) : undefined;
    if (next === undefined) {
      if (ended === 'over')
        await waitForOthers(
          session,
          backend,
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
const waitForOthers = async (session: Session, backend: Backend, store: StoreReader, plans: PlanReader, others: readonly string[]): Promise<void> => {
  for (const backfillId of others) {
    if (isOver(await readStatus(store, backfillId))) continue;
    session.print.note(`This process also runs ${backfillId}, which was handed over to it; Ctrl-C leaves it for later.`);
    const { display, ended } = await follow(session, { store, plans, backfillId, pollMs: backend.pollMs, isAbandoned: never });
    display.end();
    if (ended === 'interrupted') return;
  }
};

export const runToEnd = async (session: Session, backend: Backend, submit: Submit, options: RunOptions): Promise<RunOutcome> => {
  let submitted: Submitted | undefined;
  for (;;) {
    const reach = await reachHome(session, options);
    if (reach.kind === 'own') {
      await using stack = reach.stack;
      submitted ??= await submit.own(stack);
      return { output: await runHere(session, backend, stack, reach.dataFolder, submitted, options), servedBy: undefined };
    }
    const { pid, command } = reach.greeting;
    if (submitted === undefined) {
      submitted = await submit.remote(reach.target);
      session.print.note(session.print.style.dim(`floodgate ${command} (process ${pid}) runs on this home and does the work`));
    }
    const { output, ended } = await watch(session, backend, submitted.backfillId, true);
    if (ended !== 'abandoned') return { output, servedBy: ended === 'interrupted' ? `process ${pid}` : undefined };
    session.print.note(`process ${pid} has ended before the backfill did: going on with it here`);
    submitted = { ...submitted, resumed: true };
  }
};
