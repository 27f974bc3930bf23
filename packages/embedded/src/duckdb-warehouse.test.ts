// What is DuckDB's alone: one process per file, survival of a kill, memory, files in and out. The port's guarantees are in
// test/contract/warehouse.contract.ts.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { datesBetween, partitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Source } from '@floodgate/core/domain/pipeline.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { WarehouseError, type TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { duckdbPrelude, translateSelect } from '@floodgate/sql/translate.ts';
import { killedDates, killedTable, rowsOfGeneration } from '../../../test/support/killed-table.ts';
import { createSeededIds } from '../../../test/support/seeded-ids.ts';
import { DuckDbWarehouse, type DuckDbWarehouseOptions } from './duckdb-warehouse.ts';
import { FolderObjectStore } from './folder-object-store.ts';
import { writeParquet } from './parquet-file.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';

const never = new AbortController().signal;
const committing = fileURLToPath(new URL('../../../test/support/committing-process.ts', import.meta.url));

const inFolder = async (): Promise<AsyncDisposable & { readonly folder: string; readonly file: string }> => {
  const folder = await mkdtemp(join(tmpdir(), 'floodgate-duckdb-'));
  return { folder, file: join(folder, 'warehouse.duckdb'), [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
};

const open = (file: string, options: Partial<DuckDbWarehouseOptions> = {}): Promise<DuckDbWarehouse> =>
  DuckDbWarehouse.open({ file, translate: translateSelect, prelude: duckdbPrelude, clock: systemClock, threads: 2, connections: 2, ...options });

/** Starts committing, kills with SIGKILL so long after the first commit began; resolves with what had been said by then. */
const commitUntilKilled = async (file: string, from: number, killAfterMs: number): Promise<{ readonly acknowledged: number; readonly begun: number }> => {
  const child = spawn(process.execPath, [committing, file, String(from)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = { begin: from - 1, done: 0 };
  let timer: NodeJS.Timeout | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    for (const [, word, generation] of text.matchAll(/(begin|done) (\d+)\n/g)) said[word as 'begin' | 'done'] = Number(generation);
    // The clock starts at the first commit, so that the kill falls among commits and never on the start.
    timer ??= setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  });
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  return { acknowledged: said.done, begun: said.begin };
};

test('a process killed while it commits leaves whole commits, and every acknowledged one', async () => {
  await using place = await inFolder();
  let from = 1;
  for (const killAfterMs of [1, 7, 23, 61, 140]) {
    const { acknowledged, begun } = await commitUntilKilled(place.file, from, killAfterMs);
    await using warehouse = await open(place.file);
    const log = await warehouse.readCommitLog(killedTable, 'all', never);
    const generations = new Set(log.map(({ generation }) => generation));
    if (log.length === 0) expect(acknowledged).toBe(0);
    else {
      expect(generations.size).toBe(1);
      const [generation] = [...generations] as [number];
      expect(generation).toBeGreaterThanOrEqual(acknowledged);
      expect(generation).toBeLessThanOrEqual(begun);
      const { rows } = await warehouse.query(
        `SELECT game_date, written_by, COUNT(*) AS n FROM ${killedTable.table} GROUP BY game_date, written_by ORDER BY game_date`,
        { dialect: 'googlesql', maxRows: 999 },
        never,
      );
      expect(rows).toEqual(killedDates.map((game_date) => ({ game_date, written_by: generation, n: rowsOfGeneration(generation) })));
      const digests = await warehouse.digestTable(killedTable, { first: killedDates[0] as never, last: killedDates.at(-1) as never }, never);
      for (const { date, contentHash } of log) expect(digests.get(date)?.digest).toBe(contentHash);
    }
    from = begun + 1;
  }
}, 60_000);

test('a file that another process holds is refused, with what to do', async () => {
  await using place = await inFolder();
  const child = spawn(process.execPath, [committing, place.file], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const error = await open(place.file).then(
      () => undefined,
      (thrown: WarehouseError) => thrown,
    );
    expect(error).toBeInstanceOf(WarehouseError);
    expect(error).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('held by another process'),
      hint: expect.stringContaining('one process'),
    });
  } finally {
    child.kill('SIGKILL');
  }
});

const wide: TableSpec = {
  table: 'nba.wide',
  partitionColumn: 'game_date',
  key: ['game_date', 'id'],
  columns: [
    { name: 'game_date', type: 'DATE', required: true, description: '', digits: 6 },
    { name: 'id', type: 'INT64', required: true, description: '', digits: 6 },
    { name: 'text', type: 'STRING', required: false, description: 'words', digits: 6 },
  ],
};

const manyRows =
  "SELECT d AS game_date, i AS id, CONCAT('row ', CAST(i * 7919 AS STRING), ' of ', CAST(d AS STRING)) AS text FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS d CROSS JOIN UNNEST(GENERATE_ARRAY(1, 20000)) AS i";

test('dropping staging gives its memory back', async () => {
  await using place = await inFolder();
  await using warehouse = await open(place.file);
  await warehouse.prepareTable(wide, never);
  const used = async (): Promise<number> => {
    const { rows } = await warehouse.query('SELECT sum(memory_usage_bytes)::BIGINT AS bytes FROM duckdb_memory()', { dialect: 'native', maxRows: 1 }, never);
    return rows[0]?.['bytes'] as number;
  };
  const before = await used();
  const dates = datesBetween(partitionDate('2024-01-01'), partitionDate('2024-01-12'));
  for (let round = 0; round < 3; round += 1) {
    await warehouse.stage(
      { jobId: `j${round}`, target: wide, staging: `s${round}`, dates, body: { kind: 'select', sql: manyRows, sources: [] }, labels: {} },
      never,
    );
    expect((await used()) - before).toBeGreaterThan(5_000_000);
    await warehouse.dropStaging(wide, [`s${round}`], never);
    expect((await used()) - before).toBeLessThan(1_000_000);
  }
  // Many small stagings share tables, which go when the last of theirs goes.
  for (const date of dates)
    await warehouse.stage({ jobId: date, target: wide, staging: date, dates: [date], body: { kind: 'select', sql: manyRows, sources: [] }, labels: {} }, never);
  expect((await used()) - before).toBeGreaterThan(5_000_000);
  await warehouse.dropStaging(wide, dates, never);
  expect((await used()) - before).toBeLessThan(5_000_000);
});

test('the hash of a row is what it was: a DuckDB whose hash differs would make every date count as changed', async () => {
  await using place = await inFolder();
  await using warehouse = await open(place.file);
  async function* rows(): AsyncGenerator<JsonObject> {
    yield { game_date: '2024-01-01', id: 1, text: 'Jokić' };
    yield { game_date: '2024-01-01', id: 2, text: null };
  }
  const date = partitionDate('2024-01-01');
  const staged = await warehouse.stage({ jobId: 'j', target: wide, staging: 's', dates: [date], body: { kind: 'rows', rows: rows() }, labels: {} }, never);
  expect(staged.get(date)).toEqual({ rows: 2, contentHash: 'db238559f7ae194efbad62bb30a3a42d' });
});

test('tables are described and exported without the columns that Floodgate keeps', async () => {
  await using place = await inFolder();
  await using warehouse = await open(place.file);
  await warehouse.prepareTable(wide, never);
  const date = partitionDate('2024-01-01');
  const staged = await warehouse.stage(
    {
      jobId: 'j',
      target: wide,
      staging: 's',
      dates: [date],
      body: { kind: 'select', sql: "SELECT @start_date AS game_date, 2 AS id, 'b' AS text UNION ALL SELECT @start_date, 1, 'a'", sources: [] },
      labels: {},
    },
    never,
  );
  const of = staged.get(date);
  await warehouse.commit(
    {
      jobId: 'c',
      target: wide,
      strategy: 'merge',
      laneEpoch: 1,
      committedAt: 1,
      entries: [{ date, generation: 1, staging: 's', contentHash: of?.contentHash ?? '', rows: of?.rows ?? 0, backfillId: 'b', rewrite: false }],
    },
    never,
  );
  const [described, ...others] = await warehouse.describeTables(never);
  expect(others).toEqual([]);
  expect(described).toMatchObject({ table: 'nba.wide', rows: 2 });
  expect(described?.columns.slice(0, 3)).toEqual(wide.columns.map(({ name, type, required, description }) => ({ name, type, required, description })));
  const path = join(place.folder, 'wide.csv');
  expect(await warehouse.exportTable('nba.wide', 'csv', path, never)).toEqual({ rows: 2 });
  expect(await readFile(path, 'utf8')).toBe('game_date,id,text\n2024-01-01,1,a\n2024-01-01,2,b\n');
});

const scores = (format: NonNullable<Source['format']>, files: string): Source => ({
  name: 'scores',
  description: '',
  files: [files],
  format,
  dateColumn: 'game_date',
  key: ['id'],
  columns: wide.columns,
});

test.each([
  ['csv', 'scores.csv', 'id,game_date,text\n1,2024-01-01,"a, b"\n2,2024-01-02,\n', 'id,game_date,text\nmany,2024-01-01,a\n'],
  [
    'ndjson',
    'scores.ndjson',
    '{"id": 1, "game_date": "2024-01-01", "text": "a, b"}\n{"id": 2, "game_date": "2024-01-02"}\n',
    '{"id": "many", "game_date": "2024-01-01"}\n',
  ],
] as const)('%s files are read with their declared types, and refused by file where a value does not fit', async (format, name, good, bad) => {
  await using place = await inFolder();
  await using warehouse = await open(place.file, { objectStore: new FolderObjectStore(place.folder, { ids: createSeededIds(1) }) });
  const source = scores(format, name);
  const read = () => warehouse.query('SELECT * FROM source.scores ORDER BY id', { dialect: 'googlesql', sources: [source], maxRows: 9 }, never);
  await writeFile(join(place.folder, name), good);
  expect((await read()).rows).toEqual([
    { game_date: '2024-01-01', id: 1, text: 'a, b' },
    { game_date: '2024-01-02', id: 2, text: null },
  ]);
  await writeFile(join(place.folder, name), bad);
  await expect(warehouse.digestSource(source, { first: partitionDate('2024-01-01'), last: partitionDate('2024-01-31') }, never)).rejects.toMatchObject({
    code: 'source_mismatch',
    message: expect.stringContaining(name),
  });
});

test('digests of a source outlive the process while its files and its declaration are the same', async () => {
  await using place = await inFolder();
  const path = join(place.folder, 'scores.csv');
  const source = scores('csv', 'scores.csv');
  /** Written in place at a set time, so that size, inode and time tell no difference. */
  const put = async (text: string, second: number): Promise<void> => {
    await writeFile(path, `id,game_date,text\n1,2024-01-01,${text}\n`);
    await utimes(path, second, second);
  };
  const digest = async (of: Source): Promise<string | undefined> => {
    await using warehouse = await open(place.file, { objectStore: new FolderObjectStore(place.folder, { ids: createSeededIds(1) }) });
    const date = partitionDate('2024-01-01');
    return (await warehouse.digestSource(of, { first: date, last: date }, never)).get(date)?.digest;
  };
  await put('a', 1_700_000_000);
  const first = await digest(source);
  await put('b', 1_700_000_000);
  expect(await digest(source)).toBe(first);
  await put('b', 1_700_000_001);
  const changed = await digest(source);
  expect(changed).not.toBe(first);
  expect(await digest({ ...source, columns: source.columns.slice(0, 2) })).not.toBe(changed);
  expect(await digest(source)).toBe(changed);
});

test('Parquet files are written for every type, many rows at a time', async () => {
  await using place = await inFolder();
  const path = join(place.folder, 'rows.parquet');
  function* rows(): Generator<JsonObject> {
    for (let id = 0; id < 5000; id += 1) yield { game_date: '2024-01-01', id, text: id % 2 === 0 ? null : `row ${id}` };
  }
  expect(await writeParquet(path, wide.columns, rows())).toEqual({ rows: 5000 });
  await using warehouse = await open(place.file);
  const { rows: found } = await warehouse.query(
    `SELECT count(*) AS n, sum(id) AS ids, count(text) AS texts FROM read_parquet('${path}')`,
    { dialect: 'native', maxRows: 1 },
    never,
  );
  expect(found).toEqual([{ n: 5000, ids: 12_497_500, texts: 2500 }]);
});
