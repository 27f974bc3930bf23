// Every processor's SELECT over a real week, computed twice: by Google's reference evaluator for GoogleSQL, and by DuckDB from the
// translation. Embedded and the BigQuery emulator share that translation, so that a mistake in it would look right in both;
// the evaluator shares nothing with it. Each processor reads what the ones before it gave, so that all of them see real rows.
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBDateValue, DuckDBDecimalValue, DuckDBInstance, DuckDBListValue, DuckDBTimestampTZValue } from '@duckdb/node-api';
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromDay } from '@floodgate/core/domain/partition-date.ts';
import { sourceTable, type Column, type Pipeline, type Processor } from '@floodgate/core/domain/pipeline.ts';
import { sameDate } from '@floodgate/core/domain/window.ts';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import { duckdbType } from '@floodgate/sql/duckdb/names.ts';
import { duckdbPrelude, translateSelect } from '@floodgate/sql/translate.ts';
import { readPipelineFolder } from '@floodgate/system/pipeline-folders.ts';
import { isZetaSqlInstalled, isZetaSqlRequired, startZetaSql, ZETASQL_MISSING, type ZetaSql } from '../../support/zetasql.ts';
import type { Cell } from '../../support/zetasql-values.ts';
import { pipelinesFolder } from '../support/engine.ts';
import { nbaDataAbsent, nbaDataFolder } from './oracle.ts';

const dates = ['2023-11-01', '2023-11-02', '2023-11-03', '2023-11-04', '2023-11-05', '2023-11-06'];
const week = { start_date: dates[0] as string, end_date: dates.at(-1) as string };

const loadPipeline = async (): Promise<Pipeline> => {
  const read = readPipeline((await readPipelineFolder(join(pipelinesFolder, 'nba'))) ?? new Map());
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  // Those above read windows of seasons, which the evaluator takes hours for.
  return { ...read.pipeline, processors: read.pipeline.processors.filter(({ phase }) => phase === 2 || phase === 3) };
};
const pipeline = await loadPipeline();

const translate = (sql: string): string => {
  const result = translateSelect(sql);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.sql;
};

const casts = (columns: readonly Column[]): string => columns.map(({ name, type }) => `CAST("${name}" AS ${duckdbType(type)}) AS "${name}"`).join(', ');

/** As the evaluator writes the same value. */
const toCell = (value: DuckDBValue): Cell => {
  if (value instanceof DuckDBDateValue) return fromDay(value.days);
  if (value instanceof DuckDBDecimalValue) {
    const text = value.toString();
    return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  }
  if (value instanceof DuckDBTimestampTZValue) {
    const seconds = new Date(Number(value.micros / 1_000n)).toISOString().slice(0, 19).replace('T', ' ');
    return `${seconds}.${String(value.micros % 1_000_000n).padStart(6, '0')}`;
  }
  if (value instanceof DuckDBListValue) return value.items.map(toCell);
  return value as Cell;
};

const readRows = async (connection: DuckDBConnection, sql: string, parameters: Readonly<Record<string, string>> = {}): Promise<readonly (readonly Cell[])[]> =>
  (await connection.runAndReadAll(sql, parameters)).getRows().map((row) => row.map(toCell));

const inputOf = (name: string): { readonly columns: readonly Column[]; readonly dateColumn: string } => {
  const source = pipeline.sources.find((each) => sourceTable(each.name) === name);
  if (source !== undefined) return source;
  const processor = pipeline.processors.find(({ table }) => table === name) as Processor;
  return { columns: processor.columns, dateColumn: processor.partitionColumn };
};

/** Rows by key: those of the evaluator come in no order. */
const byKey = (processor: Processor, rows: readonly (readonly Cell[])[]): ReadonlyMap<string, readonly Cell[]> => {
  const places = processor.key.map((name) => processor.columns.findIndex((column) => column.name === name));
  return new Map(rows.map((row) => [places.map((place) => String(row[place])).join(' '), row]));
};

/** Sums of doubles depend on their order; everything else is equal to the bit. */
const isSame = (a: Cell | undefined, b: Cell | undefined): boolean =>
  typeof a === 'number' && typeof b === 'number'
    ? Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b))
    : JSON.stringify(a, plain) === JSON.stringify(b, plain);
const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

const hasWindow = ({ upstreams }: Processor): boolean => upstreams.some(({ window }) => JSON.stringify(window) !== JSON.stringify(sameDate));
/** Nobody has these of that week. */
const empty = new Set(['nba_raw.odds_api_player_points_props', 'nba_raw.nbac_injury_report', 'nba_raw.nbac_player_registry']);

const missing = isZetaSqlInstalled || isZetaSqlRequired ? nbaDataAbsent : ZETASQL_MISSING;

describe.skipIf(missing !== undefined)(
  `a real week in Google’s reference evaluator${missing === undefined ? '' : ` (${missing})`}`,
  { timeout: 120_000 },
  () => {
    let evaluator: ZetaSql;
    let instance: DuckDBInstance;
    let connection: DuckDBConnection;

    beforeAll(async () => {
      const started = await startZetaSql();
      if (started === undefined) throw new Error(ZETASQL_MISSING);
      evaluator = started;
      instance = await DuckDBInstance.create(':memory:', { threads: '2' });
      connection = await instance.connect();
      for (const statement of ["SET TimeZone = 'UTC'", ...duckdbPrelude]) await connection.run(statement);
      const schemas = new Set(pipeline.processors.map(({ table }) => table.split('.')[0]));
      for (const schema of ['source', ...schemas]) await connection.run(`CREATE SCHEMA ${schema}`);
      for (const { name, files, columns, dateColumn, optional } of pipeline.sources) {
        if (optional && globSync(join(nbaDataFolder, files[0] ?? '')).length === 0) {
          await connection.run(`CREATE TABLE ${sourceTable(name)} (${columns.map((column) => `"${column.name}" ${duckdbType(column.type)}`).join(', ')})`);
          continue;
        }
        const path = join(nbaDataFolder, files[0] ?? '').replaceAll("'", "''");
        const ofWeek = `${dateColumn} BETWEEN '${week.start_date}' AND '${week.end_date}'`;
        await connection.run(
          `CREATE TABLE ${sourceTable(name)} AS SELECT ${casts(columns)} FROM read_parquet('${path}', union_by_name = true) WHERE ${ofWeek}`,
        );
      }
    });

    afterAll(async () => {
      connection?.closeSync();
      instance?.closeSync();
      await evaluator?.close();
    });

    test.each(pipeline.processors.map((processor) => [processor.id, processor] as const))('%s: the same rows', async (_, processor) => {
      const { columns, table, source, upstreams } = processor;
      await connection.run(`CREATE TABLE ${table} AS SELECT ${casts(columns)} FROM (${translate(source)})`, week);
      const ours = await readRows(connection, `SELECT ${columns.map(({ name }) => `"${name}"`).join(', ')} FROM ${table}`);

      // Date by date, since the evaluator takes 4 MB a call; ours came from one statement over the week.
      const theirs: (readonly Cell[])[] = [];
      for (const date of dates) {
        const tables = [];
        for (const { table: name } of upstreams.filter(({ optional }) => !optional)) {
          const input = inputOf(name);
          // Windows end here where the week begins, for both.
          const dated = `${input.dateColumn} ${hasWindow(processor) ? `BETWEEN '${week.start_date}' AND` : '='} '${date}'`;
          const select = `SELECT ${input.columns.map((column) => `"${column.name}"`).join(', ')} FROM ${name} WHERE ${dated}`;
          tables.push({ name, columns: input.columns.map((column) => ({ name: column.name, type: column.type })), rows: await readRows(connection, select) });
        }
        const day = { type: 'DATE', value: date };
        const evaluated = await evaluator.evaluate(source, { start_date: day, end_date: day }, tables);
        const places = columns.map(({ name }) => evaluated.columns.findIndex((column) => column.name === name));
        theirs.push(...evaluated.rows.map((row) => places.map((place) => row[place] as Cell)));
      }

      expect(ours.length > 0).toBe(!empty.has(table));
      expect(ours.length).toBe(theirs.length);
      const [mine, google] = [byKey(processor, ours), byKey(processor, theirs)];
      expect(mine.size).toBe(ours.length);
      const differences = [...google].flatMap(([key, row]) =>
        row.flatMap((cell, index) =>
          isSame(cell, mine.get(key)?.[index]) ? [] : [`${key} ${columns[index]?.name}: ${String(mine.get(key)?.[index])}, Google ${String(cell)}`],
        ),
      );
      expect(differences.slice(0, 10)).toEqual([]);
    });
  },
);
