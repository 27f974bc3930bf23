// Columns of text, as wide as what stands in them.
import { widthOf, type Style } from './style.ts';

export type Align = 'left' | 'right';
export type TableColumn = { readonly title: string; readonly align?: Align };

const pad = (text: string, width: number, align: Align): string => {
  const gap = ' '.repeat(Math.max(width - widthOf(text), 0));
  return align === 'right' ? gap + text : text + gap;
};

/** Lines of a table; titles are left out where none has a text. */
export const renderTable = (columns: readonly TableColumn[], rows: readonly (readonly string[])[], style: Style, indent = '  '): readonly string[] => {
  const widths = columns.map(({ title }, index) => Math.max(widthOf(title), ...rows.map((row) => widthOf(row[index] ?? ''))));
  const line = (cells: readonly string[]): string =>
    `${indent}${columns.map(({ align }, index) => pad(cells[index] ?? '', widths[index] ?? 0, align ?? 'left')).join('  ')}`.trimEnd();
  const titles = columns.map(({ title }) => title);
  return [...(titles.every((title) => title === '') ? [] : [style.dim(line(titles))]), ...rows.map(line)];
};
