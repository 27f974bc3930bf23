import { installFakeGcs } from './fake-gcs-install.ts';
import { startProgram, type JavaEmulatorOptions, type RunningEmulator } from './java-emulator.ts';

/** fake-gcs-server, in memory: everything it holds is lost with it. The first start on a machine compiles it. */
export const startStorageEmulator = async (options: JavaEmulatorOptions = {}): Promise<RunningEmulator> =>
  startProgram(
    {
      name: 'Cloud Storage emulator (fake-gcs-server)',
      // -public-host: uploads and downloads go to the address that is in its answers.
      args: (host, port) => ['-scheme', 'http', '-host', host, '-port', String(port), '-public-host', `${host}:${port}`, '-backend', 'memory'],
      readyText: 'server started',
      readyPath: '/storage/v1/b?project=floodgate',
    },
    await installFakeGcs(),
    options,
  );
