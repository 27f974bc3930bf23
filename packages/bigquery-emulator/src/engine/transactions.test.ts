// https://docs.cloud.google.com/bigquery/docs/transactions and
// https://docs.cloud.google.com/bigquery/docs/data-manipulation-language#dml_statement_conflicts, with two sessions.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Session } from '../engine-contract.ts';
import type { Analyzer } from '../statement.ts';
import { idOf, openFixture, startTestAnalyzer, type EngineFixture } from './engine.fixture.ts';

let analyzer: Analyzer;
let fixture: EngineFixture;
let other: Session;
beforeAll(async () => {
  analyzer = await startTestAnalyzer();
});
afterAll(() => analyzer[Symbol.asyncDispose]());
beforeEach(async () => {
  fixture = await openFixture(analyzer);
  other = await fixture.engine.openSession();
  await fixture.run('CREATE TABLE d.t (day DATE, k INT64) PARTITION BY day');
  await fixture.run(`INSERT d.t VALUES (DATE '2024-01-01', 1), (DATE '2024-01-02', 2)`);
});
afterEach(async () => {
  await other[Symbol.asyncDispose]();
  await fixture[Symbol.asyncDispose]();
});

const keys = async (session = fixture.session) => (await fixture.rows('SELECT k FROM d.t ORDER BY k', { session })).map(([k]) => Number(k));
const aborted = /^invalidQuery: Transaction is aborted due to concurrent update against table p:d\.t\. Transaction ID: [0-9a-f-]{36}$/;
/** The machine may be busy. */
const patiently = { timeout: 15_000 };
const inOther = {
  get session() {
    return other;
  },
};

test('a transaction sees its own changes and nobody else does until COMMIT', async () => {
  await fixture.run('BEGIN TRANSACTION');
  await fixture.run('UPDATE d.t SET k = k * 10 WHERE TRUE');
  await fixture.run(`INSERT d.t VALUES (DATE '2024-01-03', 3)`);
  expect(await keys()).toEqual([3, 10, 20]);
  expect(await keys(other)).toEqual([1, 2]);
  await fixture.run('COMMIT TRANSACTION');
  expect(await keys(other)).toEqual([3, 10, 20]);
  expect(fixture.session.inTransaction()).toBe(false);
});

test('ROLLBACK, an error and a session that ends take everything back', async () => {
  for (const end of ['ROLLBACK TRANSACTION', 'SELECT 1 / 0', 'dispose'] as const) {
    const session = await fixture.engine.openSession();
    await fixture.run('BEGIN', { session });
    await fixture.run('DELETE d.t WHERE TRUE', { session });
    if (end === 'SELECT 1 / 0') expect(await fixture.refusal(end, { session })).toMatch(/division by zero/);
    else if (end !== 'dispose') await fixture.run(end, { session });
    expect(session.inTransaction()).toBe(end === 'dispose');
    await session[Symbol.asyncDispose]();
    expect(await keys()).toEqual([1, 2]);
    // And the table is free again.
    expect((await fixture.run('UPDATE d.t SET k = k WHERE TRUE', inOther)).dml?.updated).toBe(2);
  }
});

test('the snapshot is that of BEGIN', async () => {
  await fixture.run('BEGIN');
  await fixture.run(`INSERT d.t VALUES (DATE '2024-01-03', 3)`, inOther);
  expect(await keys()).toEqual([1, 2]);
  await fixture.run('COMMIT');
  expect(await keys()).toEqual([1, 2, 3]);
});

test('results of a transaction can be read before it ends, by anybody', async () => {
  await fixture.run('BEGIN');
  await fixture.run('DELETE d.t WHERE k = 1');
  const { rowsIn } = await fixture.run('SELECT k, day FROM d.t');
  expect((await fixture.engine.tables.read(rowsIn ?? idOf('none'), { startIndex: 0, maxRows: 10 })).rows).toEqual([['2', '2024-01-02']]);
  await fixture.run('ROLLBACK');
});

test('@@row_count is that of the last DML statement', async () => {
  await fixture.run('BEGIN');
  await fixture.run('UPDATE d.t SET k = 5 WHERE k = 1');
  await fixture.run(`ASSERT @@row_count = 1 AS 'the fence'`);
  await fixture.run('UPDATE d.t SET k = 5 WHERE k = 77');
  expect(await fixture.refusal(`ASSERT @@row_count = 1 AS 'the fence'`)).toBe('invalidQuery: the fence');
  expect(fixture.session.inTransaction()).toBe(false);
  expect(await keys()).toEqual([1, 2]);
});

test('DDL of permanent tables, a second BEGIN and a COMMIT of nothing are refused', async () => {
  expect(await fixture.refusal('COMMIT')).toMatch(/^invalidQuery: COMMIT TRANSACTION without/);
  for (const ddl of ['CREATE TABLE d.u (a INT64)', 'CREATE TABLE d.u AS SELECT 1 AS a', 'DROP TABLE d.t']) {
    await fixture.run('BEGIN');
    expect(await fixture.refusal(ddl)).toMatch(/not supported inside a transaction$/);
  }
  await fixture.run('BEGIN');
  expect(await fixture.refusal('BEGIN')).toMatch(/^invalidQuery: .*nested/);
});

describe('conflicts of transactions, by table', () => {
  test('a table that another transaction has changed cancels the one that comes later', async () => {
    await fixture.run('BEGIN');
    await fixture.run('BEGIN', inOther);
    await fixture.run('UPDATE d.t SET k = 10 WHERE k = 1');
    expect(await fixture.refusal('UPDATE d.t SET k = 20 WHERE k = 2', inOther)).toMatch(aborted);
    expect(other.inTransaction()).toBe(false);
    await fixture.run('COMMIT');
    expect(await keys()).toEqual([2, 10]);
  });

  test('a table that was changed since the snapshot can be read, and not changed', async () => {
    await fixture.run('BEGIN');
    await fixture.run('DELETE d.t WHERE k = 1', inOther);
    expect(await keys()).toEqual([1, 2]);
    expect(await fixture.refusal(`MERGE d.t USING (SELECT 2 AS k) s ON t.k = s.k WHEN MATCHED THEN DELETE`)).toMatch(aborted);
    expect(await keys()).toEqual([2]);
  });

  test('transactions that only insert do not conflict, nor with one that changes', async () => {
    await fixture.run('BEGIN');
    await fixture.run('BEGIN', inOther);
    await fixture.run(`INSERT d.t VALUES (DATE '2024-01-01', 3)`);
    await fixture.run('UPDATE d.t SET k = k + 100 WHERE TRUE', inOther);
    await fixture.run('COMMIT', inOther);
    await fixture.run(`MERGE d.t USING (SELECT 4 AS k) s ON FALSE WHEN NOT MATCHED THEN INSERT (day, k) VALUES (DATE '2024-01-01', s.k)`);
    await fixture.run('COMMIT');
    expect(await keys()).toEqual([3, 4, 101, 102]);
  });

  test('a table that is replaced under a transaction cancels it', async () => {
    await fixture.run('BEGIN');
    await fixture.run(`INSERT d.t VALUES (DATE '2024-01-01', 3)`);
    await fixture.run(`CREATE OR REPLACE TABLE d.t PARTITION BY day AS SELECT DATE '2024-01-01' AS day, 9 AS k`, inOther);
    expect(await fixture.refusal('COMMIT')).toMatch(aborted);
    expect(await keys()).toEqual([9]);
  });

  test('a statement alone waits for the transaction, which is no conflict', async () => {
    fixture.engine.setDmlRetries(0);
    await fixture.run('BEGIN');
    await fixture.run('UPDATE d.t SET k = k + 1 WHERE TRUE');
    let isDone = false;
    const waiting = fixture.run('UPDATE d.t SET k = k * 10 WHERE TRUE', inOther).then((result) => {
      isDone = true;
      return result;
    });
    await fixture.run(`SELECT 1`);
    expect(isDone).toBe(false);
    await fixture.run('COMMIT');
    expect((await waiting).dml?.updated).toBe(2);
    expect(await keys()).toEqual([20, 30]);
  });

  test('a statement that waits can be interrupted', async () => {
    await fixture.run('BEGIN');
    await fixture.run('UPDATE d.t SET k = k + 1 WHERE TRUE');
    const waiting = fixture.refusal('UPDATE d.t SET k = k * 10 WHERE TRUE', inOther);
    await fixture.run('SELECT 1');
    await expect
      .poll(() => {
        other.interrupt();
        return Promise.race([waiting, Promise.resolve('waiting')]);
      }, patiently)
      .toMatch(/^stopped: /);
    await fixture.run('ROLLBACK');
  });

  test('only one of two fills gets past the fence', async () => {
    await fixture.run('CREATE TABLE d.log (day DATE, epoch INT64)');
    await fixture.run('INSERT d.log VALUES (NULL, 1)');
    const fill = async (session: Session, epoch: number): Promise<string> => {
      await fixture.run('BEGIN', { session });
      try {
        await fixture.run(`UPDATE d.log SET epoch = ${epoch} WHERE day IS NULL AND epoch <= ${epoch}`, { session });
        await fixture.run(`ASSERT @@row_count = 1 AS 'fenced out'`, { session });
        await fixture.run(`INSERT d.t VALUES (DATE '2024-02-01', ${epoch})`, { session });
        await fixture.run('COMMIT', { session });
        return 'committed';
      } catch (error) {
        return (error as Error).message.replace(/ Transaction ID.*/, '');
      }
    };
    const outcomes = await Promise.all([fill(fixture.session, 5), fill(other, 6)]);
    expect(outcomes.toSorted()).toEqual(['Transaction is aborted due to concurrent update against table p:d.log.', 'committed']);
    expect(await keys()).toHaveLength(3);
    expect(await fill(other, 1)).toBe('fenced out');
  });
});

describe('conflicts of single statements, by partition', () => {
  const slowly = (day: string) =>
    `UPDATE d.t SET k = k + (SELECT COUNT(*) FROM UNNEST(GENERATE_ARRAY(1, 300000)) a WHERE MOD(a, 7) = 8) + 10 WHERE day = DATE '${day}'`;

  test('of one partition: without retries the loser fails, with them both succeed one after the other', async () => {
    const both = () => Promise.allSettled([fixture.run(slowly('2024-01-01')), fixture.run(slowly('2024-01-01'), inOther)]);
    fixture.engine.setDmlRetries(0);
    const messages = (await both()).flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as Error).message] : []));
    expect(messages).toEqual(['Could not serialize access to table p:d.t due to concurrent update']);
    expect(await keys()).toEqual([2, 11]);
    fixture.engine.setDmlRetries(3);
    expect((await both()).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect(await keys()).toEqual([2, 31]);
  });

  test('of other rows of one partition, too', async () => {
    fixture.engine.setDmlRetries(0);
    await fixture.run(`INSERT d.t SELECT DATE '2024-01-01', 5`);
    const outcomes = await Promise.allSettled([fixture.run(`${slowly('2024-01-01')} AND k = 1`), fixture.run(`${slowly('2024-01-01')} AND k = 5`, inOther)]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  test('of disjoint partitions: none', async () => {
    fixture.engine.setDmlRetries(0);
    await Promise.all([fixture.run(slowly('2024-01-01')), fixture.run(slowly('2024-01-02'), inOther)]);
    expect(await keys()).toEqual([11, 12]);
  });

  test('INSERT, and MERGE that inserts only, conflict with nothing', async () => {
    fixture.engine.setDmlRetries(0);
    const merge = `MERGE d.t USING (SELECT 50 AS k) s ON t.k = s.k WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (day, k) VALUES (DATE '2024-01-01', s.k)`;
    await Promise.all([fixture.run(slowly('2024-01-01')), fixture.run(merge, inOther)]);
    await Promise.all([fixture.run(slowly('2024-01-01')), fixture.run(`INSERT d.t VALUES (DATE '2024-01-01', 7)`, inOther)]);
    // The first of the two may have seen the row of 50 already in the second round, and 7 or not.
    expect((await keys()).length).toBe(4);
  });
});

test('a running statement is interrupted, and its session goes on', async () => {
  const running = fixture.refusal('SELECT COUNT(*) FROM UNNEST(GENERATE_ARRAY(1, 100000)) a, UNNEST(GENERATE_ARRAY(1, 100000)) b WHERE MOD(a * b, 7) = 8');
  await expect
    .poll(() => {
      fixture.session.interrupt();
      return Promise.race([running, Promise.resolve('running')]);
    }, patiently)
    .toBe('stopped: Job execution was cancelled: User requested cancellation');
  fixture.session.interrupt();
  expect(await keys()).toEqual([1, 2]);
});
