import { expect, test } from 'vitest';
import { WarehouseError, type WarehouseErrorCode } from '@floodgate/core/ports/warehouse.ts';
import { DuckDbConnections } from './duckdb-connections.ts';
import { classifyDuckDbError, toWarehouseError } from './duckdb-errors.ts';

const said: readonly (readonly [string, WarehouseErrorCode])[] = [
  ['INTERRUPT Error: Interrupted!', 'cancelled'],
  ['IO Error: Could not write all bytes to file "x.tmp": No space left on device', 'disk_full'],
  [
    "Out of Memory Error: failed to offload data block of size 256.0 KiB (1.0 GiB/1.0 GiB used).\nThis limit was set by the 'max_temp_directory_size' setting.",
    'disk_full',
  ],
  ['Out of Memory Error: could not allocate block of size 256.0 KiB (95.3 MiB/95.3 MiB used)', 'out_of_memory'],
  ['IO Error: Could not set lock on file "w.duckdb": Conflicting lock is held in node (PID 7) by user x', 'unavailable'],
  ['TransactionContext Error: Conflict on update!', 'transaction_conflict'],
  ['TransactionContext Error: Conflict on tuple deletion!', 'transaction_conflict'],
  ['TransactionContext Error: Catalog write-write conflict on create with "t"', 'transaction_conflict'],
  ['TransactionContext Error: Failed to commit: Conflict on update!', 'transaction_conflict'],
  ['Transaction conflict: attempting to insert into table "t" but it has been altered by a different transaction', 'transaction_conflict'],
  ["Invalid Input Error: No magic bytes found at end of file '/data/a.parquet'", 'source_unreadable'],
  ["Invalid Input Error: File '/data/a.parquet' too small to be a Parquet file", 'source_unreadable'],
  ['IO Error: No files found that match the pattern "/data/b*.parquet"', 'source_missing'],
  ['Parser Error: syntax error at or near "selct"', 'invalid_sql'],
  ['Binder Error: Referenced column "nope" not found in FROM clause!', 'invalid_sql'],
  ['Catalog Error: Table with name nope does not exist!', 'invalid_sql'],
  ['Not implemented Error: Window functions are not supported here', 'invalid_sql'],
  ["Conversion Error: Could not convert string 'x' to INT32", 'data_error'],
  ['Out of Range Error: Overflow in addition of INT64 (9223372036854775807 + 1)!', 'data_error'],
  ['Invalid Input Error: division by zero', 'data_error'],
  ['Constraint Error: NOT NULL constraint failed: t.a', 'data_error'],
  ['IO Error: Cannot read from file: Input/output error', 'unavailable'],
  ['FATAL Error: Failed: database has been invalidated because of a previous fatal error.', 'unavailable'],
  ['something that nobody has seen', 'unknown'],
];

test.each(said)('"%s" is %s', (message, code) => {
  expect(classifyDuckDbError(new Error(message))).toBe(code);
});

test('an error keeps the words of DuckDB and its cause; ours stay as they are', () => {
  const cause = new Error('Conversion Error: no');
  expect(toWarehouseError(cause)).toMatchObject({ code: 'data_error', message: 'Conversion Error: no', cause });
  const ours = new WarehouseError('lane_fenced', 'over');
  expect(toWarehouseError(ours)).toBe(ours);
});

test('what DuckDB says now is told apart as the table says', async () => {
  await using connections = await DuckDbConnections.open(
    ':memory:',
    { temp_directory: '' },
    { connections: 2, threads: 1, memory: { bytes: 64e6, maxBytes: 64e6 } },
    [],
    [],
  );
  const codeOf = (sql: string): Promise<string> =>
    connections
      .use(undefined, (session) => session.run(sql))
      .then(
        () => 'no error',
        (error: WarehouseError) => error.code,
      );
  expect(await codeOf('SELCT 1')).toBe('invalid_sql');
  expect(await codeOf('SELECT * FROM nowhere')).toBe('invalid_sql');
  expect(await codeOf('SELECT no_such_function(1)')).toBe('invalid_sql');
  expect(await codeOf("SELECT CAST('x' AS INTEGER)")).toBe('data_error');
  expect(await codeOf('SELECT 9223372036854775807 + 1')).toBe('data_error');
  expect(await codeOf("SELECT error('said so')")).toBe('data_error');
  expect(await codeOf("FROM read_parquet('/nowhere/*.parquet')")).toBe('source_missing');
  expect(await codeOf('SELECT list(range) FROM range(100_000_000)')).toBe('out_of_memory');
  await connections.use(undefined, (session) => session.run('CREATE TABLE t AS SELECT 1 AS a'));
  await connections.use(undefined, (one) =>
    one.transaction(async () => {
      await one.run('UPDATE t SET a = 2');
      expect(await codeOf('UPDATE t SET a = 3')).toBe('transaction_conflict');
    }),
  );
});

test('a statement that runs out of memory runs again with more, up to a limit, and not inside a transaction', async () => {
  const resources = { connections: 1, threads: 1, memory: { bytes: 64e6, maxBytes: 512e6 } };
  await using connections = await DuckDbConnections.open(':memory:', { temp_directory: '' }, resources, [], []);
  await connections.use(undefined, async (session) => {
    const large = 'CREATE OR REPLACE TABLE t AS SELECT range, range * 2 AS twice FROM range(8_000_000)';
    await expect(session.transaction(() => session.run(large))).rejects.toMatchObject({ code: 'out_of_memory' });
    await session.run(large);
    expect(await session.rows('SELECT count(*) FROM t')).toEqual([[8_000_000n]]);
    await expect(session.run('SELECT list(range) FROM range(100_000_000)')).rejects.toMatchObject({ code: 'out_of_memory' });
  });
});
