// What happens after a completed run: a source is corrected, or somebody damages a table by hand. The next run finds
// exactly that and mends exactly that.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { warehouseFile } from '@floodgate/cli/embedded-stack.ts';
import { createTemporaryFolder } from '../support/temporary-folder.ts';
import { nbaDataAbsent, oracleTables } from './oracle/oracle.ts';
import { changeByHand, copyData, rewriteFile } from './support/data-folder.ts';
import { planned, plannedTasks, runOnce } from './support/engine.ts';
import { readTables, type LogEntry } from './support/tables.ts';

const range = { first: '2024-01-22', last: '2024-01-28' };
const input = { pipeline: 'nba', range: { start: range.first, end: range.last }, phases: '2..3' };

const prepare = async (folder: string) => {
  const [home, data] = [join(folder, 'home'), join(folder, 'data')];
  await mkdir(data);
  await copyData(data, range);
  expect((await runOnce({ home, data }, input)).state).toBe('completed');
  return { home, data };
};

const commitLogs = async (home: string): Promise<ReadonlyMap<string, ReadonlyMap<string, LogEntry>>> => {
  using tables = await readTables(home);
  const logs = new Map<string, ReadonlyMap<string, LogEntry>>();
  for (const { table } of oracleTables) logs.set(table, await tables.commitLog(table));
  return logs;
};

/** `table date` of every commit log entry that is not what it was. */
const rewritten = async (home: string, before: Awaited<ReturnType<typeof commitLogs>>): Promise<readonly string[]> =>
  [...(await commitLogs(home))].flatMap(([table, log]) =>
    [...log].filter(([date, entry]) => JSON.stringify(entry) !== JSON.stringify(before.get(table)?.get(date))).map(([date]) => `${table} ${date}`),
  );

describe.skipIf(nbaDataAbsent !== undefined)(`changes after a run${nbaDataAbsent === undefined ? '' : ` (${nbaDataAbsent})`}`, { timeout: 60_000 }, () => {
  test('a corrected free throw makes its load and what reads it stale, and nothing else', async () => {
    await using folder = await createTemporaryFolder();
    const { home, data } = await prepare(folder.path);
    const before = await commitLogs(home);

    // The scorer of a free throw was Jaden Hardy and not Luka Doncic, who had 73 that night: the sums of the team stay.
    await rewriteFile(
      data,
      'player_boxscores.parquet',
      `SELECT * EXCLUDE (d) REPLACE (pts + d AS pts, ftm + d AS ftm, fta + d AS fta) FROM (
         SELECT *, CASE WHEN game_date = '2024-01-26' AND player_name LIKE 'Luka Don%' THEN -1 WHEN game_date = '2024-01-26' AND player_name = 'Jaden Hardy' THEN 1 ELSE 0 END AS d FROM rows
       ) AS changed`,
    );

    // A request for what is missing leaves it as it is, and says so.
    const nothingMissing = await runOnce({ home, data }, input);
    expect(plannedTasks(nothingMissing.summary)).toEqual([]);
    expect(planned(nothingMissing.summary, 'nbac_gamebook_player_stats')['fresh stale_not_requested']).toEqual(['2024-01-26']);

    const { state, summary, result } = await runOnce({ home, data }, { ...input, reprocess: 'stale' });
    // What reads the night before a date may follow, and does only where its own rows differ.
    const corrected = ['nbac_gamebook_player_stats 2024-01-26', 'player_game_summary 2024-01-26'];
    const tonight = plannedTasks(summary).filter((task) => task.endsWith('2024-01-26'));
    expect(tonight).toEqual(corrected);
    const after = plannedTasks(summary).filter((task) => !tonight.includes(task));
    expect(new Set(after.map((task) => task.slice(-10)))).toEqual(new Set(['2024-01-27', '2024-01-28']));
    expect(state).toBe('completed');
    const stateOf = (wanted: string): readonly string[] =>
      result.tasks.filter(({ state: of }) => of === wanted).map(({ processorId, date }) => `${processorId} ${date}`);
    expect(stateOf('succeeded')).toEqual(expect.arrayContaining(corrected));
    expect(
      stateOf('succeeded')
        .filter((task) => !task.startsWith('upcoming_player_game_context'))
        .toSorted((a, b) => a.localeCompare(b)),
    ).toEqual(corrected);
    expect([...stateOf('succeeded'), ...stateOf('unchanged')]).toHaveLength(tonight.length + after.length);
    expect(await rewritten(home, before)).toEqual(['nba_raw.nbac_gamebook_player_stats 2024-01-26', 'nba_analytics.player_game_summary 2024-01-26']);

    using tables = await readTables(home);
    expect(await tables.differencesFromOracle(data, range)).toEqual([]);
    expect(
      await tables.query(
        `SELECT points FROM actual.nba_analytics.player_game_summary WHERE game_date = '2024-01-26' AND player_lookup IN ('lukadoncic', 'jadenhardy') ORDER BY points DESC`,
      ),
    ).toMatchObject([{ points: '72' }, {}]);
    expect(await tables.inconsistencies()).toEqual([]);
  });

  test('a source that is written anew with the same rows in another order makes nothing stale', async () => {
    await using folder = await createTemporaryFolder();
    const { home, data } = await prepare(folder.path);
    await rewriteFile(data, 'player_boxscores.parquet', 'FROM rows ORDER BY player_name DESC');
    const { state, summary } = await runOnce({ home, data }, { ...input, reprocess: 'stale' });
    expect(plannedTasks(summary)).toEqual([]);
    expect(state).toBe('completed');
  });

  test('rows deleted by hand shut the gate of the next run, which names them and the repair; the repair mends them', async () => {
    await using folder = await createTemporaryFolder();
    const { home, data } = await prepare(folder.path);
    await changeByHand(warehouseFile(home), [`DELETE FROM nba_raw.nbac_team_boxscore WHERE game_date = '2024-01-24' AND team_abbr = 'CLE'`]);

    const found = await runOnce({ home, data }, input);
    expect(found.state).toBe('blocked');
    expect(plannedTasks(found.summary)).toEqual([]);
    const [gate] = found.result.gates;
    expect(gate).toMatchObject({ phase: 2, state: 'blocked' });
    expect(gate?.gate?.summary).toContain('nbac_team_boxscore');
    expect(gate?.gate?.summary).toContain('2024-01-24');
    const repair = gate?.gate?.repair ?? '';
    expect(repair).toBe('npx floodgate backfill --pipeline nba --processors nbac_team_boxscore --dates 2024-01-24 --reprocess all');

    const before = await commitLogs(home);
    const repaired = await runOnce({ home, data }, { pipeline: 'nba', processors: ['nbac_team_boxscore'], dates: ['2024-01-24'], reprocess: 'all' });
    expect(repaired.state).toBe('completed');
    expect(await rewritten(home, before)).toEqual(['nba_raw.nbac_team_boxscore 2024-01-24']);
    using tables = await readTables(home);
    expect(await tables.differencesFromOracle(data, range)).toEqual([]);
    expect(await tables.inconsistencies()).toEqual([]);
  });

  test('a value changed by hand is put right by reprocess all, though the content hash is the one that was committed', async () => {
    await using folder = await createTemporaryFolder();
    const { home, data } = await prepare(folder.path);
    await changeByHand(warehouseFile(home), [`UPDATE nba_analytics.team_offense_game_summary SET assists = assists + 1 WHERE game_date = '2024-01-25'`]);
    {
      using damaged = await readTables(home);
      expect(await damaged.differencesFromOracle(data, range)).toHaveLength(1);
    }
    const repaired = await runOnce({ home, data }, { pipeline: 'nba', processors: ['team_offense_game_summary'], dates: ['2024-01-25'], reprocess: 'all' });
    expect(repaired.state).toBe('completed');
    expect(repaired.result.tasks.map(({ state }) => state)).toEqual(['unchanged']);
    using tables = await readTables(home);
    expect(await tables.differencesFromOracle(data, range)).toEqual([]);
  });
});
