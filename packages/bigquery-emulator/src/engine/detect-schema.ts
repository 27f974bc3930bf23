// Autodetection, the simple part of it: types of the first rows of the first file.
// https://docs.cloud.google.com/bigquery/docs/schema-detect
import type { LoadFormat } from '../engine-contract.ts';
import { BigQueryProblem, notImplemented } from '../problem.ts';
import type { TableField } from '../types.ts';
import { parseDate, parseTimestamp } from '../values/civil.ts';
import { readRecords } from './load-csv.ts';
import { parseJsonLine } from './load-json.ts';
import { readLines } from './file-lines.ts';

const sampleRows = 500;
type Guess = Pick<TableField, 'type' | 'mode'> & { readonly fields?: Map<string, Guess> };

export const detectFields = async (files: readonly string[], format: Exclude<LoadFormat, { kind: 'PARQUET' }>): Promise<readonly TableField[]> => {
  const [file] = files;
  if (file === undefined) throw new BigQueryProblem('required', 'Required parameter is missing: sourceUris');
  return format.kind === 'CSV' ? detectCsv(file, format) : detectJson(file);
};

const detectJson = async (file: string): Promise<readonly TableField[]> => {
  const guesses = new Map<string, Guess>();
  let rows = 0;
  for await (const line of readLines(file)) {
    if (line.trim() === '') continue;
    let json: unknown;
    try {
      json = parseJsonLine(line);
    } catch {
      // A bad row says nothing; loading will count it.
      continue;
    }
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) mergeRecord(guesses, json as Readonly<Record<string, unknown>>);
    rows += 1;
    if (rows === sampleRows) break;
  }
  return toFields(guesses);
};

const mergeRecord = (guesses: Map<string, Guess>, json: Readonly<Record<string, unknown>>): void => {
  for (const [name, value] of Object.entries(json)) {
    if (value === null || (Array.isArray(value) && value.length === 0)) continue;
    for (const item of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
      const mode = Array.isArray(value) ? ('REPEATED' as const) : ('NULLABLE' as const);
      const before = guesses.get(name);
      if (before !== undefined && before.mode !== mode) throw new BigQueryProblem('invalid', `The field ${name} is an array in some rows and none in others`);
      guesses.set(name, guessOf(item, mode, before, name));
    }
  }
};

const guessOf = (value: unknown, mode: Guess['mode'], before: Guess | undefined, name: string): Guess => {
  if (typeof value === 'object' && value !== null) {
    if (before !== undefined && before.type !== 'RECORD') throw new BigQueryProblem('invalid', `The field ${name} is a record in some rows and none in others`);
    const fields = before?.fields ?? new Map<string, Guess>();
    mergeRecord(fields, value as Readonly<Record<string, unknown>>);
    return { type: 'RECORD', mode, fields };
  }
  const type =
    typeof value === 'boolean' ? 'BOOLEAN' : typeof value === 'number' ? (Number.isInteger(value) ? 'INTEGER' : 'FLOAT') : typeOfText(String(value), false);
  return { type: before === undefined ? type : widest(before.type, type), mode };
};

const typeOfText = (text: string, isCsv: boolean): TableField['type'] => {
  if (isCsv && /^(true|false)$/i.test(text)) return 'BOOLEAN';
  if (/^-?\d{1,19}$/.test(text) && isCsv) return 'INTEGER';
  if (isCsv && /^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return 'FLOAT';
  if (parseDate(text) !== undefined) return 'DATE';
  if (/^\d{4}-\d{1,2}-\d{1,2}[ T]\d/.test(text) && typeof parseTimestamp(text) === 'bigint') return 'TIMESTAMP';
  return 'STRING';
};

const widest = (a: TableField['type'], b: TableField['type']): TableField['type'] => {
  if (a === b) return a;
  const both = new Set([a, b]);
  if (both.has('INTEGER') && both.has('FLOAT')) return 'FLOAT';
  if (both.has('DATE') && both.has('TIMESTAMP')) return 'TIMESTAMP';
  return 'STRING';
};

const toFields = (guesses: ReadonlyMap<string, Guess>): readonly TableField[] => {
  if (guesses.size === 0) throw notImplemented('autodetection of a file without values');
  return [...guesses].map(([name, { type, mode, fields }]) => ({ name, type, mode, ...(fields === undefined ? {} : { fields: toFields(fields) }) }));
};

/** The last row that is skipped has the names. */
const detectCsv = async (file: string, format: Extract<LoadFormat, { kind: 'CSV' }>): Promise<readonly TableField[]> => {
  const rows: (readonly string[])[] = [];
  for await (const record of readRecords(file, format)) {
    if (!(record instanceof BigQueryProblem)) rows.push(record.map(({ text }) => text));
    if (rows.length > sampleRows) break;
  }
  if (format.skipLeadingRows === 0)
    throw notImplemented('autodetection of a CSV file without skipLeadingRows: whether the first row has names would be a guess');
  const header = rows[format.skipLeadingRows - 1];
  if (header === undefined) throw new BigQueryProblem('invalid', 'The CSV file has no row of names');
  const data = rows.slice(format.skipLeadingRows);
  return header.map((name, index) => {
    const texts = data.flatMap((row) => (row[index] === undefined || row[index] === '' || row[index] === format.nullMarker ? [] : [row[index]]));
    const types = texts.map((text) => typeOfText(text, true));
    return { name: name.replaceAll(/\W/g, '_'), type: types.length === 0 ? 'STRING' : types.reduce(widest), mode: 'NULLABLE' };
  });
};
