// Cells of a heat map: one sign per state, runs of one state painted once.
import { plainStyle, type Colour, type Style } from './style.ts';

export type Cell = { readonly sign: string; readonly ascii: string; readonly colour: Colour | undefined };

const textOf = ({ sign, ascii }: Cell, style: Style): string => (style.signs.ok === plainStyle.signs.ok ? sign : ascii);

export const renderCell = (cell: Cell, style: Style): string => {
  const text = textOf(cell, style);
  return cell.colour === undefined ? text : style.paint(cell.colour, text);
};

/** The same state many times over is painted once: a matrix of a season would be mostly escape sequences otherwise. */
export const renderRun = (cells: readonly (Cell | undefined)[], style: Style): string => {
  let [text, at] = ['', 0];
  while (at < cells.length) {
    const cell = cells[at];
    let end = at + 1;
    while (end < cells.length && cells[end] === cell) end += 1;
    const run = (cell === undefined ? ' ' : textOf(cell, style)).repeat(end - at);
    text += cell?.colour === undefined ? run : style.paint(cell.colour, run);
    at = end;
  }
  return text;
};
