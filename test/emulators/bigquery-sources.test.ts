// Sources on BigQuery: files of fake-gcs-server, loaded by the BigQuery emulator. The contract, and what only a source that is
// loaded has to stand: processes at once, crashes between its steps, files that are replaced meanwhile.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Column, Source } from '@floodgate/core/domain/pipeline.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { writeParquet } from '@floodgate/embedded/parquet-file.ts';
import type { RunningEmulator } from '@floodgate/emulators/java-emulator.ts';
import { startStorageEmulator } from '@floodgate/emulators/storage-emulator.ts';
import { createBigQueryParts } from '@floodgate/gcp/bigquery-parts.ts';
import { SourceTables } from '@floodgate/gcp/bigquery-sources.ts';
import { BigQueryWarehouse } from '@floodgate/gcp/bigquery-warehouse.ts';
import { GcsObjectStore } from '@floodgate/gcp/gcs-object-store.ts';
import type { GcpSettings } from '@floodgate/gcp/settings.ts';
import type { SourceFiles } from '@floodgate/gcp/source-files.ts';
import { connectStorage } from '@floodgate/gcp/storage-client.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import { describeChecks } from '../contract/warehouse/checks.contract.ts';
import { column, day, errorOf, game, never } from '../contract/warehouse/fixture.ts';
import { describeSources } from '../contract/warehouse/sources.contract.ts';
import { startBigQuery, type Json, type TestServer } from './support/bigquery-server.ts';
import { bigQuerySettings, openJobs } from './support/bigquery-warehouse.ts';
import { describeWithEmulators } from './support/requirements.ts';

const columns = [column('game_id', 'STRING', true), column('game_date', 'DATE', true), column('points', 'INT64'), column('pace', 'FLOAT64')];
const sourceOf = (files: string, format: Source['format'] = 'parquet'): Source => ({
  name: 'schedule',
  description: '',
  files: [files],
  format,
  dateColumn: 'game_date',
  key: ['game_id'],
  columns,
});
const range = { first: day(1), last: day(31) };

describeWithEmulators('sources on BigQuery', ['bigquery', 'storage'], () => {
  let storage: RunningEmulator;
  let server: TestServer;
  let folder: string;
  let buckets = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sources-'));
    storage = await startStorageEmulator();
    server = await startBigQuery({ storageHost: `http://${storage.host}` });
    for (const dataset of ['nba', 'staging']) await server.client.createDataset(dataset, { location: 'US' });
  }, 180_000);
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await storage?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  type Bucket = {
    readonly store: GcsObjectStore;
    readonly settings: GcpSettings;
    readonly open: (store?: SourceFiles) => BigQueryWarehouse;
    readonly tables: (store?: SourceFiles) => SourceTables;
  };
  const newBucket = async (): Promise<Bucket> => {
    const settings = bigQuerySettings(server, {
      bucket: `sources-${(buckets += 1)}`,
      emulators: { bigquery: server.url.replace('http://', ''), storage: storage.host },
    });
    const [bucket] = await connectStorage(settings).createBucket(settings.bucket as string);
    const store = new GcsObjectStore(bucket, { clock: systemClock, ids: systemIds });
    const of = (from: SourceFiles) => ({ jobs: openJobs(settings), settings, clock: systemClock, store: from });
    return {
      store,
      settings,
      open: (from = store) => new BigQueryWarehouse({ ...of(from), parts: createBigQueryParts(of(from)) }),
      tables: (from = store) => new SourceTables(of(from)),
    };
  };
  const parquetOf = async (shape: readonly Column[], rows: readonly JsonObject[]): Promise<Uint8Array> => {
    const path = join(folder, `${systemIds.newId()}.parquet`);
    await writeParquet(path, shape, rows);
    return readFile(path);
  };
  const put = async ({ store }: Bucket, key: string, shape: readonly Column[], rows: readonly JsonObject[]): Promise<void> =>
    store.write(key, await parquetOf(shape, rows));
  const text = (content: string): Uint8Array => new TextEncoder().encode(content);
  const read = async (warehouse: BigQueryWarehouse, source: Source): Promise<readonly JsonObject[]> =>
    (
      await warehouse.query(
        'SELECT game_id, game_date, points, pace FROM source.schedule ORDER BY game_id',
        { dialect: 'googlesql', sources: [source], maxRows: 99 },
        never,
      )
    ).rows;
  /** Load jobs of this source's tables since the test began. */
  const loadsOf = async (bucket: Bucket): Promise<number> => {
    const { body } = await server.call('GET', '/jobs?projection=full&maxResults=1000&allUsers=true');
    return (body.jobs as Json[]).filter(({ configuration }) => JSON.stringify(configuration.load?.sourceUris ?? []).includes(`gs://${bucket.settings.bucket}/`))
      .length;
  };
  const tableOf = async (bucket: Bucket, source: Source): Promise<string> => {
    const { sql } = await bucket.tables().resolveSources('SELECT * FROM source.schedule', [source], never);
    return /`staging`\.`(\w+)`/.exec(sql)?.[1] as string;
  };

  const makeHarness = async () => {
    const bucket = await newBucket();
    return {
      warehouse: bucket.open(),
      putSource: (key: string, shape: readonly Column[], rows: readonly JsonObject[]) => put(bucket, key, shape, rows),
      truncateSource: async (key: string) => bucket.store.write(key, (await bucket.store.read(key)).slice(0, 700)),
      storesNullArraysEmpty: true,
      [Symbol.asyncDispose]: async () => undefined,
    };
  };
  describe('warehouse contract: BigQuery', () => {
    describeSources(makeHarness);
    describeChecks(makeHarness);
  });

  let bucket: Bucket;
  beforeEach(async () => {
    bucket = await newBucket();
  });
  const source = sourceOf('s_*.parquet');
  const rows = [game(day(1), 'a', 1), game(day(2), 'b', null)];

  test('are loaded once by any number of processes at once', async () => {
    await put(bucket, 's_1.parquet', columns, rows);
    const [one, other] = [bucket.open(), bucket.open()];
    const found = await Promise.all([read(one, source), read(one, source), read(other, source), other.digestSource(source, range, never)]);
    expect(found.slice(0, 3)).toEqual([rows, rows, rows]);
    expect(await read(bucket.open(), source)).toEqual(rows);
    expect(await loadsOf(bucket)).toBe(1);
  });

  test('are not loaded anew when the same content is uploaded again, and are when it is another', async () => {
    const content = await parquetOf(columns, rows);
    await bucket.store.write('s_1.parquet', content);
    const before = await bucket.open().digestSource(source, range, never);
    await bucket.store.write('s_1.parquet', content);
    expect(await bucket.open().digestSource(source, range, never)).toEqual(before);
    expect(await loadsOf(bucket)).toBe(1);
    await put(bucket, 's_1.parquet', columns, [game(day(1), 'a', 2), game(day(2), 'b', null)]);
    const after = await bucket.open().digestSource(source, range, never);
    expect([after.get(day(1))?.digest === before.get(day(1))?.digest, after.get(day(2))?.digest === before.get(day(2))?.digest]).toEqual([false, true]);
    expect(await loadsOf(bucket)).toBe(2);
  });

  test('whose process died at any step are taken on by the next one', async () => {
    await put(bucket, 's_1.parquet', columns, rows);
    const path = `/datasets/staging/tables/${await tableOf(bucket, source)}`;
    const patch = async (labels: Json): Promise<void> => expect((await server.call('PATCH', path, { labels })).status).toBe(200);
    // After the load, before the label.
    await patch({ floodgate_state: 'not_yet' });
    expect(await read(bucket.open(), source)).toEqual(rows);
    expect(await loadsOf(bucket)).toBe(1);
    // The table expired, or somebody dropped it.
    await server.call('DELETE', path);
    expect(await read(bucket.open(), source)).toEqual(rows);
    expect(await loadsOf(bucket)).toBe(2);
    // Made by somebody who saw other uploads of the same content: which of them was loaded is not known.
    await patch({ floodgate_state: 'not_yet', floodgate_files: 'others' });
    expect(await read(bucket.open(), source)).toEqual(rows);
    expect(await loadsOf(bucket)).toBe(3);
  });

  test('whose files are replaced while they are loaded are loaded again', async () => {
    await put(bucket, 's_1.parquet', columns, rows);
    const replaced = await parquetOf(columns, [game(day(3), 'c')]);
    let listings = 0;
    const store: SourceFiles = {
      locate: (key) => bucket.store.locate(key),
      readRange: (...range) => bucket.store.readRange(...range),
      list: async (glob, signal) => {
        // The second listing is the one after the load.
        if ((listings += 1) === 2) await bucket.store.write('s_1.parquet', replaced);
        return bucket.store.list(glob, signal);
      },
    };
    expect(await read(bucket.open(store), source)).toEqual([game(day(3), 'c')]);
    expect(await loadsOf(bucket)).toBe(2);
  });

  test('that are deleted between listing and footer are listed again', async () => {
    await put(bucket, 's_1.parquet', columns, rows);
    const replaced = await parquetOf(columns, [game(day(3), 'c')]);
    let reads = 0;
    const store: SourceFiles = {
      locate: (key) => bucket.store.locate(key),
      list: (glob, signal) => bucket.store.list(glob, signal),
      readRange: async (...range) => {
        if ((reads += 1) === 1) await bucket.store.write('s_1.parquet', replaced);
        return bucket.store.readRange(...range);
      },
    };
    expect(await read(bucket.open(store), source)).toEqual([game(day(3), 'c')]);
  });

  test('keep their table for a week, and longer while they are used', async () => {
    await put(bucket, 's_1.parquet', columns, rows);
    const path = `/datasets/staging/tables/${await tableOf(bucket, source)}`;
    const daysLeft = async (): Promise<number> => Math.round((Number((await server.call('GET', path)).body.expirationTime) - systemClock.now()) / 86_400_000);
    expect(await daysLeft()).toBe(7);
    const inDays = (days: number): string => String(systemClock.now() + days * 86_400_000);
    await server.call('PATCH', path, { expirationTime: inDays(5) });
    await tableOf(bucket, source);
    expect(await daysLeft()).toBe(5);
    await server.call('PATCH', path, { expirationTime: inDays(3) });
    await tableOf(bucket, source);
    expect(await daysLeft()).toBe(7);
  });

  test('may lack an optional column in some files, and have more than is declared', async () => {
    await put(bucket, 's_1.parquet', [...columns.slice(0, 3), column('other', 'TIMESTAMP')], [{ game_id: 'a', game_date: day(1), points: 1, other: null }]);
    await put(bucket, 's_2.parquet', columns, [game(day(2), 'b')]);
    expect(await read(bucket.open(), source)).toEqual([game(day(1), 'a', 1, null), game(day(2), 'b')]);
  });

  test('must have a required column in every file, and an optional one in any', async () => {
    await put(bucket, 's_1.parquet', columns.slice(0, 3), [{ game_id: 'a', game_date: day(1), points: 1 }]);
    await put(bucket, 's_2.parquet', columns.slice(1, 3), [{ game_date: day(1), points: 1 }]);
    const error = await errorOf(read(bucket.open(), source));
    expect([error.code, error.message.split('\n')]).toEqual([
      'source_mismatch',
      ['source schedule is not as declared:', '  s_2.parquet: game_id is missing, declared STRING required', '  pace is in no file, declared FLOAT64'],
    ]);
    expect(await loadsOf(bucket)).toBe(0);
  });

  test('are read from CSV by the names in the first line', async () => {
    const csv = sourceOf('s_*.csv', 'csv');
    await bucket.store.write('s_1.csv', text('game_date,"game_id",more,points,pace\n2024-01-01,a,x,1,98.5\n'));
    await bucket.store.write('s_2.csv', text('game_id,points,game_date\r\n"b, or\nc",,2024-01-02\r\n'));
    expect(await read(bucket.open(), csv)).toEqual([game(day(1), 'a', 1), game(day(2), 'b, or\nc', null, null)]);
    await bucket.store.write('s_3.csv', text('game_id,points\nz,1\n'));
    const missing = await errorOf(bucket.open().digestSource(csv, range, never));
    expect([missing.code, missing.message]).toEqual(['source_mismatch', expect.stringContaining('s_3.csv: game_date is missing, declared DATE required')]);
    await bucket.store.write('s_3.csv', text('game_id,points,game_date\nz,many,2024-01-03\n'));
    const error = await errorOf(bucket.open().digestSource(csv, range, never));
    expect([error.code, error.message]).toEqual(['source_mismatch', expect.stringMatching(/source schedule, file s_3\.csv: .*many/)]);
    await bucket.store.write('s_3.csv', new Uint8Array());
    expect(await errorOf(bucket.open().digestSource(csv, range, never))).toMatchObject({
      code: 'source_unreadable',
      message: expect.stringContaining('s_3.csv'),
    });
  });

  test('are read from NDJSON, absent names as NULL, and damage is told by the file', async () => {
    const ndjson = sourceOf('s_*.json', 'ndjson');
    await bucket.store.write(
      's_1.json',
      text('{"game_id": "a", "game_date": "2024-01-01", "points": 1, "more": [1]}\n{"game_id": "b", "game_date": "2024-01-02", "pace": 98.5}\n'),
    );
    expect(await read(bucket.open(), ndjson)).toEqual([game(day(1), 'a', 1, null), game(day(2), 'b', null)]);
    await bucket.store.write('s_2.json', text('{"game_id": "a", "game_'));
    expect(await errorOf(read(bucket.open(), ndjson))).toMatchObject({
      code: 'source_unreadable',
      message: expect.stringContaining('s_2.json'),
      hint: expect.stringContaining('s_2.json'),
    });
    // The failed load is not repeated for files that are the same.
    const loads = await loadsOf(bucket);
    expect(await errorOf(read(bucket.open(), ndjson))).toMatchObject({ code: 'source_unreadable' });
    expect(await loadsOf(bucket)).toBe(loads);
  });

  test('are missing where no bucket is named', async () => {
    const { settings } = bucket;
    const parts = createBigQueryParts({ jobs: openJobs(settings), settings, clock: systemClock, store: undefined });
    expect(await errorOf(parts.digestSource(source, range, never))).toMatchObject({
      code: 'source_missing',
      hint: expect.stringContaining('FLOODGATE_GCP_BUCKET'),
    });
    expect(await parts.resolveSources('SELECT 1 FROM nba.games', [source], never)).toEqual({ sql: 'SELECT 1 FROM nba.games', version: '' });
  });
});
