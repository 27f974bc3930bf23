// Drives whole backfills through the composition root of the embedded backend, as the command line does, in this process.
import { join } from 'node:path';
import { openEmbeddedStack, type EmbeddedStack } from '@floodgate/cli/embedded-stack.ts';
import { acceptRequest, type AcceptOutcome, type PlanSummary } from '@floodgate/core/app/accept-request.ts';
import { readBackfillResult, type BackfillResult } from '@floodgate/core/app/read-status.ts';
import { parseRequest } from '@floodgate/core/contracts/parse-request.ts';
import type { BackfillRequest, BackfillRequestInput } from '@floodgate/core/contracts/request.ts';
import type { Logger } from '@floodgate/core/ports/logger.ts';

export const pipelinesFolder = join(import.meta.dirname, '../../../pipelines');

export type LogLine = { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly fields: Readonly<Record<string, unknown>>; readonly message: string };

export const createLogger = (onLine: (line: LogLine) => void): Logger => {
  const at = (level: LogLine['level']) => (fields: object, message: string) => onLine({ level, fields: { ...fields }, message });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
};

export type EngineOptions = {
  readonly home: string;
  readonly data: string;
  readonly workers?: number;
  readonly pipelines?: string;
  /** Opens without services, so that requests lie there until `startServices`. */
  readonly idle?: boolean;
  readonly onLog?: (line: LogLine) => void;
};

export type Ran = { readonly backfillId: string; readonly state: string; readonly summary: PlanSummary; readonly result: BackfillResult };

export type Engine = AsyncDisposable & {
  readonly stack: EmbeddedStack;
  /** Everything that was logged as an error: nothing in a healthy run. */
  readonly errors: readonly LogLine[];
  startServices(): Promise<void>;
  accept(input: BackfillRequestInput): Promise<AcceptOutcome>;
  /** Accepts, and throws what a rejection says. */
  start(input: BackfillRequestInput): Promise<{ readonly backfillId: string; readonly summary: PlanSummary }>;
  /** State in which the backfill ended: each end is told once, so that a reopened one can be awaited again. */
  ended(backfillId: string): Promise<string>;
  resultOf(backfillId: string): Promise<BackfillResult>;
  /** One backfill from request to end. */
  run(input: BackfillRequestInput): Promise<Ran>;
};

export const request = (input: BackfillRequestInput): BackfillRequest => {
  const parsed = parseRequest(input);
  if (!parsed.ok) throw new Error(parsed.problems.join('; '));
  return parsed.request;
};

const never = new AbortController().signal;

/** Opens a home and starts the services on it. Disposing finishes what is held and closes it. */
export const openEngine = async (options: EngineOptions): Promise<Engine> => {
  const errors: LogLine[] = [];
  const untold = new Map<string, string[]>();
  const waiting = new Map<string, (state: string) => void>();
  const stack = await openEmbeddedStack({
    home: options.home,
    pipelinesFolder: options.pipelines ?? pipelinesFolder,
    dataFolder: options.data,
    workers: options.workers ?? 2,
    logger: createLogger((line) => {
      if (line.level === 'error') errors.push(line);
      options.onLog?.(line);
    }),
    onEnded: (backfillId, state) => {
      const resolve = waiting.get(backfillId);
      waiting.delete(backfillId);
      if (resolve !== undefined) resolve(state);
      else untold.set(backfillId, [...(untold.get(backfillId) ?? []), state]);
    },
  });
  try {
    if (options.idle !== true) await stack.startServices();
  } catch (error) {
    await stack[Symbol.asyncDispose]();
    throw error;
  }
  let requests = 0;
  let closed = false;
  const accept = (input: BackfillRequestInput): Promise<AcceptOutcome> => {
    requests += 1;
    const key = `${stack.engine.lease.holder}-${requests}`;
    return acceptRequest(stack.plannerDeps, { request: request(input), idempotencyKey: key, traceparent: '', dryRun: false }, never);
  };
  const start: Engine['start'] = async (input) => {
    const outcome = await accept(input);
    if (outcome.outcome !== 'accepted' || outcome.summary === undefined)
      throw new Error(`not accepted: ${JSON.stringify('failure' in outcome ? outcome.failure : outcome.outcome)}`);
    return { backfillId: outcome.backfillId, summary: outcome.summary };
  };
  const ended = (backfillId: string): Promise<string> => {
    const state = untold.get(backfillId)?.shift();
    if (state !== undefined) return Promise.resolve(state);
    const { promise, resolve } = Promise.withResolvers<string>();
    waiting.set(backfillId, resolve);
    const halted = stack.halted.then((failure): never => {
      throw new Error(`the worker halted: ${failure.message}`);
    });
    return Promise.race([promise, halted]);
  };
  const resultOf = async (backfillId: string): Promise<BackfillResult> => {
    const result = await readBackfillResult(stack.engine.store, backfillId);
    if (result === undefined) throw new Error(`no backfill ${backfillId}`);
    return result;
  };
  return {
    stack,
    errors,
    startServices: () => stack.startServices(),
    accept,
    start,
    ended,
    resultOf,
    run: async (input) => {
      const { backfillId, summary } = await start(input);
      const state = await ended(backfillId);
      return { backfillId, state, summary, result: await resultOf(backfillId) };
    },
    async [Symbol.asyncDispose]() {
      if (closed) return;
      closed = true;
      await stack.stopServices(10_000);
      await stack[Symbol.asyncDispose]();
    },
  };
};

/** One backfill on a home, from opening it to closing it; fails on anything that was logged as an error. */
export const runOnce = async (options: EngineOptions, input: BackfillRequestInput): Promise<Ran> => {
  await using engine = await openEngine(options);
  const ran = await engine.run(input);
  if (engine.errors.length > 0) throw new Error(`errors were logged: ${JSON.stringify(engine.errors.slice(0, 3))}`);
  return ran;
};

/** Dates by kind and reason of a processor's plan. */
export const planned = ({ plan }: PlanSummary, processorId: string): Readonly<Record<string, readonly string[]>> => {
  const groups: Record<string, string[]> = {};
  for (const { kind, reason, date } of plan.processors.get(processorId) ?? []) (groups[`${kind} ${reason}`] ??= []).push(date);
  return groups;
};

/** What the plan does, in all: `processor date`. */
export const plannedTasks = ({ plan }: PlanSummary): readonly string[] =>
  [...plan.processors].flatMap(([id, entries]) => entries.filter(({ kind }) => kind === 'task').map(({ date }) => `${id} ${date}`));
