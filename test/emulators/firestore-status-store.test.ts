// The whole contract of the status store against Google's Firestore emulator, through the official client. Each harness has a project
// of its own, each of its stores a connection of its own.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFirestoreEmulator } from '@floodgate/emulators/firestore-emulator.ts';
import type { RunningEmulator } from '@floodgate/emulators/java-emulator.ts';
import { connectFirestore } from '@floodgate/gcp/firestore-client.ts';
import type { FirestoreConnection } from '@floodgate/gcp/firestore-client.ts';
import { FirestoreStatusStore } from '@floodgate/gcp/firestore-status-store.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import { contractIndexes } from '../contract/store-contract-indexes.ts';
import { describeStatusStoreContract } from '../contract/status-store.contract.ts';
import { describeSerialisability } from '../contract/serialisability.contract.ts';
import type { SimulatedStoreHarness } from '../support/status-store-harnesses.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { describeWithEmulators } from './support/requirements.ts';

describeWithEmulators('status store on Firestore', ['firestore'], () => {
  let emulator: RunningEmulator;
  beforeAll(async () => {
    emulator = await startFirestoreEmulator();
  });
  afterAll(() => emulator[Symbol.asyncDispose]());

  const deps = { clock: systemClock, ids: systemIds, indexes: contractIndexes };
  const newProject = (): string => `store-${systemIds.newId()}`;
  const connect = (projectId: string, host = emulator.host): FirestoreConnection =>
    connectFirestore({ projectId, firestoreDatabase: '(default)', emulators: { firestore: host } });

  const makeHarness = async (): Promise<SimulatedStoreHarness> => {
    const projectId = newProject();
    const connections: FirestoreConnection[] = [];
    return {
      async open() {
        const connection = connect(projectId);
        connections.push(connection);
        return new FirestoreStatusStore(connection, deps);
      },
      settle: (promise) => promise,
      pause: (ms) => systemClock.sleep(ms),
      async [Symbol.asyncDispose]() {
        await Promise.all(connections.map((connection) => connection.terminate()));
      },
    };
  };

  describeStatusStoreContract('Firestore emulator', makeHarness);
  describeSerialisability('Firestore emulator, two connections', makeHarness, 10);

  describe('a line to Firestore that fails', () => {
    it.each(['stall', 'cut'] as const)('ends every call in its time when it does (%s), says so, and carries on when it is healed', async (fault) => {
      const projectId = newProject();
      await using proxy = await startTcpProxy(emulator.host);
      await using connection = connect(projectId, proxy.host);
      const store = new FirestoreStatusStore(connection, { ...deps, callTimeoutMs: 700 });
      // With more patience: an emulator's first answers take seconds.
      await new FirestoreStatusStore(connection, deps).transaction(async (transaction) => transaction.set('outbox/1', { createdAt: 1 }));
      proxy[fault]();
      const startedAt = systemClock.now();
      const calls = [
        () => store.get('outbox/1'),
        () => store.query({ collection: 'outbox' }),
        () => store.count({ collection: 'outbox' }),
        () => store.transaction(async (transaction) => transaction.set('outbox/2', {})),
      ];
      const codes = await Promise.all(
        calls.map((call) =>
          call().then(
            () => 'done',
            (error: unknown) => (error as { code?: unknown }).code,
          ),
        ),
      );
      expect(codes).toEqual(['unavailable', 'unavailable', 'unavailable', 'unavailable']);
      expect(systemClock.now() - startedAt).toBeLessThan(8_000);
      proxy.heal();
      expect(proxy.hit).toBeGreaterThan(0);
      for (let tried = 1; (await store.get('outbox/1').catch(() => undefined)) === undefined; tried += 1) {
        // The client waits before it connects again.
        expect(tried).toBeLessThan(20);
      }
    });

    it('holds no lock for a body that is under way, or for a process that ends in one', async () => {
      const projectId = newProject();
      await using connection = connect(projectId);
      await using other = connect(projectId);
      const store = new FirestoreStatusStore(connection, deps);
      let abandon: (() => void) | undefined;
      const abandoned = store.transaction(async (transaction) => {
        await transaction.get('x/1');
        await transaction.query({ group: 'tasks', where: [{ field: 'state', op: '==', value: 'queued' }] });
        await new Promise<void>((resolve) => {
          abandon = resolve;
        });
        transaction.set('x/2', {});
      });
      while (abandon === undefined) await systemClock.sleep(5);
      const startedAt = systemClock.now();
      await new FirestoreStatusStore(other, deps).transaction(async (transaction) => {
        await transaction.get('x/1');
        transaction.set('x/1', { a: 1 });
        transaction.set('b/1/tasks/t1', { state: 'queued' });
      });
      expect(systemClock.now() - startedAt).toBeLessThan(3_000);
      const release = abandon;
      abandon = undefined;
      release();
      // It has read what is no more: it runs again, waits again, and is released again.
      while (abandon === undefined) await systemClock.sleep(5);
      (abandon as () => void)();
      await abandoned;
      expect(await store.get('x/2')).toBeDefined();
    });
  });
});
