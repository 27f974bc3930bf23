// What the monitor says of wrong commits and ledgers: histories that are true but for one event.
import { beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { CommitLogEntry } from '@floodgate/core/ports/warehouse.ts';
import { alter, alterDocument, changeOf, insert, moves, transaction } from './monitor-history-edits.ts';
import { healthyHistory, told, type CommitEvent, type History, type StoreEvent } from './monitor-history.ts';

let healthy: History;
beforeAll(async () => {
  healthy = await healthyHistory();
});

const expectTold = async (history: History, message: RegExp, atEnd = false): Promise<void> =>
  expect(await told(history, { atEnd })).toContainEqual(expect.stringMatching(message));

describe('a commit', () => {
  const withCommit = (change: (event: CommitEvent) => CommitEvent): History => alter(healthy, 'commit', change);
  const withEntry = (change: (entry: CommitEvent['commit']['written'][number]) => object): History =>
    withCommit((event) => ({ ...event, commit: { ...event.commit, written: event.commit.written.map((entry) => ({ ...entry, ...change(entry) })) } }));
  const withLog = (change: (entry: CommitLogEntry) => object): History =>
    withCommit((event) => ({ ...event, log: event.log.map((entry) => ({ ...entry, ...change(entry) })) }));
  const withRows = (change: (rows: readonly JsonObject[]) => readonly JsonObject[]): History =>
    withCommit((event) => ({ ...event, rows: new Map([...event.rows].map(([date, rows]) => [date, change(rows)])) }));

  test('that no lane has recorded', async () => {
    await expectTold(
      withCommit((event) => ({ ...event, commit: { ...event.commit, jobId: 'stray' } })),
      /^4: stray committed to test.games; no lane has recorded that job/,
    );
    await expectTold(
      withCommit((event) => ({ ...event, commit: { ...event.commit, laneEpoch: 7 } })),
      /^4: .*with lane epoch 7; it was recorded for test.games with 1/,
    );
  });
  test('of a lane that is fenced out', async () => {
    await expectTold(
      withCommit((event) => ({ ...event, commit: { ...event.commit, laneEpoch: 1_000 } })),
      /^4: .*committed to test.games with lane epoch \d, which 1000 had fenced out/,
    );
  });
  test('of something else than was recorded', async () => {
    await expectTold(
      withEntry(() => ({ generation: 5 })),
      /^4: .*at generation 5 for \S+; recorded were games_\S+, 1048577 and/,
    );
    await expectTold(
      withEntry(() => ({ staging: 'other' })),
      /^4: .*wrote test.games 2024-01-01 of other at generation/,
    );
    await expectTold(
      withEntry(() => ({ date: '2024-02-01' })),
      /^4: .*wrote test.games 2024-02-01, which was not recorded for it/,
    );
  });
  test('of a task that has left its lane', async () => {
    const late = insert(
      alter(healthy, 'commit', () => 'left out'),
      'after',
      moves('tasks', 'committing', 'succeeded'),
      () => healthy.filter((event) => event.what === 'commit').slice(0, 1),
    );
    await expectTold(late, /^4: .*committed games 2024-01-01 of \S+ at generation 1048577, which by then is succeeded/);
  });
  test('over a newer generation, or twice', async () => {
    await expectTold(
      alter(healthy, 'commit', (event) => [event, event]),
      /^4: .*wrote test.games 2024-01-01 at generation 1048577 over 1048577/,
    );
  });
  test('of which the log says something else', async () => {
    await expectTold(
      withLog(() => ({ generation: 3 })),
      /^4: .*at generation 1048577 for \S+; the log has 3 for/,
    );
    await expectTold(
      withLog(() => ({ outcome: 'unchanged' })),
      /^4: .*the log has 1048577 for/,
    );
    await expectTold(
      withLog(() => ({ contentHash: 'x' })),
      /^4: .*rows with the hash x to test.games 2024-01-01; audited were/,
    );
    const same = alter(healthy, 'commit', (event) =>
      event.commit.written.some(({ outcome }) => outcome === 'unchanged')
        ? { ...event, log: event.log.map((entry) => ({ ...entry, contentHash: 'new' })) }
        : undefined,
    );
    await expectTold(same, /^4: .*as unchanged with the hash new over/);
  });
  test('that touches other dates, or writes the log twice', async () => {
    await expectTold(
      withCommit((event) => ({ ...event, commit: { ...event.commit, dates: [...event.commit.dates, '2024-03-01' as never] } })),
      /^4: .*changed test.games 2024-03-01, which it did not write/,
    );
    await expectTold(
      withCommit((event) => ({ ...event, log: [...event.log, ...event.log.slice(-1)] })),
      /^4: .*left two entries for 2024-01-\d+ in the log of test.games/,
    );
  });
  test('of other rows than were staged', async () => {
    await expectTold(
      withRows((rows) => rows.map((row) => ({ ...row, value: 4_711 }))),
      /^4: .*left test.games 2024-01-01 other than games_\S+: .*found value 4711, expected \d+/,
    );
    await expectTold(
      withRows((rows) => rows.slice(1)),
      /^4: .*other than games_\S+: found no row day=2024-01-01 item=i0, expected one/,
    );
    await expectTold(
      withRows((rows) => [...rows, { day: '2024-01-01', item: 'more', value: 1 }]),
      /^4: .*found a row day=2024-01-01 item=more, expected none/,
    );
    await expectTold(
      alter(healthy, 'staged', () => 'left out'),
      /^4: .*committed test.games 2024-01-01 from the staging games_\S+, which does not exist/,
    );
  });
  test('that leaves a key twice, or a row in another date', async () => {
    await expectTold(
      withRows((rows) => [...rows, ...rows.slice(0, 1)]),
      /^5: .*left two rows of test.games with the key day=2024-01-01 item=i0/,
    );
    await expectTold(
      withRows((rows) => rows.map((row) => ({ ...row, day: '2024-01-09' }))),
      /^5: .*left a row of 2024-01-09 in test.games 2024-01-01/,
    );
  });
  test('after which a backfill completes on tables that a sequential run does not compute', async () => {
    const completions = healthy.filter((event): event is StoreEvent => event.what === 'store' && moves('backfills', 'active', 'completed')(event));
    const last = completions.at(-1);
    const id = last === undefined ? '' : changeOf(last, 'backfills').path;
    // The rows of the source change without anybody hearing of it.
    const silent = insert(
      healthy,
      'before',
      (event) => moves('backfills', 'active', 'completed')(event) && changeOf(event, 'backfills').path === id,
      () => [{ what: 'source', date: '2024-01-02' as never, rows: [{ day: '2024-01-02', item: 'i0', value: 12_345 }], isFirst: true }],
    );
    await expectTold(
      silent,
      /^1: test-\S+ completed, and test.games 2024-01-02 is not what a sequential run computes: day=2024-01-02 item=i0: found value 500, expected 12345/,
    );
    expect((await told(silent)).filter((message) => message.includes('completed, and'))).toSatisfy((messages: readonly string[]) =>
      messages.every((message) => message.includes(id.slice('backfills/'.length))),
    );
  });
});

describe('a settlement', () => {
  const withSettled = (to: string, change: (task: JsonObject) => JsonObject): History =>
    alterDocument(
      healthy,
      'tasks',
      ({ before, after }) => before?.['state'] === 'committing' && after['state'] === to,
      (task) => ({ ...task, ...change(task) }),
    );
  const withLedger = (change: (entry: JsonObject, date: string) => JsonObject): History =>
    alterDocument(
      healthy,
      'ledger',
      () => true,
      (year) => ({
        entries: Object.fromEntries(
          Object.entries(year['entries'] as Record<string, JsonObject>).map(([date, entry]) => [date, { ...entry, ...change(entry, date) }]),
        ),
      }),
    );

  test('that the log does not bear out', async () => {
    await expectTold(
      withSettled('succeeded', () => ({ state: 'unchanged' })),
      /^4: .*settled games 2024-01-01 of \S+ as unchanged at generation 1048577; the log has 1048577 \(committed\)/,
    );
    await expectTold(
      withSettled('succeeded', () => ({ state: 'superseded' })),
      /^4: .*settled games 2024-01-01 of \S+ as superseded/,
    );
    await expectTold(
      alter(healthy, 'commit', () => 'left out'),
      /^4: .*settled games 2024-01-01 of \S+ as succeeded at generation 1048577; the log has nothing/,
    );
  });
  test('that writes something else into the ledger, or nothing', async () => {
    await expectTold(
      withLedger(() => ({ rows: 99 })),
      /^4: .*wrote generation 1048577, 99 rows, .* into the ledger for games 2024-01-01; the log has 1048577/,
    );
    await expectTold(
      withLedger(() => ({ contentHash: 'x' })),
      /^4: .*hash x into the ledger for games 2024-01-01/,
    );
    await expectTold(
      alterDocument(
        healthy,
        'ledger',
        () => true,
        () => undefined,
      ),
      /^4: .*as succeeded at generation 1048577; the ledger has nothing/,
    );
  });
  test('that takes the ledger back', async () => {
    const back = alter(healthy, 'store', (event) => {
      const index = event.changes.findIndex(({ path, before }) => path.startsWith('ledger/') && before !== undefined);
      const found = event.changes[index];
      return found === undefined ? undefined : { ...event, changes: event.changes.with(index, { ...found, after: { entries: {} } }) };
    });
    await expectTold(back, /^4: worker-\S+ took the ledger's entry of games 2024-01-\d+ from generation \d+ back to nothing/);
  });
  test('is no rebuild, which may', async () => {
    const rebuilt = insert(healthy, 'after', moves('backfills', 'active', 'cancelled'), () => [
      transaction('cli-9', {
        path: 'ledger/test:features:2024',
        before: { entries: { '2024-01-04': { generation: 9, contentHash: '', rows: 0 } } },
        after: { entries: {} },
      }),
    ]);
    expect((await told(rebuilt)).filter((message) => message.includes("took the ledger's entry"))).toEqual([]);
  });
  test('that finds fresh what the ledger does not have', async () => {
    const fresh = alterDocument(
      healthy,
      'tasks',
      ({ before, after }) => before?.['state'] === 'queued' && after['state'] === 'running',
      (task) => ({ ...task, state: 'unchanged', revision: 3, job: null, endedAt: 1, rows: 1 }),
    );
    await expectTold(fresh, /^1: .*found games 2024-01-01 of \S+ fresh; the ledger has nothing/);
  });
});
