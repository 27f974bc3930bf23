import { startJavaEmulator, type JavaEmulatorOptions, type RunningEmulator } from './java-emulator.ts';

/** Google's Firestore emulator, any project id and database in it; everything it holds is lost with it. */
export const startFirestoreEmulator = (options: JavaEmulatorOptions = {}): Promise<RunningEmulator> =>
  startJavaEmulator(
    {
      name: 'Firestore emulator',
      program: 'cloud-firestore-emulator/cloud_firestore_emulator',
      args: (host, port) => ['start', `--host=${host}`, `--port=${port}`],
      readyPath: '/',
      readyText: 'Dev App Server is now running',
    },
    options,
  );
