/**
 * Reads the heads of statements that the parser does not know, token by token, over the lexed text. What it hands back
 * to the parser is the same text with everything else blanked, so that positions stay.
 */
import type { LexedSql } from './lexer.ts';
import { PLACEHOLDER } from './lexer.ts';
import { RefusedSql } from './problems.ts';

export interface Token {
  readonly text: string;
  /** Upper case for a bare word; undefined for everything else. */
  readonly word: string | undefined;
  /** In the lexed text, the end exclusive. */
  readonly start: number;
  readonly end: number;
}

const TOKEN = /`[^`]*`|b?'~\d+'|@@?[A-Za-z_]\w*|[A-Za-z_]\w*|0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\S/guy;

function tokensOf(text: string): readonly Token[] {
  return [...text.matchAll(new RegExp(TOKEN.source, 'gu'))].map((match) => ({
    text: match[0],
    word: /^[A-Za-z_]/u.test(match[0]) && !match[0].endsWith("'") ? match[0].toUpperCase() : undefined,
    start: match.index,
    end: match.index + match[0].length,
  }));
}

export class TokenReader {
  readonly lexed: LexedSql;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(lexed: LexedSql) {
    this.lexed = lexed;
    this.#tokens = tokensOf(lexed.text);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  next(): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw this.unexpected();
    this.#at += 1;
    return token;
  }

  /** Whether these words or marks come next. */
  sees(...words: readonly string[]): boolean {
    return words.every((word, index) => {
      const token = this.peek(index);
      return (token?.word ?? token?.text) === word;
    });
  }

  /** Takes these words where they come next. */
  takes(...words: readonly string[]): boolean {
    if (!this.sees(...words)) return false;
    this.#at += words.length;
    return true;
  }

  expect(...words: readonly string[]): void {
    if (!this.takes(...words)) throw this.unexpected();
  }

  end(): void {
    this.takes(';');
    if (!this.isAtEnd) throw this.unexpected();
  }

  unexpected(): RefusedSql {
    const token = this.peek();
    const offset = token?.start ?? this.lexed.text.length;
    return new RefusedSql(
      token?.word ?? 'syntax',
      `${token === undefined ? 'the end of the statement' : `'${token.text}'`} is not expected here`,
      undefined,
      offset,
    );
  }

  refuse(construct: string, message = `${construct} is not supported`): never {
    throw new RefusedSql(construct, message, undefined, this.peek()?.start);
  }

  name(): string {
    const token = this.peek();
    if (token?.text.startsWith('`') === true || token?.word !== undefined) return this.next().text.replaceAll('`', '');
    throw this.unexpected();
  }

  /** `a.b.c`, quoted whole or in parts; a project's name may have dashes. */
  path(): readonly string[] {
    const parts: string[] = [];
    let dashed = this.name();
    for (;;) {
      const last = this.#tokens[this.#at - 1] as Token;
      const mark = this.peek();
      if (mark?.text === '-' && mark.start === last.end) {
        this.next();
        dashed += `-${this.next().text}`;
      } else if (mark?.text === '.') {
        this.next();
        parts.push(...dashed.split('.'));
        dashed = this.name();
      } else {
        return [...parts, ...dashed.split('.')];
      }
    }
  }

  stringLiteral(): string {
    const token = this.next();
    const index = token.text.startsWith(`'${PLACEHOLDER}`) ? Number(token.text.slice(2, -1)) : -1;
    const literal = this.lexed.literals[index];
    if (literal?.kind !== 'string') throw new RefusedSql('syntax', 'a string literal is expected here', undefined, token.start);
    return literal.value;
  }

  /** Tokens up to one that stands outside all parentheses and for which `isEnd` holds; it is not taken. */
  until(isEnd: (token: Token) => boolean): readonly Token[] {
    const taken: Token[] = [];
    let depth = 0;
    while (!this.isAtEnd) {
      const token = this.peek() as Token;
      if (depth === 0 && isEnd(token)) break;
      if ('([<'.includes(token.text)) depth += 1;
      if (')]>'.includes(token.text)) depth -= 1;
      taken.push(this.next());
    }
    return taken;
  }
}

/** The lexed text with all but `[start, end)` blanked, behind `prefix`, which must fit into the blank. */
export function blankAround(lexed: LexedSql, start: number, end: number, prefix = ''): LexedSql {
  const blank = (text: string): string => text.replaceAll(/[^\n]/gu, ' ');
  const piece = lexed.text.slice(start, end);
  if (prefix.length <= start) return { ...lexed, text: prefix + blank(lexed.text.slice(prefix.length, start)) + piece };
  // Too short a head: the text grows, and positions with it.
  const by = prefix.length - start;
  return { ...lexed, text: prefix + piece, originalOffset: (offset) => lexed.originalOffset(Math.max(0, offset - by)) };
}

/** Puts `text` in at `at`. */
export function insertText(lexed: LexedSql, at: number, text: string): LexedSql {
  return {
    ...lexed,
    text: lexed.text.slice(0, at) + text + lexed.text.slice(at),
    originalOffset: (offset) => lexed.originalOffset(offset <= at ? offset : Math.max(at, offset - text.length)),
  };
}
