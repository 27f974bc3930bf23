// Rows of a query as a table for people, or as CSV.
import type { QueryResult } from '@floodgate/core/ports/warehouse.ts';
import type { Json } from '@floodgate/core/ports/status-store.ts';
import { truncate, type Style } from './style.ts';
import { renderTable } from './table.ts';

const maxCell = 40;
const numeric = /^(INT64|FLOAT64|NUMERIC)/;

const textOf = (value: Json | undefined): string => (value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value));

/** A row that is wider than the terminal is shown as one line per column instead. */
export const renderQueryResult = ({ columns, rows }: QueryResult, style: Style, width: number): readonly string[] => {
  const cell = (value: Json | undefined): string => (value === null || value === undefined ? style.dim('NULL') : truncate(textOf(value).replaceAll(/\s+/g, ' '), maxCell));
  const titles = columns.map(({ name, type }) => ({ title: name, align: numeric.test(type) ? ('right' as const) : ('left' as const) }));
  const lines = renderTable(titles, rows.map((row) => columns.map(({ name }) => cell(row[name]))), style);
  const widest = Math.max(0, ...renderTable(titles, rows.map((row) => columns.map(({ name }) => truncate(textOf(row[name]), maxCell))), { ...style, dim: (text) => text }).map((line) => line.length));
  if (widest <= width || rows.length > 20) return lines;
  const names = Math.max(...columns.map(({ name }) => name.length));
  return rows.flatMap((row, index) => [style.dim(`  row ${index + 1}`), ...columns.map(({ name }) => `  ${name.padEnd(names)}  ${truncate(row[name] === null ? style.dim('NULL') : textOf(row[name]), Math.max(width - names - 4, 20))}`)]);
};

const quote = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** RFC 4180, NULL as nothing. */
export const toCsv = ({ columns, rows }: QueryResult): string =>
  [columns.map(({ name }) => quote(name)), ...rows.map((row) => columns.map(({ name }) => quote(textOf(row[name]))))].map((cells) => `${cells.join(',')}\n`).join('');
