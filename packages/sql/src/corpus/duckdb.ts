/** Runs translated statements on DuckDB over the corpus's tables, and reads its values as the evaluator's are read. */
import {
  BIGINT,
  BLOB,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBScalarFunction,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
} from '@duckdb/node-api';
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import type { Cell } from '../../../../test/support/zetasql-values.ts';
import type { ZetaSqlTable } from '../../../../test/support/zetasql.ts';
import { DUCKDB_TYPES } from '../google-types.ts';
import { farmFingerprint } from '../farm-fingerprint.ts';
import { duckdbPrelude } from '../prelude.ts';
import { quoteIdentifier, quoteString } from '../printed.ts';
import type { SqlType } from '../printed.ts';

export async function openDuckdb(tables: readonly ZetaSqlTable[]): Promise<DuckDBConnection> {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  for (const statement of duckdbPrelude) await connection.run(statement);
  registerFarmFingerprint(connection);
  for (const table of tables) await createTable(connection, table);
  return connection;
}

/** What the emulator registers too. */
function registerFarmFingerprint(connection: DuckDBConnection): void {
  connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      name: 'fg_farm_fingerprint',
      parameterTypes: [BLOB],
      returnType: BIGINT,
      mainFunction: (_info, input, output) => {
        const bytes = input.getColumnVector(0);
        for (let row = 0; row < input.rowCount; row += 1) {
          const value = bytes.getItem(row);
          output.setItem(row, value instanceof DuckDBBlobValue ? farmFingerprint(value.bytes) : null);
        }
        output.flush();
      },
    }),
  );
}

async function createTable(connection: DuckDBConnection, { name, columns, rows = [] }: ZetaSqlTable): Promise<void> {
  const [schema = '', table = ''] = name.split('.');
  const target = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
  await connection.run(`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(schema)}`);
  await connection.run(`CREATE TABLE ${target} (${columns.map((column) => `${quoteIdentifier(column.name)} ${columnType(column.type)}`).join(', ')})`);
  for (const row of rows) {
    await connection.run(`INSERT INTO ${target} VALUES (${row.map((cell, index) => cellSql(cell, columnType(columns[index]?.type ?? ''))).join(', ')})`);
  }
}

function columnType(type: string): string {
  const element = /^ARRAY<(.*)>$/u.exec(type);
  return element === null ? DUCKDB_TYPES[type as SqlType] : `${columnType(element[1] as string)}[]`;
}

function cellSql(cell: Cell, type: string): string {
  if (cell === null) return 'NULL';
  if (Array.isArray(cell)) return `CAST([${cell.map((element: Cell) => cellSql(element, type.slice(0, -2))).join(', ')}] AS ${type})`;
  return `CAST(${quoteString(String(cell))} AS ${type})`;
}

export async function runOnDuckdb(
  connection: DuckDBConnection,
  sql: string,
  parameters: Readonly<Record<string, string>>,
): Promise<{ names: readonly string[]; rows: readonly (readonly Cell[])[] }> {
  const result = await connection.runAndReadAll(sql, parameters);
  return { names: result.columnNames(), rows: result.getRows().map((row) => row.map(toCell)) };
}

function toCell(value: DuckDBValue): Cell {
  if (value === null || value === undefined) return null;
  if (value instanceof DuckDBListValue) return value.items.map(toCell);
  if (value instanceof DuckDBStructValue) return Object.fromEntries(Object.entries(value.entries).map(([name, field]) => [name, toCell(field)]));
  if (value instanceof DuckDBBlobValue) return `0x${Buffer.from(value.bytes).toString('hex')}`;
  if (value instanceof DuckDBDecimalValue)
    return value
      .toString()
      .replace(/(\.\d*?)0+$/u, '$1')
      .replace(/\.$/u, '');
  if (value instanceof DuckDBDateValue) return value.toString();
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) return toTimestamp(value.micros);
  if (typeof value === 'bigint' || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return value;
  return `${value.constructor.name} ${String(value)}`;
}

function toTimestamp(micros: bigint): string {
  const millis = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n);
  const rest = String(((micros % 1_000_000n) + 1_000_000n) % 1_000_000n).padStart(6, '0');
  return `${new Date(Number(millis)).toISOString().slice(0, 19).replace('T', ' ')}.${rest}`;
}
