// What the monitor says when all is quiet and something is left, missing or wrong.
import { beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { alter, alterDocument, moves, transaction } from './monitor-history-edits.ts';
import { healthyHistory, told, type CommitEvent, type History, type StoreEvent } from './monitor-history.ts';

let healthy: History;
beforeAll(async () => {
  healthy = await healthyHistory();
});

const expectTold = async (history: History, message: RegExp, atEnd = false): Promise<void> =>
  expect(await told(history, { atEnd })).toContainEqual(expect.stringMatching(message));

describe('at the end', () => {
  test('a message was never sent, or lies in the outbox', async () => {
    let id = '';
    const unsent = alter(healthy, 'publish', (event) => {
      if (event.process.startsWith('cli')) return undefined;
      id = event.messages[0]?.attributes['id'] ?? '';
      return 'left out';
    });
    const left = (history: History): History =>
      history.map((event) =>
        event.what === 'store' ? { ...event, changes: event.changes.filter(({ path, after }) => path !== `outbox/${id}` || after !== undefined) } : event,
      );
    await expectTold(left(unsent), /^6: at the end floodgate\S+ \S+ was never published/, true);
    await expectTold(left(healthy), /^6: at the end floodgate\S+ \S+ is still in the outbox/, true);
  });
  test('somebody holds something', async () => {
    const held = alter(healthy, 'store', (event) =>
      event.changes.some(({ path, after }) => path.startsWith('leases/') && after === undefined)
        ? { ...event, changes: event.changes.filter(({ path }) => !path.startsWith('leases/')) }
        : undefined,
    );
    await expectTold(held, /^3: at the end worker-\S+ holds the lease/, true);
    const behind = (...changes: StoreEvent['changes']): History => [...healthy, transaction('planner-1.1', ...changes)];
    await expectTold(
      behind({
        path: 'lanes/test.games',
        before: undefined,
        after: { table: 'test.games', epoch: 9, holder: 'w', heartbeat: 900, job: { jobId: 'j', tasks: [] } },
      }),
      /^3: at the end the lane of test.games has the job j of w/,
      true,
    );
    await expectTold(
      behind({ path: 'pipelines/test', before: undefined, after: { pipelineId: 'test', sequence: 99, activation: 99, activeBackfills: ['x'] } }),
      /^3: at the end x stand in the active backfills of test/,
      true,
    );
  });
  test('a table holds other rows than a sequential run computes, or a key twice', async () => {
    const last = healthy.findLastIndex(({ what }) => what === 'commit');
    const withLast = (change: (rows: readonly JsonObject[]) => readonly JsonObject[]): History => {
      const event = healthy[last] as CommitEvent;
      return healthy.with(last, { ...event, rows: new Map([...event.rows].map(([date, rows]) => [date, change(rows)])) });
    };
    await expectTold(
      withLast((rows) => rows.slice(1)),
      /^1: at the end test.features 2024-01-\d+ is not what a sequential run computes: found no row/,
      true,
    );
    await expectTold(
      withLast((rows) => [...rows, ...rows]),
      /^5: at the end two rows of test.features have the key/,
      true,
    );
    await expectTold(
      withLast((rows) => rows.slice(1)),
      /^4: at the end test.features has \d rows on 2024-01-\d+, the log says/,
      true,
    );
  });
  test('the ledger does not have what the log has', async () => {
    const last = healthy.findLastIndex((event) => event.what === 'store' && event.changes.some(({ path }) => path.startsWith('ledger/')));
    const event = healthy[last] as StoreEvent;
    const unsettled = healthy.with(last, { ...event, changes: event.changes.filter(({ path }) => !path.startsWith('ledger/')) });
    await expectTold(unsettled, /^4: at the end the ledger has generation \d+ with \d rows of features \S+, the log \d+ with/, true);
  });
  test('a completed backfill has a dead letter that stands for something, or a task that does not', async () => {
    const open = alterDocument(
      healthy,
      'deadLetters',
      ({ after }) => after['state'] === 'closed',
      () => undefined,
    );
    await expectTold(open, /^7: at the end the dead letter \S+ is replaying and \S+ is completed/, true);
    const isDone = moves('tasks', 'committing', 'succeeded', ({ processorId }) => processorId === 'features');
    const last = healthy.findLastIndex((event) => event.what === 'store' && isDone(event));
    const event = healthy[last] as StoreEvent;
    const undone = healthy.with(last, { ...event, changes: event.changes.filter(({ path }) => !path.includes('/tasks/')) });
    await expectTold(undone, /^3: at the end \S+ is completed while features \S+ is committing/, true);
    await expectTold(undone, /^7: at the end features \S+ of \S+, which is completed, is committing/, true);
  });
  test('a cancelled backfill has something open, or one that was cancelled is not', async () => {
    const open = alterDocument(
      healthy,
      'tasks',
      ({ after }) => after['state'] === 'cancelled',
      () => undefined,
    );
    await expectTold(open, /^8: at the end \S+ \S+ of \S+, which is cancelled, is running/, true);
    const alive = alterDocument(
      healthy,
      'backfills',
      ({ after }) => after['state'] === 'cancelled',
      () => undefined,
    );
    await expectTold(alive, /^8: \S+ was cancelled, which was acknowledged, and is active/, true);
  });

  /** All until the first backfill is blocked: by what is quarantined. */
  const blocked = (): History => healthy.slice(0, healthy.findIndex((event) => event.what === 'store' && moves('backfills', 'active', 'blocked')(event)) + 1);

  test('what waits behind a blocked gate has a reason, and one without is told', async () => {
    expect((await told(blocked(), { atEnd: true })).filter((message) => message.startsWith('3:'))).toEqual([]);
    const opened = alterDocument(
      blocked(),
      'gates',
      ({ after }) => after['state'] === 'blocked',
      (gate) => ({ ...gate, state: 'open' }),
    );
    await expectTold(opened, /^3: at the end rolling \S+ of \S+, which is blocked, waits for admission, says explain/, true);
  });
  test('a backfill is still at work', async () => {
    const working = blocked().slice(0, -1);
    await expectTold(working, /^3: at the end \S+ is active, rolling \S+ is not released/, true);
  });
});
