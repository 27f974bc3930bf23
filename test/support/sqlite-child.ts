// What the tests of SQLite need a process of its own for: something to contend with, and to kill.
import { SqliteDatabase } from '@floodgate/embedded/sqlite-database.ts';
import { SqliteMessageBus } from '@floodgate/embedded/sqlite-message-bus.ts';
import { SqliteStatusStore } from '@floodgate/embedded/sqlite-status-store.ts';
import { acquireHomeLock } from '@floodgate/embedded/home-lock.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import { contractIndexes } from '../contract/store-contract-indexes.ts';

const [role, target = ''] = process.argv.slice(2);
const deps = { clock: systemClock, ids: systemIds };
const say = (value: unknown): boolean => process.stdout.write(`${JSON.stringify(value)}\n`);
/** Long enough to be killed in. */
const hang = (): never => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
  throw new Error('was not killed');
};

const openStore = (): SqliteStatusStore => new SqliteStatusStore(SqliteDatabase.open({ file: target, ...deps }), { ...deps, indexes: contractIndexes });
const spec = { name: 'workers', topic: 'floodgate-tasks', ackDeadlineMs: 60_000, redelivery: { minMs: 1_000, maxMs: 5_000 }, maxDeliveryAttempts: 5 } as const;

switch (role) {
  case 'count': {
    const store = openStore();
    say('ready');
    for (let i = 0; i < 200; i += 1) {
      await store.transaction(async (transaction) => {
        const count = ((await transaction.get('x/counter'))?.data['count'] ?? 0) as number;
        transaction.set('x/counter', { count: count + 1 });
      });
    }
    say('done');
    break;
  }
  case 'commit-and-hang': {
    const store = openStore();
    for (let i = 0; i < 50; i += 1) await store.transaction(async (transaction) => transaction.set(`x/n${i}`, { i }));
    say('committed');
    hang();
    break;
  }
  case 'hang-in-transaction': {
    const database = SqliteDatabase.open({ file: target, ...deps });
    void database.write(() => {
      const insert = database.rowStatement(`INSERT INTO documents (path, grp, version, data) VALUES (?, 'x', 1, '{}')`);
      for (let i = 0; i < 5_000; i += 1) insert.run(`x/half${i}`);
      say('writing');
      hang();
    });
    break;
  }
  case 'publish-and-hang':
  case 'claim-and-hang': {
    const bus = new SqliteMessageBus(SqliteDatabase.open({ file: target, ...deps }), { ...deps, subscriptions: [spec] });
    if (role === 'publish-and-hang') {
      await bus.publish([1, 2, 3].map((n) => ({ topic: 'floodgate-tasks', attributes: { id: String(n) }, data: String(n) })));
      say('published');
      hang();
    }
    let claimed = 0;
    await bus.subscribe(
      spec,
      async () => {
        claimed += 1;
        if (claimed === 3) {
          say('claimed');
          hang();
        }
        return 'ack';
      },
      { maxOutstanding: 10 },
    );
    break;
  }
  case 'lock-home': {
    await acquireHomeLock(target, deps);
    say('locked');
    hang();
    break;
  }
  default:
    throw new Error(`no role ${role}`);
}
