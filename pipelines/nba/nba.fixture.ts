// What the tests of this pipeline share: the pipeline as read from its folder, its processors run as plain queries on
// DuckDB, and its checks judged over the committed rows. No engine here: that one works is tested elsewhere.
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { sourceTable, type Audit, type Check, type Column, type Pipeline, type Processor } from '@floodgate/core/domain/pipeline.ts';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import { duckdbType } from '@floodgate/sql/duckdb/names.ts';
import { duckdbPrelude, translateSelect } from '@floodgate/sql/translate.ts';
import type { SimulatedGameRows } from './sources/simulated-league.ts';

/** First and last date, both included. */
export type Range = readonly [first: string, last: string];
export type Row = Readonly<Record<string, unknown>>;

const folder = import.meta.dirname;

/** Where the league's data lies; it is no part of the project, so that tests over it are skipped where it is absent. */
const dataFolder = process.env['FLOODGATE_NBA_DATA'] ?? join(folder, '../../../shared/data/nba');
export const dataAbsent: string | undefined = existsSync(join(dataFolder, 'games.parquet'))
  ? undefined
  : 'no NBA data: set FLOODGATE_NBA_DATA to the folder that holds games.parquet';

export const loadPipeline = (): Pipeline => {
  const files = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(relative(folder, path).split(sep).join('/'), readFileSync(path, 'utf8'));
  }
  const outcome = readPipeline(files);
  if (!outcome.ok) throw new Error(outcome.problems.map(({ file, line, message }) => `${file}:${line} ${message}`).join('\n'));
  return outcome.pipeline;
};

/** The pipeline with these phases alone: a test speaks of tables that its own fixtures fill. */
export const onlyPhases = (pipeline: Pipeline, ...numbers: readonly number[]): Pipeline => ({
  ...pipeline,
  phases: pipeline.phases.filter(({ number }) => numbers.includes(number)),
  processors: pipeline.processors.filter(({ phase }) => numbers.includes(phase)),
});

export const query = async (connection: DuckDBConnection, googleSql: string, [first, last]: Range = ['0001-01-01', '9999-12-31']): Promise<Row[]> => {
  const translated = translateSelect(googleSql);
  if (!translated.ok) throw new Error(`${translated.problems.map(({ message, line }) => `line ${line ?? '?'}: ${message}`).join('\n')}\n${googleSql}`);
  const dates: Record<string, string> = { start_date: first, end_date: last };
  const values = Object.fromEntries(translated.parameters.map((name) => [name, dates[name] ?? '']));
  return (await connection.runAndReadAll(translated.sql, values)).getRowObjectsJson();
};

const open = async (pipeline: Pipeline): Promise<DuckDBConnection> => {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect();
  for (const statement of duckdbPrelude) await connection.run(statement);
  const schemas = new Set(['source', ...pipeline.processors.map(({ table }) => table.split('.')[0])]);
  for (const schema of schemas) await connection.run(`CREATE SCHEMA ${schema}`);
  for (const { table, columns } of pipeline.processors) {
    const definitions = columns.map(({ name, type, required }) => `"${name}" ${duckdbType(type)}${required ? ' NOT NULL' : ''}`);
    await connection.run(`CREATE TABLE ${table} (${definitions.join(', ')})`);
  }
  return connection;
};

export const openRealData = async (pipeline: Pipeline): Promise<DuckDBConnection> => {
  const connection = await open(pipeline);
  for (const { name, files, columns, optional } of pipeline.sources) {
    const path = join(dataFolder, files[0] ?? '');
    if (optional && globSync(path).length === 0) {
      await connection.run(`CREATE TABLE ${sourceTable(name)} (${columns.map((column) => `"${column.name}" ${duckdbType(column.type)}`).join(', ')})`);
      continue;
    }
    const list = columns.map((column) => `"${column.name}"`).join(', ');
    await connection.run(`CREATE VIEW ${sourceTable(name)} AS SELECT ${list} FROM read_parquet('${path.replaceAll("'", "''")}')`);
  }
  return connection;
};

const jsonShape = (columns: readonly Column[]): string => JSON.stringify([Object.fromEntries(columns.map(({ name, type }) => [name, duckdbType(type)]))]);

export const openSimulatedData = async (pipeline: Pipeline, games: Iterable<SimulatedGameRows>): Promise<DuckDBConnection> => {
  const connection = await open(pipeline);
  for (const { name, columns } of pipeline.sources) {
    await connection.run(`CREATE TABLE ${sourceTable(name)} (${columns.map((column) => `"${column.name}" ${duckdbType(column.type)}`).join(', ')})`);
  }
  for (const game of games) {
    for (const { name, columns } of pipeline.sources) {
      const rows = JSON.stringify(game[name as keyof SimulatedGameRows]);
      await connection.run(`INSERT INTO ${sourceTable(name)} BY NAME SELECT unnest(from_json($rows, '${jsonShape(columns)}'), recursive := true)`, { rows });
    }
  }
  return connection;
};

/** Fills all tables for the dates of the range, in the order of the graph. Column by column in the SELECT's own order. */
export const compute = async (connection: DuckDBConnection, pipeline: Pipeline, range: Range): Promise<void> => {
  for (const { id, table, source, kind } of pipeline.processors) {
    if (kind === 'code') continue;
    const translated = translateSelect(source);
    if (!translated.ok) throw new Error(`${id}: ${translated.problems.map(({ message }) => message).join('\n')}`);
    await connection.run(`INSERT INTO ${table} ${translated.sql}`, { start_date: range[0], end_date: range[1] });
  }
};

/** The statement whose rows break the check, over rows that `staged` names. */
const offending = (check: Check, date: string): string => {
  switch (check.type) {
    case 'sql':
      return check.sql;
    case 'row_count':
      return `SELECT COALESCE(e.date, s.date) AS date, e.expected, s.found FROM (${check.sql}) AS e
        FULL JOIN (SELECT ${date} AS date, COUNT(*) AS found FROM staged GROUP BY ${date}) AS s ON s.date = e.date
        WHERE e.expected IS NULL OR s.found IS NULL OR e.expected != s.found`;
    case 'expected_keys':
      return `SELECT e.date FROM (${check.sql}) AS e LEFT JOIN staged AS s
        ON s.${date} = e.date AND ${check.columns.map((name) => `s.${name} = e.${name}`).join(' AND ')} WHERE s.${date} IS NULL`;
    case 'not_null':
    case 'not_zero': {
      const where = check.where === undefined ? '' : `WHERE ${check.where}`;
      const holds = (name: string): string => (check.type === 'not_null' ? `${name} IS NOT NULL` : `${name} IS NOT NULL AND ${name} != 0`);
      return check.columns
        .map(
          (name) =>
            `SELECT ${date} AS date, '${name}' AS broken FROM staged ${where} GROUP BY ${date} HAVING COUNTIF(${holds(name)}) < ${check.minRatio} * COUNT(*)`,
        )
        .join(' UNION ALL ');
    }
    case 'accepted_range': {
      const { column, min, max } = check;
      const outside = [...(min === undefined ? [] : [`${column} < ${min}`]), ...(max === undefined ? [] : [`${column} > ${max}`])].join(' OR ');
      return `SELECT ${date} AS date, ${column} FROM staged WHERE (${outside})${check.where === undefined ? '' : ` AND (${check.where})`}`;
    }
  }
};

const nameOf = (check: Check): string =>
  check.type === 'sql'
    ? check.name
    : 'columns' in check
      ? `${check.type} ${check.columns.join(', ')}`
      : 'column' in check
        ? `${check.type} ${check.column}`
        : check.type;

/** Names of the checks that some rows break, e.g. `player_game_summary: row_count`. */
export const brokenChecks = async (
  connection: DuckDBConnection,
  { processors, phases }: Pipeline,
  range: Range,
  severity: Audit['severity'] = 'block',
): Promise<string[]> => {
  const broken: string[] = [];
  const judge = async (owner: string, { table, partitionColumn }: Processor, audit: Audit): Promise<void> => {
    if (audit.severity !== severity) return;
    const rows = `SELECT * FROM ${table} WHERE ${partitionColumn} BETWEEN @start_date AND @end_date`;
    const found = await query(connection, `WITH staged AS (${rows}) ${offending(audit.check, partitionColumn)}`, range);
    if (found.length > 0) broken.push(`${owner}: ${nameOf(audit.check)}`);
  };
  for (const processor of processors) for (const audit of processor.audits) await judge(processor.id, processor, audit);
  for (const { name, gate } of phases) {
    for (const check of gate.checks) {
      const processor = processors.find(({ table }) => table === check.table);
      if (processor !== undefined) await judge(`gate of ${name}`, processor, check);
    }
  }
  return broken;
};
