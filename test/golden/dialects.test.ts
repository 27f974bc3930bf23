// The table of docs/backends.md that says what DuckDB and GoogleSQL compute differently, cell by cell: what Google's reference
// evaluator gives, what DuckDB makes of the same text, and what comes out of the translation. A row is added in the document.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { duckdbPrelude, translateSelect } from '@floodgate/sql/translate.ts';
import { isZetaSqlInstalled, isZetaSqlRequired, startZetaSql, ZETASQL_MISSING, type ZetaSql } from '../support/zetasql.ts';

const document = await readFile(join(import.meta.dirname, '../../docs/backends.md'), 'utf8');

type Row = { readonly expression: string; readonly google: string; readonly duckdb: string; readonly translated: string };

/** Rows of the table with the column "expression"; `\|` is a bar in a cell. */
const rows: readonly Row[] = document
  .split('\n')
  .filter((line) => /^\| `.*` \| .* \| .* \| .* \|$/.test(line))
  .map((line) => {
    const [expression = '', google = '', duckdb = '', translated = ''] = line
      .slice(2, -2)
      .split(/(?<!\\) \| /)
      .map((cell) => cell.replaceAll('\\|', '|').trim());
    return { expression: expression.replaceAll(/^`|`$/g, ''), google, duckdb, translated };
  });

const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);
const isDecimal = /^-?\d+\.\d+$/;
const show = (value: unknown): string => {
  if (value === null || value === undefined) return 'NULL';
  if (value === '') return 'empty text';
  const text = typeof value === 'object' ? JSON.stringify(value, plain) : String(value);
  // The zeros behind a NUMERIC are how an engine writes it, and no part of its value.
  return `\`${isDecimal.test(text) ? text.replace(/\.?0+$/, '') : text}\``;
};
const inDuckDb = async (connection: DuckDBConnection, sql: string): Promise<string> => {
  try {
    return show((await connection.runAndReadAll(sql)).getRowsJson()[0]?.[0]);
  } catch {
    return 'error';
  }
};

const missing = isZetaSqlInstalled || isZetaSqlRequired ? undefined : ZETASQL_MISSING;

describe.skipIf(missing !== undefined)(`what DuckDB and GoogleSQL compute differently${missing === undefined ? '' : ` (${missing})`}`, () => {
  let evaluator: ZetaSql;
  let instance: DuckDBInstance;
  let bare: DuckDBConnection;
  let prepared: DuckDBConnection;

  beforeAll(async () => {
    const started = await startZetaSql();
    if (started === undefined) throw new Error(ZETASQL_MISSING);
    evaluator = started;
    instance = await DuckDBInstance.create();
    bare = await instance.connect();
    await bare.run("SET TimeZone = 'UTC'");
    const other = await DuckDBInstance.create();
    prepared = await other.connect();
    for (const statement of ["SET TimeZone = 'UTC'", ...duckdbPrelude]) await prepared.run(statement);
  });

  afterAll(async () => {
    bare?.closeSync();
    prepared?.closeSync();
    await evaluator?.close();
  });

  test('the document has the table', () => expect(rows.length).toBeGreaterThan(40));

  test.each(rows)('$expression', async ({ expression, google, duckdb, translated }) => {
    const sql = `SELECT ${expression} AS x`;
    const evaluated = await evaluator.evaluate(sql).then(
      ({ rows: [row] }) => show(row?.[0]),
      () => 'error',
    );
    const translation = translateSelect(sql);
    expect({
      google: evaluated,
      duckdb: await inDuckDb(bare, sql),
      translated: translation.ok ? await inDuckDb(prepared, translation.sql) : 'refused',
    }).toEqual({ google, duckdb, translated });
    // The one thing that a translation may never do: give another value.
    expect([evaluated, 'error', 'refused']).toContain(translated);
  });
});
