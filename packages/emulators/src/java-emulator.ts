// Starts one of the Java emulators of the Cloud SDK and sees to it that it ends with us, however we end.
//
// Their start scripts may leave Java as a grandchild, and nobody tells a grandchild that we were killed. So the emulator gets
// a process group of its own with a watch in it, which reads from a pipe that only we hold: when we are gone, even by kill -9,
// the kernel closes the pipe, and the watch kills the whole group, itself included.
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { createServer, Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { findEmulatorProgram } from './cloud-sdk.ts';

export type JavaEmulatorSpec = {
  /** For messages: "Pub/Sub emulator". */
  readonly name: string;
  /** Below the SDK's `platform`, e.g. `pubsub-emulator/bin/cloud-pubsub-emulator`. */
  readonly program: string;
  readonly args: (host: string, port: number) => readonly string[];
  /** What it prints once it has the port: an answer alone could be that of another emulator there. Firestore's says "is now running". */
  readonly readyText: string;
  /** A path that it answers with 200 as soon as it serves calls, and not before. */
  readonly readyPath: string;
};

export type JavaEmulatorOptions = {
  /** Free when it is left out. */
  readonly port?: number | undefined;
  readonly startTimeoutMs?: number;
};

export type RunningEmulator = AsyncDisposable & {
  /** `host:port`, as the clients' environment variables and our settings want it. */
  readonly host: string;
  /** Resolves when it has ended, wanted or not. */
  readonly ended: Promise<void>;
};

const loopback = '127.0.0.1';
const defaultStartTimeoutMs = 60_000;
const probeEveryMs = 50;
/** Of its output, for the message that says why it didn't start. */
const keptChars = 4_000;

// A background command of a shell gets /dev/null as its input unless it is given another one, hence descriptor 3.
const watched = `
exec 3<&0
(cat <&3 >/dev/null 2>&1; kill -KILL -$$) &
"$@" 3<&- </dev/null &
wait $!
kill -KILL -$$
`;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

export const startJavaEmulator = async (spec: JavaEmulatorSpec, options: JavaEmulatorOptions = {}): Promise<RunningEmulator> =>
  startProgram(spec, await findEmulatorProgram(spec.program), options);

/** The same for a program that lies elsewhere. */
export const startProgram = async (spec: Omit<JavaEmulatorSpec, 'program'>, program: string, options: JavaEmulatorOptions = {}): Promise<RunningEmulator> => {
  // A free port may be taken by another between the question and the start; a port that was asked for is tried once.
  for (let triesLeft = options.port === undefined ? 3 : 1; ; triesLeft -= 1) {
    const port = options.port ?? (await findFreePort());
    const started = await start(spec, program, port, options.startTimeoutMs ?? defaultStartTimeoutMs);
    if (typeof started !== 'string') return started;
    if (triesLeft === 1) {
      throw new FloodgateError('emulator_not_started', `the ${spec.name} did not start on port ${port}: ${started}`, {
        hint: options.port === undefined ? 'its last words above say why' : 'is the port free?',
      });
    }
  }
};

/** The emulator, or why there is none. */
const start = async (spec: Omit<JavaEmulatorSpec, 'program'>, program: string, port: number, timeoutMs: number): Promise<RunningEmulator | string> => {
  const child = spawn('/bin/sh', ['-c', watched, 'sh', program, ...spec.args(loopback, port)], { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  let hasPort = false;
  let hasFailed = false;
  for (const stream of [child.stdout, child.stderr]) {
    // Read for as long as it lives: a full pipe would stop it.
    stream.on('data', (chunk) => {
      said = (said + String(chunk)).slice(-keptChars);
      hasPort ||= said.includes(spec.readyText);
      // Java itself lives on while other threads do.
      hasFailed ||= said.includes('Exception in thread "main"');
    });
  }
  // A broken pipe is its end, which is awaited apart.
  child.stdin.on('error', () => undefined);
  // Not `exit`: the pipes are closed by the last of the group, so Java is gone too.
  const ended = once(child, 'close').then(() => undefined);
  let hasEnded = false;
  void ended.then(() => (hasEnded = true));
  const startedAt = systemClock.now();
  const stop = async (): Promise<void> => {
    hold(child);
    if (!hasEnded) killGroup(child);
    await ended;
  };
  const end = async (why: string): Promise<string> => {
    await stop();
    return `${why}; it said: ${said.trim()}`;
  };
  while (!hasEnded && !hasFailed) {
    if (hasPort && (await answers(port, spec.readyPath))) {
      release(child);
      return { host: `${loopback}:${port}`, ended, [Symbol.asyncDispose]: stop };
    }
    if (systemClock.now() - startedAt > timeoutMs) return end(`no answer within ${timeoutMs} ms`);
    await systemClock.sleep(probeEveryMs);
  }
  return end('it failed');
};

/** A process that has nothing else to do ends, and the emulator with it: whoever started it need not outlive its work. */
const release = (child: Child): void => {
  child.unref();
  for (const pipe of pipesOf(child)) pipe.unref();
};

/** Its end is awaited now. */
const hold = (child: Child): void => {
  child.ref();
  for (const pipe of pipesOf(child)) pipe.ref();
};

/** Pipes of a child are sockets, which the types don't say. */
const pipesOf = (child: Child): readonly Socket[] => [child.stdin, child.stdout, child.stderr].filter((pipe) => pipe instanceof Socket);

const killGroup = (child: Child): void => {
  try {
    // Nothing in it is worth an orderly end, and Java takes a second for one.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // It ended between the question and the signal.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
};

const answers = (port: number, path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const request = get({ host: loopback, port, path, timeout: 1_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    // Refused or reset: not yet.
    request.on('error', () => resolve(false));
    request.on('close', () => resolve(false));
  });

const findFreePort = async (): Promise<number> => {
  const server = createServer();
  server.listen(0, loopback);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};
