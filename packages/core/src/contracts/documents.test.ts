import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { partitionDate } from '../domain/partition-date.ts';
import { taskStates } from '../domain/task-state.ts';
import type { JsonObject } from '../ports/status-store.ts';
import * as documents from './documents.ts';
import { storeIndexes } from './store-indexes.ts';

const { laneSchema, ledgerYearSchema, messageDeadLetterId, parseDocument, requestPath, taskDeadLetterId, taskIdOf, taskPath, taskSchema } = documents;
const date = partitionDate('2024-02-29');

describe('paths', () => {
  const paths = {
    backfill: documents.backfillPath('b1'),
    control: documents.controlPath('b1'),
    schedulerLease: documents.schedulerLeasePath('b1'),
    pipelineState: documents.pipelineStatePath('nba'),
    pipelineVersion: documents.pipelineVersionPath('h1'),
    plan: documents.planPath('h1'),
    planChunk: documents.planChunkPath('h1', 'games', 2024),
    planCalendar: documents.planCalendarPath('h1'),
    task: taskPath('b1', 'games', date),
    dispatch: documents.dispatchPath('d1'),
    lane: documents.lanePath('silver.games'),
    ledger: documents.ledgerPath('nba', 'games', 2024),
    gate: documents.gatePath('b1', 2),
    progress: documents.progressPath('b1', 'games'),
    request: requestPath('daily/2024-02-29'),
    deadLetter: documents.deadLetterPath('x'),
    outbox: documents.outboxPath('x'),
    audit: documents.auditPath('x'),
  };

  test.each(Object.entries(paths))('the path of a %s is collection and id in turn, and no id is a bare date', (_, path) => {
    const segments = path.split('/');
    expect(segments.length % 2).toBe(0);
    for (const segment of segments) expect(segment).not.toMatch(/^$|^\.\.?$|^__.*__$|^\d{4}-\d{2}-\d{2}$/);
  });
  test('no two documents share a path', () => expect(new Set(Object.values(paths)).size).toBe(Object.keys(paths).length));
  test('any key of a request becomes one id', () => {
    fc.assert(
      fc.property(fc.string(), (key) => {
        expect(requestPath(key)).toMatch(/^requests\/[0-9a-f]{16}$/);
      }),
    );
  });
});

describe('ids', () => {
  test('a task is found by its processor and date alone, and begins with a hash, not with what neighbours share', () => {
    expect(taskIdOf('games', date)).toBe(taskIdOf('games', date));
    expect(taskIdOf('games', date)).toMatch(/^[0-9a-f]{6}-games-2024-02-29$/);
    const prefixes = Array.from({ length: 28 }, (_, day) => taskIdOf('games', partitionDate(`2024-02-${String(day + 1).padStart(2, '0')}`)).slice(0, 6));
    expect(new Set(prefixes).size).toBe(28);
    expect(taskPath('b1', 'games', date)).toBe(`${documents.taskCollection('b1')}/${taskIdOf('games', date)}`);
  });
  test('a dead letter is that of its task, however often it comes', () => {
    expect(taskDeadLetterId('b1', 't1')).toBe(taskDeadLetterId('b1', 't1'));
    expect(new Set([taskDeadLetterId('b1', 't1'), taskDeadLetterId('b1', 't2'), taskDeadLetterId('b2', 't1')]).size).toBe(3);
  });
  test('a malformed message is known by its content, whatever the order of its attributes', () => {
    expect(messageDeadLetterId({ a: '1', b: '2' }, 'x')).toBe(messageDeadLetterId({ b: '2', a: '1' }, 'x'));
    expect(new Set([messageDeadLetterId({ a: '1' }, 'x'), messageDeadLetterId({ a: '2' }, 'x'), messageDeadLetterId({ a: '1' }, 'y')]).size).toBe(3);
  });
});

const lane: JsonObject = {
  table: 'silver.games',
  epoch: 3,
  holder: 'w1',
  heartbeat: 8,
  rung: true,
  job: { jobId: 'j1', tasks: [{ path: 'backfills/b1/tasks/t1', generation: 2 ** 53 - 1 }] },
};
const stored = (data: JsonObject) => ({ path: 'lanes/silver.games', data, version: 1 });

describe('reading a stored document', () => {
  test('gives what was written, the largest generation included', () => {
    expect(parseDocument(laneSchema, stored(lane))).toEqual(lane);
    expect(parseDocument(laneSchema, stored({ ...lane, job: null })).job).toBeNull();
  });
  test('leaves out what this version does not know', () => {
    expect(parseDocument(laneSchema, stored({ ...lane, colour: 'red' }))).toEqual(lane);
  });
  test('throws where it does not fit, naming the document and the field', () => {
    const { epoch: _, ...withoutEpoch } = lane;
    expect(() => parseDocument(laneSchema, stored(withoutEpoch))).toThrow(/^document lanes\/silver\.games does not fit its schema: .*\n.*at epoch/s);
    expect(() => parseDocument(laneSchema, stored({ ...lane, epoch: 1.5 }))).toThrow('at epoch');
    expect(() => parseDocument(laneSchema, stored({ ...lane, holder: null }))).toThrow(TypeError);
  });
  test('reads the same data through another schema anew', () => {
    const { data } = stored(lane);
    expect(parseDocument(laneSchema, stored(data))).toEqual(lane);
    expect(() => parseDocument(taskSchema, stored(data))).toThrow('does not fit its schema');
    expect(() => parseDocument(ledgerYearSchema, stored(data))).toThrow('at entries');
  });
});

test('a task document takes every state there is and no other', () => {
  const { state } = taskSchema.shape;
  for (const each of taskStates) expect(state.safeParse(each).success, each).toBe(true);
  expect(state.safeParse('done').success).toBe(false);
});

test('every index is over fields that the documents of its group have', () => {
  const schemas: Readonly<Record<string, { readonly shape: object }>> = {
    backfills: documents.backfillSchema,
    tasks: taskSchema,
    deadLetters: documents.deadLetterSchema,
    outbox: documents.outboxSchema,
    audit: documents.auditRecordSchema,
  };
  for (const { group, fields } of storeIndexes) {
    for (const field of fields) expect(Object.keys(schemas[group]?.shape ?? {}), `${group}.${field}`).toContain(field);
  }
});
