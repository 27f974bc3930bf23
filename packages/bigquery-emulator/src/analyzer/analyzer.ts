// Google's analyzer in front of everything: it says whether a statement is BigQuery's, what it reads and writes, and which
// columns it gives. What it refuses is refused in its words. See statement.ts for what callers may rely on.
import { bigquery } from '@floodgate/cloud-limits/limits.ts';
import { BigQueryProblem, notImplemented } from '../problem.ts';
import type { AnalyzedStatement, Analyzer, StatementContext } from '../statement.ts';
import type { TableId, TableSchema } from '../types.ts';
import { columnsOf, formatType } from '../values/types.ts';
import { AnalysisCache } from './analysis-cache.ts';
import { buildCatalog, fullNameOf } from './catalog.ts';
import type { CatalogTable } from './catalog.ts';
import { checkParameters, toProtoParameters } from './statement-parameters.ts';
import { defaultFolder, installAnalyzer, packageFolder } from './install.ts';
import { bigQueryLanguage } from './language-options.ts';
import { readResolvedStatement } from './resolved-statement.ts';
import type { ResolvedStatement } from './resolved-statement.ts';
import { rewrite } from './rewrite.ts';
import type { Rewritten } from './rewrite.ts';
import { refuseByName, splitScript } from './script.ts';
import { toProblem, unknownViewColumn } from './statement-problem.ts';
import { resolveDataset, resolveTable, tableNotFound } from './table-paths.ts';
import { readTokens } from './tokens.ts';
import type { Token } from './tokens.ts';
import { startZetaSql, StatementError } from './zetasql-process.ts';
import type { ZetaSqlProcess } from './zetasql-process.ts';

export type AnalyzerOptions = {
  /** Where zetasql lies, or is to be fetched to; `tools/zetasql` of this repository where it is not given. */
  readonly folder?: string;
  readonly deadlineMs?: number;
};

const defaultDeadlineMs = 10_000;

/** One statement read once: tokens, and what the analyzer is to see. */
type Reading = { readonly tokens: readonly Token[]; readonly rewritten: Rewritten };
type LanguageOptions = ReturnType<typeof bigQueryLanguage>;
type TableNames = { readonly tableName?: readonly { readonly tableNameSegment?: readonly string[] }[] };

export async function startAnalyzer({ folder = defaultFolder, deadlineMs = defaultDeadlineMs }: AnalyzerOptions = {}): Promise<Analyzer> {
  await installAnalyzer(folder);
  const zetasql = await startZetaSql(packageFolder(folder), { deadlineMs });
  const language = bigQueryLanguage(await zetasql.call('getLanguageOptions', { maximumFeatures: true }));
  /** Names that a statement mentions, by its text. */
  const names = new AnalysisCache<readonly (readonly string[])[]>();
  const analyses = new AnalysisCache<ResolvedStatement>();

  const analyze = async (sql: string, context: StatementContext): Promise<AnalyzedStatement> => {
    const { tokens, rewritten } = readStatement(sql);
    checkParameters(tokens, rewritten.positional, context.parameterTypes, sql);
    const paths = await names.get(rewritten.text, () => tableNames(zetasql, rewritten, language));
    const alias = mergeAlias(tokens);
    const found = paths.map((path) => findTable(path, rewritten, context));
    const tables = found.filter((table): table is CatalogTable => !(table instanceof BigQueryProblem));
    const missing = found.flatMap((table, index) => (table instanceof BigQueryProblem ? [{ table, path: paths[index] as readonly string[] }] : []));
    for (const { table, path } of missing) if (path.length === 1 || path[0]?.toLowerCase() !== alias) throw table;
    const key = JSON.stringify([rewritten.text, signatures(tables), [...context.parameterTypes].map(([name, type]) => [name, formatType(type)])]);
    const resolved = await analyses
      .get(key, () => resolve(zetasql, rewritten, tables, context, language))
      .catch((error: unknown) => {
        if (!(error instanceof BigQueryProblem)) throw error;
        // A table after all: behind USING the alias means nothing yet.
        if (error.message.startsWith('Table not found')) throw missing[0]?.table ?? error;
        const tableIds = tables.map(({ table }) => table.tableId);
        throw unknownViewColumn(error.message, tableIds) ?? error;
      });
    return toStatement(resolved, rewritten, tables, context);
  };
  return { analyze, splitScript, [Symbol.asyncDispose]: () => zetasql[Symbol.asyncDispose]() };
}

function readStatement(sql: string): Reading {
  const { maxSqlCharacters } = bigquery.query;
  if (sql.length > maxSqlCharacters) {
    throw new BigQueryProblem(
      'invalid',
      `The query is too large. The maximum standard SQL query length is ${(maxSqlCharacters / 1024).toFixed(2)}K characters, including comments and white space characters.`,
    );
  }
  const tokens = readTokens(sql);
  if (tokens !== undefined) refuseByName(tokens);
  return { tokens: tokens ?? [], rewritten: rewrite(sql, tokens ?? []) };
}

async function tableNames(zetasql: ZetaSqlProcess, rewritten: Rewritten, language: LanguageOptions): Promise<readonly (readonly string[])[]> {
  const request = { sqlStatement: rewritten.text, options: language };
  const { tableName = [] } = await zetasql.call<TableNames>('extractTableNamesFromStatement', request).catch((error: unknown) => {
    throw refused(error, rewritten);
  });
  return tableName.map(({ tableNameSegment = [] }) => tableNameSegment);
}

function findTable(path: readonly string[], rewritten: Rewritten, context: StatementContext): CatalogTable | BigQueryProblem {
  const table = resolveTable(rewritten.expand(path), context);
  const schema = context.lookUp(table);
  return schema === undefined ? tableNotFound(table, context.hasDataset?.(table) ?? true) : { path, table, schema };
}

/**
 * The alias of MERGE's target, in lower case. Of all aliases this is the one that the analyzer doesn't know while it lists the
 * tables of a statement: `FROM t.players` of the target `games t` is listed as a table.
 */
function mergeAlias(tokens: readonly Token[]): string | undefined {
  const using = tokens[0]?.word === 'MERGE' ? tokens.findIndex(({ word }) => word === 'USING') : -1;
  const [before, alias] = tokens.slice(Math.max(0, using - 2), Math.max(0, using));
  if (alias === undefined || before?.text === '.' || before?.word === 'MERGE' || before?.word === 'INTO') return undefined;
  return alias.text.replaceAll('`', '').toLowerCase();
}

const schemaTexts = new WeakMap<TableSchema, string>();
/** What of a table the analysis depends on. */
const signatures = (tables: readonly CatalogTable[]): readonly unknown[] =>
  tables.map(({ path, table, schema }) => {
    const text = schemaTexts.get(schema) ?? JSON.stringify(columnsOf(schema).map(({ name, type }) => [name, formatType(type)]));
    schemaTexts.set(schema, text);
    return [path, fullNameOf(table), text];
  });

async function resolve(
  zetasql: ZetaSqlProcess,
  rewritten: Rewritten,
  tables: readonly CatalogTable[],
  context: StatementContext,
  languageOptions: LanguageOptions,
): Promise<ResolvedStatement> {
  const request = {
    sqlStatement: rewritten.text,
    simpleCatalog: buildCatalog(tables, languageOptions),
    options: {
      languageOptions,
      errorMessageMode: 'ERROR_MESSAGE_ONE_LINE',
      defaultTimezone: 'UTC',
      queryParameters: toProtoParameters(context.parameterTypes),
      systemVariables: [{ namePath: ['row_count'], type: { typeKind: 'TYPE_INT64' } }],
    },
  };
  const answer = await zetasql.call<{ readonly resolvedStatement: Readonly<Record<string, unknown>> }>('analyze', request).catch((error: unknown) => {
    throw refused(error, rewritten);
  });
  return readResolvedStatement(answer.resolvedStatement);
}

const refused = (error: unknown, rewritten: Rewritten): unknown => (error instanceof StatementError ? toProblem(error, rewritten.toOriginal) : error);

function toStatement(resolved: ResolvedStatement, rewritten: Rewritten, tables: readonly CatalogTable[], context: StatementContext): AnalyzedStatement {
  const byName = new Map(tables.map(({ table }) => [fullNameOf(table), table]));
  const known = (fullName: string): TableId => {
    const table = byName.get(fullName);
    if (table === undefined) throw new BigQueryProblem('internalError', `Google's analyzer speaks of a table that it was not given: ${fullName}`);
    return table;
  };
  const { kind, columns, target } = resolved;
  return {
    kind,
    sql: rewritten.sql,
    columns,
    reads: resolved.reads.map(known),
    ...(target === undefined ? {} : { target: 'fullName' in target ? known(target.fullName) : targetOf(kind, rewritten.expand(target.path), context) }),
    context,
  };
}

/** A schema has no table: its `tableId` is empty. */
function targetOf(kind: AnalyzedStatement['kind'], path: readonly string[], context: StatementContext): TableId {
  if (kind === 'CREATE_SCHEMA' || kind === 'DROP_SCHEMA') return { ...resolveDataset(path, context), tableId: '' };
  const table = resolveTable(path, context);
  if (table.tableId.startsWith('INFORMATION_SCHEMA.')) throw notImplemented('DDL of INFORMATION_SCHEMA');
  return table;
}
