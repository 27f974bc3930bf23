/**
 * The parser's tree, seen through one guard: whoever reads a node names every key that he understands, and any other
 * key that holds something is refused. So a clause that the translation does not know can never be dropped silently.
 */
import { parse } from '@polyglot-sql/sdk';
import type { LexedSql } from './lexer.ts';
import { RefusedSql } from './problems.ts';
import { refuseReservedNames } from './reserved-words.ts';

export type Json = null | boolean | number | string | readonly Json[] | Body;
export interface Body {
  readonly [key: string]: Json | undefined;
}
/** A tree node: the one key is its kind. */
export interface Node {
  readonly kind: string;
  readonly body: Body;
}

/** Keys that carry spelling, comments or positions and never meaning. */
const IGNORED_KEYS = new Set([
  'span',
  'trailing_comments',
  'leading_comments',
  'pre_alias_comments',
  'operator_comments',
  'left_comments',
  'post_select_comments',
  'inferred_type',
  'alias_explicit_as',
  'alias_keyword',
  'original_name',
  'use_inner_keyword',
  'use_outer_keyword',
  'kind_text',
  'start_side_text',
  'end_side_text',
  'bracket_notation',
  'use_bracket_syntax',
  'alias_first',
  'nesting_group',
  'integer_spelling',
  'original_text',
  'explicit_nulls',
  'comments',
]);

export function isBody(value: Json | undefined): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isEmpty(value: Json | undefined): boolean {
  return value === undefined || value === null || value === false || (Array.isArray(value) && value.length === 0);
}

/** Refuses every filled key of `body` that is neither in `known` nor mere spelling. */
export function allowKeys(construct: string, body: Body, known: readonly string[]): void {
  for (const [key, value] of Object.entries(body)) {
    if (isEmpty(value) || IGNORED_KEYS.has(key) || known.includes(key)) continue;
    throw new RefusedSql(
      `${construct} ${key.replaceAll('_', ' ').toUpperCase()}`,
      `${key.replaceAll('_', ' ')} in ${construct} is not supported`,
      undefined,
      offsetOf(body),
    );
  }
}

/** The node in `value`; refuses anything that is not a node of one kind. */
export function toNode(value: Json | undefined): Node {
  if (typeof value === 'string') return { kind: value, body: {} };
  if (isBody(value)) {
    const [entry, ...others] = Object.entries(value);
    if (entry !== undefined && others.length === 0) return { kind: entry[0], body: isBody(entry[1]) ? entry[1] : {} };
  }
  throw new RefusedSql('syntax', 'this part of the statement is not understood');
}

export function toList(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** The text of an identifier body `{name, quoted}`. */
export function nameOf(value: Json | undefined): string | undefined {
  return isBody(value) && typeof value['name'] === 'string' ? value['name'] : undefined;
}

/** The smallest position below `value`, in the parsed text. */
export function offsetOf(value: Json | undefined): number | undefined {
  if (Array.isArray(value)) return smallest(value.map(offsetOf));
  if (!isBody(value)) return undefined;
  const span = value['span'];
  if (isBody(span) && typeof span['start'] === 'number') return span['start'];
  return smallest(Object.values(value).map(offsetOf));
}

function smallest(offsets: readonly (number | undefined)[]): number | undefined {
  return offsets.reduce((least, offset) => (offset !== undefined && (least === undefined || offset < least) ? offset : least), undefined);
}

/** Parses one statement; syntax errors are refusals with their place. */
export function parseStatement(lexed: LexedSql): Node {
  const result = parse(lexed.text, 'bigquery' as Parameters<typeof parse>[1]);
  if (!result.success) {
    const place = /line (\d+), column (\d+):? ?(.*)/su.exec(result.error ?? '');
    const offset = place === null ? undefined : offsetOfLine(lexed.text, Number(place[1]), Number(place[2]));
    throw new RefusedSql('syntax', `the statement cannot be parsed: ${place?.[3] ?? result.error ?? 'unknown error'}`, undefined, offset);
  }
  const statements = result.ast as unknown as readonly Json[];
  if (statements.length !== 1) throw new RefusedSql('script', `one statement is expected, ${statements.length} were given`);
  refuseReservedNames(statements[0], lexed.text);
  return toNode(statements[0]);
}

/** The parser names the place behind the token that it stumbled over; this is the token's beginning. */
function offsetOfLine(text: string, line: number, column: number): number {
  const start = text
    .split('\n')
    .slice(0, line - 1)
    .reduce((sum, part) => sum + part.length + 1, 0);
  const end = Math.min(start + column - 1, text.length);
  return end - (/(?:\w+|\S)$/u.exec(text.slice(start, end))?.[0].length ?? 0);
}
