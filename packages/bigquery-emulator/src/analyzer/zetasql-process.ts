// Google's analyzer as a process of its own, spoken to by gRPC. It owns the process's life: one runs at a time, it ends with
// us however we end, and a statement that crashes or hangs it costs that statement alone.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { BigQueryProblem } from '../problem.ts';

export type ZetaSqlProcess = AsyncDisposable & {
  /** Rejects with StatementError for what Google's analyzer says about the statement, and with BigQueryProblem `internalError` for the rest. */
  readonly call: <Response>(method: 'analyze' | 'extractTableNamesFromStatement' | 'getLanguageOptions', request: object) => Promise<Response>;
};

/** Google's message, with its position at the end: ` [at 1:8]`. */
export class StatementError extends Error {
  override readonly name = 'StatementError';
  /** Nested too deeply, or too large. */
  readonly isTooMuch: boolean;
  constructor(message: string, isTooMuch: boolean) {
    super(message);
    this.isTooMuch = isTooMuch;
  }
}

const startTimeoutMs = 20_000;
const startAttempts = 3;
const maxMessageDepth = 100_000;
/** gRPC's codes. */
const code = {
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  unavailable: 14,
} as const;
const statementCodes: ReadonlySet<number> = new Set([
  code.invalidArgument,
  code.notFound,
  code.resourceExhausted,
  code.failedPrecondition,
  code.outOfRange,
  code.unimplemented,
]);
/** The connection broke. */
const lostCodes: ReadonlySet<number> = new Set([code.cancelled, code.unavailable]);

type Failure = Error & { readonly code?: number; readonly details?: string };
type Call = (request: object, options: { readonly deadline: Date }, done: (error: Failure | null, response: unknown) => void) => void;
type Client = Readonly<Record<string, Call>> & { close(): void; waitForReady(deadline: Date, done: (error?: Error) => void): void };
type Running = { readonly process: ChildProcess; readonly client: Client; readonly exited: Promise<unknown>; isAlive: boolean };

export async function startZetaSql(packageFolder: string, options: { readonly deadlineMs: number }): Promise<ZetaSqlProcess> {
  const connect = loadClient(packageFolder);
  const binary = join(packageFolder, `lib/zetasql/remote_server${process.arch.startsWith('arm') ? '_arm' : ''}${process.platform === 'darwin' ? '' : '.so'}`);
  let isDisposed = false;
  let running: Running | undefined;
  let starting: Promise<Running> | undefined;
  // Decided without waiting in between, so that callers who find it dead together start one and not two.
  const ensureRunning = (): Promise<Running> => {
    if (isDisposed) return Promise.reject(new BigQueryProblem('internalError', 'the analyzer is closed'));
    if (running?.isAlive === true) return Promise.resolve(running);
    starting ??= start(binary, connect)
      .then((server) => (running = server))
      .finally(() => {
        starting = undefined;
      });
    return starting;
  };
  const attempt = async (method: string, request: object): Promise<unknown> => {
    const server = await ensureRunning();
    try {
      return await callOnce(server.client, method, request, options.deadlineMs);
    } catch (error) {
      if (error instanceof StatementError) throw error;
      // Past its deadline it may run on for ever, and takes a core as long; with its connection broken it is as good as gone,
      // though its end may not be known yet.
      if (isDeadline(error) || isLost(error)) await stop(server);
      throw error;
    }
  };
  // A call that failed with the process may be innocent: another one crashed it. It is tried once more, with no other beside it.
  let retries: Promise<unknown> = Promise.resolve();
  const retryAlone = (method: string, request: object): Promise<unknown> => {
    const retry = retries.then(() => attempt(method, request));
    retries = retry.catch(() => undefined);
    return retry;
  };
  await ensureRunning();

  return {
    async call<Response>(method: string, request: object): Promise<Response> {
      try {
        return (await attempt(method, request).catch((error: unknown) => {
          if (!isLost(error) || isDisposed) throw error;
          return retryAlone(method, request);
        })) as Response;
      } catch (error) {
        if (error instanceof StatementError || error instanceof BigQueryProblem) throw error;
        const what = isDeadline(error)
          ? `did not answer within ${options.deadlineMs} ms`
          : `failed on this statement (${String((error as Failure).details ?? error).slice(0, 300)})`;
        throw new BigQueryProblem('internalError', `Google's analyzer ${what}`, 'query', { cause: error });
      }
    },
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await starting?.catch(() => undefined);
      if (running !== undefined) await stop(running);
    },
  };
}

const isLost = (error: unknown): boolean => lostCodes.has((error as Failure).code ?? -1);
const isDeadline = (error: unknown): boolean => (error as Failure).code === code.deadlineExceeded;

function callOnce(client: Client, method: string, request: object, deadlineMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const call = client[method] as Call;
    call.call(client, request, { deadline: new Date(Date.now() + deadlineMs) }, (error, response) => {
      if (error === null) resolve(response);
      else if (statementCodes.has(error.code ?? -1)) reject(new StatementError(error.details ?? error.message, error.code === code.resourceExhausted));
      else reject(error);
    });
  });
}

/**
 * The shell holds our pipe and kills the analyzer when it closes, which the kernel does for us even where we are killed
 * ourselves; it ends when the analyzer ends.
 */
const guard = 'exec 3<&0; "$0" "$@" </dev/null & pid=$!; { cat >/dev/null; kill -9 $pid 2>/dev/null; } <&3 & exec 3<&-; wait $pid';

async function start(binary: string, connect: (port: number) => Client): Promise<Running> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const child = spawn('/bin/sh', ['-c', guard, binary, 'localhost', String(port)], { stdio: ['pipe', 'ignore', 'ignore'] });
    // Our side breaks when the shell ends first.
    child.stdin?.on('error', () => undefined);
    child.unref();
    (child.stdin as unknown as { unref(): void }).unref();
    const client = connect(port);
    const exited = once(child, 'exit');
    const server: Running = { process: child, client, exited, isAlive: true };
    void exited.then(() => {
      server.isAlive = false;
      child.stdin?.destroy();
      client.close();
    });
    try {
      const ready = new Promise<void>((resolve, reject) => {
        client.waitForReady(new Date(Date.now() + startTimeoutMs), (error) => (error === undefined || error === null ? resolve() : reject(error)));
      });
      await Promise.race([ready, exited.then(() => Promise.reject(new Error('it ended at once')))]);
      return server;
    } catch (error) {
      await stop(server);
      if (attempt === startAttempts) throw new BigQueryProblem('internalError', "Google's analyzer did not start", undefined, { cause: error });
    }
  }
}

async function stop(server: Running): Promise<void> {
  server.process.ref();
  server.process.stdin?.destroy();
  await server.exited;
}

function loadClient(packageFolder: string): (port: number) => Client {
  const require = createRequire(join(packageFolder, 'package.json'));
  const grpc = require('@grpc/grpc-js') as {
    credentials: { createInsecure(): unknown };
    loadPackageDefinition(definition: unknown): { zetasql: { local_service: { ZetaSqlLocalService: new (...args: unknown[]) => Client } } };
  };
  // A resolved expression nests a dozen messages per operator, and protobufjs gives up at 100. Where the stack is too small,
  // the call fails as any other does.
  const protobuf = createRequire(require.resolve('@grpc/proto-loader'))('protobufjs') as {
    util: { recursionLimit: number };
    Reader: { recursionLimit: number };
  };
  protobuf.util.recursionLimit = maxMessageDepth;
  protobuf.Reader.recursionLimit = maxMessageDepth;
  const loader = require('@grpc/proto-loader') as { loadSync(file: string, options: object): unknown };
  const definition = loader.loadSync('local_service.proto', { longs: String, enums: String, includeDirs: [join(packageFolder, 'lib/zetasql/protos')] });
  const { ZetaSqlLocalService } = grpc.loadPackageDefinition(definition).zetasql.local_service;
  return (port) =>
    new ZetaSqlLocalService(`localhost:${port}`, grpc.credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
    });
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
