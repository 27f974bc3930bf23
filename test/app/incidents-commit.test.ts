// What the warehouse itself refuses to commit (docs/incidents.md), on DuckDB.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DuckDbWarehouse } from '@floodgate/embedded/duckdb-warehouse.ts';
import { FolderObjectStore } from '@floodgate/embedded/folder-object-store.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { duckdbPrelude, translateSelect } from '@floodgate/sql/translate.ts';
import { commit, committedRows, day, entryOf, errorOf, fill, findings, game, gamesTable, never, stageRows } from '../contract/warehouse/fixture.ts';
import { createSeededIds } from '../support/seeded-ids.ts';

const openWarehouse = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'floodgate-incidents-'));
  const warehouse = await DuckDbWarehouse.open({
    file: join(folder, 'warehouse.duckdb'),
    objectStore: new FolderObjectStore(folder, { ids: createSeededIds(1) }),
    translate: translateSelect,
    prelude: duckdbPrelude,
    clock: systemClock,
    threads: 1,
    connections: 1,
  });
  return {
    warehouse,
    [Symbol.asyncDispose]: async () => {
      await warehouse[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
};

test('fewer rows than were audited are never committed: the table and its log stay as they were', async () => {
  await using open = await openWarehouse();
  const { warehouse } = open;
  const target = gamesTable();
  await warehouse.prepareTable(target, never);
  await fill(warehouse, target, day(1), 1, [game(day(1), 'old')]);
  const before = await warehouse.readCommitLog(target, 'all', never);
  const staged = await stageRows(warehouse, target, 's', [day(1)], [game(day(1), 'a'), game(day(1), 'b')]);
  const entry = entryOf(day(1), 2, 's', staged);
  const error = await errorOf(commit(warehouse, target, [{ ...entry, rows: 16 }]));
  expect([error.code, error.message]).toEqual(['contract_broken', expect.stringContaining('2 staged rows')]);
  expect(await committedRows(warehouse, target)).toEqual([game(day(1), 'old')]);
  expect(await warehouse.readCommitLog(target, 'all', never)).toEqual(before);
});

test('NaN breaks no load; a range finds it, with the others of its date', async () => {
  await using open = await openWarehouse();
  const { warehouse } = open;
  const target = gamesTable();
  await warehouse.prepareTable(target, never);
  await stageRows(warehouse, target, 's', [day(1), day(2)], [game(day(1), 'a', 1, Number.NaN), game(day(1), 'b'), game(day(2), 'c')]);
  const range = { type: 'accepted_range', column: 'pace', min: 75, max: 130 } as const;
  expect(await findings(warehouse, target, { staging: 's' }, [day(1), day(2)], { range })).toEqual([expect.stringMatching(/^range 2024-01-01 .*1 of 2 rows/)]);
});
