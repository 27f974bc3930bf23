// Every statement that BigQuery would be sent for the shipped pipelines, all phases of them, given to Google's own analyzer. Nothing is
// computed: that the rows are right is for others to show, that BigQuery would run it at all is shown here, in seconds.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CodeFunction } from '@floodgate/core/app/deps.ts';
import type { Processor } from '@floodgate/core/domain/pipeline.ts';
import { formatProblem } from '@floodgate/core/pipeline/problem.ts';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import { readPipelineFolder } from '@floodgate/system/pipeline-folders.ts';
import { startRowlessBigQuery, type RowlessBigQuery } from '../support/rowless-bigquery.ts';
import { isZetaSqlInstalled, isZetaSqlRequired, ZETASQL_MISSING } from '../support/zetasql.ts';
import { analyzePipeline, type AnalyzedPipeline } from './analyze-pipeline.ts';

const pipelinesFolder = join(import.meta.dirname, '../../pipelines');
const shipped = readdirSync(pipelinesFolder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

/** The pipeline that README.md shows is shipped too. */
const shown = 'README.md';

const filesOf = async (name: string): Promise<ReadonlyMap<string, string>> => {
  if (name !== shown) return (await readPipelineFolder(join(pipelinesFolder, name))) ?? new Map<string, string>();
  const blocks = readFileSync(join(pipelinesFolder, '..', shown), 'utf8').matchAll(/```(?:yaml|sql)\n(?:#|--) pipelines\/sales\/(\S+)\n([\s\S]*?)```/g);
  return new Map([...blocks].map(([, path = '', text = '']) => [path, text]));
};

const importCode = async (name: string, { sourceFile }: Processor): Promise<CodeFunction> =>
  ((await import(pathToFileURL(join(pipelinesFolder, name, sourceFile)).href)) as { readonly rows: CodeFunction }).rows;

const missing = isZetaSqlInstalled || isZetaSqlRequired ? undefined : ZETASQL_MISSING;

// A quarter of a minute where nothing else runs.
describe.skipIf(missing !== undefined)(`Google’s analyzer${missing === undefined ? '' : ` (${missing})`}`, { timeout: 90_000 }, () => {
  let bigquery: RowlessBigQuery;
  beforeAll(async () => {
    bigquery = await startRowlessBigQuery();
  }, 60_000);
  afterAll(() => bigquery?.[Symbol.asyncDispose]());

  const analyze = (
    name: string,
    files: ReadonlyMap<string, string>,
    more: { only?: readonly string[]; code?: CodeFunction } = {},
  ): Promise<AnalyzedPipeline> => {
    const read = readPipeline(files);
    if (!read.ok) throw new Error(read.problems.map((problem) => formatProblem(problem)).join('\n'));
    const { only, code } = more;
    return analyzePipeline(bigquery, {
      pipeline: read.pipeline,
      files,
      code: async (processor) => code ?? importCode(name, processor),
      ...(only === undefined ? {} : { only }),
    });
  };

  test.each([...shipped, shown])('accepts every statement of %s, and its SELECTs yield what is declared', async (name) => {
    const files = await filesOf(name);
    const { pipeline, statements, problems } = await analyze(name, files);
    expect(problems).toEqual([]);

    // That nothing was left out: each processor with its SELECTs, checks and both kinds of commits.
    const kindsOf = (id: string): ReadonlySet<string> => new Set(statements.get(id)?.map(({ kind }) => kind));
    const needed = ['SELECT', 'CREATE_TABLE_AS_SELECT', 'UPDATE', 'BEGIN_TRANSACTION', 'ASSERT', 'MERGE', 'DELETE', 'INSERT', 'COMMIT_TRANSACTION'];
    for (const { id, kind } of pipeline.processors) expect([...kindsOf(id)], id).toEqual(expect.arrayContaining(kind === 'external' ? ['SELECT'] : needed));
    expect(statements.get('')?.length).toBeGreaterThanOrEqual(1 + pipeline.sources.length);
    const texts = [...statements.values()].flatMap((of) => of.map(({ sql }) => sql));
    for (const { kind, audits, sourceFile, source } of pipeline.processors) {
      // Words of a text, wherever its dates and sources stand: the longest line without either.
      if (kind === 'sql' || kind === 'load')
        expect(
          texts.some((text) => text.includes(longestLine(source))),
          sourceFile,
        ).toBe(true);
      for (const { check } of audits)
        if ('sql' in check)
          expect(
            texts.some((text) => text.includes(longestLine(check.sql))),
            check.sql,
          ).toBe(true);
    }
    for (const { gate } of pipeline.phases)
      for (const { check } of gate.checks)
        if ('sql' in check)
          expect(
            texts.some((text) => text.includes(longestLine(check.sql))),
            check.sql,
          ).toBe(true);
    const distinct = new Set(texts).size;
    process.stdout.write(`${name}: ${distinct} different statements of ${pipeline.processors.length} processors accepted\n`);
    expect(distinct).toBeGreaterThan(25 * pipeline.processors.length);
  });

  /** Each in another file of the pipeline: what stands there, what takes its place, and what must be said of it. */
  const faults: readonly (readonly [file: string, from: string, to: string, problem: string])[] = [
    [
      'processors/team_offense_game_summary.sql',
      'game_id, game_status',
      'game_id, game_state',
      'processors/team_offense_game_summary.sql: staging: Unrecognized name: game_state; Did you mean game_date? at [19:30]',
    ],
    // The warehouse would coerce it.
    [
      'processors/points_estimates.yaml',
      'season_year: { type: INT64',
      'season_year: { type: NUMERIC',
      'processors/points_estimates.sql: columns: declared season_year NUMERIC, yields season_year INT64',
    ],
    [
      'checks/schedule_features_agree.sql',
      'f_days_rest = 0',
      'epoch(game_date) = 0',
      'checks/schedule_features_agree.sql: audit ml_feature_store_v2 schedule_features_agree: Function not found: epoch',
    ],
    [
      'processors/fetch_schedule.yaml',
      '`rows` != games',
      'rows != games',
      'processors/fetch_schedule.yaml: gate fetch_schedule all_landed_games_are_read: Syntax error: Unexpected keyword ROWS',
    ],
    [
      'processors/points_estimates.yaml',
      'where: is_quality_ready',
      'where: is_quality_redy',
      'processors/points_estimates.yaml: gate ml_feature_store_v2 not_null(f_points_avg_season): Unrecognized name: is_quality_redy',
    ],
    ['calendar.sql', 'COUNT(*) AS items', 'COUNT(*) AS games', 'calendar.sql: calendar: declared items INT64, yields games INT64'],
  ];

  test('finds what is planted, and names the file', async () => {
    const files = new Map(await filesOf('nba'));
    for (const [file, from, to] of faults) {
      expect(files.get(file), file).toContain(from);
      files.set(file, (files.get(file) ?? '').replace(from, to));
    }
    const only = ['team_offense_game_summary', 'points_estimates', 'ml_feature_store_v2', 'fetch_schedule'];
    const { problems } = await analyze('nba', files, { only });
    for (const [, , , problem] of faults) expect(problems).toContainEqual(expect.stringContaining(problem));
    // A check is both an audit and one of the gate.
    expect(new Set(problems.map((problem) => problem.replace(/: (audit|gate) /, ': '))).size).toBe(faults.length);
  });

  test.each<[what: string, code: CodeFunction, problem: RegExp]>([
    [
      'asks what BigQuery does not know',
      async function* ({ query }) {
        yield* await query('SELECT list_sum([points]) AS points FROM nba_raw.nbac_team_boxscore WHERE game_date = @start_date');
      },
      /^processors\/regression_estimates\.ts: query: Function not found: list_sum/,
    ],
    ['asks nothing', async function* () {}, /^processors\/regression_estimates\.ts: the code asked for nothing/],
  ])('finds code that %s', async (_, code, problem) => {
    const { problems } = await analyze('nba', await filesOf('nba'), { only: ['regression_estimates'], code });
    expect(problems).toEqual([expect.stringMatching(problem)]);
  });
});

const longestLine = (sql: string): string =>
  sql
    .split('\n')
    .filter((line) => !/@|source\./.test(line))
    .reduce((longest, line) => (line.length > longest.length ? line : longest), '')
    .trim();
