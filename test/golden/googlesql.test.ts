// The statements that Floodgate builds for BigQuery, readable in googlesql/*.sql. After a wanted change: vitest run -u.
import { expect, test } from 'vitest';
import { partitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Column, ColumnType } from '@floodgate/core/domain/pipeline.ts';
import { decideCommit } from '@floodgate/core/ports/commit-rules.ts';
import type { CommitBatch, CommitEntry, CommitLogEntry, TableSpec } from '@floodgate/core/ports/warehouse.ts';
import * as commit from '@floodgate/sql/googlesql/commit.ts';
import { quoteName } from '@floodgate/sql/googlesql/names.ts';
import * as prepare from '@floodgate/sql/googlesql/prepare.ts';
import * as stage from '@floodgate/sql/googlesql/stage.ts';

const column = (name: string, type: ColumnType, required = false): Column => ({ name, type, required, description: `what "${name}" isn't`, digits: 6 });

const target: TableSpec = {
  table: 'nba.team_games',
  partitionColumn: 'game_date',
  key: ['game_date', 'game_id', 'team'],
  columns: [
    column('game_id', 'STRING', true),
    column('game_date', 'DATE', true),
    column('team', 'STRING', true),
    column('points', 'INT64'),
    column('pace', 'FLOAT64'),
    column('price', 'NUMERIC'),
    column('won', 'BOOL'),
    column('ended_at', 'TIMESTAMP'),
    column('quarters', 'ARRAY<FLOAT64>'),
    column('names', 'ARRAY<STRING>'),
    column('raw', 'BYTES'),
    column('document', 'JSON'),
  ],
};
const [first, second, third, fourth] = ['2024-01-14', '2024-01-15', '2024-01-17', '2024-01-18'].map(partitionDate) as [
  CommitEntry['date'],
  CommitEntry['date'],
  CommitEntry['date'],
  CommitEntry['date'],
];
const table = 'floodgate_staging.nba-team_games-s_1';
const dates = [first, second, third];
const projections = target.columns.map((each) => ({ column: each, expression: each.name === 'pace' ? 'CAST(`pace` AS FLOAT64)' : quoteName(each.name) }));
const body = 'SELECT * FROM nba.games\nWHERE game_date BETWEEN @start_date AND @end_date -- of these days\n;';
const entry = (date: CommitEntry['date'], staging: string, more: Partial<CommitEntry> = {}): CommitEntry => ({
  date,
  generation: 4_294_967_298,
  staging,
  contentHash: '0f',
  rows: 2,
  backfillId: "o'hara",
  rewrite: false,
  ...more,
});
const logged: CommitLogEntry = {
  date: first,
  generation: 7,
  contentHash: 'ff',
  rows: 1,
  backfillId: 'b_0',
  committedAt: 1_705_000_000_123,
  outcome: 'committed',
};

const specOf = (
  known: readonly CommitLogEntry[],
  entries: readonly CommitEntry[],
  how: (entry: CommitEntry) => 'merged' | 'replaced' | 'inserted',
): commit.CommitSpec => {
  const batch: CommitBatch = { jobId: 'j', target, strategy: 'merge', laneEpoch: 12, entries, committedAt: 1_705_000_000_123 };
  const decided = decideCommit(batch, known);
  const written = (wanted: ReturnType<typeof how>): readonly CommitEntry[] => [...decided.written].filter((each) => how(each) === wanted);
  return {
    target,
    stagingDataset: 'floodgate_staging',
    laneEpoch: 12,
    committedAt: batch.committedAt,
    strategy: 'merge',
    dates: entries.map(({ date }) => date),
    known,
    allowed: decided.allowed,
    entries: decided.entries,
    merged: written('merged'),
    replaced: written('replaced'),
    inserted: written('inserted'),
  };
};

const statements = {
  'prepare-commit-log': prepare.createCommitLog(target.table),
  'stage-select': stage.createStaging({ target, table, dates: [first, second], expiresInHours: 24 }, projections, stage.bindDates(body, dates)),
  'stage-select-with-gaps': stage.createStaging({ target, table, dates, expiresInHours: 24 }, projections, stage.bindDates(body, dates)),
  'stage-nothing': stage.selectNothing(target.columns),
  'stage-hashes': stage.selectStagedHashes(target, table),
  'stage-read': stage.selectStagedRows(target, table, first, 20),
  'stage-preserve': stage.createPreserved({ target, table: `${table}-kept`, dates: [first], expiresInHours: 720 }, table),
  'commit-merge': commit.commitScript(specOf([logged], [entry(first, 's_1'), entry(second, 's_1'), entry(third, 's_2')], () => 'merged')),
  'commit-replace-and-insert': commit.commitScript(
    specOf([logged], [entry(first, 's_1', { rewrite: true }), entry(second, 's_2')], ({ rewrite }) => (rewrite ? 'replaced' : 'inserted')),
  ),
  'commit-unchanged': commit.commitScript(specOf([{ ...logged, contentHash: '0f' }], [entry(first, 's_1')], () => 'merged')),
  'commit-fenced-out': commit.commitScript(specOf([{ ...logged, generation: 9_999_999_999 }], [entry(first, 's_1')], () => 'merged')),
  'fence-raise': commit.raiseFence(target.table, 12),
  'fence-read': commit.selectFence(target.table),
  'log-dates': commit.selectLog(target.table, dates),
  'log-all': commit.selectLog(target.table, 'all'),
} as const;

test.each(Object.entries(statements))('%s', async (name, sql) => {
  await expect(`${sql}\n`).toMatchFileSnapshot(`googlesql/${name}.sql`);
});

test('the first and the last date stand where a SELECT asks for them, and nowhere else', () => {
  const bound = (sql: string): string => stage.bindDates(sql, dates);
  expect(bound('SELECT @start_date, @END_DATE')).toBe("SELECT DATE '2024-01-14', DATE '2024-01-17'");
  const opaque = [
    "'@start_date'",
    '"\\"@end_date"',
    "'''it's @start_date'''",
    "r'\\'@start_date'",
    '`@end_date`',
    '-- @start_date',
    '# @end_date',
    '/* @start_date */',
    '@start_dates',
    '@@end',
  ];
  for (const text of opaque) expect(bound(text)).toBe(text);
  expect(bound("-- '\n@start_date")).toBe("-- '\nDATE '2024-01-14'");
});

test('spans of dates are found again in the description of a staging', () => {
  const description = stage.stagingDescription(target, [first, second, fourth]);
  expect(description).toBe('Floodgate staging of nba.team_games: 2024-01-14..2024-01-15 2024-01-18');
  expect([first, second, third, fourth].map((date) => stage.holdsDate(description, date))).toEqual([true, true, false, true]);
  expect(stage.holdsDate(undefined, first)).toBe(false);
});
