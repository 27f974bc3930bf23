import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bigquery } from '@floodgate/cloud-limits/limits.ts';
import { createMessage } from '@floodgate/core/contracts/messages.ts';
import { toFailure } from '@floodgate/core/domain/failure.ts';
import { exceededLimits } from './quotas-report.ts';
import { createQuotas, type QuotaOptions } from './quotas.ts';
import { SimulatedClock } from './simulated-clock.ts';

const at = (mode: QuotaOptions['mode'] = 'refuse') => {
  const time = { ms: Date.UTC(2026, 0, 3) };
  return { time, quotas: createQuotas({ now: () => time.ms, mode }) };
};

const failureOf = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    return toFailure(error);
  }
  throw new Error('nothing was refused');
};

const rung = (subject: string) => createMessage('floodgate.lane.rung', { table: 't' }, { id: 'i', source: '/s', subject, time: 0, traceparent: '' });

describe('DML', () => {
  it('runs two statements of a table, lets twenty wait in order, and refuses the next at once', async () => {
    const { quotas } = at();
    const order: number[] = [];
    const doors: (() => void)[] = [];
    const jobs = Array.from({ length: 22 }, (_, number) =>
      quotas.mutate({ 'nba.games': 1 }, async () => {
        order.push(number);
        await new Promise<void>((resolve) => doors.push(resolve));
      }),
    );
    const refusal = quotas.mutate({ 'nba.games': 1 }, () => Promise.reject(new Error('it ran')));
    await expect(refusal).rejects.toMatchObject({ code: 'rate_limited', message: expect.stringContaining('table nba.games, limit is 20.') });
    expect(order).toEqual([0, 1]);
    for (let number = 0; number < 22; number += 1) {
      expect(order.length).toBe(Math.min(22, number + 2));
      doors[number]?.();
      await jobs[number];
      await setImmediate();
    }
    expect(order).toEqual(Array.from({ length: 22 }, (_, number) => number));
    expect(quotas.report()).toMatchObject({ outstandingMutations: { 'nba.games': 22 }, refused: { 'outstanding dml nba.games': 1 } });
  });

  it('takes 25 statements of a table in ten seconds, and counts none of a job that it refuses', async () => {
    const { quotas, time } = at();
    const commit = () => quotas.mutate({ target: 1, log: 2 }, async () => 'committed');
    for (let number = 0; number < 12; number += 1) expect(await commit()).toBe('committed');
    await expect(commit()).rejects.toMatchObject({ code: 'rate_limited', message: expect.stringContaining('too many table dml insert operations') });
    expect(quotas.report().dmlStatements).toEqual({ target: 12, log: 24 });
    time.ms += 10_000;
    expect(await commit()).toBe('committed');
    expect(exceededLimits(quotas.report(), 'push')).toEqual(['refused 1 times: dml rate log']);
  });

  it('gives a place back when the work fails', async () => {
    const { quotas } = at();
    for (let number = 0; number < 3; number += 1) {
      await expect(quotas.mutate({ t: 1, log: 1 }, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    }
    expect(quotas.report().outstandingMutations).toEqual({ log: 1, t: 1 });
  });

  it('ends every job, whatever tables they share', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }), fc.nat({ max: 50 })), { maxLength: 20 }),
        async (wanted) => {
          const clock = new SimulatedClock(0);
          const quotas = createQuotas({ now: () => clock.now(), mode: 'refuse' });
          const busy = new Map<string, number>();
          let ended = 0;
          for (const [tables, ms] of wanted) {
            void quotas
              .mutate(Object.fromEntries(tables.map((table) => [table, 1])), async () => {
                for (const table of tables) busy.set(table, (busy.get(table) ?? 0) + 1);
                expect(Math.max(...busy.values())).toBeLessThanOrEqual(bigquery.dml.runningMutationsPerTable);
                await clock.sleep(ms);
                for (const table of tables) busy.set(table, (busy.get(table) ?? 0) - 1);
                ended += 1;
              })
              .catch((error: unknown) => expect(error).toBeUndefined());
          }
          await clock.run(() => ended === wanted.length, 10_000);
          expect(ended).toBe(wanted.length);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('tables', () => {
  it('refuses the 51st update of a table in ten seconds, DML counted in', () => {
    const { quotas, time } = at();
    quotas.dmlStatements({ t: 20 });
    for (let number = 0; number < 30; number += 1) quotas.metadataUpdate('t');
    expect(failureOf(() => quotas.metadataUpdate('t'))).toMatchObject({ code: 'rate_limited', class: 'rate_limited' });
    expect(failureOf(() => quotas.dmlStatements({ t: 1 })).message).toContain('too many partitioned table update operations');
    quotas.metadataUpdate('other');
    time.ms += 10_000;
    quotas.metadataUpdate('t');
    expect(quotas.report().metadataUpdates).toEqual({ t: 50, other: 1 });
  });

  it('refuses partitions beyond 4,000 of a job and 30,000 of a day', () => {
    const { quotas, time } = at();
    expect(failureOf(() => quotas.partitionsModified('t', 4_001))).toMatchObject({ code: 'invalid_sql', class: 'permanent' });
    for (let number = 0; number < 7; number += 1) quotas.partitionsModified('t', 4_000);
    quotas.partitionsModified('t', 2_000);
    expect(failureOf(() => quotas.partitionsModified('t', 1))).toMatchObject({ code: 'quota_exceeded', class: 'rate_limited' });
    time.ms += 25 * 3_600_000;
    quotas.partitionsModified('t', 1);
    expect(quotas.report()).toMatchObject({ partitionModifications: { t: 30_000 }, mostPartitionsOfJob: 4_001 });
  });

  it('refuses the 1,501st load job of a day', () => {
    const { quotas, time } = at();
    for (let number = 0; number < 1_500; number += 1) {
      quotas.loadJob('t', 1);
      time.ms += 1_000;
    }
    expect(failureOf(() => quotas.loadJob('t', 1)).message).toContain('imports or query appends per table');
    expect(quotas.report().loadJobs).toEqual({ t: 1_500 });
  });
});

describe('documents', () => {
  it('calls contention where a document is written more than once a second for ten seconds', () => {
    const { quotas, time } = at();
    for (let number = 0; number < 10; number += 1) {
      quotas.beforeWrites([{ path: 'lanes/t' }]);
      quotas.written([{ path: `tasks/${number}` }, { path: 'lanes/t' }]);
      time.ms += 500;
    }
    expect(failureOf(() => quotas.beforeWrites([{ path: 'tasks/1' }, { path: 'lanes/t' }]))).toMatchObject({ code: 'conflict', class: 'conflict' });
    quotas.beforeWrites([{ path: 'tasks/1' }]);
    time.ms += 5_000;
    quotas.beforeWrites([{ path: 'lanes/t' }]);
    const report = quotas.report();
    expect(report.hottestDocuments[0]).toEqual({ path: 'lanes/t', writes: 10, at: Date.UTC(2026, 0, 3) + 4_500 });
    expect(report.refused).toEqual({ 'hot document lanes/t': 1 });
  });
});

describe('messages', () => {
  it('refuses what Pub/Sub would not take', () => {
    const { quotas } = at();
    const message = rung('t');
    quotas.published([message]);
    const wrong = (change: Partial<typeof message>) => failureOf(() => quotas.published([{ ...message, ...change }])).message;
    expect(wrong({ data: 'x'.repeat(10_000_001) })).toContain('data of 10000001 bytes');
    expect(wrong({ attributes: { subject: 'ü'.repeat(513) } })).toContain('attribute "subject" of more than 1,024 bytes');
    expect(wrong({ attributes: { ['ü'.repeat(129)]: '' } })).toContain('name of more than 256 bytes');
    expect(wrong({ attributes: Object.fromEntries(Array.from({ length: 101 }, (_, number) => [`a${number}`, ''])) })).toContain('101 attributes');
    expect(wrong({ orderingKey: 'x'.repeat(1_001) })).toContain('ordering key');
    expect(failureOf(() => quotas.published(Array.from({ length: 1_001 }, () => message))).message).toContain('1001 messages in one request');
    expect(failureOf(() => quotas.published([1, 2].map(() => ({ ...message, data: 'x'.repeat(6_000_000) })))).message).toContain('12000000 bytes');
    quotas.published([{ ...message, attributes: { ['k'.repeat(256)]: 'ü'.repeat(512) }, orderingKey: 'x'.repeat(1_000), data: 'x'.repeat(10_000_000) }]);
  });
});

it('measures without refusing, and says what the cloud would have refused', async () => {
  const { quotas, time } = at('measure');
  const doors: (() => void)[] = [];
  const jobs = Array.from({ length: 26 }, () => quotas.mutate({ t: 1 }, () => new Promise<void>((resolve) => doors.push(resolve))));
  expect(doors.length).toBe(26);
  for (const open of doors) open();
  await Promise.all(jobs);
  for (let number = 0; number < 11; number += 1) {
    quotas.beforeWrites([{ path: 'lanes/t' }]);
    quotas.written([{ path: 'lanes/t' }]);
  }
  quotas.partitionsModified('t', 30_001);
  for (let number = 0; number < 1_501; number += 1) quotas.loadJob('t', 0);
  quotas.published(Array.from({ length: 1_001 }, () => ({ ...rung('t'), data: '' })));
  quotas.published([{ ...rung('t'), data: 'x'.repeat(10_000_001) }]);
  quotas.delivered({ subscription: 'tasks', deliveryAttempt: 3, tookMs: 20 });
  quotas.delivered({ subscription: 'tasks', deliveryAttempt: 1, tookMs: 600_001 });
  time.ms += 1;
  const report = quotas.report();
  expect(report.subscriptions).toEqual({ tasks: { deliveryAttempt: 3, tookMs: 600_001 } });
  expect(exceededLimits(report, 'push')).toEqual([
    'writes in 10 s of lanes/t: 11, limit 10',
    'outstanding DML of t: 26, limit 22',
    'DML statements in 10 s of t: 26, limit 25',
    'metadata updates in 10 s of t: 1528, limit 50',
    'partition modifications a day of t: 30001, limit 30000',
    'load jobs a day of t: 1501, limit 1500',
    'partitions of one job: 30001, limit 4000',
    'messages of one request: 1001, limit 1000',
    'bytes of one message: 10000001, limit 10000000',
    'milliseconds of a delivery of tasks: 600001, limit 600000',
  ]);
  expect(exceededLimits(report, 'pull')).toHaveLength(9);
  expect(structuredClone(report)).toEqual(report);
});
