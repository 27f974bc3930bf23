// Three seasons and the start of a fourth: 700 dates, 2.4 million events, both phases, by one command.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { datesBetween, partitionDate } from '@floodgate/core/domain/partition-date.ts';
import { createTemporaryFolder } from '../support/temporary-folder.ts';
import { checkKnownFacts, knownFacts } from './oracle/known-facts.ts';
import { nbaDataAbsent, nbaDataFolder, oracleTables, wholeRange } from './oracle/oracle.ts';
import { planned, plannedTasks, runOnce, type Ran } from './support/engine.ts';
import { readTables } from './support/tables.ts';

const input = { pipeline: 'nba', range: { start: wholeRange.first, end: wholeRange.last }, phases: '2..3' };
/** Tables that have play-in games and Cup finals too. */
const coverAll = ['nbac_schedule', 'nbac_team_boxscore', 'team_offense_game_summary', 'team_defense_game_summary'];
const coverMost = ['nbac_gamebook_player_stats', 'bigdataball_play_by_play', 'player_game_summary'];

describe.skipIf(nbaDataAbsent !== undefined)(`the whole range${nbaDataAbsent === undefined ? '' : ` (${nbaDataAbsent})`}`, { timeout: 300_000 }, () => {
  const folder = createTemporaryFolder();
  let home: string;
  let ran: Ran;

  beforeAll(async () => {
    home = join((await folder).path, 'home');
    ran = await runOnce({ home, data: nbaDataFolder }, input);
  }, 300_000);

  afterAll(async () => (await folder)[Symbol.asyncDispose]());

  test('completes with both gates open; nothing failed, and no check could not be made', () => {
    expect(ran.state).toBe('completed');
    expect(ran.result.gates.map(({ phase, state }) => ({ phase, state }))).toEqual([
      { phase: 2, state: 'open' },
      { phase: 3, state: 'open' },
    ]);
    expect(ran.result.tasks.filter(({ state }) => state !== 'succeeded')).toEqual([]);
    expect(ran.result.counts).toMatchObject({ unreleased: 0, succeeded: plannedTasks(ran.summary).length });
    expect(
      ran.result.gates
        .flatMap(({ gate }) => gate?.checks ?? [])
        .filter(({ outcome, severity }) => outcome === 'could_not_tell' || (outcome === 'failed' && severity === 'block')),
    ).toEqual([]);
  });

  test('all seven tables equal the oracle cell by cell, and all known facts hold', async () => {
    using tables = await readTables(home);
    expect(await tables.differencesFromOracle(nbaDataFolder, wholeRange)).toEqual([]);
    const { checked, violations } = await checkKnownFacts(
      (sql) => tables.query(sql),
      wholeRange,
      (table) => `actual.${table}`,
    );
    expect(violations).toEqual([]);
    expect(checked).toHaveLength(knownFacts.length);
    expect(await tables.inconsistencies()).toEqual([]);
  });

  test('every date left out has its reason: no source data where there were play-in games or a Cup final alone, else no games', async () => {
    using tables = await readTables(home);
    const games = await tables.query(
      `SELECT game_date AS date, bool_and(season_type IN ('playin', 'cup_final')) AS special FROM read_parquet('${join(nbaDataFolder, 'games.parquet')}')
       WHERE game_date BETWEEN '${wholeRange.first}' AND '${wholeRange.last}' AND home_score IS NOT NULL GROUP BY 1 ORDER BY 1`,
    );
    const dates = games.map(({ date }) => String(date));
    const special = games.filter(({ special: only }) => only === true).map(({ date }) => String(date));
    expect(dates).toHaveLength(700);
    expect(special).toContain('2023-12-09');
    expect(special).toHaveLength(special.filter((date) => /^(202\d-04-1\d|2023-12-09|2024-12-17)$/.test(date)).length);
    for (const id of coverAll) expect(planned(ran.summary, id)).toEqual({ 'task missing': dates });
    for (const id of coverMost)
      expect(planned(ran.summary, id)).toEqual({ 'task missing': dates.filter((date) => !special.includes(date)), 'skip no_source_data': special });
    const played = new Set(dates);
    expect(ran.summary.dates.notInCalendar).toEqual(
      datesBetween(partitionDate(wholeRange.first), partitionDate(wholeRange.last)).filter((date) => !played.has(date)),
    );
  });

  test('a second run has nothing to do and says so; no commit is made', async () => {
    const logs = async () => {
      using tables = await readTables(home);
      // Awaited here: the tables are closed when this function returns.
      return await Promise.all(oracleTables.map(async ({ table }) => [...(await tables.commitLog(table))]));
    };
    const before = await logs();
    const again = await runOnce({ home, data: nbaDataFolder }, input);
    expect(again.state).toBe('completed');
    expect(plannedTasks(again.summary)).toEqual([]);
    for (const id of [...coverAll, ...coverMost]) {
      expect(planned(again.summary, id)['fresh already_fresh']).toEqual(planned(ran.summary, id)['task missing']);
      expect(planned(again.summary, id)['skip no_source_data']).toEqual(planned(ran.summary, id)['skip no_source_data']);
    }
    expect(again.result.gates.map(({ state }) => state)).toEqual(['open', 'open']);
    expect(await logs()).toEqual(before);
  });

  // By hand, FULL_RANGE=twice: settings.test.ts does the same and more over fewer dates.
  test.runIf(process.env['FULL_RANGE'] === 'twice')('workers 4, dates per task 50, gate window: the same tables (FULL_RANGE=twice)', async () => {
    const other = join((await folder).path, 'other');
    expect((await runOnce({ home: other, data: nbaDataFolder, workers: 4 }, { ...input, gate: 'window', limits: { datesPerTask: 50 } })).state).toBe(
      'completed',
    );
    using tables = await readTables(other);
    expect(await tables.differencesFrom(home)).toEqual([]);
    expect(await tables.inconsistencies()).toEqual([]);
  });
});
