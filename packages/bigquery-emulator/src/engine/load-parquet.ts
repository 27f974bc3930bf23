// Parquet, which says its own types. https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet
import { DuckDBTypeId, type DuckDBType } from '@duckdb/node-api';
import { BigQueryProblem, notImplemented } from '../problem.ts';
import type { SqlType, TableField } from '../types.ts';
import { fieldOfColumn, formatType, typeOfField } from '../values/types.ts';
import { badRecord } from './read-row.ts';
import type { Connection } from './database.ts';
import { stageRows, stagePlace } from './row-stage.ts';
import { storeSql } from './storable.ts';
import { quoteName, textLiteral } from './sql-text.ts';
import { findField } from './stored-table.ts';
import { defaultSql } from './table-making.ts';

type FileColumn = { readonly name: string; readonly type: DuckDBType };

const sourceOf = (file: string): string => `read_parquet(${textLiteral(file)}, hive_partitioning = false)`;

const columnsOfFile = async (connection: Connection, file: string): Promise<readonly FileColumn[]> => {
  try {
    return await connection.describe(`SELECT * FROM ${sourceOf(file)}`);
  } catch (error) {
    throw new BigQueryProblem(
      'invalid',
      `Error while reading data, error message: ${file} is no Parquet file: ${error instanceof Error ? error.message : String(error)}`,
      file,
      { cause: error },
    );
  }
};

/** From the first file; the others must agree. */
export const describeParquet = async (connection: Connection, files: readonly string[]): Promise<readonly TableField[]> => {
  const [first] = files;
  if (first === undefined) throw new BigQueryProblem('required', 'Required parameter is missing: sourceUris');
  return (await columnsOfFile(connection, first)).map(({ name, type }) => fieldOfColumn({ name, type: typeOfParquet(type, name) }));
};

const scalars: Readonly<Partial<Record<DuckDBTypeId, Exclude<SqlType['kind'], 'ARRAY' | 'STRUCT'>>>> = {
  [DuckDBTypeId.TINYINT]: 'INT64',
  [DuckDBTypeId.SMALLINT]: 'INT64',
  [DuckDBTypeId.INTEGER]: 'INT64',
  [DuckDBTypeId.BIGINT]: 'INT64',
  [DuckDBTypeId.UTINYINT]: 'INT64',
  [DuckDBTypeId.USMALLINT]: 'INT64',
  [DuckDBTypeId.UINTEGER]: 'INT64',
  [DuckDBTypeId.FLOAT]: 'FLOAT64',
  [DuckDBTypeId.DOUBLE]: 'FLOAT64',
  [DuckDBTypeId.BOOLEAN]: 'BOOL',
  [DuckDBTypeId.VARCHAR]: 'STRING',
  [DuckDBTypeId.BLOB]: 'BYTES',
  [DuckDBTypeId.DATE]: 'DATE',
  [DuckDBTypeId.TIME]: 'TIME',
  [DuckDBTypeId.TIMESTAMP]: 'DATETIME',
  [DuckDBTypeId.TIMESTAMP_S]: 'DATETIME',
  [DuckDBTypeId.TIMESTAMP_MS]: 'DATETIME',
  [DuckDBTypeId.TIMESTAMP_TZ]: 'TIMESTAMP',
};

const typeOfParquet = (type: DuckDBType, name: string): SqlType => {
  if (type.typeId === DuckDBTypeId.LIST) return { kind: 'ARRAY', element: typeOfParquet(type.valueType, name) };
  if (type.typeId === DuckDBTypeId.STRUCT) {
    const { entryNames, entryTypes } = type;
    return {
      kind: 'STRUCT',
      fields: entryNames.map((entry, index) => ({ name: entry, type: typeOfParquet(entryTypes[index] as DuckDBType, `${name}.${entry}`) })),
    };
  }
  if (type.typeId === DuckDBTypeId.DECIMAL) {
    const { width, scale } = type;
    if (scale <= 9 && width - scale <= 29) return { kind: 'NUMERIC' };
  }
  const kind = scalars[type.typeId];
  if (kind === undefined) throw notImplemented(`the Parquet type ${String(type)} of column ${name}`);
  return { kind };
};

/** What a column takes beside its own type without loss: instants that the file keeps without a zone, and text as JSON. */
const takes = (wanted: SqlType, found: SqlType): boolean => {
  if (formatType(wanted) === formatType(found)) return true;
  if (wanted.kind === 'ARRAY') return found.kind === 'ARRAY' && takes(wanted.element, found.element);
  if (wanted.kind === 'STRUCT')
    return (
      found.kind === 'STRUCT' &&
      wanted.fields.length === found.fields.length &&
      wanted.fields.every(({ name, type }) => found.fields.some((field) => field.name.toLowerCase() === name.toLowerCase() && takes(type, field.type)))
    );
  return (
    (wanted.kind === 'TIMESTAMP' && found.kind === 'DATETIME') ||
    (wanted.kind === 'DATETIME' && found.kind === 'TIMESTAMP') ||
    (wanted.kind === 'JSON' && found.kind === 'STRING') ||
    (wanted.kind === 'NUMERIC' && found.kind === 'INT64')
  );
};

export const stageParquet = async (
  connection: Connection,
  files: readonly string[],
  fields: readonly TableField[],
  ignoreUnknownValues: boolean,
): Promise<void> => {
  await stageRows(connection, fields, [], []);
  for (const file of files) {
    const columns = await columnsOfFile(connection, file);
    const unknown = columns.find(({ name }) => findField(fields, name) === undefined);
    if (unknown !== undefined && !ignoreUnknownValues) throw mismatch(file, `Cannot add fields (field: ${unknown.name})`);
    const values: string[] = [];
    for (const field of fields)
      values.push(
        await valueOf(
          connection,
          file,
          field,
          columns.find(({ name }) => name.toLowerCase() === field.name.toLowerCase()),
        ),
      );
    await connection.run(`INSERT INTO ${stagePlace} SELECT ${values.join(', ')} FROM ${sourceOf(file)}`);
  }
};

const mismatch = (file: string, detail: string): BigQueryProblem =>
  new BigQueryProblem('invalid', `Error while reading data, error message: Provided schema does not match Parquet file ${file}. ${detail}`, file);

const valueOf = async (connection: Connection, file: string, field: TableField, column: FileColumn | undefined): Promise<string> => {
  if (column === undefined) {
    if (field.mode === 'REQUIRED') throw mismatch(file, `The REQUIRED field ${field.name} is missing`);
    return defaultSql(field);
  }
  const [wanted, found] = [typeOfField(field), typeOfParquet(column.type, column.name)];
  if (!takes(wanted, found)) throw mismatch(file, `Field ${field.name} has type ${formatType(wanted)}, the file has ${formatType(found)}`);
  if (field.mode === 'REQUIRED') {
    const [row] = await connection.rows(
      `SELECT file_row_number FROM read_parquet(${textLiteral(file)}, file_row_number = true) WHERE ${quoteName(column.name)} IS NULL LIMIT 1`,
    );
    if (row !== undefined) throw badRecord(file, Number(row[0]) + 1, `Required field ${field.name} cannot be null.`, 1);
  }
  return storeSql(field, quoteName(column.name));
};
