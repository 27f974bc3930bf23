// How many workers there are, how many dates travel together and which barrier holds: all of that costs time and nothing
// else. The same dates under several settings give the same tables, cell by cell, with the same hashes in the commit logs.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFolderCatalog } from '@floodgate/system/pipeline-folders.ts';
import { createTemporaryFolder } from '../support/temporary-folder.ts';
import { nbaDataAbsent, nbaDataFolder } from './oracle/oracle.ts';
import { pipelinesFolder, runOnce, type Ran } from './support/engine.ts';
import { readTables } from './support/tables.ts';

const range = { first: '2023-10-24', last: '2023-11-30' };
const input = { pipeline: 'nba', range: { start: range.first, end: range.last }, phases: '2..3' };

const settings = [
  { workers: 1, datesPerTask: 1, gate: 'phase' },
  { workers: 4, datesPerTask: 1, gate: 'window' },
  { workers: 2, datesPerTask: 3, gate: 'phase' },
  { workers: 4, datesPerTask: 7, gate: 'window' },
  { workers: 3, datesPerTask: 50, gate: 'window' },
  { workers: 1, datesPerTask: 'auto', gate: 'window' },
] as const;

describe.skipIf(nbaDataAbsent !== undefined)(`settings of a backfill${nbaDataAbsent === undefined ? '' : ` (${nbaDataAbsent})`}`, { timeout: 120_000 }, () => {
  const folder = createTemporaryFolder();
  let reference: string;
  let ran: Ran;

  beforeAll(async () => {
    reference = join((await folder).path, 'reference');
    ran = await runOnce({ home: reference, data: nbaDataFolder }, input);
  }, 120_000);

  afterAll(async () => (await folder)[Symbol.asyncDispose]());

  test('two workers, spans sized by measurement and gates between phases give the tables of the oracle', async () => {
    expect(ran.state).toBe('completed');
    using tables = await readTables(reference);
    expect(await tables.differencesFromOracle(nbaDataFolder, range)).toEqual([]);
    expect(await tables.inconsistencies()).toEqual([]);
  });

  test.each(settings)('workers $workers, dates per task $datesPerTask, gate $gate: the same tables', async ({ workers, datesPerTask, gate }) => {
    const home = join((await folder).path, `${workers}-${datesPerTask}-${gate}`);
    const { state, result } = await runOnce({ home, data: nbaDataFolder, workers }, { ...input, gate, limits: { datesPerTask } });
    expect(state).toBe('completed');
    expect(result.gates.map(({ state: of }) => of)).toEqual(['open', 'open']);
    using tables = await readTables(home);
    expect(await tables.differencesFrom(reference)).toEqual([]);
    expect(await tables.inconsistencies()).toEqual([]);
  });

  test('all phases: one worker behind gates of phases, many behind windows: the same tables', async () => {
    const loaded = await (await createFolderCatalog(pipelinesFolder)).load('nba');
    const computed = (loaded?.pipeline.processors ?? []).filter(({ phase }) => phase > 1).map(({ table, key }) => ({ table, key, oracle: '' }));
    // The first weeks that there are: what learns from 13 months finds none before them.
    const weeks = { pipeline: 'nba', range: { start: '2021-10-19', end: '2021-11-19' }, phases: '2..5' };
    const homes = [];
    for (const [workers, gate] of [
      [1, 'phase'],
      [4, 'window'],
    ] as const) {
      const home = join((await folder).path, `all-${gate}`);
      expect((await runOnce({ home, data: nbaDataFolder, workers }, { ...weeks, gate })).state).toBe('completed');
      homes.push(home);
    }
    using tables = await readTables(homes[1] ?? '', computed);
    expect(await tables.differencesFrom(homes[0] ?? '')).toEqual([]);
    const [graded] = await tables.query('SELECT count(*) AS n FROM actual.nba_predictions.prediction_accuracy');
    expect(Number(graded?.['n'])).toBeGreaterThan(1_000);
  });
});
