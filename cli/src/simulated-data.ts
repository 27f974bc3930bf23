// Seasons of the simulated league as the files that the NBA pipeline reads: for trying Floodgate without data.
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pipeline, Source } from '@floodgate/core/domain/pipeline.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { createLeague, feeds, type SimulatedGameRows } from '@floodgate/pipeline-nba/sources/simulated-league.ts';
import { writeParquet } from './embedded-home.ts';

export type SimulatedOptions = {
  readonly seed: string;
  /** The first one. */
  readonly season: string;
  /** So many seasons, each with play-in and play-offs; without it the regular season of one. */
  readonly seasons?: number;
  readonly games?: number;
};

/** `2023-24` and 2 → `2023-24`, `2024-25` */
export const seasonsFrom = (season: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => {
    const year = Number(season.slice(0, 4)) + index;
    return `${year}-${String((year + 1) % 100).padStart(2, '0')}`;
  });

export const simulatedFolder = (home: string, { seed, season, seasons, games }: SimulatedOptions): string =>
  join(home, 'demo-data', `${season}${seasons === undefined ? '' : `-${seasons}-seasons`}-${seed}${games === undefined ? '' : `-${games}-games`}`);

/** A file of the source, and the season that it holds; all of them where it is undefined. */
type SourceFile = { readonly file: string; readonly season: string | undefined };

/** `play_by_play_*.parquet` → `play_by_play_2023-24.parquet` and so on */
const filesOf = ({ files }: Source, seasons: readonly string[]): SourceFile[] => {
  const [pattern = ''] = files;
  return pattern.includes('*') ? seasons.map((season) => ({ file: pattern.replace('*', season), season })) : [{ file: pattern, season: undefined }];
};

/** What the league has nothing of is left out where that is no error. */
const writtenSources = ({ sources }: Pipeline): Source[] => sources.filter(({ name, optional }) => optional !== true || feeds.some((feed) => feed === name));

export const hasSimulatedData = async (pipeline: Pipeline, folder: string, { season, seasons = 1 }: SimulatedOptions): Promise<boolean> => {
  const files = writtenSources(pipeline).flatMap((source) => filesOf(source, seasonsFrom(season, seasons)));
  const found = await Promise.all(files.map(({ file }) => stat(join(folder, file)).catch(() => undefined)));
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

function* firstOf<Item>(items: Iterable<Item>, count: number): Generator<Item, void> {
  let taken = 0;
  for (const item of items) {
    if (taken >= count) return;
    taken += 1;
    yield item;
  }
}

/** Writes the files; returns how many games and rows they hold. A file is there as a whole or not at all. */
export const writeSimulatedData = async (
  pipeline: Pipeline,
  folder: string,
  { seed, season: first, seasons: count, games: limit = Number.POSITIVE_INFINITY }: SimulatedOptions,
  onGame: (games: number) => void,
): Promise<{ readonly games: number; readonly rows: number }> => {
  await mkdir(folder, { recursive: true });
  const sources = writtenSources(pipeline);
  const seasons = seasonsFrom(first, count ?? 1);
  const league = createLeague({ seed, seasons: count === undefined ? [{ season: first }] : seasons });
  let [games, rows] = [0, 0];
  // All sources are read to the end, side by side, or the readers would wait for each other for ever.
  const next = inStep(firstOf(league.games(), limit), sources.length);
  const writeSource = async (source: Source, isFirst: boolean): Promise<void> => {
    // The first game of the season after the one that is being written.
    let held: SimulatedGameRows | undefined;
    const readFile =
      ({ season }: SourceFile) =>
      async (): Promise<readonly JsonObject[] | undefined> => {
        const game = held ?? (await next().then(({ value, done }) => (done === true ? undefined : value)));
        if (game === undefined) return undefined;
        const isNew = held === undefined;
        held = undefined;
        if (isNew && isFirst) onGame((games += 1));
        if (season !== undefined && game.games[0]?.season !== season) {
          held = game;
          return undefined;
        }
        return rowsOf(game, source.name);
      };
    for (const file of filesOf(source, seasons)) {
      const written = await writeParquet(join(folder, file.file), source.columns, flatten(readFile(file)));
      rows += written.rows;
    }
  };
  await Promise.all(sources.map((source, index) => writeSource(source, index === 0)));
  return { games, rows };
};

/** Rows are JSON objects, which their types don't say. */
const rowsOf = (game: SimulatedGameRows, source: string): readonly JsonObject[] =>
  (game as unknown as Readonly<Record<string, readonly JsonObject[]>>)[source] ?? [];
