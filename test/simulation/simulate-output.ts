// Where the output of `npm run simulate` goes: with --json, standard output carries one document and nothing else.
import type { Terminal } from '@floodgate/cli/print.ts';
import { createStyle, type Style } from '@floodgate/cli/render/style.ts';

export type Surroundings = {
  readonly out: Terminal;
  readonly err: Terminal;
  readonly interrupted: AbortSignal;
  readonly colour: boolean;
  /** Module of a worker thread, other than the simulator's. */
  readonly thread?: URL;
};

export type Output = {
  readonly style: Style;
  /** Where what is for people goes: standard error, where standard output is one JSON document. */
  readonly people: Terminal;
  readonly line: (text: string) => void;
  readonly document: (value: object) => void;
};

export const createOutput = ({ out, err, colour }: Surroundings, json: boolean): Output => {
  const people = json ? err : out;
  return {
    style: createStyle({ colour: colour && people.isTerminal, unicode: true }),
    people,
    line: (text) => people.write(`${text}\n`),
    document: (value) => out.write(`${JSON.stringify(value, undefined, 2)}\n`),
  };
};
