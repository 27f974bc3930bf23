// Dates that were committed and have left the calendar since are emptied where a person says so, and what has read them is stale.
import { expect, test } from 'vitest';
import { adoptCommitLogs } from '@floodgate/core/app/adopt-logs.ts';
import { clearOffCalendar, type ClearReport } from '@floodgate/core/app/clear-off-calendar.ts';
import { retryTasks } from '@floodgate/core/app/operate.ts';
import { lanePath } from '@floodgate/core/contracts/documents.ts';
import { createWorld, never, type World } from '../support/world.ts';

const clear = async (world: World): Promise<ClearReport> => {
  const loaded = await world.catalog.load('test');
  if (loaded === undefined) throw new Error('no pipeline');
  return world.run(clearOffCalendar(world.engine('cli'), loaded.pipeline, 'ann', never));
};

const tables = ['test.games', 'test.rolling', 'test.features'];
const datesOf = (world: World, table: string): readonly unknown[] => [...new Set(world.warehouse.rowsOf(table).map(({ day }) => day))];

/** The tables as one run from nothing over this calendar leaves them. */
const expectAsComputedAtOnce = async (world: World): Promise<void> => {
  const other = createWorld({ days: world.dates.length });
  for (const date of world.dates) if (!world.calendar.has(date)) other.calendar.delete(date);
  expect(await other.drive(await other.start())).toBe('completed');
  for (const table of tables) expect(world.warehouse.rowsOf(table)).toEqual(other.warehouse.rowsOf(table));
};

test('rows are gone from every table, the backfill that they blocked goes on, and all is as if they had never been', async () => {
  const world = createWorld();
  await world.drive(await world.start());
  const date = world.date(2);
  world.calendar.delete(date);
  const id = await world.start({ reprocess: 'stale' });
  expect(await world.drive(id)).toBe('blocked');
  const { tables: cleared, stale } = await clear(world);
  expect(cleared).toEqual(tables.map((table) => ({ processorId: table.slice(5), table, dates: [date], rows: expect.any(Number) })));
  expect(cleared[0]?.rows).toBe(2);
  expect(stale).toBeGreaterThan(0);
  for (const table of tables) expect(datesOf(world, table)).not.toContain(date);
  await world.run(retryTasks(world.engine('cli'), id, { states: ['failed'] }, 'ann'));
  expect(await world.drive(id)).toBe('completed');
  await expectAsComputedAtOnce(world);
  expect(await clear(world)).toEqual({ tables: [], stale: 0 });
  // The ledger is not behind the commit logs: a start has nothing to adopt.
  expect(await world.run(adoptCommitLogs({ ...world.engine('cli'), catalog: world.catalog }, never))).toEqual([]);
});

test('what had read the rows before they went is stale afterwards, even where its digest says nothing of it', async () => {
  const world = createWorld();
  await world.drive(await world.start());
  const date = world.date(2);
  world.calendar.delete(date);
  // With gates of windows, readers are computed from the rows that are still there, over a calendar without the date.
  await world.drive(await world.start({ reprocess: 'stale', gate: 'window' }));
  await clear(world);
  const id = await world.start({ reprocess: 'stale' });
  expect(Object.values((await world.backfill(id)).tasks).reduce((sum, each) => sum + each, 0)).toBeGreaterThan(0);
  expect(await world.drive(id)).toBe('completed');
  await expectAsComputedAtOnce(world);
});

test('a date that comes back is computed like one that is new', async () => {
  const world = createWorld();
  await world.drive(await world.start());
  const date = world.date(2);
  const entry = world.calendar.get(date)!;
  world.calendar.delete(date);
  await clear(world);
  world.calendar.set(date, entry);
  expect(await world.drive(await world.start({ processors: ['games'], reprocess: 'missing' }))).toBe('completed');
  expect(datesOf(world, 'test.games')).toContain(date);
});

test('nothing is emptied while a backfill is active, nor under a commit', async () => {
  const world = createWorld();
  await world.drive(await world.start());
  world.calendar.delete(world.date(2));
  const id = await world.start({ reprocess: 'stale' });
  await expect(clear(world)).rejects.toMatchObject({ code: 'overlap', message: expect.stringContaining(id) });
  expect(await world.drive(id)).toBe('blocked');
  await world.store.transaction(async (transaction) => {
    const lane = (await transaction.get(lanePath('test.games')))?.data ?? {};
    transaction.set(lanePath('test.games'), { ...lane, job: { jobId: 'j', tasks: [] } });
  });
  await expect(clear(world)).rejects.toMatchObject({ code: 'conflict' });
  expect(datesOf(world, 'test.games')).toContain(world.date(2));
});
