// The whole contract of the status store against Google's Firestore emulator, through the official client. Each harness has a project
// of its own, each of its stores a connection of its own.
import { afterAll, beforeAll } from 'vitest';
import { startFirestoreEmulator } from '@floodgate/emulators/firestore-emulator.ts';
import type { RunningEmulator } from '@floodgate/emulators/java-emulator.ts';
import { connectFirestore } from '@floodgate/gcp/firestore-client.ts';
import type { FirestoreConnection } from '@floodgate/gcp/firestore-client.ts';
import { FirestoreStatusStore } from '@floodgate/gcp/firestore-status-store.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import { contractIndexes } from '../contract/store-contract-indexes.ts';
import { describeStatusStoreContract } from '../contract/status-store.contract.ts';
import type { StatusStoreHarness } from '../contract/status-store.contract.ts';

let emulator: RunningEmulator;
beforeAll(async () => {
  emulator = await startFirestoreEmulator();
});
afterAll(() => emulator[Symbol.asyncDispose]());

const makeHarness = async (): Promise<StatusStoreHarness> => {
  const projectId = `store-${systemIds.newId()}`;
  const connections: FirestoreConnection[] = [];
  return {
    async open() {
      const connection = connectFirestore({ projectId, firestoreDatabase: '(default)', emulators: { firestore: emulator.host } });
      connections.push(connection);
      return new FirestoreStatusStore(connection, { clock: systemClock, ids: systemIds, indexes: contractIndexes });
    },
    settle: (promise) => promise,
    async [Symbol.asyncDispose]() {
      await Promise.all(connections.map((connection) => connection.terminate()));
    },
  };
};

describeStatusStoreContract('Firestore emulator', makeHarness);
