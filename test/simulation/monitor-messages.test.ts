// What the monitor says of wrong messages, dead letters and progress: histories that are true but for one event.
import { beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { alter, alterDocument, changeOf, insert, moves, rewritten, transaction } from './monitor-history-edits.ts';
import { healthyHistory, told, type History } from './monitor-history.ts';

let healthy: History;
beforeAll(async () => {
  healthy = await healthyHistory();
});

const expectTold = async (history: History, message: RegExp, atEnd = false): Promise<void> =>
  expect(await told(history, { atEnd })).toContainEqual(expect.stringMatching(message));

const isData =
  (type: string) =>
  ({ after }: { readonly after: JsonObject }): boolean =>
    (after['attributes'] as JsonObject)['type'] === type;

describe('a message', () => {
  const withMessage = (type: string, data: JsonObject): History =>
    alterDocument(healthy, 'outbox', isData(type), (document) => ({
      ...document,
      data: JSON.stringify({ ...(JSON.parse(document['data'] as string) as JsonObject), ...data }),
    }));

  test.each([
    [
      'floodgate.phase.completed',
      { phase: 3 },
      /^6: validator-1.1 wrote floodgate.phase.completed \S+, but the gate of phase 3 of \S+ was not written with it/,
    ],
    ['floodgate.phase.blocked', { backfillId: 'other' }, /^6: .*wrote floodgate.phase.blocked \S+, but the gate of phase 1 of other was not written with it/],
    ['floodgate.backfill.ended', { state: 'cancelled' }, /^6: .*wrote floodgate.backfill.ended \S+, but \S+ was not made cancelled with it/],
    ['floodgate.tasks.dispatched', { dispatchId: 'other' }, /^6: .*was not queued with it at epoch 0 under other/],
    ['floodgate.tasks.ended', { phases: [9] }, /^6: .*has no phases 9/],
    ['floodgate.backfill.moved', { backfillId: 'other' }, /^6: .*there is no backfill other/],
    ['floodgate.lane.rung', { table: 'test.other' }, /^6: .*no task writes test.other/],
  ])('%s that is not true', async (type, data, message) => {
    await expectTold(withMessage(type, data), message);
  });

  test.each([
    ['floodgate.tasks.dispatched', /^6: .*made games \S+ of \S+ queued \(release\) and told nobody/],
    ['floodgate.lane.rung', /^6: .*made games \S+ of \S+ staged \(stage\) and told nobody/],
    ['floodgate.phase.held', /^6: .*left the gate of phase 2 of \S+ held and wrote no floodgate.phase.held/],
    ['floodgate.backfill.ended', /^6: .*left \S+ blocked and wrote no floodgate.backfill.ended/],
  ])('%s that is not written', async (type, message) => {
    await expectTold(
      alterDocument(healthy, 'outbox', isData(type), () => undefined),
      message,
    );
  });
  test('of the end of tasks that is not written', async () => {
    const silent = alter(healthy, 'store', (event) =>
      moves('tasks', 'committing', 'succeeded')(event) ? { ...event, changes: event.changes.filter(({ path }) => !path.startsWith('outbox/')) } : undefined,
    );
    await expectTold(silent, /^6: .*succeeded \(commit\) and told nobody/);
    const back = alter(healthy, 'store', (event) =>
      moves('tasks', 'failed', 'waiting')(event) ? { ...event, changes: event.changes.filter(({ path }) => !path.startsWith('outbox/')) } : undefined,
    );
    await expectTold(back, /^6: .*waiting \(retry_failed\) and told nobody/);
  });
  test('that was never written, or that says something else than was', async () => {
    await expectTold(
      alter(healthy, 'publish', (event) =>
        event.process.startsWith('cli')
          ? undefined
          : { ...event, messages: event.messages.map((message) => ({ ...message, attributes: { ...message.attributes, id: 'stray' } })) },
      ),
      /^6: .*published floodgate\S+ stray, which no transaction has written/,
    );
    await expectTold(
      alter(healthy, 'publish', (event) =>
        event.process.startsWith('cli') ? undefined : { ...event, messages: event.messages.map((message) => ({ ...message, data: '{}' })) },
      ),
      /^6: .*other than it was written as \S+: \{\}/,
    );
  });
  test('that is deleted before it was sent', async () => {
    await expectTold(
      alter(healthy, 'publish', (event) => (event.process.startsWith('cli') ? undefined : 'left out')),
      /^6: .*deleted floodgate\S+ \S+ from the outbox before it was published/,
    );
  });
  test('may name a backfill that has expired, and none that never was', async () => {
    const moved = (backfillId: string): JsonObject => ({
      topic: 'floodgate-task-events',
      attributes: { id: 'late', type: 'floodgate.backfill.moved' },
      data: JSON.stringify({ backfillId }),
      orderingKey: null,
      createdAt: 0,
    });
    const late = (backfillId?: string): History =>
      insert(healthy, 'after', moves('backfills', 'active', 'cancelled'), (event) => {
        const ended = changeOf(event, 'backfills');
        const after = moved(backfillId ?? ended.path.slice('backfills/'.length));
        return [transaction('planner-1.1', rewritten(ended, undefined)), transaction('planner-1.1', { path: 'outbox/late', before: undefined, after })];
      });
    await expectTold(late('other'), /^6: .*wrote floodgate.backfill.moved late, but there is no backfill other/);
    expect((await told(late())).filter((message) => message.includes('moved late'))).toEqual([]);
  });
  test('is a request, which comes from outside', async () => {
    expect(
      healthy.some(
        (event) => event.what === 'publish' && event.process.startsWith('cli') && event.messages.some(({ topic }) => topic === 'floodgate-backfill-requests'),
      ),
    ).toBe(true);
  });
});

describe('what people read', () => {
  test('a failed task without an open dead letter', async () => {
    await expectTold(
      alterDocument(
        healthy,
        'deadLetters',
        () => true,
        () => undefined,
      ),
      /^7: after worker-\S+ features 2024-01-05 of \S+ is failed and its dead letter does not exist/,
    );
    await expectTold(
      alterDocument(
        healthy,
        'deadLetters',
        ({ before }) => before !== undefined,
        () => undefined,
      ),
      /^7: after cli-\S+ features 2024-01-05 of \S+ is waiting and its dead letter is open/,
    );
  });
  test('a dead letter that is closed before its task is good', async () => {
    await expectTold(
      alterDocument(
        healthy,
        'deadLetters',
        ({ after }) => after['state'] === 'replaying',
        (letter) => ({ ...letter, state: 'closed' }),
      ),
      /^7: cli-\S+ closed the dead letter \S+, whose task is waiting/,
    );
  });
  test('progress that goes back, or shows what never was', async () => {
    const withProgress = (change: (document: JsonObject) => JsonObject): History =>
      alterDocument(
        healthy,
        'progress',
        ({ before }) => before !== undefined,
        (document) => ({ ...document, ...change(document) }),
      );
    await expectTold(
      withProgress(({ revisions }) => ({ revisions: (revisions as number[]).map((revision) => revision + 50) })),
      /^3: planner-1.1 shows games .* at revision 5\d, expected "no such revision"/,
    );
    await expectTold(
      withProgress(({ dates }) => ({ states: 'Q'.repeat((dates as string[]).length) })),
      /^3: planner-1.1 shows games .* as "Q" at revision/,
    );
    await expectTold(
      alterDocument(
        healthy,
        'progress',
        ({ before }) => (before?.['states'] as string | undefined)?.includes('S') === true,
        (document) => ({
          ...document,
          revisions: (document['revisions'] as number[]).map(() => 0),
          states: '.'.repeat((document['revisions'] as number[]).length),
        }),
      ),
      /^3: planner-1.1 shows games \S+ of \S+ as "." at revision 0, expected "." at \d or later/,
    );
  });
  test('a decision, or a plan, that changes', async () => {
    const again = insert(healthy, 'after', moves('backfills', undefined, 'active'), (event) => [
      transaction('planner-1.1', rewritten(changeOf(event, 'requests'), { backfillId: 'other' })),
    ]);
    await expectTold(again, /^6: planner-1.1 changed backfillId of requests\/\S+, which never changes/);
  });
});
