// Scripts: cut at semicolons, and what is not a statement of ours refused by its name.
// https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/procedural-language
import { BigQueryProblem, notImplemented } from '../problem.ts';
import type { ScriptStatement } from '../statement.ts';
import { positionOf } from './positions.ts';
import { readTokens } from './tokens.ts';
import type { Token } from './tokens.ts';

/** What the procedural language begins a statement with. */
const procedural: ReadonlySet<string> = new Set([
  'DECLARE',
  'SET',
  'IF',
  'ELSEIF',
  'ELSE',
  'CASE',
  'WHEN',
  'LOOP',
  'WHILE',
  'REPEAT',
  'UNTIL',
  'FOR',
  'DO',
  'BREAK',
  'LEAVE',
  'CONTINUE',
  'ITERATE',
  'CALL',
  'EXECUTE',
  'RAISE',
  'RETURN',
  'EXCEPTION',
]);
/** Statements of BigQuery's by their first words, that this server does not have. */
const unknownHeads: ReadonlySet<string> = new Set([
  'ALTER',
  'EXPORT',
  'LOAD',
  'GRANT',
  'REVOKE',
  'UNDROP',
  'EXPLAIN',
  'DESCRIBE',
  'ANALYZE',
  'IMPORT',
  'CLONE',
]);
const ddlWords: ReadonlySet<string> = new Set(['TABLE', 'SCHEMA']);

export function splitScript(script: string): readonly ScriptStatement[] {
  const tokens = readTokens(script);
  // Google's words for a string that does not end are those of the analyzer.
  if (tokens === undefined) return [{ sql: script, line: 1, column: 1 }];
  const statements: ScriptStatement[] = [];
  let first = 0;
  for (let at = 0; at <= tokens.length; at += 1) {
    const token = tokens[at];
    if (token !== undefined && token.text !== ';') continue;
    const piece = tokens.slice(first, at);
    if (piece.length > 0) statements.push(toStatement(script, piece, statements.length === 0));
    else if (token !== undefined) throw syntaxError(script, 'Unexpected ";"', token.start());
    first = at + 1;
  }
  if (statements.length === 0) throw syntaxError(script, 'Unexpected end of script', script.length);
  // They count through the whole script, and each statement is analyzed for itself.
  if (statements.length > 1 && tokens.some(({ text }) => text === '?')) throw notImplemented('positional parameters in a script of several statements');
  return statements;
}

function toStatement(script: string, tokens: readonly Token[], isFirst: boolean): ScriptStatement {
  refuseProcedural(tokens);
  // What comes before the first statement stays with it, so that positions need no shift where there is only one.
  const start = isFirst ? 0 : (tokens[0] as Token).start();
  return { sql: script.slice(start, (tokens.at(-1) as Token).end()), ...(isFirst ? { line: 1, column: 1 } : positionOf(script, start)) };
}

const syntaxError = (script: string, message: string, offset: number): BigQueryProblem => {
  const { line, column } = positionOf(script, offset);
  return new BigQueryProblem('invalidQuery', `Syntax error: ${message} at [${line}:${column}]`, 'query');
};

function refuseProcedural(tokens: readonly Token[]): void {
  const [first, second] = tokens;
  if (first?.word === 'EXECUTE') throw notImplemented('EXECUTE IMMEDIATE');
  if (first !== undefined && procedural.has(first.word)) throw notImplemented(`${first.word} of scripts`);
  if (first?.word === 'BEGIN' && second !== undefined && second.word !== 'TRANSACTION') throw notImplemented('BEGIN … END blocks of scripts');
  if (first?.word === 'END') throw notImplemented('BEGIN … END blocks of scripts');
  if (second?.text === ':' && (first?.kind === 'word' || first?.kind === 'quoted')) throw notImplemented('labels of scripts');
}

/** `CREATE FUNCTION`, `ALTER TABLE`, …: a statement that BigQuery has and this server does not. */
export function refuseByName(tokens: readonly Token[]): void {
  refuseProcedural(tokens);
  const [first, second] = tokens;
  if (first === undefined) return;
  if (unknownHeads.has(first.word)) throw notImplemented([first.word, second?.word].join(' ').trim());
  tokens.forEach((token, index) => {
    // Newer than this analyzer: it would call it a syntax error.
    if (token.text === '|' && tokens[index + 1]?.text === '>') throw notImplemented('pipe syntax (|>)');
    // https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax#set_operators: DISTINCT alone.
    if ((token.word === 'INTERSECT' || token.word === 'EXCEPT') && tokens[index + 1]?.word === 'ALL') {
      throw new BigQueryProblem('invalidQuery', `${token.word} ALL is not supported`, 'query');
    }
  });
  if (first.word === 'CREATE') refuseDdl('CREATE', wordsAfter(tokens, ['OR', 'REPLACE']));
  if (first.word === 'DROP') refuseDdl('DROP', wordsAfter(tokens, []));
}

const wordsAfter = (tokens: readonly Token[], skipped: readonly string[]): readonly string[] => {
  const words = tokens.slice(1, 8).map(({ word }) => word);
  return skipped.every((word, index) => words[index] === word) ? words.slice(skipped.length) : words;
};

/** What kinds of things DDL makes, beside tables and schemas: `MATERIALIZED VIEW`, `ROW ACCESS POLICY`, … */
const ddlKinds =
  /^(?:(?:TEMP|TEMPORARY|EXTERNAL|SNAPSHOT|MATERIALIZED|SEARCH|VECTOR|ROW ACCESS|ALL ROW ACCESS|TABLE|AGGREGATE|PROPERTY) )*(?:TABLE|SCHEMA|FUNCTION|PROCEDURE|VIEW|INDEX|POLICY|POLICIES|MODEL|CAPACITY|RESERVATION|ASSIGNMENT|CONNECTION|GRAPH|CONSTANT)\b/u;

function refuseDdl(verb: string, words: readonly string[]): void {
  if (ddlWords.has(words[0] ?? '') && words[1] !== 'FUNCTION') return;
  const kind = ddlKinds.exec(words.join(' '))?.[0];
  // Anything else is no statement of BigQuery's, and Google's analyzer says so.
  if (kind !== undefined) throw notImplemented(`${verb} ${kind}`);
}
