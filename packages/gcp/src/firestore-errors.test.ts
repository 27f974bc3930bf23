// The table of Firestore's codes, as what each means to those who call the store. The vendor's client is made up here only to fail.
import { describe, expect, it } from 'vitest';
import { StoreError } from '@floodgate/core/ports/status-store.ts';
import type { StoreErrorCode } from '@floodgate/core/ports/status-store.ts';
import { createSeededIds } from '../../../test/support/seeded-ids.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import type { FirestoreRpc } from './firestore-calls.ts';
import { grpcCodes, readFailure } from './firestore-errors.ts';
import { FirestoreStatusStore } from './firestore-status-store.ts';

const vendorError = (name: keyof typeof grpcCodes, message: string = name): Error => Object.assign(new Error(message), { code: grpcCodes[name] });

const missingIndex = 'The query requires an index. You can create it here: https://console.firebase.google.com/…';
const unreadable = [
  ['unavailable', 'unavailable', 4],
  ['deadlineExceeded', 'unavailable', 4],
  ['internal', 'unavailable', 4],
  ['unknown', 'unavailable', 4],
  ['cancelled', 'unavailable', 4],
  ['resourceExhausted', 'unavailable', 4],
  ['aborted', 'conflict', 4],
  ['permissionDenied', 'unavailable', 1],
  ['unauthenticated', 'unavailable', 1],
  ['invalidArgument', 'invalid', 1],
  ['failedPrecondition', 'invalid', 1],
  ['outOfRange', 'unavailable', 1],
  ['unimplemented', 'unavailable', 1],
  ['dataLoss', 'unavailable', 1],
] as const satisfies readonly (readonly [keyof typeof grpcCodes, StoreErrorCode, number])[];

/** Code of the commit's answer, what the caller gets, how often the body runs and the commit is sent. */
const uncommitted = [
  ['unavailable', 'unavailable', 1],
  ['deadlineExceeded', 'unavailable', 1],
  ['internal', 'unavailable', 1],
  ['unknown', 'unavailable', 1],
  ['cancelled', 'unavailable', 1],
  ['resourceExhausted', 'unavailable', 1],
  ['permissionDenied', 'unavailable', 1],
  ['unauthenticated', 'unavailable', 1],
  ['dataLoss', 'unavailable', 1],
  ['invalidArgument', 'invalid', 1],
  ['alreadyExists', 'already_exists', 1],
  ['aborted', 'conflict', 24],
  ['failedPrecondition', 'conflict', 24],
  ['notFound', 'conflict', 24],
] as const satisfies readonly (readonly [keyof typeof grpcCodes, StoreErrorCode, number])[];

type Fails = Partial<Record<keyof FirestoreRpc, Error>>;

/** A client of an empty database. Counts its calls. */
function openStore(fails: Fails): { store: FirestoreStatusStore; clock: ManualClock; calls: Record<keyof FirestoreRpc, number>; fails: Fails } {
  const calls = { batchGetDocuments: 0, runQuery: 0, runAggregationQuery: 0, commit: 0, rollback: 0 };
  const call = (name: keyof FirestoreRpc): void => {
    calls[name] += 1;
    const error = fails[name];
    if (error !== undefined) throw error;
  };
  async function* answer(name: keyof FirestoreRpc): AsyncGenerator {
    call(name);
    yield { readTime: { seconds: '1', nanos: 0 }, transaction: new Uint8Array([calls[name]]) };
  }
  const client = {
    batchGetDocuments: () => answer('batchGetDocuments'),
    runQuery: () => answer('runQuery'),
    runAggregationQuery: () => answer('runAggregationQuery'),
    commit: async () => [call('commit')],
    rollback: async () => [call('rollback')],
  } as unknown as FirestoreRpc;
  const clock = new ManualClock();
  const store = new FirestoreStatusStore(
    { client, database: 'projects/p/databases/d', headers: {} },
    { clock, ids: createSeededIds(1), indexes: [{ group: 'tasks', fields: ['state'] }] },
  );
  return { store, clock, calls, fails };
}

const rejects = async (promise: Promise<unknown>): Promise<StoreError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreError);
  return error as StoreError;
};

describe('codes of Firestore', () => {
  it.each(unreadable)('a read that gets %s throws %s, after %i calls', async (name, code, sent) => {
    const { store, clock, calls } = openStore({ batchGetDocuments: vendorError(name) });
    const error = await rejects(clock.run(store.get('x/1')));
    expect({ code: error.code, message: error.message, cause: error.cause, sent: calls.batchGetDocuments }).toMatchObject({
      code,
      message: expect.stringContaining(name),
      cause: vendorError(name),
      sent,
    });
  });

  it.each(uncommitted)('a commit that gets %s throws %s, its body run and its writes sent %i times', async (name, code, runs) => {
    const { store, clock, calls } = openStore({ commit: vendorError(name) });
    let ran = 0;
    const error = await rejects(
      clock.run(
        store.transaction(async (transaction) => {
          ran += 1;
          transaction.create('x/1', {});
        }),
      ),
    );
    expect({ code: error.code, ran, sent: calls.commit }).toEqual({ code, ran: runs, sent: runs });
  });

  it('names what to do', () => {
    const hintOf = (name: keyof typeof grpcCodes, message?: string, operation: 'read' | 'commit' = 'read'): string | undefined =>
      readFailure(vendorError(name, message), operation).hint;
    expect(hintOf('failedPrecondition', missingIndex)).toContain('firestore:indexes');
    expect(hintOf('permissionDenied')).toContain('roles/datastore.user');
    expect(hintOf('notFound', 'The database (default) does not exist for project p')).toContain('gcloud firestore databases create');
    expect(hintOf('unauthenticated')).toContain('gcloud auth');
    expect(hintOf('unavailable', undefined, 'commit')).toContain('may have been applied');
  });

  it('keeps the link to the missing index', async () => {
    const { store, clock } = openStore({ runQuery: vendorError('failedPrecondition', missingIndex) });
    const error = await rejects(clock.run(store.query({ group: 'tasks' })));
    expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining('https://console.firebase.google.com') });
  });

  it('takes a database that is missing for no conflict', async () => {
    const { store, clock, calls } = openStore({ commit: vendorError('notFound', 'The database d does not exist for project p') });
    const error = await rejects(clock.run(store.transaction(async (transaction) => transaction.set('x/1', {}))));
    expect([error.code, calls.commit]).toEqual(['unavailable', 1]);
  });

  it('runs the body again where Firestore has forgotten the transaction', async () => {
    const opened = openStore({ commit: vendorError('invalidArgument', 'The referenced transaction has expired or is no longer valid.') });
    let ran = 0;
    await opened.clock.run(
      opened.store.transaction(async (transaction) => {
        ran += 1;
        if (ran === 3) delete opened.fails.commit;
        await transaction.get('x/read');
        transaction.set('x/1', {});
      }),
    );
    expect([ran, opened.calls.commit, opened.calls.rollback]).toEqual([3, 3, 2]);
  });

  it('runs the body again where what it read as absent exists now, and does not say that it was to be absent', async () => {
    const opened = openStore({ commit: vendorError('alreadyExists') });
    let ran = 0;
    await opened.clock.run(
      opened.store.transaction(async (transaction) => {
        ran += 1;
        if (ran === 2) delete opened.fails.commit;
        await transaction.get('x/1');
        transaction.create('x/1', {});
      }),
    );
    expect(ran).toBe(2);
  });

  it('says unavailable, and not conflict, where the proof of what was read fails each time', async () => {
    const opened = openStore({});
    const error = await rejects(
      opened.clock.run(
        opened.store.transaction(async (transaction) => {
          delete opened.fails.batchGetDocuments;
          await transaction.get('x/read');
          opened.fails.batchGetDocuments = vendorError('unavailable');
          transaction.set('x/1', {});
        }),
      ),
    );
    expect([error.code, opened.calls.commit]).toEqual(['unavailable', 0]);
  });

  it('starts no further try after a minute', async () => {
    const opened = openStore({ commit: vendorError('aborted') });
    let ran = 0;
    const error = await rejects(
      opened.clock.run(
        opened.store.transaction(async (transaction) => {
          ran += 1;
          await opened.clock.sleep(25_000);
          transaction.set('x/1', {});
        }),
        120_000,
      ),
    );
    expect([error.code, ran]).toEqual(['conflict', 3]);
  });
});
