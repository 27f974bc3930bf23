// What floodgate demo finds on disk: the files of the sources, season by season where a source has one file a season.
import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasSimulatedData, seasonsFrom, simulatedFolder, writeSimulatedData } from './simulated-data.ts';

const nba = join(import.meta.dirname, '../../pipelines/nba');
const loadNba = (): Pipeline => {
  const names = readdirSync(nba, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = new Map(
    names.map((entry) => [join(entry.parentPath, entry.name).slice(nba.length + 1), readFileSync(join(entry.parentPath, entry.name), 'utf8')]),
  );
  const outcome = readPipeline(files);
  if (!outcome.ok) throw new Error(outcome.problems.map(({ file, line, message }) => `${file}:${line} ${message}`).join('\n'));
  return outcome.pipeline;
};

const options = { seed: 'files', season: '2021-22', seasons: 2, games: 1_345 };
let folder: string;
let pipeline: Pipeline;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floodgate-simulated-'));
  const whole = loadNba();
  const [games] = whole.sources;
  if (games === undefined) throw new Error('the pipeline has no sources');
  // One of which the league has nothing, but which may be absent.
  const unknown = { ...games, name: 'referees', files: ['referees.parquet'], optional: true as const };
  pipeline = { ...whole, sources: [...whole.sources.filter(({ name }) => ['games', 'play_by_play', 'players', 'injury_reports'].includes(name)), unknown] };
  await writeSimulatedData(pipeline, folder, options, () => undefined);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test('seasons follow one another by name, over the turn of a century too', () => {
  expect(seasonsFrom('2021-22', 4)).toEqual(['2021-22', '2022-23', '2023-24', '2024-25']);
  expect(seasonsFrom('2098-99', 2)).toEqual(['2098-99', '2099-00']);
  expect(simulatedFolder('home', { seed: 'demo', season: '2023-24' })).toBe(join('home', 'demo-data', '2023-24-demo'));
  expect(simulatedFolder('home', options)).toBe(join('home', 'demo-data', '2021-22-2-seasons-files-1345-games'));
});

test('all sources that the league knows have their files, those of a season by season', async () => {
  expect(readdirSync(folder).toSorted()).toEqual([
    'games.parquet',
    'injury_reports.parquet',
    'play_by_play_2021-22.parquet',
    'play_by_play_2022-23.parquet',
    'players.parquet',
  ]);
  expect(await hasSimulatedData(pipeline, folder, options)).toBe(true);
  expect(await hasSimulatedData(pipeline, folder, { ...options, seasons: 3 })).toBe(false);
});

test('the games of a season are in its file and in no other, and every game has its events', async () => {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect();
  const ask = async (sql: string): Promise<unknown> => (await connection.runAndReadAll(sql)).getRowObjectsJson();
  const path = (name: string): string => `'${join(folder, name).replaceAll("'", "''")}'`;
  try {
    expect(
      await ask(`SELECT season, COUNT(*)::INT AS games FROM ${path('games.parquet')} WHERE season_type = 'regular' GROUP BY season ORDER BY season`),
    ).toEqual([
      { season: '2021-22', games: 1230 },
      { season: '2022-23', games: expect.any(Number) as number },
    ]);
    for (const season of seasonsFrom('2021-22', 2)) {
      const events = path(`play_by_play_${season}.parquet`);
      expect(await ask(`SELECT DISTINCT season FROM ${events}`)).toEqual([{ season }]);
      expect(
        await ask(
          `SELECT COUNT(*)::INT AS missing FROM ${path('games.parquet')} WHERE season = '${season}' AND season_type != 'playin' AND game_id NOT IN (SELECT game_id FROM ${events})`,
        ),
      ).toEqual([{ missing: 0 }]);
    }
    expect(await ask(`SELECT COUNT(*)::INT AS players FROM ${path('players.parquet')}`)).toEqual([{ players: 1020 }]);
  } finally {
    connection.closeSync();
  }
});
