// A season of the simulated league as the files that the NBA pipeline reads: for trying Floodgate without data.
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { simulateLeague, type SimulatedGameRows } from '@floodgate/pipeline-nba/sources/simulated-league.ts';
import { writeParquet } from './embedded-home.ts';

export type SimulatedOptions = { readonly seed: string; readonly season: string; readonly games?: number };

export const simulatedFolder = (home: string, { seed, season, games }: SimulatedOptions): string =>
  join(home, 'demo-data', `${season}-${seed}${games === undefined ? '' : `-${games}-games`}`);

/** `play_by_play_*.parquet` → `play_by_play_2023-24.parquet`. */
const fileOf = (files: readonly string[], season: string): string => (files[0] ?? '').replace('*', season);

export const hasSimulatedData = async (pipeline: Pipeline, folder: string, season: string): Promise<boolean> => {
  const found = await Promise.all(pipeline.sources.map(({ files }) => stat(join(folder, fileOf(files, season))).catch(() => undefined)));
  return found.every((file) => file !== undefined);
};

/** The next item for all readers at once: none runs ahead of the others, so that a season never lies in memory. */
const inStep = <Item>(items: Iterator<Item>, readers: number): (() => Promise<IteratorResult<Item>>) => {
  let [asked, turn] = [0, Promise.withResolvers<IteratorResult<Item>>()];
  return () => {
    const { promise, resolve } = turn;
    asked += 1;
    if (asked === readers) {
      [asked, turn] = [0, Promise.withResolvers<IteratorResult<Item>>()];
      resolve(items.next());
    }
    return promise;
  };
};

/** Rows one by one from lists that come in turn. By hand: an async generator costs several promises a row, and there are half a million. */
const flatten = (nextRows: () => Promise<readonly JsonObject[] | undefined>): AsyncIterable<JsonObject> => {
  let [rows, at]: [readonly JsonObject[], number] = [[], 0];
  const next = async (): Promise<IteratorResult<JsonObject>> => {
    while (at >= rows.length) {
      const more = await nextRows();
      if (more === undefined) return { done: true, value: undefined };
      [rows, at] = [more, 0];
    }
    return { done: false, value: rows[at++] as JsonObject };
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
};

/** Writes the files; returns how many games and rows they hold. A file is there as a whole or not at all. */
export const writeSimulatedData = async (
  pipeline: Pipeline,
  folder: string,
  options: SimulatedOptions,
  onGame: (games: number) => void,
): Promise<{ readonly games: number; readonly rows: number }> => {
  await mkdir(folder, { recursive: true });
  const { sources } = pipeline;
  let [games, rows] = [0, 0];
  // All sources are read to the end, side by side, or the readers would wait for each other for ever.
  const next = inStep(simulateLeague(options), sources.length);
  const readSource = (name: string, isFirst: boolean) => async (): Promise<readonly JsonObject[] | undefined> => {
    const game = await next();
    if (game.done === true) return undefined;
    if (isFirst) onGame((games += 1));
    return rowsOf(game.value, name);
  };
  await Promise.all(
    sources.map(async ({ name, files, columns }, index) => {
      const written = await writeParquet(join(folder, fileOf(files, options.season)), columns, flatten(readSource(name, index === 0)));
      rows += written.rows;
    }),
  );
  return { games, rows };
};

/** Rows are JSON objects, which their types don't say. */
const rowsOf = (game: SimulatedGameRows, source: string): readonly JsonObject[] =>
  (game as unknown as Readonly<Record<string, readonly JsonObject[]>>)[source] ?? [];
