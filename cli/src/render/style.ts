// Colours and signs, or none. Everything that renders takes a Style, so that the same functions write for a terminal, for
// a file and for tests.

export type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'grey';

export type Style = {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly paint: (colour: Colour, text: string) => string;
  readonly signs: Signs;
};

export type Signs = {
  readonly ok: string;
  readonly fail: string;
  readonly warn: string;
  readonly wait: string;
  readonly held: string;
  /** Parts of a bar: done, under way, not begun. */
  readonly full: string;
  readonly busy: string;
  readonly empty: string;
  readonly dot: string;
  readonly more: string;
};

const unicodeSigns: Signs = { ok: '✓', fail: '✗', warn: '!', wait: '○', held: '◆', full: '━', busy: '╍', empty: '─', dot: '·', more: '…' };
const asciiSigns: Signs = { ok: '+', fail: 'x', warn: '!', wait: 'o', held: '*', full: '=', busy: '~', empty: '.', dot: '-', more: '...' };

const codes: Readonly<Record<Colour, number>> = { red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36, grey: 90 };

const wrap =
  (open: number, close: number) =>
  (text: string): string =>
    text === '' ? '' : `\u001b[${open}m${text}\u001b[${close}m`;

export const createStyle = (options: { readonly colour: boolean; readonly unicode: boolean }): Style => {
  const signs = options.unicode ? unicodeSigns : asciiSigns;
  if (!options.colour) return { bold: (text) => text, dim: (text) => text, paint: (_, text) => text, signs };
  return { bold: wrap(1, 22), dim: wrap(2, 22), paint: (colour, text) => wrap(codes[colour], 39)(text), signs };
};

export const plainStyle = createStyle({ colour: false, unicode: true });

// eslint-disable-next-line no-control-regex -- escape sequences are what this looks for
const escapes = /\u001b\[[0-9;?]*[A-Za-z]/g;

export const stripStyle = (text: string): string => text.replace(escapes, '');

/** Columns that the text takes on a terminal; what we print has no wide characters. */
export const widthOf = (text: string): number => [...stripStyle(text)].length;

/** Cuts to a width, escape sequences left whole and closed. */
export const truncate = (text: string, width: number): string => {
  if (widthOf(text) <= width) return text;
  let [shown, out, at] = [0, '', 0];
  for (const match of [...text.matchAll(escapes), undefined]) {
    const plain = Array.from(text.slice(at, match?.index ?? text.length));
    const room = Math.max(width - 1 - shown, 0);
    out += plain.slice(0, room).join('');
    shown += Math.min(plain.length, room);
    if (match === undefined) break;
    out += match[0];
    at = match.index + match[0].length;
  }
  return `${out}…`;
};
