import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BigQueryProblem } from '../problem.ts';
import type { Analyzer, ParameterTypes, StatementContext } from '../statement.ts';
import { formatTableId } from '../types.ts';
import type { TableSchema } from '../types.ts';
import { formatType, parseType, readSchema } from '../values/types.ts';
import { startAnalyzer } from './analyzer.ts';
import { defaultFolder, packageFolder } from './install.ts';

const isMissing = !existsSync(packageFolder(defaultFolder)) && process.env['REQUIRE_ZETASQL'] !== '1';

const games = readSchema({
  fields: [
    { name: 'game_id', type: 'INTEGER', mode: 'REQUIRED' },
    { name: 'game_date', type: 'DATE' },
    { name: 'team', type: 'STRING' },
    { name: 'score', type: 'FLOAT' },
    { name: 'paid', type: 'NUMERIC' },
    { name: 'played_at', type: 'TIMESTAMP' },
    { name: 'players', type: 'RECORD', mode: 'REPEATED', fields: [{ name: 'name', type: 'STRING' }] },
  ],
});
const views = readSchema({ fields: [{ name: 'table_name', type: 'STRING' }] });
const tables = new Map<string, TableSchema>([
  ['p-1:nba.games', games],
  ['p-1:nba.staged', games],
  ['p-1:nba.we-ird', games],
  ['other:nba.games', views],
  ['p-1:nba.INFORMATION_SCHEMA.TABLES', views],
]);
const contextOf = (parameterTypes: ParameterTypes = new Map()): StatementContext => ({
  projectId: 'p-1',
  defaultDataset: { projectId: 'p-1', datasetId: 'nba' },
  parameterTypes,
  lookUp: (table) => tables.get(formatTableId(table)),
  hasDataset: ({ datasetId }) => datasetId === 'nba',
});
const typesOf = (types: Readonly<Record<string, string>>): ParameterTypes => new Map(Object.entries(types).map(([name, type]) => [name, parseType(type)]));
const columnsText = (columns: readonly { name: string; type: Parameters<typeof formatType>[0] }[]): string =>
  columns.map(({ name, type }) => `${name} ${formatType(type)}`.trim()).join(', ');

describe.skipIf(isMissing)("Google's analyzer", () => {
  let analyzer: Analyzer;
  beforeAll(async () => {
    analyzer = await startAnalyzer();
  });
  afterAll(() => analyzer[Symbol.asyncDispose]());
  const refusal = async (sql: string, types: Readonly<Record<string, string>> = {}): Promise<BigQueryProblem> =>
    analyzer.analyze(sql, contextOf(typesOf(types))).then(
      () => Promise.reject(new Error('accepted')),
      (error: BigQueryProblem) => error,
    );

  it.each([
    ['SELECT game_id, team, 1 FROM games', 'game_id INT64, team STRING, INT64', ['p-1:nba.games']],
    ['SELECT games.team FROM nba.games', 'team STRING', ['p-1:nba.games']],
    ['SELECT games.team FROM `nba.games`', 'team STRING', ['p-1:nba.games']],
    ['SELECT games.team FROM `p-1.nba.games`', 'team STRING', ['p-1:nba.games']],
    ['SELECT games.team FROM `p-1`.nba.games', 'team STRING', ['p-1:nba.games']],
    ['SELECT games.team FROM `p-1.nba`.games', 'team STRING', ['p-1:nba.games']],
    ['SELECT games.team FROM `p-1`.`nba.games`', 'team STRING', ['p-1:nba.games']],
    ['SELECT games.team FROM p-1.nba.games', 'team STRING', ['p-1:nba.games']],
    ['SELECT `we-ird`.team FROM `nba.we-ird`', 'team STRING', ['p-1:nba.we-ird']],
    ['SELECT table_name FROM other.nba.games', 'table_name STRING', ['other:nba.games']],
    ['SELECT a.team FROM games a JOIN `p-1.nba.staged` b USING (game_id)', 'team STRING', ['p-1:nba.games', 'p-1:nba.staged']],
    ['SELECT * FROM nba.INFORMATION_SCHEMA.TABLES', 'table_name STRING', ['p-1:nba.INFORMATION_SCHEMA.TABLES']],
    ['SELECT * FROM `p-1.nba.INFORMATION_SCHEMA.TABLES`', 'table_name STRING', ['p-1:nba.INFORMATION_SCHEMA.TABLES']],
    ['SELECT * FROM `p-1.nba`.information_schema.tables', 'table_name STRING', ['p-1:nba.INFORMATION_SCHEMA.TABLES']],
    ['WITH games AS (SELECT 1 AS x) SELECT x FROM games', 'x INT64', []],
    ['SELECT p.name FROM games, games.players AS p', 'name STRING', ['p-1:nba.games']],
    ['SELECT team, ROW_NUMBER() OVER (PARTITION BY team ORDER BY played_at) AS n FROM games QUALIFY n = 1', 'team STRING, n INT64', ['p-1:nba.games']],
    [
      "SELECT ARRAY_AGG(STRUCT(team, paid)) AS rows_ FROM games WHERE game_date BETWEEN '2024-01-01' AND CURRENT_DATE()",
      'rows_ ARRAY<STRUCT<team STRING, paid NUMERIC>>',
      ['p-1:nba.games'],
    ],
    ['SELECT @@row_count AS n', 'n INT64', []],
    ['SELECT 1 LIMIT 1;', 'INT64', []],
  ])('%s', async (sql, columns, reads) => {
    const statement = await analyzer.analyze(sql, contextOf());
    expect(statement).toMatchObject({ kind: 'SELECT', sql });
    expect(columnsText(statement.columns)).toBe(columns);
    expect(statement.reads.map(formatTableId)).toEqual(reads);
    expect(statement.target).toBeUndefined();
  });

  it.each([
    ['INSERT INTO games (game_id, team) VALUES (1, DEFAULT), (2, NULL)', 'INSERT', 'nba.games', []],
    ['INSERT `p-1.nba.games` SELECT * FROM staged', 'INSERT', 'nba.games', ['nba.staged']],
    ['INSERT games (game_id) SELECT game_id FROM games', 'INSERT', 'nba.games', ['nba.games']],
    ["UPDATE games SET team = 'a' WHERE game_id = 1", 'UPDATE', 'nba.games', ['nba.games']],
    ['UPDATE games t SET team = s.team FROM staged s WHERE t.game_id = s.game_id', 'UPDATE', 'nba.games', ['nba.games', 'nba.staged']],
    ['DELETE FROM games WHERE TRUE', 'DELETE', 'nba.games', ['nba.games']],
    ['TRUNCATE TABLE `nba.games`', 'TRUNCATE_TABLE', 'nba.games', []],
    [
      "MERGE `p-1.nba.games` AS t USING (SELECT * FROM `nba.staged`) s ON t.game_id = s.game_id AND t.game_date IN ('2024-01-01') " +
        'WHEN MATCHED AND t.team != s.team THEN UPDATE SET team = s.team, score = DEFAULT WHEN NOT MATCHED BY TARGET THEN INSERT ROW ' +
        "WHEN NOT MATCHED BY SOURCE AND t.game_date IN (DATE '2024-01-01') THEN DELETE",
      'MERGE',
      'nba.games',
      ['nba.games', 'nba.staged'],
    ],
    [
      'MERGE games t USING staged s ON FALSE WHEN NOT MATCHED THEN INSERT (game_id, team) VALUES (s.game_id, DEFAULT)',
      'MERGE',
      'nba.games',
      ['nba.games', 'nba.staged'],
    ],
    // The target's alias is no dataset, and behind USING no alias yet.
    [
      'MERGE games T USING staged s ON EXISTS (SELECT 1 FROM t.players p WHERE p.name = s.team) WHEN NOT MATCHED THEN INSERT ROW',
      'MERGE',
      'nba.games',
      ['nba.games', 'nba.staged'],
    ],
    [
      'MERGE INTO games AS nba USING nba.staged s ON nba.team = s.team WHEN MATCHED AND EXISTS (SELECT 1 FROM nba.players) THEN DELETE',
      'MERGE',
      'nba.games',
      ['nba.games', 'nba.staged'],
    ],
    [
      "CREATE TABLE made (id INT64 NOT NULL, d DATE, n NUMERIC(10, 2), s STRING DEFAULT 'x', r ARRAY<STRUCT<x INT64>>) PARTITION BY d CLUSTER BY id OPTIONS (description = 'x')",
      'CREATE_TABLE',
      'nba.made',
      [],
    ],
    ['CREATE TABLE IF NOT EXISTS `p-1.nba.made` (id INT64) PARTITION BY RANGE_BUCKET(id, GENERATE_ARRAY(0, 100, 10))', 'CREATE_TABLE', 'nba.made', []],
    ['CREATE TABLE made LIKE games', 'CREATE_TABLE', 'nba.made', []],
    [
      'CREATE OR REPLACE TABLE nba.made PARTITION BY DATE_TRUNC(game_date, MONTH) AS SELECT game_date FROM games',
      'CREATE_TABLE_AS_SELECT',
      'nba.made',
      ['nba.games'],
    ],
    ['DROP TABLE IF EXISTS `p-1`.nba.made', 'DROP_TABLE', 'nba.made', []],
    ["CREATE SCHEMA IF NOT EXISTS made OPTIONS (location = 'US')", 'CREATE_SCHEMA', 'made.', []],
    ['DROP SCHEMA `p-1.made` CASCADE', 'DROP_SCHEMA', 'made.', []],
    ['BEGIN', 'BEGIN_TRANSACTION', undefined, []],
    ['BEGIN TRANSACTION', 'BEGIN_TRANSACTION', undefined, []],
    ['COMMIT TRANSACTION', 'COMMIT_TRANSACTION', undefined, []],
    ['ROLLBACK', 'ROLLBACK_TRANSACTION', undefined, []],
    ["ASSERT @@row_count = (SELECT COUNT(*) FROM games) AS 'exactly one row'", 'ASSERT', undefined, ['nba.games']],
  ])('%s', async (sql, kind, target, reads) => {
    const statement = await analyzer.analyze(sql, contextOf());
    expect(statement.kind).toBe(kind);
    expect(statement.reads.map(formatTableId)).toEqual(reads.map((name) => `p-1:${name}`));
    expect(statement.target === undefined ? undefined : formatTableId(statement.target)).toBe(target === undefined ? undefined : `p-1:${target}`);
    expect(columnsText(statement.columns)).toBe(kind === 'CREATE_TABLE_AS_SELECT' ? 'game_date DATE' : '');
  });

  it.each([
    ['SELECT @day AS d, @Teams AS t', { day: 'DATE', teams: 'ARRAY<STRUCT<name STRING>>' }, 'd DATE, t ARRAY<STRUCT<name STRING>>', undefined],
    ["SELECT ? AS a, '?' AS b, ? AS c", { _p1: 'INT64', _p2: 'JSON' }, 'a INT64, b STRING, c JSON', "SELECT @_p1 AS a, '?' AS b, @_p2 AS c"],
    ['SELECT @x IS NULL', { x: 'BYTES', y: 'TIME', '@@row_count': 'INT64' }, 'BOOL', undefined],
  ] as const)('%s with parameters', async (sql, types, columns, named) => {
    const statement = await analyzer.analyze(sql, contextOf(typesOf(types)));
    expect(columnsText(statement.columns)).toBe(columns);
    expect(statement.sql).toBe(named ?? sql);
  });

  it.each([
    ['SELECT * FORM games', 'invalidQuery', 'Syntax error: Expected end of input but got identifier "FORM" at [1:10]'],
    ['', 'invalidQuery', 'Syntax error: Unexpected end of statement at [1:1]'],
    ["SELECT 'a", 'invalidQuery', 'Syntax error: Unclosed string literal at [1:8]'],
    ['SELECT 1; SELECT 2', 'invalidQuery', 'Syntax error: Expected end of input but got keyword SELECT at [1:11]'],
    ['SELECT\n\tgame_idd\nFROM `p-1.nba.games`', 'invalidQuery', 'Unrecognized name: game_idd; Did you mean game_id? at [2:9]'],
    ['SELECT g.x FROM `p-1.nba.games` g', 'invalidQuery', 'Name x not found inside g at [1:10]'],
    ['SELECT game_id + team FROM games', 'invalidQuery', 'No matching signature for operator + for argument types: INT64, STRING'],
    ["SELECT game_id + 'a' FROM games", 'invalidQuery', 'Could not cast literal'],
    ['SELECT players = players FROM games', 'invalidQuery', 'Equality is not defined for arguments of type ARRAY<STRUCT<name STRING>> at [1:8]'],
    [
      'SELECT team FROM games GROUP BY game_id',
      'invalidQuery',
      'SELECT list expression references column team which is neither grouped nor aggregated at [1:8]',
    ],
    ['SELECT 1 AS a, 2 AS A', 'invalidQuery', 'Duplicate column names in the result are not supported. Found duplicate(s): A'],
    ['SELECT no_such_function(1)', 'invalidQuery', 'Function not found: no_such_function at [1:8]'],
    ['INSERT games (game_id) VALUES (1, 2)', 'invalidQuery', 'Inserted row has wrong column count; Has 2, expected 1 at [1:31]'],
    [
      "INSERT games (game_id) VALUES ('x')",
      'invalidQuery',
      'Value has type STRING which cannot be inserted into column game_id, which has type INT64 at [1:32]',
    ],
    ['DELETE FROM games', 'invalidQuery', 'DELETE must have a WHERE clause at [1:1]'],
    ['UPDATE games SET nothing = 1 WHERE TRUE', 'invalidQuery', 'Unrecognized name: nothing at [1:18]'],
    ['MERGE games t USING staged s ON t.game_id = s.game_id WHEN MATCHED THEN INSERT ROW', 'invalidQuery', 'INSERT is only allowed for NOT MATCHED BY TARGET'],
    ['CREATE TABLE made AS SELECT 1', 'invalidQuery', 'CREATE TABLE columns must be named, but column 1 has no name'],
    ['CREATE TABLE made (a INT63)', 'invalidQuery', 'Type not found: INT63 at [1:22]'],
    ['SELECT 1 INTERSECT ALL SELECT 1', 'invalidQuery', 'INTERSECT ALL is not supported'],
    ['SELECT @day', 'invalidQuery', "Query parameter 'day' not found at [1:8]"],
    ['SELECT ?', 'invalidQuery', 'Query parameter number 1 is not defined (0 provided) at [1:8]'],
    ['SHOW TABLES', 'invalidQuery', 'Statement not supported: ShowStatement'],
    ['SELECT * FROM gone', 'notFound', 'Not found: Table p-1:nba.gone was not found in location US'],
    ['SELECT * FROM `p-1.nba.gone`', 'notFound', 'Not found: Table p-1:nba.gone was not found in location US'],
    ['INSERT nowhere.games (a) VALUES (1)', 'notFound', 'Not found: Dataset p-1:nowhere was not found in location US'],
    ['MERGE games t USING t.gone s ON TRUE WHEN MATCHED THEN DELETE', 'notFound', 'Not found: Dataset p-1:t was not found in location US'],
    ['SELECT * FROM nba.INFORMATION_SCHEMA.NOTHING', 'notFound', 'INFORMATION_SCHEMA.NOTHING'],
    ['SELECT * FROM a.b.c.d', 'invalid', 'too many parts'],
    ['SELECT * FROM nba.__TABLES__', 'notImplemented', 'the meta-table __TABLES__'],
    ['SELECT ddl FROM nba.INFORMATION_SCHEMA.TABLES', 'notImplemented', 'the column ddl of INFORMATION_SCHEMA.TABLES'],
    ['SELECT t.ddl FROM nba.INFORMATION_SCHEMA.TABLES t', 'notImplemented', 'the column ddl of INFORMATION_SCHEMA.TABLES'],
    ['SELECT ddl FROM games', 'invalidQuery', 'Unrecognized name: ddl'],
    ['SELECT * FROM `nba.games_*`', 'notImplemented', 'wildcard tables'],
    ['SELECT * FROM `nba.games$20240101`', 'notImplemented', 'table decorators'],
    ['SELECT * FROM `region-us`.INFORMATION_SCHEMA.JOBS', 'notImplemented', 'INFORMATION_SCHEMA of a region'],
    ['SELECT _PARTITIONTIME FROM games', 'notImplemented', '_PARTITIONTIME'],
    ['SELECT AS STRUCT 1 AS a', 'notImplemented', 'SELECT AS STRUCT'],
    ['SELECT ST_NEXT(1)', 'notImplemented', 'ST_NEXT'],
    ['SELECT MAX_BY(team, score) FROM games', 'notImplemented', 'MAX_BY'],
    ['SELECT ST_GEOGPOINT(1, 2)', 'notImplemented', 'the type GEOGRAPHY'],
    ["SELECT BIGNUMERIC '1'", 'notImplemented', 'the type BIGNUMERIC'],
    ['SELECT INTERVAL 1 DAY AS i', 'notImplemented', 'the type INTERVAL'],
    ['FROM games |> SELECT team', 'notImplemented', 'pipe syntax'],
    ['SELECT @@project_id', 'notImplemented', '@@project_id'],
    ['CREATE TEMP TABLE made (a INT64)', 'notImplemented', 'CREATE TEMP TABLE'],
    ['CREATE OR REPLACE VIEW v AS SELECT 1', 'notImplemented', 'CREATE VIEW'],
    ['CREATE MATERIALIZED VIEW v AS SELECT 1', 'notImplemented', 'CREATE MATERIALIZED VIEW'],
    ['CREATE TEMP FUNCTION f() AS (1)', 'notImplemented', 'CREATE TEMP FUNCTION'],
    ['CREATE PROCEDURE p() BEGIN END', 'notImplemented', 'CREATE PROCEDURE'],
    ['CREATE SNAPSHOT TABLE s CLONE games', 'notImplemented', 'CREATE SNAPSHOT TABLE'],
    ['DROP VIEW v', 'notImplemented', 'DROP VIEW'],
    ['ALTER TABLE games ADD COLUMN x INT64', 'notImplemented', 'ALTER TABLE'],
    ["EXPORT DATA OPTIONS (uri = 'x') AS SELECT 1", 'notImplemented', 'EXPORT DATA'],
    ['DECLARE x INT64', 'notImplemented', 'DECLARE'],
  ] as const)('%s is refused: %s', async (sql, reason, message) => {
    const problem = await refusal(sql);
    expect(problem).toMatchObject({ reason, message: expect.stringContaining(message) as string });
  });

  it('refuses named parameters beside positional ones, and the other way round', async () => {
    expect((await refusal('SELECT @a', { _p1: 'INT64' })).message).toBe('Named parameters are not supported at [1:8]');
    expect((await refusal('SELECT ?', { a: 'INT64' })).message).toBe('Positional parameters are not supported at [1:8]');
    expect((await refusal('SELECT ?,\n ? + x', { _p1: 'INT64', _p2: 'INT64' })).message).toBe('Unrecognized name: x at [2:6]');
  });

  it('wants a dataset for a bare name where there is no default', async () => {
    const { defaultDataset: _, ...context } = contextOf();
    await expect(analyzer.analyze('SELECT * FROM games', context)).rejects.toMatchObject({
      reason: 'invalid',
      message: 'Table "games" must be qualified with a dataset (e.g. dataset.table).',
    });
  });

  it('answers a statement again from memory, but not where a schema or parameter has changed', async () => {
    const sql = 'SELECT x.v, @p AS p FROM nba.x';
    const withColumn = (type: string, parameter: string): StatementContext => {
      const schema = readSchema({ fields: [{ name: 'v', type }] });
      return { ...contextOf(typesOf({ p: parameter })), lookUp: () => schema };
    };
    expect(columnsText((await analyzer.analyze(sql, withColumn('INT64', 'DATE'))).columns)).toBe('v INT64, p DATE');
    expect(columnsText((await analyzer.analyze(sql, withColumn('STRING', 'DATE'))).columns)).toBe('v STRING, p DATE');
    expect(columnsText((await analyzer.analyze(sql, withColumn('STRING', 'BOOL'))).columns)).toBe('v STRING, p BOOL');
    const startedAt = performance.now();
    for (let again = 0; again < 100; again += 1) await analyzer.analyze(sql, withColumn('INT64', 'DATE'));
    expect(performance.now() - startedAt).toBeLessThan(500);
  });

  it('takes deep and long statements, and refuses what is beyond Google’s own stack', async () => {
    const columns = async (sql: string) => columnsText((await analyzer.analyze(sql, contextOf())).columns);
    expect(await columns(`SELECT ${'1 + '.repeat(300)}1`)).toBe('INT64');
    expect(await columns(`SELECT ${'('.repeat(2000)}1${')'.repeat(2000)}`)).toBe('INT64');
    expect(await columns(`SELECT 1 IN (${Array.from({ length: 5000 }, (_, index) => index).join(', ')})`)).toBe('BOOL');
    expect((await refusal(`SELECT ${'1 + '.repeat(10_000)}1`)).reason).toBe('resourcesExceeded');
    expect((await refusal(`SELECT '${'x'.repeat(1_100_000)}'`)).message).toContain('The query is too large');
  });

  it('outlives its process: what ran is tried again, and the next statements find another', async () => {
    const others = new Set(analyzerProcesses());
    await using own = await startAnalyzer();
    // Several times: the end of the process and the end of its connection are known in one order or the other.
    for (const round of ['a', 'b', 'c']) {
      const [pid] = analyzerProcesses().filter((process) => !others.has(process));
      const running = Promise.all(Array.from({ length: 10 }, (_, index) => own.analyze(`SELECT team, ${index} AS ${round} FROM games`, contextOf())));
      process.kill(Number(pid), 'SIGKILL');
      expect((await running).every(({ kind }) => kind === 'SELECT')).toBe(true);
      expect(analyzerProcesses()).not.toContain(pid);
    }
  });

  it('ends with its owner', async () => {
    const others = new Set(analyzerProcesses());
    const own = await startAnalyzer();
    expect(analyzerProcesses().filter((pid) => !others.has(pid))).toHaveLength(1);
    await own[Symbol.asyncDispose]();
    await expect.poll(() => analyzerProcesses().filter((pid) => !others.has(pid))).toEqual([]);
    await expect(own.analyze('SELECT 54321', contextOf())).rejects.toMatchObject({ reason: 'internalError' });
  });

  it('gives a call no longer than its deadline', async () => {
    await using hasty = await startAnalyzer({ deadlineMs: 60 });
    await expect(hasty.analyze(`SELECT ${'1 + '.repeat(900)}1`, contextOf())).rejects.toMatchObject({
      reason: 'internalError',
      message: expect.stringContaining('60 ms') as string,
    });
  });
});

/** Analyzers that this process has started: children of the shells that guard them. */
function analyzerProcesses(): readonly string[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/u));
  const shells = new Set(rows.filter(([, parent]) => parent === String(process.pid)).map(([pid]) => pid));
  return rows.filter(([, parent, command = '']) => shells.has(parent) && command.includes('remote_server')).map(([pid = '']) => pid);
}
