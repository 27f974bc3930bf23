/**
 * Reads GoogleSQL's lexical layer before the parser does: comments, string and bytes literals, quoted identifiers.
 *
 * The parser mangles escapes (\u00e9, \101, triple quotes, raw strings), so every literal is decoded here by
 * GoogleSQL's rules and stands in the parsed text as a numbered placeholder. Comments become blanks. The invariant:
 * `originalOffset` leads from every position of `text` back to the given statement, for messages.
 */
import { RefusedSql } from './problems.ts';
import { SUBQUERY_ALIAS, SubqueryAliases } from './subquery-aliases.ts';

export interface Literal {
  readonly kind: 'string' | 'bytes';
  /** Decoded text; for bytes one character per byte (0-255). */
  readonly value: string;
}

export interface Word {
  /** Upper case. */
  readonly word: string;
  readonly offset: number;
  /** Whether an opening parenthesis follows. */
  readonly isCall: boolean;
}

export interface LexedSql {
  readonly text: string;
  readonly literals: readonly Literal[];
  readonly words: readonly Word[];
  originalOffset(offset: number): number;
}

/** Marks a placeholder, so that the strings which the parser makes of numbers (INTERVAL 1 DAY) are not taken for one. */
export const PLACEHOLDER = '~';

const LITERAL_START = /^(rb|br|r|b)?("""|'''|"|')/iu;
const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '?': '?',
  '"': '"',
  "'": "'",
  '`': '`',
};

export function lexSql(sql: string): LexedSql {
  const literals: Literal[] = [];
  const words: Word[] = [];
  const shifts: { at: number; by: number }[] = [];
  const aliases = new SubqueryAliases();
  let text = '';
  let i = 0;
  while (i < sql.length) {
    const rest = sql.slice(i, i + 5);
    const literalStart = LITERAL_START.exec(rest);
    const comment = commentEnd(sql, i);
    if (comment !== undefined) {
      text += blank(sql.slice(i, comment));
      i = comment;
    } else if (literalStart !== null) {
      const { literal, end } = readLiteral(sql, i, literalStart);
      const placeholder = `${literal.kind === 'bytes' ? 'b' : ''}'${PLACEHOLDER}${literals.length}'`;
      literals.push(literal);
      aliases.mark("'");
      text += placeholder;
      shifts.push({ at: text.length, by: end - text.length });
      i = end;
    } else if (sql[i] === '`') {
      const end = sql.indexOf('`', i + 1);
      if (end < 0) throw new RefusedSql('syntax', 'a quoted identifier is not closed', i);
      if (sql.slice(i, end).includes('\\')) throw new RefusedSql('quoted identifier', 'escapes in quoted identifiers are not supported', i);
      text += sql.slice(i, end + 1);
      aliases.mark('`');
      i = end + 1;
    } else if (/[A-Za-z_]/u.test(sql[i] as string)) {
      const word = /^[A-Za-z_][A-Za-z0-9_]*/u.exec(sql.slice(i, i + 300))?.[0] as string;
      if (aliases.word(word.toUpperCase())) {
        text += SUBQUERY_ALIAS;
        shifts.push({ at: text.length, by: i - text.length });
      }
      words.push({ word: word.toUpperCase(), offset: i, isCall: /^\s*\(/u.test(sql.slice(i + word.length, i + word.length + 20)) });
      text += word;
      i += word.length;
    } else if (sql.startsWith('@{', i)) {
      throw new RefusedSql('hint', 'hints (@{...}) are not supported: leave it out', i);
    } else if (/[0-9]/u.test(sql[i] as string)) {
      // A whole number token, so that the letters of 0x1F and 1e5 are not read as words.
      const number = /^(0[xX][0-9a-fA-F]+|[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?)/u.exec(sql.slice(i, i + 400))?.[0] as string;
      text += number;
      aliases.mark('0');
      i += number.length;
    } else {
      if (/\S/u.test(sql[i] as string)) aliases.mark(sql[i] as string);
      text += sql[i];
      i += 1;
    }
  }
  return {
    text,
    literals,
    words,
    originalOffset(offset) {
      let by = 0;
      for (const shift of shifts) {
        if (shift.at > offset) break;
        by = shift.by;
      }
      return Math.min(offset + by, sql.length);
    },
  };
}

function blank(comment: string): string {
  return comment
    .split('\n')
    .map((line) => ' '.repeat(line.length))
    .join('\n');
}

function commentEnd(sql: string, at: number): number | undefined {
  if (sql.startsWith('/*', at)) {
    const end = sql.indexOf('*/', at + 2);
    if (end < 0) throw new RefusedSql('syntax', 'a comment is not closed', at);
    return end + 2;
  }
  if (sql.startsWith('--', at) || sql[at] === '#') {
    const end = sql.indexOf('\n', at);
    return end < 0 ? sql.length : end;
  }
  return undefined;
}

function readLiteral(sql: string, start: number, opening: RegExpExecArray): { literal: Literal; end: number } {
  const prefix = (opening[1] ?? '').toLowerCase();
  const quote = opening[2] as string;
  const raw = prefix.includes('r');
  const kind = prefix.includes('b') ? 'bytes' : 'string';
  let value = '';
  let i = start + opening[0].length;
  while (!sql.startsWith(quote, i)) {
    const character = sql[i];
    if (character === undefined || (character === '\n' && quote.length === 1)) throw new RefusedSql('syntax', 'a string literal is not closed', start);
    if (character !== '\\') {
      value += kind === 'bytes' ? Buffer.from(character, 'utf8').toString('latin1') : character;
      i += 1;
    } else if (raw) {
      value += sql.slice(i, i + 2);
      i += 2;
    } else {
      const escape = readEscape(sql, i, kind);
      value += escape.value;
      i = escape.end;
    }
  }
  return { literal: { kind, value }, end: i + quote.length };
}

function readEscape(sql: string, at: number, kind: Literal['kind']): { value: string; end: number } {
  const simple = SIMPLE_ESCAPES[sql[at + 1] ?? ''];
  if (simple !== undefined) return { value: simple, end: at + 2 };
  const rest = sql.slice(at, at + 10);
  const coded = /^\\(?:([0-3][0-7]{2})|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/u.exec(rest);
  if (coded === null || (kind === 'bytes' && (coded[3] ?? coded[4]) !== undefined)) {
    throw new RefusedSql('escape sequence', `'${rest.slice(0, 2)}' is not an escape sequence of GoogleSQL`, at);
  }
  const code = coded[1] === undefined ? Number.parseInt(coded[2] ?? coded[3] ?? coded[4] ?? '', 16) : Number.parseInt(coded[1], 8);
  return { value: String.fromCodePoint(code), end: at + coded[0].length };
}
