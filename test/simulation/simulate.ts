// The process around `npm run simulate`: standard streams, the interrupt, the exit code.
import type { Terminal } from '@floodgate/cli/print.ts';
import { showCursor } from '@floodgate/cli/render/live-area.ts';
import { exitCodes, runSimulate } from './simulate-command.ts';

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

// `npm run simulate | head` closes the pipe early: that is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const interrupted = new AbortController();
process.on('SIGINT', () => {
  // A second time: at once, without the summary.
  if (interrupted.signal.aborted) process.exit(exitCodes.interrupted);
  interrupted.abort(new Error('interrupted'));
});

const exitCode = await runSimulate(process.argv.slice(2), {
  out: terminal(process.stdout),
  err: terminal(process.stderr),
  interrupted: interrupted.signal,
  colour: process.env['NO_COLOR'] === undefined,
});
if (process.stdout.isTTY) process.stdout.write(showCursor);
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
