// The process around the commands: standard streams, the environment, signals, the exit code.
// oxlint-disable-next-line import/no-unassigned-import -- imported for its effect, before anything else
import '@floodgate/system/v8-flags.ts';
import { systemEnvironment } from './config.ts';
import type { Terminal } from './print.ts';
import { runProgram } from './program.ts';
import { showCursor } from './render/live-area.ts';
import { exitCodes } from './exit-codes.ts';

const terminal = (stream: NodeJS.WriteStream): Terminal => ({
  write: (text) => void stream.write(text),
  isTerminal: stream.isTTY,
  get columns() {
    return stream.isTTY ? stream.columns : undefined;
  },
  get rows() {
    return stream.isTTY ? stream.rows : undefined;
  },
});

// `floodgate sql … | head` closes the pipe early: that is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const interrupted = new AbortController();
let signals = 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    signals += 1;
    if (signals === 1) {
      interrupted.abort(new Error(`interrupted by ${signal}`));
      return;
    }
    // Once more: at once. Nothing is lost, since nothing lives in a process.
    if (process.stdout.isTTY) process.stdout.write(showCursor);
    process.exit(exitCodes.unknown);
  });
}

const exitCode = await runProgram(process.argv.slice(2), {
  environment: systemEnvironment(),
  workingFolder: process.cwd(),
  out: terminal(process.stdout),
  err: terminal(process.stderr),
  interrupted: interrupted.signal,
});
if (process.stdout.isTTY) process.stdout.write(showCursor);
// Said in so many words, since work that a broken disk keeps from ending would keep the process; after what was written has left.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
