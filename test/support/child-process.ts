// A second process of Node, to be talked with and killed. It says one line of JSON at a time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export type ChildProcess = AsyncDisposable & {
  /** The next line that it says. Throws when it ends first, with what it wrote to stderr. */
  next(): Promise<unknown>;
  /** kill -9, and its end awaited. */
  kill(): Promise<void>;
  readonly pid: number;
};

export function startChild(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = once(child, 'exit');
  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints += String(chunk);
  });
  const kill = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  };
  return {
    pid: child.pid!,
    async next() {
      const line = await lines.next();
      if (line.done === true) throw new Error(`the child process ended: ${complaints}`);
      return JSON.parse(line.value) as unknown;
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
