import { bigquery } from '@floodgate/cloud-limits/limits.ts';
import { describe, expect, it } from 'vitest';
import { createEmulatorClock, frozenTime } from '../control/emulator-clock.ts';
import { createQuotas } from './quotas.ts';
import { createSlots } from './slots.ts';

const table = { projectId: 'p', datasetId: 'd', tableId: 't' };
const dayMs = 86_400_000;

describe('quotas of a table', () => {
  it('1,500 loads a day into a standard table, and no more than 30,000 partitions of a partitioned one', () => {
    const clock = createEmulatorClock(frozenTime(0));
    const quotas = createQuotas({ limits: true, clock });
    const load = (isPartitioned: boolean) => () => quotas.beginTableJob(table, 'load', isPartitioned);
    for (let count = 0; count < bigquery.standardTable.modificationsPerDay; count += 1) {
      load(false)();
      clock.advance(2_500);
    }
    expect(load(false)).toThrow('Your table exceeded quota for imports or query appends per table');
    clock.advance(2 * dayMs);
    expect(load(false)).not.toThrow();
    load(true)();
    quotas.recordPartitions(table, bigquery.partitionedTable.partitionModificationsPerDay);
    expect(load(true)).toThrow('Number of partition modifications to a column partitioned table');
    expect(() => quotas.beginTableJob({ ...table, tableId: 'u' }, 'load', true)).not.toThrow();
  });

  it('INSERT statements wait only after 1,500 of a day, then ten run', async () => {
    const clock = createEmulatorClock(frozenTime(0));
    const quotas = createQuotas({ limits: true, clock });
    const begin = async (): Promise<() => void> => {
      clock.advance(500);
      return await quotas.beginDml({ table, mutate: false, isPartitioned: true, inTransaction: false, signal: new AbortController().signal });
    };
    for (let count = 0; count < bigquery.dml.unhinderedInsertsPerTablePerDay + 9; count += 1) await begin();
    const tenth = await begin();
    let eleventhRuns = false;
    const eleventh = begin().then(() => {
      eleventhRuns = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(eleventhRuns).toBe(false);
    tenth();
    await eleventh;
    expect(eleventhRuns).toBe(true);
  });

  it('a mutation that waits for seven hours fails, and those behind it move up', async () => {
    const clock = createEmulatorClock(frozenTime(0));
    const quotas = createQuotas({ limits: true, clock });
    const begin = (): Promise<() => void> =>
      quotas.beginDml({ table, mutate: true, isPartitioned: true, inTransaction: false, signal: new AbortController().signal });
    const [first] = [await begin(), await begin()];
    const third = begin();
    clock.advance(3_600_000);
    const fourth = begin();
    clock.advance(bigquery.dml.queueTimeoutMs - 3_600_000);
    await expect(third).rejects.toThrow('waited too long');
    first?.();
    expect(await fourth).toBeTypeOf('function');
  });
});

describe('slots', () => {
  it('are given to interactive jobs first, and queues end', async () => {
    const slots = createSlots({ count: 1, limitQueues: true });
    const { signal } = new AbortController();
    const giveBack = await slots.take('INTERACTIVE', signal);
    const order: string[] = [];
    const take = (priority: 'INTERACTIVE' | 'BATCH') =>
      slots.take(priority, signal).then((give) => {
        order.push(priority);
        give();
      });
    const waiting = [take('BATCH'), ...Array.from({ length: bigquery.query.queuedInteractivePerProject }, () => take('INTERACTIVE'))];
    await expect(slots.take('INTERACTIVE', signal)).rejects.toThrow('max number of jobs that can be queued per project');
    giveBack();
    giveBack();
    await Promise.all(waiting);
    expect(order.at(-1)).toBe('BATCH');
    expect([slots.running(), slots.waiting()]).toEqual([0, 0]);
  });
});
