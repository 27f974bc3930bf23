// The shipped pipelines through the real lint: GoogleSQL analysed by packages/sql, not by a hand-made analyser.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lintPipeline } from '@floodgate/core/pipeline/lint.ts';
import { formatProblem } from '@floodgate/core/pipeline/problem.ts';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import { analyzeSelect } from '@floodgate/sql/analyze.ts';
import { translateSelect } from '@floodgate/sql/translate.ts';
import { readPipelineFolder } from '@floodgate/system/pipeline-folders.ts';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, '..', '..', 'pipelines', 'nba');
const analyzer = { translate: translateSelect, analyze: analyzeSelect };

const lintWith = async (change: (file: string, text: string) => string): Promise<readonly string[]> => {
  const read = await readPipelineFolder(folder);
  const files = new Map([...(read ?? [])].map(([file, text]) => [file, change(file, text)]));
  const pipeline = readPipeline(files);
  if (!pipeline.ok) return pipeline.problems.map((problem) => formatProblem(problem));
  return lintPipeline(pipeline.pipeline, files, analyzer).map((problem) => formatProblem(problem));
};

test('the NBA pipeline has no problems', async () => {
  expect(await lintWith((_, text) => text)).toEqual([]);
});

const offense = 'processors/team_offense_game_summary.sql';
const inOffense =
  (change: (text: string) => string) =>
  (file: string, text: string): string =>
    file === offense ? change(text) : text;

test('a read without the lower bound of its window is found, with the predicate to add', async () => {
  const sql = readFileSync(join(folder, offense), 'utf8');
  const broken = sql.replaceAll(/BETWEEN @start_date AND @end_date/g, '<= @end_date');
  expect(broken).not.toBe(sql);
  const problems = await lintWith(inOffense(() => broken));
  expect(problems.join('\n')).toMatch(/team_offense_game_summary\.sql:\d+.*@start_date/s);
});

test('a table that is read but not declared is named with its line', async () => {
  const problems = await lintWith(inOffense((text) => text.replace('nba_raw.nbac_team_boxscore', 'nba_raw.somebody_elses_table')));
  expect(problems.join('\n')).toMatch(/team_offense_game_summary\.sql:\d+.*nba_raw\.somebody_elses_table/);
});

test('a nondeterministic function is an error', async () => {
  const problems = await lintWith(inOffense((text) => text.replace(/SELECT/, 'SELECT CURRENT_TIMESTAMP() AS now_at,')));
  expect(problems.join('\n')).toMatch(/CURRENT_TIMESTAMP/);
});
