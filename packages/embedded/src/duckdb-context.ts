// What the parts of the DuckDB warehouse share.
import type { Clock } from '@floodgate/core/ports/clock.ts';
import { WarehouseError } from '@floodgate/core/ports/warehouse.ts';
import type { DuckDbConnections } from './duckdb-connections.ts';
import type { SourceCatalog } from './duckdb-sources.ts';
import type { StagingRegistry } from './duckdb-staging.ts';

export type Translation =
  | { readonly ok: true; readonly sql: string; readonly parameters: readonly string[] }
  | {
      readonly ok: false;
      readonly problems: readonly { readonly construct: string; readonly message: string; readonly line?: number; readonly column?: number }[];
    };

/** GoogleSQL SELECT to DuckDB, parameters as `$name`. */
export type Translate = (sql: string) => Translation;

export type DuckDbContext = {
  readonly connections: DuckDbConnections;
  readonly staging: StagingRegistry;
  readonly sources: SourceCatalog;
  /** Translates, or throws `invalid_sql` with every problem in words. */
  readonly translate: (sql: string) => string;
  readonly clock: Clock;
};

const maxTranslations = 2000;
/** Quoted text and names are skipped; what is left are parameters. */
const parameterPattern = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\$(start_date|end_date)\b/g;

/** The dates' type is said in the text, so that types and plan are known when the statement is prepared. */
const withTypedDates = (sql: string): string =>
  sql.replace(parameterPattern, (found, name: string | undefined) => (name === undefined ? found : `CAST($${name} AS DATE)`));

/** Translations by text: a backfill runs the same statements thousands of times. */
export const createTranslator = (translate: Translate): ((sql: string) => string) => {
  const known = new Map<string, string>();
  return (sql) => {
    const cached = known.get(sql);
    if (cached !== undefined) return cached;
    const result = translate(sql);
    if (!result.ok) {
      const problems = result.problems.map(
        ({ construct, message, line, column }) =>
          `${line === undefined ? '' : `line ${line}${column === undefined ? '' : `:${column}`}: `}${construct}: ${message}`,
      );
      throw new WarehouseError('invalid_sql', `the SQL can't run on DuckDB: ${problems.join('; ')}`);
    }
    const typed = withTypedDates(result.sql.trim().replace(/;\s*$/, ''));
    if (known.size >= maxTranslations) known.delete(known.keys().next().value as string);
    known.set(sql, typed);
    return typed;
  };
};
