// CSV. https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-csv
import type { DuckDBValue } from '@duckdb/node-api';
import type { LoadFormat } from '../engine-contract.ts';
import { BigQueryProblem, notImplemented } from '../problem.ts';
import type { TableField } from '../types.ts';
import { decodeJsonCell } from '../values/wire.ts';
import { readText } from './file-lines.ts';
import type { ReadRow } from './read-row.ts';

type CsvFormat = Extract<LoadFormat, { kind: 'CSV' }>;
export type CsvCell = { readonly text: string; readonly isQuoted: boolean };

/** Records of the file. A line break inside quotes belongs to the value where the format allows it. */
export async function* readRecords(file: string, { delimiter, quote, allowQuotedNewlines }: CsvFormat): AsyncGenerator<readonly CsvCell[] | BigQueryProblem> {
  if (delimiter.length !== 1 || quote.length > 1) throw notImplemented('a CSV delimiter or quote of several characters');
  let cells: CsvCell[] = [];
  let text = '';
  let state: 'start' | 'plain' | 'quoted' | 'closed' = 'start';
  let broken: BigQueryProblem | undefined;
  let isAfterReturn = false;
  const endCell = (): void => {
    cells.push({ text, isQuoted: state === 'closed' || state === 'quoted' });
    [text, state] = ['', 'start'];
  };
  const endRecord = (): readonly CsvCell[] | BigQueryProblem | undefined => {
    const isEmpty = cells.length === 0 && text === '' && state === 'start';
    endCell();
    const record = broken ?? (isEmpty ? undefined : cells);
    [cells, broken] = [[], undefined];
    return record;
  };
  for await (const piece of readText(file)) {
    for (const character of piece) {
      const isLineFeed = character === '\n' && isAfterReturn;
      isAfterReturn = false;
      if (isLineFeed) continue;
      if (state === 'quoted' && character !== quote && !(!allowQuotedNewlines && character === '\n')) text += character;
      else if (state === 'quoted' && character === quote) state = 'closed';
      else if (state === 'closed' && character === quote) [text, state] = [text + quote, 'quoted'];
      else if (character === delimiter) endCell();
      else if (character === '\n' || character === '\r') {
        isAfterReturn = character === '\r';
        if (state === 'quoted') broken = new BigQueryProblem('invalid', 'Missing close quote character (").');
        const record = endRecord();
        if (record !== undefined) yield record;
      } else if (state === 'start' && character === quote && text === '') state = 'quoted';
      else if (state === 'closed') {
        broken ??= new BigQueryProblem('invalid', `Data between close quote character (") and field separator.`);
      } else [text, state] = [text + character, 'plain'];
    }
  }
  if (state === 'quoted') broken = new BigQueryProblem('invalid', 'Missing close quote character (").');
  const last = endRecord();
  if (last !== undefined) yield last;
}

export async function* readCsvRows(file: string, format: CsvFormat, fields: readonly TableField[]): AsyncGenerator<ReadRow> {
  for (const field of fields)
    if (field.mode === 'REPEATED' || field.type === 'RECORD')
      throw new BigQueryProblem('invalid', `CSV has no nested or repeated data, which field ${field.name} wants`);
  let row = 0;
  let header: Header | undefined;
  for await (const record of readRecords(file, format)) {
    row += 1;
    if (row === 1 && format.matchesByName && !(record instanceof BigQueryProblem)) header = readHeader(record, file, format, fields);
    if (row <= format.skipLeadingRows) continue;
    yield record instanceof BigQueryProblem ? { row, problem: record } : readRow(record, row, format, fields, header);
  }
}

/** `places`: where each field's value is in a record, by the names in the first one; -1: nowhere. */
type Header = { readonly width: number; readonly places: readonly number[] };

const readHeader = (record: readonly CsvCell[], file: string, { ignoreUnknownValues }: CsvFormat, fields: readonly TableField[]): Header => {
  const names = record.map(({ text }) => text.trim().toLowerCase());
  const unknown = names.find((name) => !fields.some((field) => field.name.toLowerCase() === name));
  if (unknown !== undefined && !ignoreUnknownValues)
    throw new BigQueryProblem('invalid', `Error while reading data, error message: the column ${unknown} of ${file} is not in the schema`, file);
  return { width: names.length, places: fields.map((field) => names.indexOf(field.name.toLowerCase())) };
};

const readRow = (record: readonly CsvCell[], row: number, { nullMarker }: CsvFormat, fields: readonly TableField[], header: Header | undefined): ReadRow => {
  const width = header?.width ?? fields.length;
  if (record.length !== width) {
    const detail =
      record.length > width
        ? `Too many values in line. Found ${record.length} column(s) while expected ${width}.`
        : `Missing values in line: found ${record.length} column(s) while expected ${width}.`;
    return { row, problem: new BigQueryProblem('invalid', detail) };
  }
  try {
    return {
      row,
      values: fields.map((field, index) => {
        const cell = record[header?.places[index] ?? index];
        return cell === undefined ? decodeJsonCell(null, field) : readCell(cell, field, nullMarker);
      }),
    };
  } catch (error) {
    if (error instanceof BigQueryProblem) return { row, problem: error };
    throw error;
  }
};

const booleans: Readonly<Record<string, boolean>> = { 1: true, t: true, true: true, y: true, yes: true, 0: false, f: false, false: false, n: false, no: false };

/** An empty value is NULL, but the empty text of a STRING or BYTES where the null marker is another one. */
const readCell = ({ text, isQuoted }: CsvCell, field: TableField, nullMarker: string): DuckDBValue => {
  const isText = field.type === 'STRING' || field.type === 'BYTES';
  const isNull = !isQuoted && (text === nullMarker || (text === '' && !isText));
  if (isNull || (text === '' && !isText)) return decodeJsonCell(null, field);
  if (field.type === 'BOOLEAN') return decodeJsonCell(booleans[text.trim().toLowerCase()] ?? text, field);
  return decodeJsonCell(isText ? text : text.trim(), field);
};
