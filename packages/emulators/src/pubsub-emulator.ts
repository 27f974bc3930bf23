import { startJavaEmulator, type JavaEmulatorOptions, type RunningEmulator } from './java-emulator.ts';

/** Google's Pub/Sub emulator; everything it holds is lost with it. */
export const startPubSubEmulator = (options: JavaEmulatorOptions = {}): Promise<RunningEmulator> =>
  startJavaEmulator(
    {
      name: 'Pub/Sub emulator',
      program: 'pubsub-emulator/bin/cloud-pubsub-emulator',
      args: (host, port) => [`--host=${host}`, `--port=${port}`],
      readyText: 'Server started, listening on',
      // Its root answers too early to say anything; this is a call of the service.
      readyPath: '/v1/projects/floodgate/topics',
    },
    options,
  );
