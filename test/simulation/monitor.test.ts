// The monitor is shown histories that are true but for one event: what it must say of each. A check that says nothing of the
// history that was made to break it is worth nothing.
import { beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { alter, alterDocument, changeOf, insert, moves, rewritten, transaction } from './monitor-history-edits.ts';
import { healthyHistory, told, watch, type History, type StoreEvent } from './monitor-history.ts';

let healthy: History;
beforeAll(async () => {
  healthy = await healthyHistory();
});

const expectTold = async (history: History, message: RegExp): Promise<void> => expect(await told(history)).toContainEqual(expect.stringMatching(message));

const number = (document: JsonObject, field: string): number => document[field] as number;

/** The history with the first task that goes from one state to another altered. */
const withTask = (from: string | undefined, to: string, change: (task: JsonObject) => JsonObject): History =>
  alterDocument(
    healthy,
    'tasks',
    ({ before, after }) => before?.['state'] === from && after['state'] === to,
    (task) => ({ ...task, ...change(task) }),
  );

test('a healthy history breaks nothing, along the way and at its end', async () => {
  expect(await watch(healthy, { atEnd: true })).toEqual([]);
});

describe('a task', () => {
  test.each([
    ['takes a way that does not exist', 'queued', 'running', () => ({ state: 'committing' }), /^1: .*from queued to committing, which is no transition/],
    ['counts a write twice', 'queued', 'running', (task: JsonObject) => ({ revision: number(task, 'revision') + 1 }), /^1: .*with revision 3, expected 2/],
    ['begins with an epoch', undefined, 'queued', () => ({ epoch: 3 }), /^1: .*with epoch 3, attempt 0, generation 0, expected 0/],
    [
      'goes back to waiting at its old epoch',
      'succeeded',
      'waiting',
      (task: JsonObject) => ({ epoch: number(task, 'epoch') - 1 }),
      /^1: .*from succeeded to waiting with epoch 1, expected 2/,
    ],
    ['loses its sequence', 'running', 'staged', () => ({ sequence: 0 }), /^1: .*with sequence 0 after 1/],
    ['owes attempts', 'running', 'staged', () => ({ attempt: -1 }), /^1: .*with attempt -1/],
    [
      'is claimed with a generation of another epoch',
      'queued',
      'running',
      (task: JsonObject) => ({ generation: number(task, 'generation') + 7 }),
      /^4: .*claimed games .* epoch 8\), expected/,
    ],
    [
      'changes its generation in mid-work',
      'running',
      'staged',
      (task: JsonObject) => ({ generation: number(task, 'generation') + 1 }),
      /^4: .*without a claim/,
    ],
    ['is queued under no dispatch', undefined, 'queued', () => ({ dispatchId: '' }), /^1: .*queued with no dispatch/],
    ['runs without a job', 'queued', 'running', () => ({ job: null }), /^1: .*running with no dispatch or no job/],
    ['is staged without staging', 'running', 'staged', () => ({ staged: null }), /^1: .*staged with no staging/],
    ['succeeds with a failure', 'committing', 'succeeded', () => ({ failure: { code: 'x', class: 'y', message: 'z' } }), /^1: .*succeeded with failure x/],
    ['succeeds and keeps its job', 'committing', 'succeeded', () => ({ job: { jobId: 'j', staging: 's' } }), /^1: .*succeeded with job j/],
    ['ends at no time', 'committing', 'succeeded', () => ({ endedAt: null }), /^1: .*succeeded with endedAt null/],
    ['waits although it has ended', 'succeeded', 'waiting', () => ({ endedAt: 5 }), /^1: .*waiting with endedAt 5/],
    ['is quarantined without evidence', 'running', 'quarantined', () => ({ evidence: [] }), /^1: .*quarantined with rows that are not kept, or no evidence/],
    ['fails and leaves no mark of it', 'running', 'failed', () => ({ deadLetter: false }), /^1: .*failed with .* dead letter false/],
    ['is created outside the plan', undefined, 'queued', () => ({ phase: 9 }), /^1: .*created games .* in phase 9; the plan has task there/],
    ['becomes another one', 'running', 'staged', () => ({ date: '2024-01-06' }), /^1: .*made games 2024-01-06 of .* of games 2024-01-01/],
  ])('%s', async (_, from, to, change, message) => {
    await expectTold(withTask(from, to, change), message);
  });

  test('is moved by somebody to whom it does not belong', async () => {
    const strange = alter(healthy, 'store', (event) => (moves('tasks', undefined, 'queued')(event) ? { ...event, process: 'worker-1.1' } : undefined));
    await expectTold(strange, /^1: worker-1.1 made the transition release of games .* belongs to planner/);
  });

  test('gets a generation that its partition has had', async () => {
    let first: number | undefined;
    const doubled = alter(healthy, 'store', (event) => {
      const index = event.changes.findIndex(
        ({ path, before, after }) => path.endsWith('games-2024-01-02') && before?.['state'] === 'queued' && after?.['state'] === 'running',
      );
      const found = event.changes[index];
      if (found?.after === undefined) return undefined;
      first ??= number(found.after, 'generation');
      if (first === found.after['generation']) return undefined;
      return { ...event, changes: event.changes.with(index, { ...found, after: { ...found.after, generation: first } }) };
    });
    await expectTold(doubled, /^4: .*claimed games 2024-01-02 .*, which games 2024-01-02 of .* has had/);
  });

  test('disappears while its backfill is at work', async () => {
    const lost = insert(healthy, 'after', moves('tasks', undefined, 'queued'), (event) => [
      transaction('planner-1.1', rewritten(changeOf(event, 'tasks'), undefined)),
    ]);
    await expectTold(lost, /^7: planner-1.1 deleted games .* whose backfill is active/);
  });

  test('commits in a lane that does not know of it, or stays recorded there', async () => {
    const hasJob = ({ after }: { readonly after: JsonObject }): boolean => after['job'] !== null;
    await expectTold(
      alterDocument(healthy, 'lanes', hasJob, () => undefined),
      /^4: .*committing at generation \d+; the lane of test.games records no job/,
    );
    const kept = alterDocument(
      healthy,
      'lanes',
      ({ before, after }) => before?.['job'] !== null && before !== undefined && after['job'] === null,
      (lane) => ({ ...lane, job: { jobId: 'old', tasks: [] } }),
    );
    await expectTold(kept, /^4: .*with the job old while floodgate_commit\S+ was not settled/);
    const settled = alter(healthy, 'store', (event) => {
      const index = event.changes.findIndex(
        ({ path, before, after }) => path.startsWith('lanes/') && before?.['job'] !== null && before !== undefined && after?.['job'] === null,
      );
      const found = event.changes[index];
      return found === undefined
        ? undefined
        : { ...event, changes: event.changes.with(index, { ...found, after: { ...found.after, job: found.before?.['job'] ?? null } }) };
    });
    await expectTold(settled, /^4: after worker-\S+ the job \S+ of lanes\/test.games is recorded with games .*, which is succeeded/);
  });

  test('waits for a lane whose token goes back, or that two hold', async () => {
    const isTaken = ({ before }: { readonly before: JsonObject | undefined }): boolean => before !== undefined && number(before, 'epoch') > 0;
    await expectTold(
      alterDocument(healthy, 'lanes', isTaken, (lane) => ({ ...lane, epoch: 0 })),
      /^4: .*left the lane of test.games with epoch 0/,
    );
    const stolen = alterDocument(
      healthy,
      'lanes',
      ({ before, after }) => before?.['holder'] === after['holder'],
      (lane) => ({ ...lane, holder: 'worker-9.1' }),
    );
    await expectTold(stolen, /^4: .*the new holder worker-9.1 at the epoch 1 of "worker/);
  });

  test('runs without a lease, or under one that ends or passes on', async () => {
    await expectTold(
      alterDocument(
        healthy,
        'leases',
        () => true,
        () => undefined,
      ),
      /^3: .*running at epoch 1; the lease \S+ does not exist/,
    );
    const claimed = moves('tasks', 'queued', 'running');
    const ended = insert(healthy, 'after', claimed, (event) => [transaction('planner-1.1', rewritten(changeOf(event, 'leases'), undefined))]);
    await expectTold(ended, /^3: planner-1.1 deleted the lease \S+ while games .* is running under it/);
    const passed = insert(healthy, 'after', claimed, (event) => [transaction('worker-2.1', rewritten(changeOf(event, 'leases'), { holder: 'worker-2.1' }))]);
    await expectTold(passed, /^3: worker-2.1 wrote the lease \S+ of worker-\S+ at heartbeat 1 for worker-2.1/);
  });
});

describe('work begins', () => {
  const controlled = (fields: JsonObject) => (event: StoreEvent) => [
    transaction('cli-9', {
      path: `${changeOf(event, 'tasks').path.split('/tasks/')[0] ?? ''}/control/state`,
      before: undefined,
      after: { paused: false, cancelled: false, by: '', at: 0, ...fields },
    }),
  ];

  test.each([
    ['a release in a paused backfill', undefined, 'queued', { paused: true }, /^8: .*released games .* while \S+ is paused/],
    ['a claim in a paused backfill', 'queued', 'running', { paused: true }, /^8: .*claimed games .* while \S+ is paused/],
    ['a claim in a cancelled backfill', 'queued', 'running', { cancelled: true }, /^8: .*claimed games .* while \S+ is cancelled/],
    ['a commit in a cancelled backfill', 'staged', 'committing', { cancelled: true }, /^8: .*began to commit games .* while \S+ is cancelled/],
  ])('%s', async (_, from, to, fields, message) => {
    await expectTold(insert(healthy, 'before', moves('tasks', from, to), controlled(fields)), message);
  });

  test('in a backfill that has ended', async () => {
    const ended = insert(healthy, 'after', moves('backfills', undefined, 'active'), (event) => [
      transaction('planner-1.1', rewritten(changeOf(event, 'backfills'), { state: 'blocked', endedAt: 1 })),
    ]);
    await expectTold(ended, /^8: .*released games .*, whose backfill is blocked/);
  });

  test('behind a gate that is shut', async () => {
    const shut = alter(healthy, 'store', (event) =>
      moves('gates', 'waiting', 'open')(event) || moves('gates', 'blocked', 'open')(event) ? 'left out' : undefined,
    );
    await expectTold(shut, /^2: .*released rolling .* of phase 2 while the gate of phase 1 is (blocked|waiting)/);
  });

  test('before its window is good', async () => {
    const forgotten = insert(
      healthy,
      'before',
      moves('tasks', undefined, 'queued', ({ processorId }) => processorId === 'rolling'),
      () => [transaction('worker-1.1', { path: 'ledger/test:games:2024', before: undefined, after: { entries: {} } })],
    );
    await expectTold(forgotten, /^2: .*released rolling .* while games \S+ in its window is not in the ledger/);
    const unsettled = alterDocument(
      healthy,
      'tasks',
      ({ before, after }) => before?.['state'] === 'committing' && after['state'] === 'succeeded',
      () => undefined,
    );
    await expectTold(unsettled, /^2: .*released rolling .* while games \S+ in its window is committing in the same backfill/);
  });

  test('by a planner that does not hold the lease', async () => {
    const lost = alter(healthy, 'store', (event) => {
      const index = event.changes.findIndex(({ path }) => path.endsWith('/control/scheduler'));
      const found = event.changes[index];
      return found === undefined ? undefined : { ...event, changes: event.changes.with(index, { ...found, after: { ...found.after, holder: 'planner-9.1' } }) };
    });
    await expectTold(lost, /^2: planner-1.1 released games .* while planner-9.1 holds the scheduler's lease/);
  });

  test('beyond the limit', async () => {
    const narrow = alterDocument(
      healthy,
      'backfills',
      ({ before }) => before === undefined,
      (backfill) => ({ ...backfill, limits: { maxInFlight: 1 } }),
    );
    await expectTold(narrow, /^8: planner-1.1 brought \d+ tasks of \S+ into flight, 1 are allowed/);
  });
});
