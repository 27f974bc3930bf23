// Reading for people and planners: one statement that only reads, with a bound on its rows.
import { StatementType } from '@duckdb/node-api';
import { WarehouseError, type QueryOptions, type QueryResult } from '@floodgate/core/ports/warehouse.ts';
import type { DuckDbContext } from './duckdb-context.ts';
import type { DuckDbSession } from './duckdb-session.ts';
import { typeName } from './duckdb-coercion.ts';
import { sourcesIn } from './duckdb-sources.ts';
import { rowsToJson, toParameter } from './duckdb-values.ts';

export const runQuery = async (context: DuckDbContext, session: DuckDbSession, sql: string, options: QueryOptions): Promise<QueryResult> => {
  const text = options.dialect === 'googlesql' ? context.translate(sql) : sql;
  const parameters = Object.fromEntries(Object.entries(options.params ?? {}).map(([name, value]) => [name, toParameter(value)]));
  const sources = sourcesIn([sql], options.sources ?? []);
  const lease = await context.sources.acquire(session, sources);
  try {
    // EXPLAIN is refused too: EXPLAIN ANALYZE runs what it explains.
    const { names, types, rows } = await session.readOnly(text, parameters, options.maxRows, (type) => type === StatementType.SELECT);
    return { columns: names.map((name, index) => ({ name, type: typeName(types[index] as string) })), rows: rowsToJson(names, rows) };
  } catch (error) {
    throw context.sources.explain(error, sources);
  } finally {
    lease.release();
  }
};

export const notReading = (what: string): WarehouseError =>
  new WarehouseError('invalid_sql', `only a single statement that reads is allowed here, found ${what}`, { hint: 'SELECT, WITH, FROM, DESCRIBE, SHOW' });
