// Every processor's SQL over real rows, computed twice: by Google's reference evaluator for GoogleSQL, and by DuckDB from the
// translation. Embedded and the BigQuery emulator share that translation, so that a mistake in it would look right in both; the evaluator
// shares nothing with it. Each processor reads what the ones before it gave, so that all of them see real rows.
//
// Raw tables and summaries get a whole week. What reads a season gets two dates six weeks into one, by when every team has the 15
// games that its zones need; of players only those of the teams of two games, since the evaluator is a plain interpreter.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CodeFunction } from '@floodgate/core/app/deps.ts';
import { partitionDate, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Pipeline, Processor } from '@floodgate/core/domain/pipeline.ts';
import { sameDate, windowRange } from '@floodgate/core/domain/window.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import {
  isZetaSqlInstalled,
  isZetaSqlRequired,
  startZetaSql,
  ZETASQL_MISSING,
  type ZetaSql,
  type ZetaSqlParameters,
  type ZetaSqlTable,
} from '../../support/zetasql.ts';
import type { Cell } from '../../support/zetasql-values.ts';
import {
  castsOf,
  definitionOf,
  differencesOf,
  inputOf,
  insertRows,
  listOf,
  loadNba,
  openSources,
  prepareDatabase,
  readInput,
  readRows,
  translate,
  type Input,
  type Rows,
  type Span,
} from './both-engines.ts';
import { runCode } from '../../support/run-code.ts';
import { pipelinesFolder } from '../support/engine.ts';
import { addMadeUpEstimates, addMadeUpRows } from './made-up-rows.ts';
import { nbaDataAbsent } from './oracle.ts';

const nba = await loadNba();
const missing = isZetaSqlInstalled || isZetaSqlRequired ? nbaDataAbsent : ZETASQL_MISSING;
const absent = missing === undefined ? '' : ` (${missing})`;

const parametersOf = ({ start_date, end_date }: Span): ZetaSqlParameters => ({
  start_date: { type: 'DATE', value: start_date },
  end_date: { type: 'DATE', value: end_date },
});

const evaluate = async (evaluator: ZetaSql, { columns, source }: Processor, span: Span, tables: readonly ZetaSqlTable[]): Promise<Rows> => {
  const evaluated = await evaluator.evaluate(source, parametersOf(span), tables);
  const places = columns.map(({ name }) => evaluated.columns.findIndex((column) => column.name === name));
  return evaluated.rows.map((row) => places.map((place) => row[place] as Cell));
};
const namesOf = ({ columns }: Processor): readonly string[] => columns.map(({ name }) => name);

const withoutValue = (names: readonly string[], rows: Rows): readonly string[] => names.filter((_, index) => rows.every((row) => row[index] === null));

const startEvaluator = async (): Promise<ZetaSql> => {
  const started = await startZetaSql();
  if (started === undefined) throw new Error(ZETASQL_MISSING);
  return started;
};

describe.skipIf(missing !== undefined)(`a real week in Google’s reference evaluator${absent}`, { timeout: 120_000 }, () => {
  const dates = ['2023-11-01', '2023-11-02', '2023-11-03', '2023-11-04', '2023-11-05', '2023-11-06'];
  const week = { start_date: dates[0] as string, end_date: dates.at(-1) as string };
  const pipeline: Pipeline = { ...nba, processors: nba.processors.filter(({ phase }) => phase === 2 || phase === 3) };
  const hasWindow = ({ upstreams }: Processor): boolean => upstreams.some(({ window }) => JSON.stringify(window) !== JSON.stringify(sameDate));
  /** Nobody has these of that week. */
  const empty = new Set(['nba_raw.odds_api_player_points_props', 'nba_raw.nbac_injury_report', 'nba_raw.nbac_player_registry']);
  let evaluator: ZetaSql;
  let instance: DuckDBInstance;
  let connection: DuckDBConnection;

  beforeAll(async () => {
    evaluator = await startEvaluator();
    ({ instance, connection } = await openSources(pipeline, week));
  });

  afterAll(async () => {
    connection?.closeSync();
    instance?.closeSync();
    await evaluator?.close();
  });

  test.each(pipeline.processors.map((processor) => [processor.id, processor] as const))('%s: the same rows', async (_, processor) => {
    const { columns, table, source, upstreams, key } = processor;
    await connection.run(`CREATE TABLE ${table} AS SELECT ${castsOf(columns)} FROM (${translate(source)})`, week);
    const ours = await readRows(connection, `SELECT ${listOf(columns)} FROM ${table}`);

    // Date by date, since the evaluator takes 4 MB a call; ours came from one statement over the week.
    const theirs: (readonly Cell[])[] = [];
    for (const date of dates) {
      const tables: ZetaSqlTable[] = [];
      for (const { table: name } of upstreams.filter(({ optional }) => !optional)) {
        const input = inputOf(pipeline, name);
        // Windows end here where the week begins, for both.
        const dated = `${input.dateColumn} ${hasWindow(processor) ? `BETWEEN '${week.start_date}' AND` : '='} '${date}'`;
        tables.push(await readInput(connection, input, dated));
      }
      theirs.push(...(await evaluate(evaluator, processor, { start_date: date, end_date: date }, tables)));
    }

    expect(ours.length > 0).toBe(!empty.has(table));
    expect(differencesOf(namesOf(processor), key, ours, theirs).slice(0, 10)).toEqual([]);
  });
});

const season = { start_date: '2024-10-22', end_date: '2024-12-04' };
/** Computed by one statement. */
const evenings = { start_date: '2024-12-03', end_date: '2024-12-04' };

/** Columns that hold no value on any row of those evenings. */
const valueless: Readonly<Record<string, readonly string[]>> = {
  // Minutes as text, as another provider writes them.
  nbac_gamebook_player_stats: ['minutes'],
};

type Asked = { readonly sql: string; readonly names: readonly string[]; readonly rows: Rows; readonly objects: readonly JsonObject[] };

/** The rows of a code processor as far as they need nothing but answers, and what it asked. */
const askCode = async (
  connection: DuckDBConnection,
  code: CodeFunction,
  span: Span,
  dates: readonly PartitionDate[],
): Promise<{ rows: readonly JsonObject[]; asked: readonly Asked[] }> => {
  const asked: Asked[] = [];
  const rows = await runCode(code, dates, async (sql) => {
    const names = (await connection.runAndReadAll(translate(sql), span)).columnNames();
    const answer = await readRows(connection, translate(sql), span);
    const objects = answer.map(
      (row) => Object.fromEntries(row.map((cell, index) => [names[index], typeof cell === 'bigint' ? Number(cell) : cell])) as JsonObject,
    );
    asked.push({ sql, names, rows: answer, objects });
    return objects;
  });
  return { rows, asked };
};

describe.skipIf(missing !== undefined)(`two evenings of a season in Google’s reference evaluator${absent}`, { timeout: 120_000 }, () => {
  const judged = nba.processors.filter(({ kind }) => kind !== 'code');
  const code = nba.processors.filter(({ kind }) => kind === 'code');
  let evaluator: ZetaSql;
  let instance: DuckDBInstance;
  let whole: DuckDBConnection;
  let cut: DuckDBConnection;
  let players: string;

  const importCode = async ({ sourceFile }: Processor): Promise<CodeFunction> =>
    ((await import(pathToFileURL(join(pipelinesFolder, 'nba', sourceFile)).href)) as { readonly rows: CodeFunction }).rows;

  beforeAll(async () => {
    evaluator = await startEvaluator();
    ({ instance, connection: whole } = await openSources(nba, season));
    await addMadeUpRows(whole, evenings, season.start_date);
    for (const { table, columns } of nba.processors) await whole.run(`CREATE TABLE ${table} (${definitionOf(columns)})`);
    const dates = (await readRows(whole, 'SELECT DISTINCT game_date FROM source.games ORDER BY 1')).map(([date]) => partitionDate(String(date)));
    for (const processor of nba.processors) {
      const { kind, table, columns, source } = processor;
      if (kind === 'code') {
        const { rows, asked } = await askCode(whole, await importCode(processor), season, dates);
        // Nothing is fetched: of the schedule there is what was counted in it, of the other feeds nothing.
        const told = processor.id === 'fetch_schedule' ? (asked[0]?.objects ?? []) : rows;
        if (told.length > 0) await insertRows(whole, table, columns, told);
        if (processor.id === 'regression_estimates') await addMadeUpEstimates(whole);
      } else await whole.run(`INSERT INTO ${table} SELECT ${castsOf(columns)} FROM (${translate(source)})`, season);
    }
    cut = await instance.connect();
    await cut.run("ATTACH ':memory:' AS cut");
    await cut.run('USE cut');
    await prepareDatabase(cut, nba);
    // Whoever may play for the teams of the first games of each date.
    const chosen = await readRows(
      whole,
      `SELECT DISTINCT universal_player_id FROM nba_analytics.upcoming_player_game_context AS c
       WHERE game_id IN (SELECT game_id FROM nba_raw.nbac_schedule WHERE game_date BETWEEN $start_date AND $end_date
                         QUALIFY ROW_NUMBER() OVER (PARTITION BY game_date ORDER BY game_id) <= 2)`,
      evenings,
    );
    players = chosen.map(([id]) => `'${String(id)}'`).join(', ');
  }, 120_000);

  afterAll(async () => {
    cut?.closeSync();
    whole?.closeSync();
    instance?.closeSync();
    await evaluator?.close();
  });

  /** What the processor may read for these dates, of those players, in the database that is cut. */
  const cutInputs = async ({ upstreams }: Processor, { start_date, end_date }: Span): Promise<readonly Input[]> => {
    const inputs = upstreams.map(({ table }) => inputOf(nba, table));
    for (const [index, { table, window }] of upstreams.entries()) {
      const { columns, dateColumn } = inputs[index] as Input;
      const [opened, first, last] = [season.start_date, start_date, end_date].map(partitionDate) as [PartitionDate, PartitionDate, PartitionDate];
      const reach = `${dateColumn} BETWEEN '${windowRange(window, first, opened).first}' AND '${windowRange(window, last, opened).last}'`;
      const id = columns.find(({ name }) => name === 'universal_player_id' || name === 'player_id')?.name;
      const ofPlayers = id === undefined ? '' : ` AND CAST(${id} AS VARCHAR) IN (${players})`;
      await cut.run(`CREATE OR REPLACE TABLE ${table} AS SELECT * FROM memory.${table} WHERE ${reach}${ofPlayers}`);
    }
    return inputs;
  };

  /** Of each table the columns that the text names: the evaluator takes 4 MB a call. */
  const readInputs = async (inputs: readonly Input[], sql: string): Promise<readonly ZetaSqlTable[]> => {
    const words = new Set(sql.match(/\w+/g));
    const tables: ZetaSqlTable[] = [];
    for (const input of inputs) {
      const columns = input.columns.filter(({ name }) => words.has(name));
      if (columns.length > 0) tables.push(await readInput(cut, { ...input, columns }, 'TRUE'));
    }
    return tables;
  };

  test.each(judged.map((processor) => [processor.id, processor] as const))('%s: the same rows', async (id, processor) => {
    const { source, columns, key } = processor;
    // The registry is of the first date of a season.
    const span = id === 'nbac_player_registry' ? { start_date: season.start_date, end_date: season.start_date } : evenings;
    const inputs = await cutInputs(processor, span);
    const ours = await readRows(cut, `SELECT ${listOf(columns)} FROM (SELECT ${castsOf(columns)} FROM (${translate(source)}))`, span);
    const theirs = await evaluate(evaluator, processor, span, await readInputs(inputs, source));
    expect(differencesOf(namesOf(processor), key, ours, theirs).slice(0, 10)).toEqual([]);
    expect(withoutValue(namesOf(processor), ours)).toEqual(valueless[id] ?? []);
  });

  test.each(code.map((processor) => [processor.id, processor] as const))('%s: the same answers to its queries', async (_, processor) => {
    const inputs = await cutInputs(processor, evenings);
    const { asked } = await askCode(cut, await importCode(processor), evenings, [evenings.start_date, evenings.end_date].map(partitionDate));
    expect(asked.length).toBeGreaterThan(0);
    for (const { sql, names, rows } of asked) {
      const google = await evaluator.evaluate(sql, parametersOf(evenings), await readInputs(inputs, sql));
      const places = names.map((name) => google.columns.findIndex((column) => column.name === name));
      const theirs = google.rows.map((row) => places.map((place) => row[place] as Cell));
      const key = names.filter((name) => ['month', 'game_date', 'universal_player_id'].includes(name));
      expect(differencesOf(names, key, rows, theirs).slice(0, 10)).toEqual([]);
      expect(withoutValue(names, rows)).toEqual([]);
    }
  });
});

test('rows that differ are told', () => {
  const told = (ours: Rows, google: Rows): readonly string[] => differencesOf(['id', 'points'], ['id'], ours, google);
  expect(told([['a', 0.1 + 0.2]], [['a', 0.3]])).toEqual([]);
  expect(told([['a', 1]], [['a', 1.000_000_001]])).toEqual(['a points: 1, Google 1.000000001']);
  expect(told([['a', null]], [['a', 0]])).toEqual(['a points: null, Google 0']);
  expect(told([['a', 1]], [['b', 1]])).toHaveLength(2);
  expect(told([['a', 1]], [])).toEqual(['1 rows, Google 0']);
  expect(
    told(
      [
        ['a', 1],
        ['a', 1],
      ],
      [
        ['a', 1],
        ['b', 1],
      ],
    ),
  ).toEqual(['2 rows have 1 keys']);
  expect(withoutValue(['id', 'points'], [['a', null]])).toEqual(['points']);
  expect(withoutValue(['id'], [])).toEqual(['id']);
});
