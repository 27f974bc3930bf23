// What the monitor says of wrong gates, backfills and answers to operators: histories that are true but for one event.
import { beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { alter, alterDocument, changeOf, insert, moves, rewritten, transaction } from './monitor-history-edits.ts';
import { healthyHistory, told, type History, type StoreEvent } from './monitor-history.ts';

let healthy: History;
beforeAll(async () => {
  healthy = await healthyHistory();
});

const expectTold = async (history: History, message: RegExp): Promise<void> => expect(await told(history)).toContainEqual(expect.stringMatching(message));

describe('a gate', () => {
  const isOpened = (event: StoreEvent): boolean =>
    event.changes.some(({ path, before, after }) => path.includes('/gates/') && before?.['state'] !== 'open' && after?.['state'] === 'open');
  const withGate = (state: string, change: JsonObject): History =>
    alterDocument(
      healthy,
      'gates',
      ({ after }) => after['state'] === state,
      (gate) => ({ ...gate, ...change }),
    );

  test('that was open is written again', async () => {
    const reopened = insert(healthy, 'after', isOpened, (event) => [
      transaction('validator-1.1', rewritten(changeOf(event, 'gates'), { state: 'blocked', evaluation: 9, summary: 'no' })),
    ]);
    await expectTold(reopened, /^2: validator-1.1 wrote backfills\/\S+\/gates\/1, which was open .* as blocked/);
  });

  test('skips an evaluation', async () => expectTold(withGate('blocked', { evaluation: 7 }), /^2: .*with evaluation 7, expected 1/));
  test('is decided by somebody else', async () => {
    const strange = alter(healthy, 'store', (event) => (isOpened(event) ? { ...event, process: 'planner-1.1' } : undefined));
    await expectTold(strange, /^2: planner-1.1 wrote backfills\/\S+\/gates\/1 as open, which is not its to say/);
  });
  test('approves itself', async () => expectTold(withGate('blocked', { approvedBy: 'me' }), /^2: .*as approved by "me", found "" before/));
  test('opens although nobody approved', async () => {
    const unasked = alterDocument(
      healthy,
      'gates',
      ({ after }) => after['state'] === 'held',
      (gate) => ({ ...gate, state: 'open', summary: '' }),
    );
    await expectTold(unasked, /^2: .*gates\/2, which asks for an approval that nobody gave/);
  });
  test('is shut without a reason', async () => expectTold(withGate('blocked', { summary: '' }), /^3: .*as blocked without a reason/));

  test('opens while a task of its phase is not good, and before the gate before it', async () => {
    const early = (phase: number): History => {
      const opening = healthy.find((event) => event.what === 'store' && isOpened(event) && event.changes.some(({ path }) => path.endsWith(`/gates/${phase}`)));
      return insert(healthy, 'after', moves('tasks', undefined, 'queued'), () => (opening === undefined ? [] : [opening]));
    };
    await expectTold(early(1), /^2: .*opened backfills\/\S+\/gates\/1 while games \S+ is (queued|not released yet)/);
    await expectTold(early(2), /^2: .*opened backfills\/\S+\/gates\/2 before the gate of phase 1/);
  });
});

describe('a backfill', () => {
  test('ends at no time', async () => {
    const timeless = alterDocument(
      healthy,
      'backfills',
      ({ after }) => after['state'] === 'completed',
      (backfill) => ({ ...backfill, endedAt: null }),
    );
    await expectTold(timeless, /^8: .*completed with endedAt null/);
  });
  test('disappears while it is at work, or gets another plan', async () => {
    const created = moves('backfills', undefined, 'active');
    const lost = insert(healthy, 'after', created, (event) => [transaction('planner-1.1', rewritten(changeOf(event, 'backfills'), undefined))]);
    await expectTold(lost, /^7: planner-1.1 deleted the backfill \S+, which is active/);
    const replanned = insert(healthy, 'after', created, (event) => [transaction('planner-1.1', rewritten(changeOf(event, 'backfills'), { planHash: 'x' }))]);
    await expectTold(replanned, /^8: planner-1.1 left \S+ active with the plan x instead of/);
  });
  test('is activated with a plan that is not stored', async () => {
    const unplanned = alterDocument(
      healthy,
      'plans',
      () => true,
      () => undefined,
    );
    await expectTold(unplanned, /^1: planner-1.1 wrote what nobody can go on from: plan \S+ is not stored/);
  });
  test('is reopened under its old number', async () => {
    const same = alterDocument(
      healthy,
      'backfills',
      ({ before, after }) => before?.['state'] === 'blocked' && after['state'] === 'active',
      (backfill) => ({ ...backfill, sequence: 1 }),
    );
    await expectTold(same, /^8: .*left \S+ active with sequence 1 after 1/);
  });
  test('comes back after it was cancelled, or has something put back to work', async () => {
    const isCancelled = moves('backfills', 'active', 'cancelled');
    const back = insert(healthy, 'after', isCancelled, (event) => [
      transaction('cli-9', rewritten(changeOf(event, 'backfills'), { state: 'active', endedAt: null, sequence: 99 })),
    ]);
    await expectTold(back, /^8: cli-9 left \S+ active after it was cancelled/);
    let task: StoreEvent['changes'][number] | undefined;
    for (const event of healthy)
      if (event.what === 'store') task ??= event.changes.find(({ after }) => after?.['state'] === 'cancelled' && after['taskId'] !== undefined);
    const put = insert(healthy, 'after', isCancelled, () =>
      task === undefined ? [] : [transaction('cli-9', rewritten(task, { state: 'waiting', endedAt: null }))],
    );
    await expectTold(put, /^8: cli-9 made \S+ \S+ waiting in \S+, which is cancelled/);
  });
  test('ends with work that is not done', async () => {
    const early = (state: string) =>
      insert(healthy, 'after', moves('tasks', undefined, 'queued'), () => {
        const first = healthy.find((event): event is StoreEvent => event.what === 'store' && moves('backfills', undefined, 'active')(event));
        return first === undefined ? [] : [transaction('planner-1.1', rewritten(changeOf(first, 'backfills'), { state, endedAt: 1 }))];
      });
    await expectTold(early('completed'), /^3: .*completed with games \S+, which is (queued|not released yet)/);
    await expectTold(early('completed'), /^3: .*completed with the gate of phase 1 waiting/);
    await expectTold(early('blocked'), /^3: .*blocked with \d tasks in flight/);
    await expectTold(early('cancelled'), /^8: .*cancelled with \d open tasks/);
    await expectTold(early('cancelled'), /^8: .*cancelled with nobody having cancelled it/);
  });
  test('is controlled without a line in the audit log, or has its cancelling taken back', async () => {
    const isControl = ({ changes }: StoreEvent): boolean => changes.some(({ path, before }) => path.endsWith('/control/state') && before !== undefined);
    const silent = alter(healthy, 'store', (event) =>
      isControl(event) ? { ...event, changes: event.changes.filter(({ path }) => !path.startsWith('audit/')) } : undefined,
    );
    await expectTold(silent, /^8: .*left \S+ paused without a line in the audit log/);
    const undone = insert(
      healthy,
      'after',
      (event) => isControl(event) && event.changes.some(({ after }) => after?.['cancelled'] === true),
      (event) => {
        const control = event.changes.find(({ path }) => path.endsWith('/control/state'));
        return control === undefined ? [] : [transaction('cli-9', rewritten(control, { cancelled: false }))];
      },
    );
    await expectTold(undone, /^8: cli-9 took back the cancelling of/);
  });
  test('is not what the pipeline’s document says', async () => {
    const withPipeline = (change: JsonObject): History =>
      alterDocument(
        healthy,
        'pipelines',
        ({ before }) => before !== undefined,
        (state) => ({ ...state, ...change }),
      );
    await expectTold(withPipeline({ activation: 0 }), /^1: .*activation 0 after \d+, \d+/);
    await expectTold(
      alterDocument(
        healthy,
        'pipelines',
        () => true,
        (state) => ({ ...state, activeBackfills: [] }),
      ),
      /^1: .*with the active backfills ; active are test-/,
    );
    await expectTold(
      alterDocument(
        healthy,
        'pipelines',
        () => true,
        (state) => ({ ...state, sequence: 0 }),
      ),
      /^1: \S+ has sequence 1, pipelines\/test has given 0/,
    );
  });
});

describe('an operator', () => {
  const action = (history: History, name: string, stage: string, change: 'left out' | 'before'): History =>
    alter(history, 'operator', (event) =>
      event.event.action === name && event.event.stage === stage ? (change === 'left out' ? 'left out' : [event]) : undefined,
    );

  test('is told of a pause that did not happen, or sees a backfill go on that nobody resumed', async () => {
    const unpaused = alter(healthy, 'store', (event) => (event.changes.some(({ after }) => after?.['paused'] === true) ? 'left out' : undefined));
    await expectTold(unpaused, /^8: a pause of \S+ was acknowledged, and the store does not say so/);
    await expectTold(action(healthy, 'resume', 'asked', 'left out'), /^8: cli-\S+ resumed \S+, which nobody asked for/);
  });
  test('is told of a cancelling that did not happen', async () => {
    const uncancelled = alter(healthy, 'store', (event) =>
      event.changes.some(({ path, after }) => path.endsWith('/control/state') && after?.['cancelled'] === true) ? 'left out' : undefined,
    );
    await expectTold(uncancelled, /^8: the cancelling of \S+ was acknowledged, and the store does not say so/);
  });
});
