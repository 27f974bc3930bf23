/**
 * GoogleSQL to DuckDB for one SELECT. An allow-list: a construct or function that is not on it is refused by name,
 * never passed through, and what is on it is proven equal to Google's reference evaluator by reference.test.ts.
 */
import { parseStatement } from './ast.ts';
import { lexSql } from './lexer.ts';
import { printExpression } from './print-expression.ts';
import { printQuery } from './print-query.ts';
import { createProblem, RefusedSql } from './problems.ts';
import type { SqlProblem } from './problems.ts';
import { TranslationContext } from './translation-context.ts';
import type { ColumnTypes, ParameterTypes } from './translation-context.ts';

export type TranslateResult =
  | { readonly ok: true; readonly sql: string; readonly parameters: readonly string[] }
  | { readonly ok: false; readonly problems: readonly SqlProblem[] };

/** The parameters that every processor is given. */
const DEFAULT_PARAMETER_TYPES: ParameterTypes = { start_date: 'DATE', end_date: 'DATE' };

/**
 * @param parameterTypes types of named parameters, so that DuckDB can resolve operators on them; a parameter without
 * one stays bare and takes the type of the value that is bound.
 * @param columnTypes types of the tables' columns. Without them NUMERIC columns are computed as DuckDB does, or refused.
 */
export function translateSelect(sql: string, parameterTypes: ParameterTypes = DEFAULT_PARAMETER_TYPES, columnTypes?: ColumnTypes): TranslateResult {
  let context: TranslationContext | undefined;
  try {
    const lexed = lexSql(sql);
    context = new TranslationContext(sql, lexed, parameterTypes, { query: printQuery, expression: printExpression }, { columnTypes });
    const text = context.printQuery(parseStatement(lexed));
    return context.problems.length === 0 ? { ok: true, sql: text, parameters: [...context.parameters] } : { ok: false, problems: context.problems };
  } catch (error) {
    if (!(error instanceof RefusedSql)) throw error;
    if (context === undefined) return { ok: false, problems: [createProblem(sql, error.construct, error.message, error.offset)] };
    context.note(error);
    return { ok: false, problems: context.problems };
  }
}

export { duckdbPrelude } from './prelude.ts';
