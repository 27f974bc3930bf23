// Which emulators this machine can't start, and how to get what they need: all of it at once, before anything is started.
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { findEmulatorProgram } from './cloud-sdk.ts';
import { findFakeGcsProblem } from './fake-gcs-install.ts';

export const emulatorNames = ['pubsub', 'firestore', 'storage', 'bigquery'] as const;
export type EmulatorName = (typeof emulatorNames)[number];

const findSdkProblem = async (path: string): Promise<FloodgateError | undefined> => {
  try {
    await findEmulatorProgram(path);
    return undefined;
  } catch (error) {
    if (error instanceof FloodgateError) return error;
    throw error;
  }
};

/** The BigQuery emulator fetches what it needs when it starts, so there is nothing to look for. */
const findProblem: Readonly<Record<EmulatorName, () => Promise<FloodgateError | undefined>>> = {
  pubsub: () => findSdkProblem('pubsub-emulator/bin/cloud-pubsub-emulator'),
  firestore: () => findSdkProblem('cloud-firestore-emulator/cloud_firestore_emulator'),
  storage: findFakeGcsProblem,
  bigquery: () => Promise.resolve(undefined),
};

export type MissingEmulator = { readonly emulator: EmulatorName; readonly message: string; readonly hint: string };

export const findMissingEmulators = async (emulators: readonly EmulatorName[] = emulatorNames): Promise<readonly MissingEmulator[]> => {
  const found = await Promise.all(emulators.map(async (emulator) => ({ emulator, problem: await findProblem[emulator]() })));
  return found.flatMap(({ emulator, problem }) => (problem === undefined ? [] : [{ emulator, message: problem.message, hint: problem.hint ?? '' }]));
};
