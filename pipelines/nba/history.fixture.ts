// Months of real games as tables, computed once and then looked at as they were on the morning of a date: a second catalog in
// which nothing of that date and after it has happened yet.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { CodeContext, CodeFunction } from '@floodgate/core/app/deps.ts';
import { partitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Column, Pipeline, Processor } from '@floodgate/core/domain/pipeline.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { duckdbType } from '@floodgate/sql/duckdb/names.ts';
import { duckdbPrelude, translateSelect } from '@floodgate/sql/translate.ts';
import { query, type Range } from './nba.fixture.ts';

const jsonShape = (columns: readonly Column[]): string => JSON.stringify([Object.fromEntries(columns.map(({ name, type }) => [name, duckdbType(type)]))]);

const insertCodeRows = async (connection: DuckDBConnection, processor: Processor, dates: readonly string[], target: string): Promise<void> => {
  const [first, last] = [dates[0], dates.at(-1)];
  if (first === undefined || last === undefined) return;
  const { rows } = (await import(pathToFileURL(join(import.meta.dirname, processor.sourceFile)).href)) as { readonly rows: CodeFunction };
  const context = {
    dates: dates.map(partitionDate),
    query: (sql: string) => query(connection, sql, [first, last]) as Promise<readonly JsonObject[]>,
    signal: new AbortController().signal,
  };
  // Those that compute from tables need no more; those that fetch are phase 1, which is not run here.
  const found = await Array.fromAsync(rows(context as unknown as CodeContext));
  await connection.run(`INSERT INTO ${target} BY NAME SELECT unnest(from_json($rows, '${jsonShape(processor.columns)}'), recursive := true)`, {
    rows: JSON.stringify(found),
  });
};

const datesIn = async (connection: DuckDBConnection, range: Range): Promise<readonly string[]> => {
  const rows = await query(
    connection,
    'SELECT DISTINCT game_date FROM nba_raw.nbac_schedule WHERE game_date BETWEEN @start_date AND @end_date ORDER BY game_date',
    range,
  );
  return rows.map((row) => String(row['game_date']));
};

/** Fills the tables of these processors, which come in the order of the graph. `target` says where rows of a table go. */
export const computeProcessors = async (
  connection: DuckDBConnection,
  processors: readonly Processor[],
  range: Range,
  target = (table: string): string => table,
): Promise<void> => {
  for (const processor of processors) {
    const { id, kind, table, source } = processor;
    if (kind === 'external') continue;
    if (kind === 'code') {
      await insertCodeRows(connection, processor, await datesIn(connection, range), target(table));
      continue;
    }
    const translated = translateSelect(source);
    if (!translated.ok) throw new Error(`${id}: ${translated.problems.map(({ message }) => message).join('\n')}`);
    await connection.run(`INSERT INTO ${target(table)} BY NAME ${translated.sql}`, { start_date: range[0], end_date: range[1] });
  }
};

/** Stamped before the tip-off of their game, by the games themselves and not by what a table says of its rows. */
const stampedBefore = `COALESCE(snapshot_timestamp < (SELECT any_value(g.start_time_utc) FROM memory.source.games AS g
  WHERE g.game_date = line.game_date AND g.game_id = line.nba_game_id), FALSE)`;
const lineTables: ReadonlySet<string> = new Set(['nba_raw.odds_api_game_lines', 'nba_raw.odds_api_player_points_props']);

/**
 * What is done with lines of the date that have no time. Nobody knows when they stood: such a line may be of the evening, so that
 * a row with it may not have been possible on the morning. The pipeline uses them all the same, since of most of the past there
 * are no others, and marks them; so they are kept where all rows shall be equal, and deleted to see that nothing else rests on them.
 */
export type Untimed = 'kept' | 'deleted';

/** What is known of a date's own raw rows before its games; of all other raw tables nothing is. */
const knownBefore = (table: string, untimed: Untimed): string | undefined => {
  if (lineTables.has(table)) return untimed === 'kept' ? `snapshot_timestamp IS NULL OR ${stampedBefore}` : stampedBefore;
  if (table === 'nba_raw.nbac_injury_report') return 'minutes_before_tipoff > 0';
  return table === 'nba_raw.nbac_player_registry' ? 'TRUE' : undefined;
};

const schedule = 'nba_raw.nbac_schedule';
/** The pairings of the date and after it stay, without anything that their games brought. */
const scheduleBefore = (date: string): string => `SELECT * REPLACE (
  CASE WHEN game_date < DATE '${date}' THEN game_status ELSE 1 END AS game_status,
  CASE WHEN game_date < DATE '${date}' THEN home_team_score ELSE NULL END AS home_team_score,
  CASE WHEN game_date < DATE '${date}' THEN away_team_score ELSE NULL END AS away_team_score,
  CASE WHEN game_date < DATE '${date}' THEN winning_team_abbr ELSE NULL END AS winning_team_abbr
) FROM memory.${schedule}`;

/** Rows that say what happened in the games of their date: made after them, and of no use before. */
const tellsAfterwards = ({ id, phase }: Processor): boolean => (phase === 3 && !id.startsWith('upcoming_')) || id === 'prediction_accuracy';

const rowsOf = ({ table, partitionColumn, columns }: Processor, from: string, date: string): string => {
  const value = ({ name, type, digits }: Column): string => {
    // As rows are compared everywhere: doubles to their declared digits.
    if (type === 'FLOAT64') return `round("${name}", ${digits}) AS "${name}"`;
    return type === 'ARRAY<FLOAT64>' ? `list_transform("${name}", lambda v: round(v, ${digits})) AS "${name}"` : `"${name}"`;
  };
  return `SELECT ${columns.map(value).join(', ')} FROM ${from}.${table.replace('.', '__')} WHERE "${partitionColumn}" = DATE '${date}'`;
};

const makeMorning = async (connection: DuckDBConnection, { processors }: Pipeline, date: string, untimed: Untimed): Promise<void> => {
  await connection.run("ATTACH ':memory:' AS morning");
  await connection.run('USE morning');
  for (const statement of duckdbPrelude) await connection.run(statement);
  for (const name of ['fresh', 'truth', ...new Set(processors.map(({ table }) => table.split('.')[0]))]) await connection.run(`CREATE SCHEMA ${name}`);
  for (const { phase, table, partitionColumn } of processors) {
    const flat = table.replace('.', '__');
    await connection.run(`CREATE VIEW truth.${flat} AS SELECT * FROM memory.${table}`);
    const earlier = `SELECT * FROM memory.${table} WHERE "${partitionColumn}" < DATE '${date}'`;
    if (phase >= 3) {
      await connection.run(`CREATE TABLE fresh.${flat} AS SELECT * FROM memory.${table} LIMIT 0`);
      await connection.run(`CREATE VIEW ${table} AS ${earlier} UNION ALL BY NAME SELECT * FROM fresh.${flat}`);
      continue;
    }
    const known = knownBefore(table, untimed);
    const ofDate = known === undefined ? '' : ` UNION ALL SELECT * FROM memory.${table} AS line WHERE "${partitionColumn}" = DATE '${date}' AND (${known})`;
    await connection.run(`CREATE VIEW ${table} AS ${table === schedule ? scheduleBefore(date) : `${earlier}${ofDate}`}`);
  }
};

export type Leak = {
  readonly table: string;
  readonly rows: number;
  readonly differing: number;
  /** In which the rows of a key differ; none where the keys do. */
  readonly columns: readonly string[];
};

/** Columns in which rows of the same key differ. */
const differingColumns = async (connection: DuckDBConnection, { key, columns }: Processor, truth: string, fresh: string): Promise<readonly string[]> => {
  const counted = columns.map(({ name }) => `count(*) FILTER (t."${name}" IS DISTINCT FROM f."${name}") AS "${name}"`);
  const reader = await connection.runAndReadAll(
    `SELECT ${counted.join(', ')} FROM (${truth}) AS t JOIN (${fresh}) AS f USING (${key.map((name) => `"${name}"`).join(', ')})`,
  );
  const [row = {}] = reader.getRowObjectsJson();
  return columns.flatMap(({ name }) => (Number(row[name]) > 0 ? [name] : []));
};

/** These processors and all that they read, in the order of the graph. */
const withUpstreams = (processors: readonly Processor[], ids: readonly string[]): readonly Processor[] => {
  const tables = new Set(processors.filter(({ id }) => ids.includes(id)).map(({ table }) => table));
  // Everything comes after what it reads, so that one way back finds all of it.
  for (const { table, upstreams } of processors.toReversed()) if (tables.has(table)) for (const upstream of upstreams) tables.add(upstream.table);
  return processors.filter(({ table }) => tables.has(table));
};

/**
 * Computes the date once more on its morning, and tells of every table that should have been foreseen how many of its rows are
 * not the ones that stand in the tables, which were computed with everything that came after. `ids`: of these processors only.
 */
export const lookForLeaks = async (
  connection: DuckDBConnection,
  pipeline: Pipeline,
  date: string,
  ids?: readonly string[],
  untimed: Untimed = 'kept',
): Promise<readonly Leak[]> => {
  const computed = (ids === undefined ? pipeline.processors : withUpstreams(pipeline.processors, ids)).filter(({ phase }) => phase >= 3);
  const leaks: Leak[] = [];
  await makeMorning(connection, pipeline, date, untimed);
  try {
    await computeProcessors(connection, computed, [date, date], (table) => `fresh.${table.replace('.', '__')}`);
    for (const processor of computed.filter((each) => !tellsAfterwards(each))) {
      const [truth, fresh] = [rowsOf(processor, 'truth', date), rowsOf(processor, 'fresh', date)];
      const reader = await connection.runAndReadAll(`SELECT (SELECT count(*) FROM (${truth})),
        (SELECT count(*) FROM (${truth} EXCEPT ALL ${fresh})) + (SELECT count(*) FROM (${fresh} EXCEPT ALL ${truth}))`);
      const [rows, differing] = reader.getRows()[0] ?? [];
      const columns = Number(differing) === 0 ? [] : await differingColumns(connection, processor, truth, fresh);
      leaks.push({ table: processor.table, rows: Number(rows), differing: Number(differing), columns });
    }
  } finally {
    await connection.run('USE memory');
    await connection.run('DETACH morning');
  }
  return leaks;
};
