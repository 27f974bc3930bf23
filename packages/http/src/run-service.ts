// The life of a service's process: settings, start within a deadline, readiness, signals, the end. What a service does is handed
// in as `open`. Invariant: the process ends of itself, with a code that says why, within the grace period and a little; nothing is
// lost by that, since nothing lives in a process.
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Failure } from '@floodgate/core/domain/failure.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { Logger } from '@floodgate/core/ports/logger.ts';
import { createHttpApp, type HttpAppOptions } from './http-app.ts';
import { startHttpServer } from './http-server.ts';
import { createCloudLogger, type FlushableLogger, type LoggerOptions } from './logger.ts';

export const serviceExitCodes = {
  /** Asked to stop, and stopped. */
  stopped: 0,
  /** Could not start, or met an error that nobody handles. */
  failed: 1,
  /** Nothing can go on in this process (disk full): as the command line's. */
  halted: 4,
} as const;

export type ServiceConfig = {
  readonly logLevel: LoggerOptions['level'];
  readonly host: string;
  readonly port: number;
  /** From the signal to the end of what is held. */
  readonly graceMs: number;
  /** A start that takes longer has failed. */
  readonly startWithinMs: number;
};

export type OpenService = Pick<HttpAppOptions, 'routers'> & {
  readonly rawRouters?: HttpAppOptions['rawRouters'];
  /** Begins to take work. */
  readonly start: () => Promise<void>;
  /** Finishes or gives back what is held. */
  readonly stop: (graceMs: number) => Promise<void>;
  readonly isReady: () => boolean;
  /** Closes the clients. */
  readonly close: () => PromiseLike<void>;
  /** Written to the log when it has started. */
  readonly about: Readonly<Record<string, unknown>>;
};

export type ServiceContext = {
  readonly logger: FlushableLogger;
  /** Aborted when the start took too long, or the process is asked to stop meanwhile. */
  readonly signal: AbortSignal;
  /** Nothing can go on in this process: it ends with a code of its own. */
  readonly halt: (failure: Failure) => void;
};

/** The part of `process` that is used. */
export type ProcessEvents = { on(event: string, listener: (value: unknown) => void): unknown };

export type RunOptions<Config extends ServiceConfig> = {
  /** Name of the service, in every line of its log. */
  readonly service: string;
  readonly readConfig: () => Config;
  readonly open: (config: Config, context: ServiceContext) => Promise<OpenService>;
  readonly clock: Clock;
  readonly process?: ProcessEvents;
  /** Ends the process; what was logged has been written by then. */
  readonly exit?: (code: number) => void;
  readonly createLogger?: (level: LoggerOptions['level']) => FlushableLogger;
};

type Ending = { readonly code: number; readonly why: string };

/** What the end may take beyond the grace period: Cloud Run kills 10 s after SIGTERM, and a write of what is given back takes its time. */
const closingMs = 1_500;

const describe = (error: unknown): Readonly<Record<string, unknown>> =>
  error instanceof FloodgateError ? { code: error.code, hint: error.hint, err: error } : { err: error };

type Deadline = { readonly clock: Clock; readonly ms: number; readonly what: string; readonly stopping: AbortSignal };

/** Rejects with what ended it: its error, the deadline, the stop. Work that hears no signal is left behind, since the process ends. */
const within = async <T>({ clock, ms, what, stopping }: Deadline, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const done = new AbortController();
  const late = new AbortController();
  const timer = clock.sleep(ms, AbortSignal.any([done.signal, stopping])).then(() => {
    const error = new FloodgateError('timeout', `${what} took longer than ${ms} ms`, { hint: 'look whether what it waits for can be reached' });
    late.abort(error);
    throw error;
  });
  const working = work(AbortSignal.any([stopping, late.signal]));
  for (const promise of [timer, working]) promise.catch(() => undefined);
  try {
    return await Promise.race([working, timer]);
  } finally {
    done.abort();
  }
};

type Shutdown = { readonly clock: Clock; readonly logger: Logger; readonly graceMs: number };

/** Takes the steps one after the other, each with what is left of the grace period; a little after its end it waits no longer. */
const shutDown = async (steps: readonly ((graceMs: number) => PromiseLike<void>)[], { clock, logger, graceMs }: Shutdown): Promise<void> => {
  const startedAt = clock.now();
  const finished = new AbortController();
  const takeAll = async (): Promise<void> => {
    for (const step of steps) {
      try {
        await step(Math.max(graceMs - (clock.now() - startedAt), 0));
      } catch (error) {
        logger.warn({ err: error }, 'not everything could be closed');
      }
    }
    finished.abort();
  };
  // What hangs must not keep the process until it is killed: leases and ack deadlines bring back what it held.
  const late = clock.sleep(graceMs + closingMs, finished.signal).then(
    () => logger.warn({ graceMs }, 'not everything ended in time'),
    () => undefined,
  );
  await Promise.race([takeAll(), late]);
};

/** Runs until a signal, a halt or an error nobody handles; resolves with the exit code after `exit` was called with it. */
export const runService = async <Config extends ServiceConfig>(options: RunOptions<Config>): Promise<number> => {
  const { service, clock } = options;
  const events = options.process ?? process;
  const exit = options.exit ?? ((code: number) => process.exit(code));
  const createLogger = options.createLogger ?? ((level) => createCloudLogger({ level, fields: { service } }));
  let logger = createLogger('info');
  const ending = Promise.withResolvers<Ending>();
  const stopping = new AbortController();
  let signals = 0;

  const leave = (code: number): number => {
    logger.flush();
    exit(code);
    return code;
  };
  const end = (why: string, code: number): void => {
    stopping.abort(new FloodgateError('shutdown', why));
    ending.resolve({ code, why });
  };
  for (const signal of ['SIGTERM', 'SIGINT']) {
    events.on(signal, () => {
      signals += 1;
      if (signals === 1) end(`${signal} received`, serviceExitCodes.stopped);
      // Once more: at once.
      else leave(serviceExitCodes.failed);
    });
  }
  // Somewhere a promise was forgotten: what it was part of is in an unknown state, so the process is given up.
  for (const event of ['unhandledRejection', 'uncaughtException']) {
    events.on(event, (error) => {
      logger.error({ err: error, event }, 'an error that nobody handles ends the process');
      leave(serviceExitCodes.failed);
    });
  }

  let config: Config;
  try {
    config = options.readConfig();
  } catch (error) {
    logger.error(describe(error), 'the settings are not valid');
    return leave(serviceExitCodes.failed);
  }
  logger = createLogger(config.logLevel);

  const cleanup: ((graceMs: number) => PromiseLike<void>)[] = [];
  let isOpen = false;
  try {
    const opened = await within({ clock, ms: config.startWithinMs, what: 'opening the backend', stopping: stopping.signal }, (signal) =>
      options.open(config, {
        logger,
        signal,
        halt: (failure) => {
          logger.error({ failure }, 'nothing can go on in this process');
          end(`halted: ${failure.code}`, serviceExitCodes.halted);
        },
      }),
    );
    cleanup.unshift(() => opened.close());
    const readiness = { [service]: () => isOpen && opened.isReady() };
    const { routers, rawRouters = [] } = opened;
    // Alive before it is ready: starting may mean to look through a whole store.
    const server = await startHttpServer(createHttpApp({ logger, readiness, routers, rawRouters }), { host: config.host, port: config.port });
    // Answers until what was pushed here is done, and `not_ready` meanwhile.
    cleanup.unshift((graceMs) => server.close(graceMs));
    cleanup.unshift((graceMs) => opened.stop(graceMs));
    await within({ clock, ms: config.startWithinMs, what: 'starting', stopping: stopping.signal }, () => opened.start());
    isOpen = true;
    logger.info({ ...opened.about, address: server.address }, 'service started');
  } catch (error) {
    if (!stopping.signal.aborted) {
      logger.error(describe(error), 'the service could not start');
      end('the start failed', serviceExitCodes.failed);
    }
  }

  const { code, why } = await ending.promise;
  isOpen = false;
  logger.info({ why }, 'stopping');
  const startedAt = clock.now();
  await shutDown(cleanup, { clock, logger, graceMs: config.graceMs });
  logger.info({ code, tookMs: clock.now() - startedAt }, 'service stopped');
  return leave(code);
};
