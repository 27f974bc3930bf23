// What files of a source say of themselves, held against its declaration before anything is loaded: columns and types of a
// Parquet file stand in its footer, names of a CSV file in its first line. NDJSON says nothing; the load finds out.
import { parquetMetadataAsync, type FileMetaData } from 'hyparquet';
import type { Column, Source } from '@floodgate/core/domain/pipeline.ts';
import { ObjectStoreError } from '@floodgate/core/ports/object-store.ts';
import { WarehouseError } from '@floodgate/core/ports/warehouse.ts';
import type { GcsObjectInfo, GcsObjectStore } from './gcs-object-store.ts';

export type SourceFiles = Pick<GcsObjectStore, 'list' | 'readRange' | 'locate'>;

/** Type of each column; undefined where the format doesn't say. */
type FileColumns = ReadonlyMap<string, string | undefined>;

const atOnce = 16;
/** Footers of files of a few hundred columns fit; longer ones take another request. */
const footerBytes = 64 * 1024;
const headerBytes = 64 * 1024;

type SchemaElement = FileMetaData['schema'][number];

/** GoogleSQL's name of the type as which BigQuery loads a column: https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_conversions */
const scalarType = ({ type, converted_type: converted, logical_type: logical, precision, scale }: SchemaElement): string => {
  if (logical?.type === 'FLOAT16' || logical?.type === 'UUID' || logical?.type === 'NULL') return logical.type;
  if (logical?.type === 'DECIMAL' || converted === 'DECIMAL') {
    const [digits, fraction] = [precision ?? 0, scale ?? 0];
    return fraction <= 9 && digits - fraction <= 29 ? 'NUMERIC' : 'BIGNUMERIC';
  }
  if (logical?.type === 'DATE' || converted === 'DATE') return 'DATE';
  if (logical?.type === 'TIME' || converted === 'TIME_MILLIS' || converted === 'TIME_MICROS') return 'TIME';
  if (logical?.type === 'TIMESTAMP' || converted === 'TIMESTAMP_MILLIS' || converted === 'TIMESTAMP_MICROS' || type === 'INT96') return 'TIMESTAMP';
  if (logical?.type === 'JSON' || converted === 'JSON') return 'JSON';
  if (logical?.type === 'STRING' || logical?.type === 'ENUM' || converted === 'UTF8' || converted === 'ENUM') return 'STRING';
  switch (type) {
    case 'BOOLEAN':
      return 'BOOL';
    case 'INT32':
    case 'INT64':
      return converted === 'UINT_64' ? 'UINT64' : 'INT64';
    case 'FLOAT':
    case 'DOUBLE':
      return 'FLOAT64';
    default:
      return 'BYTES';
  }
};

/** The schema is a tree, flattened depth first: an element is followed by its children. */
const readElement = (schema: readonly SchemaElement[], at: number): { readonly name: string; readonly type: string; readonly next: number } => {
  const element = schema[at] as SchemaElement;
  const repeated = (type: string): string => (element.repetition_type === 'REPEATED' ? `ARRAY<${type}>` : type);
  const children = element.num_children ?? 0;
  if (children === 0) return { name: element.name, type: repeated(scalarType(element)), next: at + 1 };
  const read: ReturnType<typeof readElement>[] = [];
  let next = at + 1;
  for (let child = 0; child < children; child += 1) {
    const of = readElement(schema, next);
    read.push(of);
    next = of.next;
  }
  const [only] = read;
  // A list is a group with one repeated child, mostly a group of one element itself.
  const isList = element.logical_type?.type === 'LIST' || element.converted_type === 'LIST';
  if (isList && only !== undefined) return { name: element.name, type: only.type.replace(/^ARRAY<STRUCT<\S+ (.*)>>$/, 'ARRAY<$1>'), next };
  return { name: element.name, type: repeated(`STRUCT<${read.map(({ name, type }) => `${name} ${type}`).join(', ')}>`), next };
};

export const readParquetColumns = ({ schema }: Pick<FileMetaData, 'schema'>): FileColumns => {
  const columns = new Map<string, string>();
  for (let at = 1; at < schema.length;) {
    const { name, type, next } = readElement(schema, at);
    columns.set(name, type);
    at = next;
  }
  return columns;
};

/** Names in the first record of a CSV file; undefined where its end is not among the bytes. */
export const readCsvHeader = (text: string): readonly string[] | undefined => {
  const names: string[] = [];
  let name = '';
  let isQuoted = false;
  for (let at = text.startsWith('\uFEFF') ? 1 : 0; at < text.length; at += 1) {
    const character = text[at] as string;
    if (character === '"') {
      if (isQuoted && text[at + 1] === '"') {
        name += '"';
        at += 1;
      } else isQuoted = !isQuoted;
    } else if (isQuoted) name += character;
    else if (character === ',') {
      names.push(name);
      name = '';
    } else if (character === '\n' || character === '\r') return [...names, name];
    else name += character;
  }
  return undefined;
};

const accepts = (declared: string, found: string | undefined): boolean =>
  found === undefined || found === declared || (declared === 'JSON' && found === 'STRING');

export const unreadable = (source: Source, file: string, why: string, cause: unknown): WarehouseError =>
  new WarehouseError('source_unreadable', `source ${source.name}: ${file} can't be read as ${source.format}: ${why}`, {
    cause,
    hint: `the file is damaged or was copied only in part: replace ${file}, then replay`,
  });

const readColumns = async (store: SourceFiles, source: Source, file: GcsObjectInfo, signal: AbortSignal): Promise<FileColumns> => {
  const read = async (start: number, end: number): Promise<Uint8Array> => (start === end ? new Uint8Array() : store.readRange(file, start, end, signal));
  try {
    if (source.format === 'parquet') {
      const slice = async (start: number, end = file.bytes): Promise<ArrayBuffer> => {
        const bytes = await read(start, end);
        return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
      };
      return readParquetColumns(await parquetMetadataAsync({ byteLength: file.bytes, slice }, { initialFetchSize: footerBytes, geoparquet: false }));
    }
    const bytes = await read(0, Math.min(file.bytes, headerBytes));
    const text = new TextDecoder().decode(bytes);
    // A file may end without a line break.
    const names = readCsvHeader(bytes.length < file.bytes ? text : `${text}\n`);
    if (names === undefined) throw new Error(`its first line is longer than ${headerBytes} bytes`);
    if (file.bytes === 0) throw new Error('it is empty, without a line of column names');
    return new Map(names.map((name) => [name, undefined]));
  } catch (error) {
    if (signal.aborted || error instanceof ObjectStoreError) throw error;
    throw unreadable(source, file.key, error instanceof Error ? error.message : String(error), error);
  }
};

/** Every file's columns against the declaration; names file and column of what differs. Resolves with the columns that some file has. */
export const checkFiles = async (store: SourceFiles, source: Source, files: readonly GcsObjectInfo[], signal: AbortSignal): Promise<readonly Column[]> => {
  if (source.format === 'ndjson' || files.length === 0) return source.columns;
  const found: FileColumns[] = [];
  for (let from = 0; from < files.length; from += atOnce)
    found.push(...(await Promise.all(files.slice(from, from + atOnce).map((file) => readColumns(store, source, file, signal)))));
  const problems: string[] = [];
  for (const [index, columns] of found.entries()) {
    const { key } = files[index] as GcsObjectInfo;
    for (const column of source.columns) {
      if (!columns.has(column.name)) {
        if (column.required) problems.push(`${key}: ${column.name} is missing, declared ${column.type} required`);
      } else if (!accepts(column.type, columns.get(column.name)))
        problems.push(`${key}: ${column.name} is ${columns.get(column.name)}, declared ${column.type}`);
    }
  }
  for (const column of source.columns) {
    if (!column.required && found.every((columns) => !columns.has(column.name))) problems.push(`${column.name} is in no file, declared ${column.type}`);
  }
  if (problems.length > 0) throw new WarehouseError('source_mismatch', `source ${source.name} is not as declared:\n  ${problems.join('\n  ')}`);
  return source.columns;
};
