// The `floodgate` command as people and scripts run it: a process of its own with an environment of its own, piped.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export const projectFolder = join(import.meta.dirname, '../../..');
export const main = join(projectFolder, 'cli/src/main.ts');
export const launcher = join(projectFolder, 'cli/bin/floodgate.js');

export type Ended = { readonly exitCode: number | null; readonly out: string; readonly err: string };

export type RunningCommand = AsyncDisposable & {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Resolves with the match once what was written so far has one. Throws, with all that was written, where the process ends without. */
  said(pattern: RegExp): Promise<RegExpMatchArray>;
  signal(name: 'SIGINT' | 'SIGTERM'): void;
};

export type CommandOptions = { readonly cwd: string; readonly environment?: Readonly<Record<string, string>> };

/** Compiled modules of former processes: a start takes half of the time, and a test file starts some seventy. */
const compileCache = join(projectFolder, 'node_modules/.cache/floodgate-test-compile');

/** Nothing of the machine's own settings but where programs are: a FLOODGATE_ variable of the developer must change no test. */
const environmentOf = (own: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  NODE_COMPILE_CACHE: compileCache,
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
  LANG: 'C.UTF-8',
  ...own,
});

export const startProgram = (program: string, args: readonly string[], { cwd, environment }: CommandOptions): RunningCommand => {
  const child = spawn(program, args, { cwd, env: environmentOf(environment), stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  const waiting = new Set<() => void>();
  const tell = (): void => {
    for (const look of waiting) look();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    tell();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    tell();
  });
  let isOver = false;
  const ended = once(child, 'close').then(([exitCode]): Ended => {
    isOver = true;
    tell();
    return { exitCode: exitCode as number | null, out, err };
  });
  return {
    pid: child.pid ?? 0,
    ended,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(`${out}\n${err}`);
          if (match === null && !isOver) return;
          waiting.delete(look);
          if (match === null) reject(new Error(`the command ended without saying ${String(pattern)}:\n${out}\n${err}`));
          else resolve(match);
        };
        waiting.add(look);
        look();
      }),
    signal: (name) => void child.kill(name),
    async [Symbol.asyncDispose]() {
      if (!isOver) child.kill('SIGKILL');
      await ended;
    },
  };
};

export const startFloodgate = (args: readonly string[], options: CommandOptions): RunningCommand => startProgram(process.execPath, [main, ...args], options);

export const floodgate = (args: readonly string[], options: CommandOptions): Promise<Ended> => startFloodgate(args, options).ended;
