// Runs the pipeline's processors as plain set-based queries over the whole range, without the engine around them, and
// compares every cell with the oracle. It says in seconds whether the SQL is right; that the engine gives the same tables
// date by date is another test's matter.
import { globSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Column, Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { sourceTable } from '@floodgate/core/domain/pipeline.ts';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import { duckdbType } from '@floodgate/sql/duckdb/names.ts';
import { duckdbPrelude, translateSelect } from '@floodgate/sql/translate.ts';
import { compareTables, describeDifferences } from './compare-tables.ts';
import { checkKnownFacts, knownFacts } from './known-facts.ts';
import { computeOracle, nbaDataAbsent, nbaDataFolder, oracleTables, wholeRange } from './oracle.ts';

const pipelineFolder = join(import.meta.dirname, '../../../pipelines/nba');

const loadPipeline = async (): Promise<Pipeline> => {
  const files = new Map<string, string>();
  for (const entry of await readdir(pipelineFolder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && /\.(yaml|sql|ts)$/.test(entry.name)) {
      files.set(relative(pipelineFolder, path).split(sep).join('/'), await readFile(path, 'utf8'));
    }
  }
  const outcome = readPipeline(files);
  if (!outcome.ok) throw new Error(outcome.problems.map(({ file, line, message }) => `${file}:${line} ${message}`).join('\n'));
  // The oracle computes what it knows: the tables of games and box scores. What they read is computed too: upstreams stand before.
  const needed = new Set<string>(oracleTables.map(({ table }) => table));
  for (const { table, upstreams } of outcome.pipeline.processors.toReversed())
    if (needed.has(table)) for (const upstream of upstreams.filter(({ optional }) => !optional)) needed.add(upstream.table);
  return { ...outcome.pipeline, processors: outcome.pipeline.processors.filter(({ table }) => needed.has(table)) };
};

const translate = (name: string, sql: string): string => {
  const result = translateSelect(sql);
  if (!result.ok) throw new Error(`${name}: ${result.problems.map(({ message, line }) => `line ${line ?? '?'}: ${message}`).join('\n')}`);
  return result.sql;
};

const casts = (columns: readonly Column[]): string => columns.map(({ name, type }) => `CAST("${name}" AS ${duckdbType(type)}) AS "${name}"`).join(', ');

const runProcessors = async (connection: DuckDBConnection, pipeline: Pipeline): Promise<void> => {
  for (const statement of duckdbPrelude) await connection.run(statement);
  for (const schema of ['source', 'nba_raw', 'nba_analytics']) await connection.run(`CREATE SCHEMA ${schema}`);
  for (const { name, files, columns, optional } of pipeline.sources) {
    // Of those that only the simulated league has.
    if (optional && globSync(join(nbaDataFolder, files[0] ?? '')).length === 0) {
      await connection.run(`CREATE TABLE ${sourceTable(name)} (${columns.map((column) => `"${column.name}" ${duckdbType(column.type)}`).join(', ')})`);
      continue;
    }
    const path = join(nbaDataFolder, files[0] ?? '').replaceAll("'", "''");
    await connection.run(`CREATE VIEW ${sourceTable(name)} AS SELECT ${casts(columns)} FROM read_parquet('${path}')`);
  }
  for (const { id, table, columns, source } of pipeline.processors) {
    const rows = `SELECT ${casts(columns)} FROM (${translate(id, source)})`;
    await connection.run(`CREATE TABLE ${table} AS ${rows}`, { start_date: wholeRange.first, end_date: wholeRange.last });
  }
};

// A test over 2.4 million events takes seconds, more on a busy machine.
describe.skipIf(nbaDataAbsent !== undefined)(
  `the NBA processors over the whole range${nbaDataAbsent === undefined ? '' : ` (${nbaDataAbsent})`}`,
  { timeout: 120_000 },
  () => {
    let connection: DuckDBConnection;
    let pipeline: Pipeline;

    beforeAll(async () => {
      pipeline = await loadPipeline();
      connection = await (await DuckDBInstance.create(':memory:')).connect();
      await computeOracle(connection, nbaDataFolder, wholeRange);
      await runProcessors(connection, pipeline);
    }, 180_000);

    afterAll(() => connection.closeSync());

    test('the pipeline fills every table that the oracle knows', () => {
      const filled = new Set(pipeline.processors.map(({ table }) => table));
      expect(oracleTables.filter(({ table }) => !filled.has(table))).toEqual([]);
    });

    test.each(oracleTables)('$table equals the oracle in every declared column', async ({ table, oracle, key }) => {
      const comparison = await compareTables(connection, table, oracle, 'shared', key);
      expect(describeDifferences(comparison)).toEqual([]);
      expect({ onlyPipeline: comparison.onlyActual, onlyOracle: comparison.onlyExpected }).toEqual({ onlyPipeline: [], onlyOracle: [] });
      expect([...comparison.compared].sort()).toEqual(
        pipeline.processors
          .find((processor) => processor.table === table)
          ?.columns.map(({ name }) => name)
          .sort(),
      );
    });

    test('all known facts hold on their tables', async () => {
      const query = async (sql: string) => (await connection.runAndReadAll(sql)).getRowObjectsJson();
      const { checked, violations } = await checkKnownFacts(query, wholeRange);
      expect(violations).toEqual([]);
      expect(checked).toHaveLength(knownFacts.length);
    });
  },
);
