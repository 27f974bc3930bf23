// The emulator as whoever starts it has it: `npm run bigquery-emulator`, a process of its own, which can be killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

export type EmulatorProcess = AsyncDisposable & {
  readonly url: string;
  /** To the whole group, npm and node, and waits for the end. */
  readonly kill: (signal: 'SIGKILL' | 'SIGTERM') => Promise<void>;
};

export const startEmulatorProcess = async (args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<EmulatorProcess> => {
  // A group of its own, since npm passes SIGKILL on to nobody.
  const child = spawn('npm', ['run', '--silent', 'bigquery-emulator', '--', '--port', '0', ...args], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
  const exited = once(child, 'exit');
  const closed = once(child.stdout, 'close');
  const kill: EmulatorProcess['kill'] = async (signal) => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) process.kill(-child.pid, signal);
    // The pipe is closed by the last of the group.
    await Promise.all([exited, closed]);
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^BigQuery emulator is ready at (\S+)$/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    return { url, kill, [Symbol.asyncDispose]: () => kill('SIGKILL') };
  }
  throw new Error('the emulator ended before it was ready');
};
