// Our BigQuery emulator as a process of its own, as `npm run bigquery-emulator` starts it: it can be killed and started again.
import { fileURLToPath } from 'node:url';
import { startProgram, type JavaEmulatorOptions, type RunningEmulator } from './java-emulator.ts';

const main = fileURLToPath(import.meta.resolve('@floodgate/bigquery-emulator/main.ts'));

export type BigQueryProcessOptions = JavaEmulatorOptions & {
  /** Where it keeps what it holds; what was answered is there after kill -9. */
  readonly folder: string;
  /** Where load jobs find gs://. */
  readonly storageHost: string | undefined;
};

export const startBigQueryProcess = ({ folder, storageHost, ...options }: BigQueryProcessOptions): Promise<RunningEmulator> =>
  startProgram(
    {
      name: 'BigQuery emulator',
      args: (host, port) => [
        // It reads one variable; `env` adds it to ours.
        ...(storageHost === undefined ? [] : [`STORAGE_EMULATOR_HOST=http://${storageHost}`]),
        process.execPath,
        main,
        '--host',
        host,
        '--port',
        String(port),
        '--dir',
        folder,
      ],
      readyText: 'BigQuery emulator is ready at',
      readyPath: '/emulator/v1/health',
    },
    'env',
    // The first start on a machine fetches Google's analyzer, 340 MB.
    { startTimeoutMs: 15 * 60_000, ...options },
  );
