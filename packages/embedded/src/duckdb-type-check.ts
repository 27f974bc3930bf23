// Types of the columns that a SELECT yields, told by DuckDB over empty tables of the declared columns: what lint asks
// before anything has run.
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import type { Column } from '@floodgate/core/domain/pipeline.ts';
import type { TypesOutcome } from '@floodgate/core/pipeline/sql-analyzer.ts';
import { duckdbType, quoteTable } from '@floodgate/sql/duckdb/names.ts';
import type { Translate } from './duckdb-context.ts';

/** GoogleSQL's names of DuckDB's types. Sums of integers are wider in DuckDB; what overflows INT64 fails when it is stored. */
const nameOf = (type: string): string => {
  if (type.endsWith('[]')) return `ARRAY<${nameOf(type.slice(0, -2))}>`;
  if (type.startsWith('DECIMAL')) return 'NUMERIC';
  const known: Readonly<Record<string, string>> = {
    VARCHAR: 'STRING',
    TINYINT: 'INT64',
    SMALLINT: 'INT64',
    INTEGER: 'INT64',
    BIGINT: 'INT64',
    HUGEINT: 'INT64',
    FLOAT: 'FLOAT64',
    DOUBLE: 'FLOAT64',
    BOOLEAN: 'BOOL',
    'TIMESTAMP WITH TIME ZONE': 'TIMESTAMP',
    TIMESTAMP: 'DATETIME',
    BLOB: 'BYTES',
  };
  return known[type] ?? type;
};

const refusal = (error: unknown): TypesOutcome => ({
  ok: false,
  problems: [{ construct: 'types', message: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) }],
});

/** Answers for one pipeline: its tables are made once, at the first question. */
export const createTypeReader = (options: { readonly translate: Translate; readonly prelude: readonly string[] }) => {
  let opened: Promise<DuckDBConnection> | undefined;
  const open = async (tables: ReadonlyMap<string, readonly Column[]>): Promise<DuckDBConnection> => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    for (const statement of options.prelude) await connection.run(statement);
    for (const [table, columns] of tables) {
      await connection.run(`CREATE SCHEMA IF NOT EXISTS "${table.split('.')[0] ?? ''}"`);
      await connection.run(`CREATE TABLE ${quoteTable(table)} (${columns.map(({ name, type }) => `"${name}" ${duckdbType(type)}`).join(', ')})`);
    }
    return connection;
  };
  return async (sql: string, tables: ReadonlyMap<string, readonly Column[]>): Promise<TypesOutcome> => {
    const translated = options.translate(sql);
    if (!translated.ok) return { ok: false, problems: translated.problems };
    try {
      opened ??= open(tables);
      const statement = translated.parameters.reduce((text, name) => text.replaceAll(`$${name}`, `DATE '2000-01-01'`), translated.sql);
      const rows = (await (await opened).runAndReadAll(`DESCRIBE ${statement}`)).getRows();
      return { ok: true, columns: rows.map(([name, type]) => ({ name: String(name), type: nameOf(String(type)) })) };
    } catch (error) {
      return refusal(error);
    }
  };
};
