// The command: node packages/bigquery-emulator/src/main.ts --port N [--dir D] [--slots N] [--no-limits]
// oxlint-disable-next-line import/no-unassigned-import -- imported for its effect, before anything else
import './v8-flags.ts';
import { environment, readOptions, usage } from './config.ts';
import { startServer } from './server.ts';

const options = readOptions(process.argv.slice(2), environment());
if ('problems' in options) {
  process.stderr.write(`${options.problems.join('\n')}\n${usage}\n`);
  process.exit(2);
}
const server = await startServer(options).catch((error: unknown) => {
  process.stderr.write(`BigQuery emulator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
process.stdout.write(`BigQuery emulator is ready at ${server.url}\n`);
const end = (): void => {
  // A second signal, or a shutdown that takes too long, ends it at once: nothing is lost, since what was answered is kept.
  setTimeout(() => process.exit(1), 10_000).unref();
  server.close().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
};
process.once('SIGTERM', end);
process.once('SIGINT', end);
