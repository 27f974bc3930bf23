// Rows that come from outside (files, streaming inserts) into a temporary table, in chunks of DuckDB's own size.
import { BOOLEAN, DuckDBDataChunk, type DuckDBType, type DuckDBValue } from '@duckdb/node-api';
import type { TableField } from '../types.ts';
import { bindType } from '../values/duckdb-type.ts';
import { typeOfField } from '../values/types.ts';
import type { Connection } from './database.ts';
import { columnsSql } from './storable.ts';

const chunkRows = 2048;
/** As statements name it, and as the appender does. */
export const stagePlace = 'temp.main."$stage"';
const stageName = 'temp.main.$stage';

/** One array per row, a value for each field and then for each flag. */
export const stageRows = async (
  connection: Connection,
  fields: readonly TableField[],
  flags: readonly string[],
  rows: AsyncIterable<readonly DuckDBValue[]> | Iterable<readonly DuckDBValue[]>,
): Promise<void> => {
  // What is REQUIRED is looked at where the rows are read, and again where they are kept.
  const loose = fields.map((field) => ({ ...field, mode: field.mode === 'REPEATED' ? field.mode : ('NULLABLE' as const) }));
  await connection.run(`CREATE TEMP TABLE "$stage" (${[columnsSql(loose), ...flags.map((flag) => `"${flag}" BOOLEAN`)].join(', ')})`);
  const types = [...fields.map((field) => bindType(typeOfField(field))), ...flags.map(() => BOOLEAN)];
  await connection.append(stageName, inChunks(types, rows));
};

async function* inChunks(types: readonly DuckDBType[], rows: AsyncIterable<readonly DuckDBValue[]> | Iterable<readonly DuckDBValue[]>) {
  let pending: (readonly DuckDBValue[])[] = [];
  const toChunk = (): DuckDBDataChunk => {
    const chunk = DuckDBDataChunk.create(types, pending.length);
    chunk.setRows(pending);
    pending = [];
    return chunk;
  };
  for await (const row of rows) {
    pending.push(row);
    if (pending.length === chunkRows) yield toChunk();
  }
  if (pending.length > 0) yield toChunk();
}
