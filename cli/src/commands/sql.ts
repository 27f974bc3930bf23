// floodgate sql: reads the tables, also while a backfill runs.
import type { QueryResult } from '@floodgate/core/ports/warehouse.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { addJson, addPipeline, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { formatCount, plural } from '../render/numbers.ts';
import { renderQueryResult, toCsv } from '../render/query-result.ts';
import { renderTable } from '../render/table.ts';
import type { Session } from '../session.ts';

type SqlFlags = ConfigFlags & { readonly maxRows?: string; readonly dialect?: string; readonly csv?: boolean };

const defaultRows = 1_000;

const readMaxRows = (text: string | undefined): number => {
  if (text === undefined) return defaultRows;
  if (!/^\d+$/.test(text) || Number(text) < 1 || Number(text) > 10_000_000)
    throw new FloodgateError('usage', `--max-rows: expected a whole number from 1 to 10000000, found "${text}"`);
  return Number(text);
};

const readDialect = (text: string | undefined, isDeployment: boolean): 'native' | 'googlesql' => {
  if (isDeployment && text === 'duckdb')
    throw new FloodgateError('usage', '--dialect: expected googlesql with --backend gcp, which has no other, found "duckdb"');
  if (text === undefined || text === 'duckdb') return 'native';
  if (text === 'googlesql') return 'googlesql';
  throw new FloodgateError('usage', `--dialect: expected duckdb or googlesql, found "${text}"`);
};

const show = (session: Session, result: QueryResult, maxRows: number, csv: boolean): void => {
  const { print } = session;
  if (print.json) print.document(result.rows);
  else if (csv) print.raw(toCsv(result));
  else print.note([...renderQueryResult(result, print.style, print.width), print.style.dim(plural(result.rows.length, 'row'))].join('\n'));
  if (result.rows.length >= maxRows)
    print.error(
      `${print.errorStyle.paint('yellow', 'warning:')} only the first ${plural(maxRows, 'row')} are shown; --max-rows shows more, npx floodgate export writes whole tables`,
    );
};

const listTables = async (session: Session): Promise<void> => {
  const { print } = session;
  const tables = await (await session.backend()).withWarehouse((actions) => actions.tables(null, session.interrupted));
  if (print.json) {
    print.document(tables.map(({ table, rows, columns }) => ({ table, rows, columns: columns.map(({ name }) => name) })));
    return;
  }
  const rows = tables.map(({ table, rows: count, columns }) => [table, formatCount(count), formatCount(columns.length)]);
  print.note(
    rows.length === 0
      ? 'There are no tables yet.'
      : renderTable([{ title: 'table' }, { title: 'rows', align: 'right' }, { title: 'columns', align: 'right' }], rows, print.style).join('\n'),
  );
};

/** What DuckDB says of a statement that it can't read or bind is about what was typed, whatever the code. */
const explainQueryError = (error: unknown): never => {
  if (error instanceof FloodgateError && /\b(Parser|Binder|Catalog|Conversion) Error:/.test(error.message))
    throw new FloodgateError(
      'invalid_sql',
      error.message.replace(/^Failed to extract statements: /, ''),
      error.hint === undefined ? { cause: error } : { hint: error.hint, cause: error },
    );
  throw error;
};

const sql = async (session: Session, text: string | undefined, flags: SqlFlags): Promise<ExitCode> => {
  const [maxRows, dialect] = [readMaxRows(flags.maxRows), readDialect(flags.dialect, session.config.gcp !== undefined)];
  if (text === undefined) {
    await listTables(session);
    return exitCodes.done;
  }
  const input = { sql: text, dialect, maxRows, pipelineId: session.config.pipelineId };
  show(
    session,
    await (await session.backend()).withWarehouse((actions) => actions.query(input, session.interrupted).catch(explainQueryError)),
    maxRows,
    flags.csv ?? false,
  );
  return exitCodes.done;
};

export const registerSql: RegisterCommand = (program, run) => {
  const command = program
    .command('sql')
    .argument('[query]', 'one SELECT; without it, the tables are listed')
    .summary('query the tables, read-only')
    .description('Runs one statement that reads (DuckDB’s SQL, or GoogleSQL with --dialect googlesql), also while a backfill runs.')
    .option('--max-rows <n>', `default: ${defaultRows}`)
    .option('--dialect <name>', 'duckdb or googlesql (default: duckdb; with --backend gcp always googlesql)');
  addJson(addPipeline(command))
    .option('--csv', 'as CSV')
    .action((text: string | undefined, flags: SqlFlags) => run(flags, (session) => sql(session, text, flags)));
};
