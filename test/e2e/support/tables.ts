// Looks at the tables that a backfill left, in the warehouse's file itself and without the engine: against the oracle,
// against another home, and in the commit logs. The home must not be open.
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { warehouseFile } from '@floodgate/cli/embedded-stack.ts';
import { compareTables, describeDifferences } from '../oracle/compare-tables.ts';
import { computeOracle, oracleTables, type OracleRange, type OracleTable } from '../oracle/oracle.ts';

export type LogEntry = {
  readonly generation: number;
  readonly contentHash: string;
  readonly rows: number;
  readonly backfillId: string;
  readonly outcome: string;
};

const metadata = ['_row_hash', '_generation', '_backfill_id', 'processed_at'];

export type Tables = Disposable & {
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** How the seven tables differ from the oracle over this data and these dates: nothing where they are equal. */
  differencesFromOracle(data: string, range: OracleRange): Promise<readonly string[]>;
  /** How all tables differ from those of another home, their content hashes included. */
  differencesFrom(otherHome: string): Promise<readonly string[]>;
  /** What the commit log of a table says, by date; nothing where there is no such table. */
  commitLog(table: string): Promise<ReadonlyMap<string, LogEntry>>;
  /**
   * Keys that stand more than once, rows without a log entry or of another generation than it names, kept rows: nothing after a clean end.
   * A run that was cancelled may have made only some of the tables.
   */
  inconsistencies(someTablesOnly?: boolean): Promise<readonly string[]>;
};

export const readTables = async (home: string, tables: readonly OracleTable[] = oracleTables): Promise<Tables> => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection: DuckDBConnection = await instance.connect();
  const attach = (name: string, from: string): Promise<unknown> =>
    connection.run(`ATTACH '${join(warehouseFile(from)).replaceAll("'", "''")}' AS ${name} (READ_ONLY)`);
  await attach('actual', home);
  const query: Tables['query'] = async (sql) => (await connection.runAndReadAll(sql)).getRowObjectsJson();
  const logOf = (database: string, table: string): string => `${database}.${table.replace('.', '._floodgate_commits_')}`;
  const compare = async (actual: string, expected: string, { key, table }: OracleTable): Promise<readonly string[]> => {
    const comparison = await compareTables(
      connection,
      actual,
      expected,
      (await columnsOf(actual)).filter((name) => !metadata.includes(name)),
      key,
    );
    const lines = describeDifferences(comparison);
    const unknown = comparison.onlyExpected.length === 0 ? [] : [`columns are missing: ${comparison.onlyExpected.join(', ')}`];
    return [...lines, ...unknown].map((line) => `${table}: ${line}`);
  };
  const columnsOf = async (table: string): Promise<readonly string[]> => (await query(`DESCRIBE ${table}`)).map((row) => String(row['column_name']));
  const existing = async (): Promise<ReadonlySet<string>> =>
    new Set(
      (await query(`SELECT schema_name || '.' || table_name AS name FROM duckdb_tables() WHERE database_name = 'actual'`)).map(({ name }) => String(name)),
    );
  return {
    query,
    differencesFromOracle: async (data, range) => {
      await computeOracle(connection, data, range);
      const found = [];
      for (const table of tables) found.push(...(await compare(`actual.${table.table}`, table.oracle, table)));
      return found;
    },
    differencesFrom: async (otherHome) => {
      await attach('other', otherHome);
      const found: string[] = [];
      for (const table of tables) {
        found.push(...(await compare(`actual.${table.table}`, `other.${table.table}`, table)));
        const entries = (database: string): string => `SELECT date, content_hash, rows FROM ${logOf(database, table.table)} WHERE date IS NOT NULL`;
        for (const [mine, yours, what] of [
          ['actual', 'other', 'here alone'],
          ['other', 'actual', 'there alone'],
        ] as const) {
          const only = await query(`${entries(mine)} EXCEPT ${entries(yours)} ORDER BY ALL LIMIT 3`);
          if (only.length > 0) found.push(`${table.table}: commit log entries ${what}, e.g. ${JSON.stringify(only)}`);
        }
      }
      await connection.run('DETACH other');
      return found;
    },
    commitLog: async (table) => {
      if (!(await existing()).has(table)) return new Map();
      const rows = await query(`SELECT * FROM ${logOf('actual', table)} WHERE date IS NOT NULL ORDER BY date`);
      return new Map(
        rows.map((row) => [
          String(row['date']),
          {
            generation: Number(row['generation']),
            contentHash: String(row['content_hash']),
            rows: Number(row['rows']),
            backfillId: String(row['backfill_id']),
            outcome: String(row['outcome']),
          },
        ]),
      );
    },
    inconsistencies: async (someTablesOnly = false) => {
      const found: string[] = [];
      const there = await existing();
      for (const { table, key } of tables) {
        if (someTablesOnly && !there.has(table)) continue;
        const duplicates = await query(`SELECT ${key.join(', ')} FROM actual.${table} GROUP BY ALL HAVING count(*) > 1 LIMIT 3`);
        if (duplicates.length > 0) found.push(`${table}: keys stand twice, e.g. ${JSON.stringify(duplicates)}`);
        // Content that did not change keeps the rows of the generation that wrote them.
        const strays = await query(
          `SELECT coalesce(l.date, t.date) AS date, l.generation, t.generation AS of_rows, l.rows, t.rows AS found
           FROM (SELECT * FROM ${logOf('actual', table)} WHERE date IS NOT NULL) AS l
           FULL JOIN (SELECT ${key[0]} AS date, max(_generation) AS generation, count(DISTINCT _generation) AS generations, count(*) AS rows FROM actual.${table} GROUP BY 1) AS t ON t.date = l.date
           WHERE l.date IS NULL OR coalesce(t.rows, 0) <> l.rows OR t.generations > 1 OR t.generation > l.generation OR (l.outcome = 'committed' AND t.generation <> l.generation)
           ORDER BY date LIMIT 3`,
        );
        if (strays.length > 0) found.push(`${table}: rows and commit log disagree, e.g. ${JSON.stringify(strays)}`);
        const twice = await query(`SELECT date FROM ${logOf('actual', table)} GROUP BY date HAVING count(*) > 1 LIMIT 3`);
        if (twice.length > 0) found.push(`${table}: dates stand twice in the commit log, e.g. ${JSON.stringify(twice)}`);
      }
      const kept = await query('SELECT target, staging FROM actual._floodgate_preserved._names');
      if (kept.length > 0) found.push(`kept staging: ${JSON.stringify(kept)}`);
      return found;
    },
    [Symbol.dispose]() {
      connection.closeSync();
      instance.closeSync();
    },
  };
};
