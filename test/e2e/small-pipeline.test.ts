// A pipeline with every kind of processor over twenty dates, whose values this test computes by itself in plain code.
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { warehouseFile } from '@floodgate/cli/embedded-stack.ts';
import { createHome } from '@floodgate/embedded/home-lock.ts';
import { startChild } from '../support/child-process.ts';
import { createTemporaryFolder } from '../support/temporary-folder.ts';
import { changeByHand } from './support/data-folder.ts';
import type { EditedRun } from './support/edit-between-runs.ts';
import { openEngine, planned, plannedTasks } from './support/engine.ts';
import { readTables, type Tables } from './support/tables.ts';

type Order = { readonly order_id: string; readonly day: string; readonly season: string; readonly amount: number; readonly note: string };

const dayOf = (number: number): string => `2024-03-${String(number).padStart(2, '0')}`;
// Gaps of one day and of four: windows count days of the calendar on the wall, and find what lies in them.
const numbers = [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 16, 17, 18, 19, 20, 22, 23, 24, 25, 26];
const days = numbers.map(dayOf);
const seasonOf = (day: string): string => (day < dayOf(16) ? 'early' : 'late');
const rateOf = (day: string): number => 1 + Number(day.slice(-2)) / 8;

const makeOrders = (): Order[] =>
  numbers.flatMap((number) =>
    Array.from({ length: 1 + (number % 3) }, (_, position) => {
      const day = dayOf(number);
      return {
        order_id: `o${number}-${position}`,
        day,
        season: seasonOf(day),
        amount: number * 2 + position,
        note: position === 0 ? 'said "yes", then\nno' : '',
      };
    }),
  );

const csvOf = (orders: readonly Order[]): string =>
  [
    'order_id,day,season,amount,note',
    ...orders.map(({ note, ...rest }) => [...Object.values(rest), note === '' ? '' : `"${note.replaceAll('"', '""')}"`].join(',')),
  ].join('\n');

const minus = (day: string, count: number): string => new Date(Date.parse(day) - count * 86_400_000).toISOString().slice(0, 10);

const expectedTables = (orders: readonly Order[], goodFrom: number) => {
  const sum = (some: readonly Order[]): number => some.reduce((total, { amount }) => total + amount, 0);
  const recent = days.map((day) => {
    const some = orders.filter((order) => order.day >= minus(day, 3) && order.day < day);
    return { day, orders: some.length, amount: rateOf(day) * sum(some) };
  });
  return {
    orders: orders.map(({ day, order_id, season, amount, note }) => ({ day, order_id, season, amount, note: note === '' ? null : note })),
    recent,
    season_so_far: days.map((day) => {
      const some = orders.filter((order) => order.season === seasonOf(day) && order.day < day);
      return { day, orders: some.length, amount: sum(some) };
    }),
    marks: recent.map(({ day, amount }) => ({ day, mark: amount >= goodFrom ? 'good' : 'poor', amount })),
  };
};

const tableNames = { orders: 'shop_raw.orders', recent: 'shop_sums.recent', season_so_far: 'shop_sums.season_so_far', marks: 'shop_marks.marks' } as const;

const readAll = async (tables: Tables) => {
  const columns = {
    orders: 'day, order_id, season, amount, note',
    recent: 'day, orders, amount',
    season_so_far: 'day, orders, amount',
    marks: 'day, mark, amount',
  };
  const found: Record<string, readonly Record<string, unknown>[]> = {};
  for (const [name, table] of Object.entries(tableNames)) {
    const rows = await tables.query(`SELECT ${columns[name as keyof typeof columns]} FROM actual.${table} ORDER BY ALL`);
    found[name] = rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([column, value]) => [column, column === 'amount' || column === 'orders' ? Number(value) : value])),
    );
  }
  return found;
};

const inOrder = (expected: ReturnType<typeof expectedTables>) => ({
  ...expected,
  orders: [...expected.orders].sort((a, b) => (`${a.day}${a.order_id}` < `${b.day}${b.order_id}` ? -1 : 1)),
});

const input = { pipeline: 'shop', range: { start: days[0] as string, end: days.at(-1) as string } };

const prepare = async (folder: string) => {
  const at = { home: join(folder, 'home'), data: join(folder, 'data'), pipelines: join(folder, 'pipelines') };
  await Promise.all([mkdir(at.data), cp(join(import.meta.dirname, 'fixtures'), at.pipelines, { recursive: true })]);
  await createHome(at.home);
  const orders = makeOrders();
  await writeFile(join(at.data, 'orders_early.csv'), csvOf(orders.filter(({ season }) => season === 'early')));
  await writeFile(join(at.data, 'orders_late.csv'), csvOf(orders.filter(({ season }) => season === 'late')));
  await changeByHand(warehouseFile(at.home), [
    'CREATE SCHEMA shop_ext',
    'CREATE TABLE shop_ext.rates (day DATE NOT NULL, season VARCHAR NOT NULL, rate DOUBLE NOT NULL)',
    ...days.map((day) => `INSERT INTO shop_ext.rates VALUES ('${day}', '${seasonOf(day)}', ${rateOf(day)})`),
  ]);
  return { ...at, orders };
};

const edit = async (file: string, from: string, to: string): Promise<void> => {
  const text = await readFile(file, 'utf8');
  expect(text).toContain(from);
  await writeFile(file, text.replace(from, to));
};

const expectTables = async (home: string, expected: ReturnType<typeof expectedTables>): Promise<void> => {
  using tables = await readTables(home, []);
  expect(await readAll(tables)).toEqual(inOrder(expected));
};

describe('a small pipeline of every kind', { timeout: 60_000 }, () => {
  test.each([
    { datesPerTask: 'auto', gate: 'phase' },
    { datesPerTask: 1, gate: 'window' },
    { datesPerTask: 7, gate: 'phase' },
  ] as const)('dates per task $datesPerTask, gate $gate: every table has the values that plain code computes', async ({ datesPerTask, gate }) => {
    await using folder = await createTemporaryFolder();
    const { orders, ...at } = await prepare(folder.path);
    await using engine = await openEngine(at);
    const { state, result, summary } = await engine.run({ ...input, gate, limits: { datesPerTask } });
    expect(result.gates.map(({ gate: judged }) => judged?.summary)).toEqual(['', '', '']);
    expect(state).toBe('completed');
    expect(result.counts.succeeded).toBe(4 * days.length);
    expect(planned(summary, 'rates')).toEqual({});
    expect(engine.errors).toEqual([]);
    await engine[Symbol.asyncDispose]();
    await expectTables(at.home, expectedTables(orders, 100));
  });

  test('changed code makes exactly its own partitions stale, also where only a file that it imports has changed', async () => {
    await using folder = await createTemporaryFolder();
    const { orders, ...at } = await prepare(folder.path);
    const limits = join(at.pipelines, 'shop/processors/limits.ts');
    const program = join(import.meta.dirname, 'support/edit-between-runs.ts');
    await using child = startChild(program, [at.home, at.data, at.pipelines, JSON.stringify(input), limits, 'goodFrom = 100', 'goodFrom = 250']);
    const run = (await child.next()) as EditedRun;
    const [before, after] = [expectedTables(orders, 100).marks, expectedTables(orders, 250).marks];
    const changed = days.filter((_, index) => before[index]?.mark !== after[index]?.mark);
    expect(changed.length).toBeGreaterThan(1);
    expect(run).toEqual({
      first: 'completed',
      state: 'completed',
      planned: days.map((day) => `marks ${day}`),
      succeeded: changed,
      unchanged: days.filter((day) => !changed.includes(day)),
    });
    await child.kill();
    await expectTables(at.home, expectedTables(orders, 250));
  });

  test('blanks, descriptions and limits make nothing stale; SQL that gives the same rows ends with itself', async () => {
    await using folder = await createTemporaryFolder();
    const { orders, ...at } = await prepare(folder.path);
    await using engine = await openEngine(at);
    expect((await engine.run(input)).state).toBe('completed');
    await edit(join(at.pipelines, 'shop/pipeline.yaml'), 'description: What was sold in the season before the day', 'description: Sold before');
    await edit(join(at.pipelines, 'shop/processors/recent.sql'), 'GROUP BY r.day\n', 'GROUP BY r.day  \n\n');
    expect(plannedTasks((await engine.run({ ...input, reprocess: 'stale' })).summary)).toEqual([]);
    await edit(join(at.pipelines, 'shop/processors/recent.sql'), 'MAX(r.rate)', 'MIN(r.rate)');
    const { state, summary, result } = await engine.run({ ...input, reprocess: 'stale' });
    expect(state).toBe('completed');
    expect(plannedTasks(summary)).toEqual(['recent', 'marks'].flatMap((id) => days.map((day) => `${id} ${day}`)));
    expect(planned(summary, 'marks')).toEqual({ 'task upstream_planned': days });
    expect(result.tasks.filter((task) => task.state !== 'unchanged')).toEqual([]);
    await engine[Symbol.asyncDispose]();
    await expectTables(at.home, expectedTables(orders, 100));
  });

  test('one corrected order makes stale what has its date in a window, over the gap and to the end of the season', async () => {
    await using folder = await createTemporaryFolder();
    const { orders, ...at } = await prepare(folder.path);
    {
      await using engine = await openEngine(at);
      expect((await engine.run(input)).state).toBe('completed');
    }
    const corrected = orders.map((order) => (order.order_id === 'o20-0' ? { ...order, amount: order.amount + 1_000 } : order));
    await writeFile(join(at.data, 'orders_late.csv'), csvOf(corrected.filter(({ season }) => season === 'late')));
    {
      await using engine = await openEngine(at);
      const { state, summary } = await engine.run({ ...input, reprocess: 'stale' });
      expect(plannedTasks(summary)).toEqual([
        `orders ${dayOf(20)}`,
        ...[22, 23].map((number) => `recent ${dayOf(number)}`),
        ...[22, 23, 24, 25, 26].map((number) => `season_so_far ${dayOf(number)}`),
        ...[22, 23].map((number) => `marks ${dayOf(number)}`),
      ]);
      expect(state).toBe('completed');
    }
    await expectTables(at.home, expectedTables(corrected, 100));
    // The external table is read, and its dates are watched too.
    await changeByHand(warehouseFile(at.home), [`UPDATE shop_ext.rates SET rate = 50 WHERE day = '${dayOf(8)}'`]);
    await using engine = await openEngine(at);
    const { summary } = await engine.run({ ...input, reprocess: 'stale' });
    expect(plannedTasks(summary)).toEqual(['recent', 'season_so_far', 'marks'].map((id) => `${id} ${dayOf(8)}`));
  });
});
