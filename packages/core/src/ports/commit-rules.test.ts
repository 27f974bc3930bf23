import { describe, expect, test } from 'vitest';
import { partitionDate } from '../domain/partition-date.ts';
import { applyCommit, takeFence, type CommitUnit } from './commit-rules.ts';
import { WarehouseError, type CommitBatch, type CommitEntry, type CommitLogEntry } from './warehouse.ts';

const [first, second, third] = ['2024-01-01', '2024-01-02', '2024-01-03'].map(partitionDate) as [CommitEntry['date'], CommitEntry['date'], CommitEntry['date']];

const entry = (date: CommitEntry['date'], generation: number, more: Partial<CommitEntry> = {}): CommitEntry => ({
  date,
  generation,
  staging: `s_${date}`,
  contentHash: `hash_${generation}`,
  rows: 2,
  backfillId: 'backfill',
  rewrite: false,
  ...more,
});

const logged = (date: CommitEntry['date'], generation: number): CommitLogEntry => ({
  date,
  generation,
  contentHash: `hash_${generation}`,
  rows: 2,
  backfillId: 'before',
  committedAt: 1,
  outcome: 'committed',
});

const batchOf = (...entries: CommitEntry[]): CommitBatch => ({
  jobId: 'job',
  target: { table: 'test.games', partitionColumn: 'day', key: ['day'], columns: [] },
  strategy: 'merge',
  laneEpoch: 3,
  entries,
  committedAt: 9,
});

/** One transaction that writes down what it is told; rows are how many there are. */
const unitOf = (
  state: { readonly fence?: number | undefined; readonly log?: readonly CommitLogEntry[]; readonly staged?: Readonly<Record<string, number>> } = {},
) => {
  const { fence = 'fence' in state ? undefined : 0, log = [], staged } = state;
  const steps: string[] = [];
  const step = <T>(text: string, value: T): Promise<T> => {
    steps.push(text);
    return Promise.resolve(value);
  };
  const unit: CommitUnit<number> = {
    raiseFence: (epoch) => step(`fence ${epoch}`, fence !== undefined && fence <= epoch ? 1 : 0),
    readFence: async () => fence,
    readLog: (dates) =>
      step(
        'read log',
        log.filter(({ date }) => dates.includes(date)),
      ),
    findStaged: (entries) =>
      step(
        `find ${entries.length}`,
        entries.map(({ staging }) => (staged === undefined ? 2 : staged[staging])),
      ),
    deleteRows: (dates) => step(`delete rows ${dates.join(' ')}`, undefined),
    insertRows: (rows) =>
      step(
        `insert rows ${rows.map((row) => row.entry.date).join(' ')}`,
        rows.reduce((sum, row) => sum + row.rows, 0),
      ),
    deleteLog: (dates) => step(`delete log ${dates.join(' ')}`, undefined),
    insertLog: (entries) => step(`log ${entries.map(({ date, generation, outcome }) => `${date} ${generation} ${outcome}`).join(', ')}`, undefined),
  };
  return { unit, steps };
};

const errorOf = async (call: Promise<unknown>): Promise<WarehouseError> => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof WarehouseError) return error;
  throw new Error(`expected a warehouse error, got ${String(error)}`);
};

describe('the fence', () => {
  test('is the first write, and a lane that another has followed gets no further', async () => {
    const { unit, steps } = unitOf({ fence: 4 });
    const error = await errorOf(applyCommit(unit, batchOf(entry(first, 1))));
    expect([error.code, error.message]).toEqual(['lane_fenced', 'lane epoch 3 of test.games is over: 4 has taken its place']);
    expect(steps).toEqual(['fence 3']);
  });

  test('lets the same lane in again, and the next', async () => {
    for (const fence of [2, 3]) await expect(takeFence(unitOf({ fence }).unit, 'test.games', 3)).resolves.toBeUndefined();
  });

  test('that is missing is an error of its own', async () => {
    expect((await errorOf(takeFence(unitOf({ fence: undefined }).unit, 'test.games', 3))).code).toBe('schema_mismatch');
  });

  test('must change exactly one row', async () => {
    const { unit } = unitOf();
    expect((await errorOf(takeFence({ ...unit, raiseFence: async () => 2 }, 'test.games', 3))).code).toBe('lane_fenced');
  });
});

describe('a batch', () => {
  test('on an empty log: rows are replaced, then logged', async () => {
    const { unit, steps } = unitOf();
    const after = await applyCommit(unit, batchOf(entry(second, 5), entry(first, 5)));
    expect(steps).toEqual([
      'fence 3',
      'read log',
      'find 2',
      `delete rows ${second} ${first}`,
      `insert rows ${second} ${first}`,
      `log ${second} 5 committed, ${first} 5 committed`,
    ]);
    expect(after.map(({ date, generation, committedAt }) => [date, generation, committedAt])).toEqual([
      [first, 5, 9],
      [second, 5, 9],
    ]);
  });

  test.each([5, 6])('leaves a date alone that generation %i has written, and answers with its entry', async (generation) => {
    const log = [logged(first, generation), logged(third, 1)];
    const { unit, steps } = unitOf({ log, staged: { [`s_${third}`]: 2 } });
    expect(await applyCommit(unit, batchOf(entry(first, 5, { staging: 'gone', rewrite: true }), entry(third, 5)))).toEqual([
      log[0],
      { ...logged(third, 5), backfillId: 'backfill', committedAt: 9 },
    ]);
    expect(steps.slice(2)).toEqual(['find 1', `delete rows ${third}`, `insert rows ${third}`, `delete log ${third}`, `log ${third} 5 committed`]);
  });

  test('of nothing but older generations touches neither rows nor log', async () => {
    const { unit, steps } = unitOf({ log: [logged(first, 6)] });
    await applyCommit(unit, batchOf(entry(first, 5)));
    expect(steps).toEqual(['fence 3', 'read log', 'find 0']);
  });

  test('logs unchanged content and writes its rows only where it is asked to', async () => {
    const same = { contentHash: 'hash_1' };
    const { unit, steps } = unitOf({ log: [logged(first, 1), logged(second, 1)] });
    await applyCommit(unit, batchOf(entry(first, 5, same), entry(second, 5, { ...same, rewrite: true })));
    expect(steps.slice(3)).toEqual([
      `delete rows ${second}`,
      `insert rows ${second}`,
      `delete log ${first} ${second}`,
      `log ${first} 5 unchanged, ${second} 5 unchanged`,
    ]);
  });

  test('whose staging is gone names it, unchanged dates included, and writes nothing', async () => {
    const { unit, steps } = unitOf({ log: [logged(first, 1)], staged: { [`s_${second}`]: 2 } });
    const error = await errorOf(applyCommit(unit, batchOf(entry(third, 5), entry(first, 5, { contentHash: 'hash_1' }), entry(second, 5))));
    expect([error.code, error.missing]).toEqual(['staging_missing', [`s_${first}`, `s_${third}`]]);
    expect(steps).toEqual(['fence 3', 'read log', 'find 3']);
  });

  test.each([1, 3])('that inserts %i rows where two were audited is refused before it is logged', async (rows) => {
    const { unit, steps } = unitOf({ staged: { [`s_${first}`]: rows } });
    expect((await errorOf(applyCommit(unit, batchOf(entry(first, 5))))).code).toBe('contract_broken');
    expect(steps.at(-1)).toBe(`insert rows ${first}`);
  });
});
