// The statements that Floodgate builds for DuckDB, readable in duckdb/*.sql. After a wanted change: vitest run -u.
import { expect, test } from 'vitest';
import { partitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Column, ColumnType } from '@floodgate/core/domain/pipeline.ts';
import { offencesOf } from '@floodgate/core/ports/check-offences.ts';
import type { CommitEntry, CommitLogEntry, TableSpec } from '@floodgate/core/ports/warehouse.ts';
import * as checks from '@floodgate/sql/duckdb/checks.ts';
import * as commit from '@floodgate/sql/duckdb/commit.ts';
import * as digest from '@floodgate/sql/duckdb/digest.ts';
import * as prepare from '@floodgate/sql/duckdb/prepare.ts';
import * as stage from '@floodgate/sql/duckdb/stage.ts';
import { quoteName, quoteTable } from '@floodgate/sql/duckdb/names.ts';

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
    column('quarters', 'ARRAY<FLOAT64>'),
    column('raw', 'BYTES'),
  ],
};
const [first, second] = [partitionDate('2024-01-14'), partitionDate('2024-01-17')];
const dates = [first, second];
const points = column('points', 'INT64');
const staged = { segment: 3, staging: 17n };
const kept = { preserved: "kept_o'hara", staging: 18n };
const entry = (date: typeof first, staging: string): CommitEntry => ({
  date,
  generation: 4_294_967_298,
  staging,
  contentHash: '0f',
  rows: 2,
  backfillId: 'b_1',
  rewrite: false,
});
const logged: CommitLogEntry = {
  date: first,
  generation: 4_294_967_298,
  contentHash: '0f',
  rows: 2,
  backfillId: 'b_1',
  committedAt: 1_705_000_000_123,
  outcome: 'committed',
};
const source: digest.ReadableSource = {
  name: 'schedule',
  description: '',
  files: ['schedule_*.parquet'],
  format: 'parquet',
  dateColumn: 'game_date',
  key: [],
  columns: target.columns.slice(0, 4),
};
const sourceColumns = source.columns.map((each) => ({ column: each, present: each.name !== 'points' }));
const projections = target.columns.map((each) => ({ column: each, expression: each.name === 'points' ? 'CAST("points" AS BIGINT)' : quoteName(each.name) }));
const body = 'SELECT * FROM "nba"."games" WHERE "game_date" BETWEEN CAST($start_date AS DATE) AND CAST($end_date AS DATE)';
const under = checks.checkedRows(target, { segment: 3 }, undefined);
const conditions = checks.googleSqlConditions(["team = 'LAL'", 'points > 1 -- scored']);

const statements = {
  'prepare-schema': prepare.createSchema('nba'),
  'prepare-target': prepare.createTarget(target),
  'prepare-commit-log': prepare.createCommitLog(target.table),
  'prepare-fence': prepare.insertFence(target.table),
  'prepare-add-column': prepare.addColumn(target.table, points),
  'prepare-comment': prepare.commentOnColumn(target.table, points),
  'prepare-columns': prepare.selectColumns(target.table),
  'prepare-preserved': prepare.createPreserved(target),
  'prepare-preserved-names': stage.createPreservedNames(),
  'stage-segment': stage.createSegment(target, 3),
  'stage-drop-segment': stage.dropSegment(3),
  'stage-select': stage.insertStaged(target, 3, projections, body, undefined),
  'stage-select-with-gaps': stage.insertStaged(target, 3, projections, body, dates),
  'stage-select-returning': stage.insertStagedReturning(target, 3, projections, body, undefined),
  'stage-rows': stage.insertStaged(
    target,
    3,
    target.columns.map((each) => ({ column: each, expression: stage.jsonProjection(each) })),
    stage.jsonRows(target.columns),
    undefined,
  ),
  'stage-hashes': stage.selectStagedHashes(target, 3),
  'stage-read': stage.selectStagedRows(target, staged, first, 20),
  'preserve-rows': stage.insertPreserved(target, "kept_o'hara", staged, first),
  'preserve-name': stage.insertPreservedName(target.table, "kept_o'hara", first),
  'preserve-drop-rows': stage.deletePreserved(target.table, ["kept_o'hara", 'kept_b']),
  'preserve-drop-names': stage.deletePreservedNames(target.table, ["kept_o'hara", 'kept_b']),
  'check-conditions-googlesql': conditions,
  'check-counts': checks.selectCounts(under, [
    checks.countMeasures(target, 0, checks.fromChecked(target, { segment: 3 }, undefined), undefined, [
      checks.countKeys(target.key),
      ...offencesOf({ type: 'required', columns: ['points', 'pace'] }, target.columns, undefined, checks.conditionDialect).map(({ condition }) =>
        checks.countWhere(condition),
      ),
    ]),
    checks.countExpectedRows(1, 'SELECT "date", 12 AS expected FROM "nba"."games"'),
    checks.countMissingKeys(target, 2, ['game_id', 'team'], 'SELECT "date", game_id, team FROM "nba"."games"'),
    checks.countViolations(3, 'SELECT game_date AS "date", team FROM staged WHERE points > 200'),
  ]),
  'check-counts-with-conditions': checks.selectCounts(checks.checkedRows(target, 'committed', dates), [
    checks.countMeasures(target, 0, checks.fromChecked(target, 'committed', dates), conditions, [checks.countWhere('_where_0 AND ("points" IS NULL)')]),
  ]),
  'check-offending': checks.selectOffending(target, under, undefined, '"points" IS NULL', ['game_id', 'team', 'points'], dates),
  'check-duplicates': checks.selectDuplicates(target, under, target.key, dates),
  'check-expected-keys': checks.selectMissingKeys(target, under, ['game_id', 'team'], 'SELECT "date", game_id, team FROM "nba"."games"'),
  'check-sql': checks.selectViolations(
    checks.checkedRows(target, { preserved: "kept_o'hara" }, dates),
    'SELECT game_date AS "date", team FROM staged WHERE points > 200',
  ),
  'commit-1-fence': commit.raiseFence(target.table),
  'commit-2-read-log': commit.selectLog(target.table, dates),
  'commit-3-delete-rows': commit.deleteDates(target, dates),
  'commit-4-insert-rows': commit.insertCommitted(target, [
    { entry: entry(first, 's'), rows: staged },
    { entry: entry(second, 's'), rows: { segment: 3, staging: 21n } },
    { entry: entry(second, 'kept'), rows: kept },
  ]),
  'commit-5-delete-log': commit.deleteLog(target.table, dates),
  'commit-6-insert-log': commit.insertLog(target.table, [logged, { ...logged, date: second, outcome: 'unchanged' }]),
  'log-all': commit.selectLog(target.table, 'all'),
  'digest-table': digest.selectDigest(quoteTable(target.table), target.partitionColumn, target.columns),
  'digest-keep-table': digest.createKeptDigests(),
  'digest-keep-read': digest.selectKeptDigests(),
  'digest-keep-delete': digest.deleteKeptDigests(),
  'digest-keep-insert': digest.insertKeptDigests(),
  'source-view-parquet': digest.createSourceView(source, source.name, ['/data/a.parquet', "/data/o'b.parquet"], sourceColumns),
  'source-view-csv': digest.createSourceView({ ...source, format: 'csv' }, source.name, ['/data/a.csv'], sourceColumns),
  'source-view-dates': digest.createSourceView({ ...source, format: 'ndjson' }, source.name, ['/data/2024-01-26.ndjson.gz'], sourceColumns, true),
  'source-empty': digest.createEmptySource(source, source.name),
  'source-table-ndjson': digest.createSourceTable({ ...source, format: 'ndjson' }, source.name, ['/data/a.ndjson'], sourceColumns),
} as const;

test.each(Object.entries(statements))('%s', async (name, sql) => {
  await expect(`${sql}\n`).toMatchFileSnapshot(`duckdb/${name}.sql`);
});
