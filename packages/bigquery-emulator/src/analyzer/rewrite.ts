// Small changes to a statement before Google's analyzer reads it, and the way back for positions in its messages:
// `?` becomes `@_p1`, and a quoted name with dots, which BigQuery takes for a path, becomes a path.
import { offsetOf, positionOf } from './positions.ts';
import type { Position } from './positions.ts';
import type { Token } from './tokens.ts';

export type Rewritten = {
  /** As it was written, positional parameters named. */
  readonly sql: string;
  /** For the analyzer. */
  readonly text: string;
  /** How many `?` there are. */
  readonly positional: number;
  /** The path as it was meant. */
  readonly expand: (path: readonly string[]) => readonly string[];
  readonly toOriginal: (position: Position) => Position;
};

type Edit = { readonly start: number; readonly end: number; readonly text: string };

export function rewrite(sql: string, tokens: readonly Token[]): Rewritten {
  const named: Edit[] = [];
  const paths: Edit[] = [];
  const prefixes = new Map<string, readonly string[]>();
  for (const token of tokens) {
    if (token.text === '?') named.push({ start: token.start(), end: token.end(), text: `@_p${named.length + 1}` });
    if (token.kind === 'quoted' && token.text.includes('.')) {
      const parts = token.text.slice(1, -1).split('.');
      const last = parts.pop() as string;
      const prefix = `_q${prefixes.size.toString(36)}`;
      prefixes.set(prefix, parts);
      // The alias that the path gives its table is its last part, so that part stays. As long as it was, where that goes.
      const name = /^[A-Za-z_]\w*$/u.test(last) ? last : `\`${last}\``;
      paths.push({ start: token.start(), end: token.end(), text: `${prefix}.${name}`.padEnd(token.text.length) });
    }
  }
  const edits = [...named, ...paths].toSorted((a, b) => a.start - b.start);
  const text = apply(sql, edits);
  return {
    sql: apply(sql, named),
    text,
    positional: named.length,
    expand: (path) => path.flatMap((part) => prefixes.get(part) ?? part.split('.')),
    toOriginal: (position) => (edits.length === 0 ? position : positionOf(sql, originalOffset(edits, offsetOf(text, position)))),
  };
}

/** Edits in the order of the text. */
function apply(sql: string, edits: readonly Edit[]): string {
  let at = 0;
  const pieces: string[] = [];
  for (const { start, end, text } of edits) {
    pieces.push(sql.slice(at, start), text);
    at = end;
  }
  return pieces.join('') + sql.slice(at);
}

function originalOffset(edits: readonly Edit[], offset: number): number {
  let shift = 0;
  for (const { start, end, text } of edits) {
    if (offset < start + shift) break;
    if (offset < start + shift + text.length) return start;
    shift += text.length - (end - start);
  }
  return offset - shift;
}
