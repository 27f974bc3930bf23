// Rows of a query as a table for people, or as CSV.
import type { QueryResult } from '@floodgate/core/ports/warehouse.ts';
import type { Json } from '@floodgate/core/ports/status-store.ts';
import { truncate, widthOf, type Style } from './style.ts';
import { renderTable } from './table.ts';

const maxCell = 40;
/** Rows that are shown upright at most. */
const maxUpright = 2;
const numeric = /^(INT64|FLOAT64|NUMERIC)/;

const textOf = (value: Json | undefined): string =>
  value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);

/** Few rows that are wider than the terminal are shown as one line per column, many with as many columns as fit. */
export const renderQueryResult = ({ columns, rows }: QueryResult, style: Style, width: number): readonly string[] => {
  const cell = (value: Json | undefined, room: number): string =>
    value === null || value === undefined ? style.dim('NULL') : truncate(textOf(value).replaceAll(/\s+/g, ' '), room);
  const widths = columns.map(({ name }) => Math.max(name.length, ...rows.map((row) => widthOf(cell(row[name], maxCell)))));
  let [fitting, used] = [0, 0];
  while (fitting < columns.length && used + (widths[fitting] ?? 0) + 2 <= width) {
    used += (widths[fitting] ?? 0) + 2;
    fitting += 1;
  }
  if (fitting < columns.length && rows.length <= maxUpright) {
    const names = Math.max(...columns.map(({ name }) => name.length));
    return rows.flatMap((row, index) => [
      ...(rows.length === 1 ? [] : [style.dim(`  row ${index + 1}`)]),
      ...columns.map(({ name }) => `  ${style.dim(name.padEnd(names))}  ${cell(row[name], Math.max(width - names - 4, 20))}`),
    ]);
  }
  const shown = columns.slice(0, Math.max(fitting, 1));
  const titles = shown.map(({ name, type }) => ({ title: name, align: numeric.test(type) ? ('right' as const) : ('left' as const) }));
  const lines = renderTable(
    titles,
    rows.map((row) => shown.map(({ name }) => cell(row[name], maxCell))),
    style,
  );
  return shown.length === columns.length
    ? lines
    : [
        ...lines,
        style
          .dim(
            `  and ${columns.length - shown.length} more columns: ${columns
              .slice(shown.length)
              .map(({ name }) => name)
              .join(', ')}`,
          )
          .slice(0, 2_000),
      ];
};

const quote = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** RFC 4180, NULL as nothing. */
export const toCsv = ({ columns, rows }: QueryResult): string =>
  [columns.map(({ name }) => quote(name)), ...rows.map((row) => columns.map(({ name }) => quote(textOf(row[name]))))]
    .map((cells) => `${cells.join(',')}\n`)
    .join('');
