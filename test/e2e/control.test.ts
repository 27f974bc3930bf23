// Pause, resume and cancel from a second process in the middle of a run, and what two backfills at once do to each other.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openStore, type StoreStack } from '@floodgate/cli/embedded-stack.ts';
import { controlBackfill } from '@floodgate/core/app/operate.ts';
import { readBackfillResult, type BackfillResult } from '@floodgate/core/app/read-status.ts';
import { isTerminal } from '@floodgate/core/domain/task-state.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { startChild, type ChildProcess } from '../support/child-process.ts';
import { createTemporaryFolder } from '../support/temporary-folder.ts';
import { nbaDataAbsent, nbaDataFolder, oracleTables } from './oracle/oracle.ts';
import { createLogger, openEngine, runOnce } from './support/engine.ts';
import type { Said } from './support/killable-run.ts';
import { readTables } from './support/tables.ts';

const range = { first: '2023-10-24', last: '2023-11-20' };
const input = { pipeline: 'nba', range: { start: range.first, end: range.last }, phases: '2..3', limits: { datesPerTask: 1 } };
const silent = createLogger(() => undefined);

const startRun = (home: string): ChildProcess => startChild(join(import.meta.dirname, 'support/killable-run.ts'), [home, nbaDataFolder, JSON.stringify(input)]);

/** Reads what the run says up to this line, which it returns. */
const until = async <S extends Said['said']>(run: ChildProcess, said: S, count?: number): Promise<Extract<Said, { said: S }>> => {
  for (;;) {
    const line = (await run.next()) as Said;
    if (line.said === 'error') throw new Error(line.message);
    if (line.said === 'ended' && said !== 'ended' && said !== 'closed') throw new Error(`the run ended ${line.state} before ${said}`);
    if (line.said === said && (count === undefined || ('count' in line && line.count === count))) return line as Extract<Said, { said: S }>;
  }
};

const read = async (store: StoreStack, backfillId: string): Promise<BackfillResult> => {
  const result = await readBackfillResult(store.deps.store, backfillId);
  if (result === undefined) throw new Error(`no backfill ${backfillId}`);
  return result;
};

const commitTimes = async (home: string): Promise<readonly number[]> => {
  using tables = await readTables(home);
  const rows = await Promise.all(
    oracleTables.map(({ table }) =>
      tables.query(`SELECT epoch_ms(committed_at) AS at FROM actual.${table.replace('.', '._floodgate_commits_')} WHERE date IS NOT NULL`),
    ),
  );
  return rows.flat().map(({ at }) => Number(at));
};

describe.skipIf(nbaDataAbsent !== undefined)(
  `control from a second process${nbaDataAbsent === undefined ? '' : ` (${nbaDataAbsent})`}`,
  { timeout: 120_000 },
  () => {
    test('after an acknowledged pause nothing is claimed and within a second nothing is committed; resume finishes', async () => {
      await using folder = await createTemporaryFolder();
      const home = join(folder.path, 'home');
      await using run = startRun(home);
      const { backfillId } = await until(run, 'accepted');
      await until(run, 'commit_end', 3);
      await using store = openStore(home, silent);
      expect(await controlBackfill(store.deps, backfillId, 'pause', 'test')).toEqual({ outcome: 'done' });
      const pausedAt = systemClock.now();
      expect(await controlBackfill(store.deps, backfillId, 'pause', 'test')).toEqual({ outcome: 'already' });
      // Time is what this test is about: a run that went on would show in these two seconds.
      await systemClock.sleep(2_000);
      const paused = await read(store, backfillId);
      expect(paused.backfill.state).toBe('active');
      expect(paused.tasks.filter(({ state }) => state === 'running' || state === 'committing')).toEqual([]);
      expect(paused.counts.succeeded).toBeLessThan(paused.tasks.length + paused.counts.unreleased);
      const resumedAt = systemClock.now();
      expect(await controlBackfill(store.deps, backfillId, 'resume', 'test')).toEqual({ outcome: 'done' });
      expect((await until(run, 'ended')).state).toBe('completed');
      await until(run, 'closed');

      const { tasks } = await read(store, backfillId);
      expect(tasks.filter(({ claimedAt }) => claimedAt > pausedAt && claimedAt < resumedAt)).toEqual([]);
      expect(tasks.filter(({ attempt }) => attempt !== 1)).toEqual([]);
      const committed = await commitTimes(home);
      expect(committed.filter((at) => at > pausedAt + 1_000 && at < resumedAt)).toEqual([]);
      expect(committed.filter((at) => at < pausedAt).length).toBeGreaterThan(0);
      expect(committed.filter((at) => at > resumedAt).length).toBeGreaterThan(0);
      using tables = await readTables(home);
      expect(await tables.differencesFromOracle(nbaDataFolder, range)).toEqual([]);
      expect(await tables.inconsistencies()).toEqual([]);
    });

    test.each([{ pauseBefore: false }, { pauseBefore: true }])(
      'cancel ends in a terminal state with whole dates only (paused before: $pauseBefore); the next backfill does the rest',
      async ({ pauseBefore }) => {
        await using folder = await createTemporaryFolder();
        const home = join(folder.path, 'home');
        let backfillId: string;
        {
          await using run = startRun(home);
          backfillId = (await until(run, 'accepted')).backfillId;
          await until(run, 'commit_end', 3);
          await using store = openStore(home, silent);
          if (pauseBefore) expect(await controlBackfill(store.deps, backfillId, 'pause', 'test')).toEqual({ outcome: 'done' });
          expect(await controlBackfill(store.deps, backfillId, 'cancel', 'test')).toEqual({ outcome: 'done' });
          expect((await until(run, 'ended')).state).toBe('cancelled');
          await until(run, 'closed');
          const { tasks, counts } = await read(store, backfillId);
          expect(tasks.filter(({ state }) => !isTerminal(state))).toEqual([]);
          expect(counts.succeeded).toBeGreaterThan(0);
          expect(counts.cancelled + counts.unreleased).toBeGreaterThan(0);
          expect(await store.deps.store.query({ collection: 'leases' })).toEqual([]);
          expect(await controlBackfill(store.deps, backfillId, 'resume', 'test')).toEqual({ outcome: 'over', state: 'cancelled' });
          expect(await controlBackfill(store.deps, backfillId, 'cancel', 'test')).toEqual({ outcome: 'already' });
        }
        const first = new Map<string, number>();
        {
          using tables = await readTables(home);
          expect(await tables.inconsistencies(true)).toEqual([]);
          for (const { table } of oracleTables) for (const [date, { generation }] of await tables.commitLog(table)) first.set(`${table} ${date}`, generation);
        }
        expect((await runOnce({ home, data: nbaDataFolder }, { ...input, limits: {} })).state).toBe('completed');
        using tables = await readTables(home);
        expect(await tables.differencesFromOracle(nbaDataFolder, range)).toEqual([]);
        expect(await tables.inconsistencies()).toEqual([]);
        // What the cancelled one had committed was not done again.
        for (const { table } of oracleTables) {
          for (const [date, { generation, backfillId: by }] of await tables.commitLog(table)) {
            const before = first.get(`${table} ${date}`);
            if (before === undefined) expect(by).not.toBe(backfillId);
            else expect({ table, date, generation, by }).toEqual({ table, date, generation: before, by: backfillId });
          }
        }
      },
    );

    test('a backfill that overlaps a running one is refused by its name; a disjoint one runs beside it', async () => {
      await using folder = await createTemporaryFolder();
      const home = join(folder.path, 'home');
      await using engine = await openEngine({ home, data: nbaDataFolder });
      const older = await engine.start({ ...input, range: { start: '2023-10-24', end: '2023-11-10' } });
      const overlapping = await engine.accept({ ...input, range: { start: '2023-11-08', end: '2023-11-20' } });
      expect(overlapping).toMatchObject({ outcome: 'rejected', conflictsWith: older.backfillId, failure: { code: 'overlap' } });
      expect(overlapping.outcome === 'rejected' ? overlapping.failure.message : '').toContain(older.backfillId);
      const younger = await engine.start({ ...input, range: { start: '2023-11-11', end: '2023-11-20' } });
      expect(await Promise.all([engine.ended(older.backfillId), engine.ended(younger.backfillId)])).toEqual(['completed', 'completed']);
      expect(engine.errors).toEqual([]);
      const [a, b] = await Promise.all([engine.resultOf(older.backfillId), engine.resultOf(younger.backfillId)]);
      const claims = ({ tasks }: BackfillResult): readonly number[] => tasks.map(({ claimedAt }) => claimedAt);
      // Together: the younger one began before the older one had begun its last task.
      expect(Math.min(...claims(b))).toBeLessThan(Math.max(...claims(a)));
      await engine[Symbol.asyncDispose]();
      using tables = await readTables(home);
      expect(await tables.differencesFromOracle(nbaDataFolder, range)).toEqual([]);
      expect(await tables.inconsistencies()).toEqual([]);
    });
  },
);
