// The command: npm run emulators -- [--keep] [--services] [--data folder] …
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { bareEnvironment, readOptions, usage, workingFolder } from './config.ts';
import { runEmulators } from './run-emulators.ts';

const args = process.argv.slice(2);
if (args.includes('--help')) {
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A second one doesn't wait: the emulators end with us all the same.
    if (interrupted.signal.aborted) process.exit(1);
    interrupted.abort();
  });
}
try {
  await runEmulators(readOptions(args, workingFolder()), {
    say: (line) => void process.stdout.write(`${line}\n`),
    environment: bareEnvironment(),
    interrupted: interrupted.signal,
  });
  process.exit(0);
} catch (error) {
  const hint = error instanceof FloodgateError && error.hint !== undefined ? `\n${error.hint}` : '';
  process.stderr.write(`${error instanceof FloodgateError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}${hint}\n`);
  // As the command line's: 2 where the input is wrong, 4 for everything else.
  process.exit(error instanceof FloodgateError && (error.code === 'invalid_settings' || error.code === 'unknown_pipeline') ? 2 : 4);
}
