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

const tokenText =
  /\s*(?:(?<quoted>`[^`]*`)|(?<literal>b?'~\d+')|(?<word>[A-Za-z_]\w*)|(?<number>\d[\w.]*|\.\d[\w.]*)|(?<system>@@(?:\w|\.\w)+)|(?<parameter>@\s*(?:\w+|`[^`]*`)|\?)|(?<symbol>[^\s]))/duy;

/** undefined where a string, comment or name does not end, or has a wrong escape: Google's analyzer has the words for it. */
export function readTokens(sql: string): readonly Token[] | undefined {
  const lexed = lex(sql);
  if (lexed === undefined) return undefined;
  const tokens: Token[] = [];
  tokenText.lastIndex = 0;
  for (let match = tokenText.exec(lexed.text); match !== null; match = tokenText.exec(lexed.text)) {
    const group = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined);
    const range = group === undefined ? undefined : match.indices?.groups?.[group[0]];
    if (group === undefined || range === undefined) break;
    const kind = group[0] === 'system' ? 'system variable' : (group[0] as Token['kind']);
    tokens.push({
      kind,
      text: group[1],
      word: kind === 'word' ? group[1].toUpperCase() : '',
      start: () => lexed.originalOffset(range[0]),
      end: () => lexed.originalOffset(range[1]),
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
