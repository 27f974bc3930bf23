import { describe, expect, test } from 'vitest';
import { partitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { CommitEntry } from '@floodgate/core/ports/warehouse.ts';
import { beginTransaction } from './memory-commits.ts';
import { allEntries, allWithoutMetadata, createTable, type MemoryTable } from './memory-tables.ts';

const date = partitionDate('2024-01-01');
const entryOf = (generation: number): CommitEntry => ({
  date,
  generation,
  staging: 's',
  contentHash: `h${generation}`,
  rows: 1,
  backfillId: 'b',
  rewrite: false,
});
const begin = (table: MemoryTable) => beginTransaction('test.games', table, () => undefined);
const insert = async (transaction: ReturnType<typeof begin>, generation: number): Promise<void> => {
  await transaction.insertRows([{ entry: entryOf(generation), rows: [{ value: generation }] }]);
  await transaction.insertLog([{ date, generation, contentHash: '', rows: 1, backfillId: 'b', committedAt: 1, outcome: 'committed' }]);
};
const rowsOf = (table: MemoryTable) => allWithoutMetadata(table.state.rows);

describe('transactions of the warehouse in memory', () => {
  test('that only insert both succeed, and double a date: what the fence is there for', async () => {
    const table = createTable([]);
    const [a, b] = [begin(table), begin(table)];
    for (const [transaction, generation] of [
      [a, 1],
      [b, 2],
    ] as const) {
      await transaction.deleteRows([date]); // deletes nothing, so it conflicts with nothing
      await insert(transaction, generation);
    }
    a.commit();
    b.commit();
    expect(rowsOf(table)).toEqual([{ value: 1 }, { value: 2 }]);
    expect(allEntries(table.state.log)).toHaveLength(2);
  });

  test('that raise the fence conflict, and the later one changes nothing', async () => {
    const table = createTable([]);
    const [a, b] = [begin(table), begin(table)];
    for (const transaction of [a, b]) expect(await transaction.raiseFence(1)).toBe(1);
    await insert(a, 1);
    await insert(b, 2);
    b.commit();
    expect(() => a.commit()).toThrow(expect.objectContaining({ code: 'transaction_conflict' }));
    expect(rowsOf(table)).toEqual([{ value: 2 }]);
    // One that begins now does not.
    const c = begin(table);
    await c.raiseFence(1);
    c.commit();
  });

  test('that delete the same table’s rows conflict; one that deletes and one that inserts don’t', async () => {
    const table = createTable([]);
    const first = begin(table);
    await insert(first, 1);
    first.commit();
    const [a, b, c] = [begin(table), begin(table), begin(table)];
    await a.deleteRows([date]);
    await b.deleteRows([date]);
    await insert(c, 3);
    a.commit();
    expect(() => b.commit()).toThrow(expect.objectContaining({ code: 'transaction_conflict' }));
    c.commit();
    expect(rowsOf(table)).toEqual([{ value: 3 }]);
  });

  test('see what was there when they began, and their own changes', async () => {
    const table = createTable([]);
    const [a, b] = [begin(table), begin(table)];
    await insert(a, 1);
    await a.raiseFence(4);
    a.commit();
    expect(await b.readLog([date])).toEqual([]);
    expect(await b.readFence()).toBe(0);
    expect(await b.raiseFence(2)).toBe(1);
    await insert(b, 2);
    expect((await b.readLog([date])).map(({ generation }) => generation)).toEqual([2]);
    await b.deleteLog([date]);
    expect(await b.readLog([date])).toEqual([]);
  });

  test('that are never committed leave nothing', async () => {
    const table = createTable([]);
    const before = table.state;
    const transaction = begin(table);
    await transaction.raiseFence(9);
    await insert(transaction, 1);
    expect(table.state).toBe(before);
  });
});
