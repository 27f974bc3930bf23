/**
 * GoogleSQL to DuckDB for whole statements: queries, DML, the DDL of tables and datasets, transactions, ASSERT. The
 * structure comes as data, the expressions in it as DuckDB SQL through the same allow-list as translateSelect's; what
 * is not on it is refused by name. The statement is taken to be valid: Google's analyzer stands before it.
 *
 * Beyond the named parameters a statement may name `sys_row_count` (of `@@row_count`) and `sys_now` (of CURRENT_TIMESTAMP
 * and its like, a TIMESTAMP): whoever runs it binds them.
 */
import { parseStatement } from './ast.ts';
import type { Node } from './ast.ts';
import { lexSql } from './lexer.ts';
import type { LexedSql } from './lexer.ts';
import { printExpression } from './print-expression.ts';
import { DML } from './print-dml.ts';
import { printQuery } from './print-query.ts';
import { createProblem, RefusedSql } from './problems.ts';
import type { SqlProblem } from './problems.ts';
import { readHead } from './statement-heads.ts';
import { insertText, TokenReader } from './token-reader.ts';
import type { Token } from './token-reader.ts';
import type { TranslatedStatement } from './translated-statement.ts';
import { TranslationContext } from './translation-context.ts';
import type { ColumnTypes, ParameterTypes, StatementMode } from './translation-context.ts';

export type TranslateStatementOptions = StatementMode & {
  /** GoogleSQL types by lower-case name, `ARRAY<STRUCT<a INT64>>` too. A parameter without one stays bare. */
  readonly parameterTypes: ParameterTypes;
  /** With it NUMERIC columns divide, average and round as in GoogleSQL; without, most of that is refused. */
  readonly columnTypes?: ColumnTypes;
};

export type TranslateStatementResult =
  | { readonly ok: true; readonly statement: TranslatedStatement; readonly parameters: readonly string[] }
  | { readonly ok: false; readonly problems: readonly SqlProblem[] };

export function translateStatement(sql: string, options: TranslateStatementOptions): TranslateStatementResult {
  let context: TranslationContext | undefined;
  try {
    const lexed = completed(lexSql(sql));
    context = new TranslationContext(
      sql,
      lexed,
      options.parameterTypes,
      { query: printQuery, expression: printExpression },
      { mode: options, columnTypes: options.columnTypes },
    );
    const statement = readHead(context) ?? printParsed(context, parseStatement(lexed));
    return context.problems.length === 0 ? { ok: true, statement, parameters: [...context.parameters] } : { ok: false, problems: context.problems };
  } catch (error) {
    if (!(error instanceof RefusedSql)) throw error;
    if (context === undefined) return { ok: false, problems: [createProblem(sql, error.construct, error.message, error.offset)] };
    context.note(error);
    return { ok: false, problems: context.problems };
  }
}

function printParsed(context: TranslationContext, node: Node): TranslatedStatement {
  const dml = DML[node.kind];
  return dml === undefined ? { kind: 'query', sql: context.printQuery(node) } : dml(context, node.body);
}

/** The parser wants the INTO that GoogleSQL lets one leave out, and in MERGE quotes around columns that are called like types. */
function completed(lexed: LexedSql): LexedSql {
  const tokens = new TokenReader(lexed);
  if (tokens.sees('MERGE')) return readableMerge(lexed, tokens);
  const insert = tokens.peek();
  if (insert === undefined || !tokens.takes('INSERT') || tokens.sees('INTO')) return lexed;
  return insertText(lexed, insert.end, ' INTO');
}

const TYPE_LIKE = new Set(['DATE', 'DATETIME', 'TIME', 'TIMESTAMP']);

/** `SET date = …`, `INSERT (id, date)`: the word is a type where a literal, a parenthesis or nothing of a list follows. */
function readableMerge(lexed: LexedSql, tokens: TokenReader): LexedSql {
  const edits: { readonly at: number; readonly text: string }[] = [];
  let before: Token | undefined;
  while (!tokens.isAtEnd) {
    const token = tokens.next();
    const isListed = before !== undefined && (['(', ',', '.'].includes(before.text) || before.word === 'SET');
    if (isListed && TYPE_LIKE.has(token.word ?? '') && [')', ',', '='].includes(tokens.peek()?.text ?? '')) {
      edits.push({ at: token.start, text: '`' }, { at: token.end, text: '`' });
    }
    // `INSERT (a, b) ROW`: the parser has ROW alone, or VALUES behind a list.
    if (token.word === 'ROW' && before?.text === ')') edits.push({ at: token.start, text: 'VALUES (_fg_' }, { at: token.end, text: ')' });
    before = token;
  }
  return edits.reduceRight((text, edit) => insertText(text, edit.at, edit.text), lexed);
}
