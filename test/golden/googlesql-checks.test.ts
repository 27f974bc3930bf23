// The statements that Floodgate builds for BigQuery to check and digest rows, readable in googlesql/*.sql. After a wanted change:
// vitest run -u.
import { expect, test } from 'vitest';
import { partitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Column, ColumnType } from '@floodgate/core/domain/pipeline.ts';
import * as checks from '@floodgate/sql/googlesql/checks.ts';
import { selectDigest } from '@floodgate/sql/googlesql/digest.ts';
import { translateSelect } from '@floodgate/sql/translate.ts';

const column = (name: string, type: ColumnType): Column => ({ name, type, required: false, description: '', digits: 6 });
const target = {
  table: 'nba.team_games',
  partitionColumn: 'game_date',
  key: ['game_date', 'game_id', 'team'],
  columns: [
    column('game_id', 'STRING'),
    column('game_date', 'DATE'),
    column('team', 'STRING'),
    column('points', 'INT64'),
    column('pace', 'FLOAT64'),
    column('quarters', 'ARRAY<FLOAT64>'),
    column('raw', 'JSON'),
  ],
};
const [first, second] = [partitionDate('2024-01-14'), partitionDate('2024-01-17')];
const dates = [first, second];
const committed: checks.RowsUnderCheck = { target, from: target.table, dates, conditions: [] };
const staged: checks.RowsUnderCheck = { ...committed, from: 'floodgate_staging.nba-team_games-s_1', conditions: ["team = 'LAL'", 'points > 1 -- scored'] };
const expectation = 'WITH games AS (SELECT * FROM nba.games) SELECT game_date AS date, game_id, home_team AS team FROM games -- two rows each\n;';

const statements = {
  'check-counts': checks.selectCounts(committed, [
    {
      kind: 'measures',
      measures: [
        checks.countKeys(target.key),
        checks.countWhere('`points` IS NULL'),
        checks.countWhere(`\`pace\` IS NULL OR ${checks.conditionDialect.isNaN('`pace`')}`),
      ],
    },
    { kind: 'expected_rows', sql: 'SELECT date, 12 AS expected FROM nba.calendar' },
    { kind: 'missing_keys', columns: ['game_id', 'team'], sql: expectation },
    { kind: 'violations', sql: 'SELECT game_date AS date, team FROM staged WHERE points > 200' },
  ]),
  'check-counts-with-conditions': checks.selectCounts(staged, [
    { kind: 'measures', measures: [checks.countWhere('_where_0 AND (`points` IS NULL)'), checks.countWhere('_where_0')] },
  ]),
  'check-offending': checks.selectOffending(committed, '`raw` IS NULL', ['game_id', 'team', 'raw'], dates),
  'check-duplicates': checks.selectDuplicates(committed, target.key, dates),
  'check-expected-keys': checks.selectMissingKeys(committed, ['game_id', 'team'], expectation),
  'check-sql': checks.selectViolations(committed, 'SELECT game_date AS date, team FROM staged WHERE points > 200'),
  'digest-table': selectDigest(target.table, 'game_date', target.columns, { first, last: second }),
  'digest-source': selectDigest('floodgate_staging.source_games_0f', 'game_date', target.columns),
} as const;

test.each(Object.entries(statements))('%s', async (name, sql) => {
  await expect(`${sql}\n`).toMatchFileSnapshot(`googlesql/${name}.sql`);
});

// Names with a dash are BigQuery's; the emulator takes them on its own.
test.each(Object.entries(statements).filter(([, sql]) => !sql.includes('nba-team_games')))('%s is translated', (_, sql) => {
  expect(translateSelect(sql)).toMatchObject({ ok: true });
});
