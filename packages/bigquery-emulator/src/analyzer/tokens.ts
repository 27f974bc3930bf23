// Tokens of a statement with their places in it: strings, comments and quoted names are told from the rest by packages/sql.
import { lexSql } from '@floodgate/sql/lexer.ts';
import type { LexedSql } from '@floodgate/sql/lexer.ts';
import { RefusedSql } from '@floodgate/sql/problems.ts';
import { notImplemented } from '../problem.ts';

export type Token = {
  readonly kind: 'word' | 'quoted' | 'literal' | 'number' | 'parameter' | 'system variable' | 'symbol';
  /** As written; a literal is a placeholder. */
  readonly text: string;
  /** Upper case for a word, empty otherwise. */
  readonly word: string;
  /** In the statement; worked out when asked for, since that takes time. */
  readonly start: () => number;
  readonly end: () => number;
};

const tokenText = /\s*(?:(`[^`]*`)|(b?'~\d+')|([A-Za-z_]\w*)|(\d[\w.]*|\.\d[\w.]*)|(@@(?:\w|\.\w)+)|(@\s*(?:\w+|`[^`]*`)|\?)|([^\s]))/uy;
/** By group. Numbers and no names: a script has tens of thousands of tokens, and named groups cost three times as much. */
const kinds = ['quoted', 'literal', 'word', 'number', 'system variable', 'parameter', 'symbol'] as const;

/** undefined where a string, comment or name does not end, or has a wrong escape: Google's analyzer has the words for it. */
export function readTokens(sql: string): readonly Token[] | undefined {
  const lexed = lex(sql);
  if (lexed === undefined) return undefined;
  const tokens: Token[] = [];
  tokenText.lastIndex = 0;
  for (let match = tokenText.exec(lexed.text); match !== null; match = tokenText.exec(lexed.text)) {
    const group = match.findIndex((text, index) => index > 0 && text !== undefined);
    const text = match[group] ?? '';
    const kind = kinds[group - 1];
    if (kind === undefined) break;
    const end = tokenText.lastIndex;
    tokens.push({
      kind,
      text,
      word: kind === 'word' ? text.toUpperCase() : '',
      start: () => lexed.originalOffset(end - text.length),
      end: () => lexed.originalOffset(end),
    });
  }
  return tokens;
}

function lex(sql: string): LexedSql | undefined {
  try {
    return lexSql(sql);
  } catch (error) {
    if (!(error instanceof RefusedSql)) throw error;
    if (error.construct === 'hint') throw notImplemented('hints (@{…})');
    if (error.construct === 'quoted identifier') throw notImplemented('escapes in quoted identifiers');
    return undefined;
  }
}
