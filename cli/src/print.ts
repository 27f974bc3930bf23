// Where a command's output goes. With --json, standard output carries one JSON document and nothing else, so everything
// for people goes to standard error. Tests hand in a Print that collects.
import type { Style } from './render/style.ts';

export type Print = {
  /** For people: standard output, or standard error with --json. */
  readonly note: (text: string) => void;
  /** The one document of a --json command. */
  readonly document: (value: unknown) => void;
  /** What the user asked to have on standard output as it is (CSV of a query). */
  readonly raw: (text: string) => void;
  /** Problems and hints: always standard error. */
  readonly error: (text: string) => void;
  readonly style: Style;
  readonly errorStyle: Style;
  /** Columns and lines of the terminal as it is now, or a default. */
  readonly width: number;
  readonly height: number;
  /** Where `note` goes is a terminal whose lines may be drawn again. Writes without a newline. */
  readonly live: ((text: string) => void) | undefined;
  readonly json: boolean;
};

export type Terminal = {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  readonly columns: number | undefined;
  readonly rows: number | undefined;
};

export type PrintOptions = {
  readonly out: Terminal;
  readonly err: Terminal;
  readonly json: boolean;
  /** Lines may be drawn again: not in CI, not on a dumb terminal, not when logs run between them. */
  readonly mayRedraw: boolean;
  readonly styleFor: (terminal: Terminal) => Style;
};

const defaultSize = { width: 100, height: 40 };

export const createPrint = ({ out, err, json, mayRedraw, styleFor }: PrintOptions): Print => {
  const people = json ? err : out;
  return {
    note: (text) => people.write(`${text}\n`),
    document: (value) => out.write(`${JSON.stringify(value)}\n`),
    raw: (text) => out.write(text),
    error: (text) => err.write(`${text}\n`),
    style: styleFor(people),
    errorStyle: styleFor(err),
    get width() {
      return people.columns ?? defaultSize.width;
    },
    get height() {
      return people.rows ?? defaultSize.height;
    },
    live: people.isTerminal && mayRedraw ? people.write : undefined,
    json,
  };
};
