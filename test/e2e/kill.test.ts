// kill -9 in the middle of everything. Nothing lives in a process: whatever it was doing, the next one on the same home
// goes on, and in the end the tables are those of a run that nobody disturbed.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openStore } from '@floodgate/cli/embedded-stack.ts';
import { readBackfillResult } from '@floodgate/core/app/read-status.ts';
import { backfillSchema, laneSchema, parseDocument } from '@floodgate/core/contracts/documents.ts';
import { isGood } from '@floodgate/core/domain/task-state.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { startChild } from '../support/child-process.ts';
import { createSeededIds } from '../support/seeded-ids.ts';
import { createTemporaryFolder } from '../support/temporary-folder.ts';
import { nbaDataAbsent, nbaDataFolder } from './oracle/oracle.ts';
import { createLogger, runOnce } from './support/engine.ts';
import type { Said } from './support/killable-run.ts';
import { readTables } from './support/tables.ts';

const range = { first: '2023-10-24', last: '2023-11-30' };
const input = { pipeline: 'nba', range: { start: range.first, end: range.last }, phases: '2..3', limits: { datesPerTask: 4 } };
const program = join(import.meta.dirname, 'support/killable-run.ts');

type Kill =
  /** Stops there first, so that the kill can't come too late. */
  | { readonly in: 'stage_begin' | 'stage_end' | 'commit_begin' | 'commit_end'; readonly count: number }
  /** Sent when the line is seen, into whatever runs then: DuckDB's own transaction, as a rule. */
  | { readonly soonAfter: 'stage_begin' | 'commit_begin'; readonly count: number }
  | { readonly afterMs: number };

const random = createSeededIds(20_231_024);
const kills: readonly Kill[] = [
  { in: 'stage_begin', count: 2 },
  { in: 'commit_begin', count: 1 },
  { soonAfter: 'commit_begin', count: 3 },
  { in: 'commit_end', count: 1 },
  { afterMs: Math.floor(random.random() * 500) },
  { in: 'stage_end', count: 3 },
  { in: 'commit_end', count: 3 },
  { soonAfter: 'stage_begin', count: 4 },
  { afterMs: Math.floor(random.random() * 500) },
  { soonAfter: 'commit_begin', count: 2 },
  { afterMs: Math.floor(random.random() * 500) },
];

const silent = createLogger(() => undefined);

/** What the dead process held, as the store says. */
const heldBy = async (home: string): Promise<{ readonly leases: number; readonly commits: number; readonly active: boolean }> => {
  await using store = openStore(home, silent);
  const [lanes, leases, backfills] = await Promise.all((['lanes', 'leases', 'backfills'] as const).map((collection) => store.deps.store.query({ collection })));
  return {
    leases: leases?.length ?? 0,
    commits: (lanes ?? []).filter((lane) => parseDocument(laneSchema, lane).job !== null).length,
    active: (backfills ?? []).some((backfill) => parseDocument(backfillSchema, backfill).state === 'active'),
  };
};

const runAndKill = async (home: string, kill: Kill): Promise<void> => {
  const args = 'in' in kill ? [`${kill.in}:${kill.count}`] : [];
  await using child = startChild(program, [home, nbaDataFolder, JSON.stringify(input), ...args]);
  for (;;) {
    const line = (await child.next()) as Said;
    if (line.said === 'ended') throw new Error(`the run ended before ${JSON.stringify(kill)}`);
    if (line.said === 'error') throw new Error(line.message);
    if (line.said === 'stopped_at') return await child.kill();
    if ('soonAfter' in kill && line.said === kill.soonAfter && line.count === kill.count) return await child.kill();
    if ('afterMs' in kill && line.said === 'accepted') {
      await systemClock.sleep(kill.afterMs);
      return await child.kill();
    }
  }
};

describe.skipIf(nbaDataAbsent !== undefined)(`kill -9${nbaDataAbsent === undefined ? '' : ` (${nbaDataAbsent})`}`, { timeout: 600_000 }, () => {
  test(`at ${kills.length} moments of one backfill: each time the next process goes on, and nothing is lost or doubled`, async () => {
    await using folder = await createTemporaryFolder();
    const [home, undisturbed] = [join(folder.path, 'killed'), join(folder.path, 'undisturbed')];
    const held: Awaited<ReturnType<typeof heldBy>>[] = [];
    for (const kill of kills) {
      await runAndKill(home, kill);
      held.push(await heldBy(home));
    }
    // The kills did hit what they were meant for.
    expect(held.every(({ active }) => active)).toBe(true);
    expect(held.filter(({ commits }) => commits > 0).length).toBeGreaterThanOrEqual(3);
    expect(held.filter(({ leases }) => leases > 0).length).toBeGreaterThanOrEqual(3);

    let backfillId = '';
    {
      await using last = startChild(program, [home, nbaDataFolder, JSON.stringify(input)]);
      for (;;) {
        const line = (await last.next()) as Said;
        if (line.said === 'error') throw new Error(line.message);
        if (line.said === 'accepted') backfillId = line.backfillId;
        if (line.said === 'ended') expect(line.state).toBe('completed');
        if (line.said === 'closed') break;
      }
    }

    {
      await using store = openStore(home, silent);
      const result = await readBackfillResult(store.deps.store, backfillId);
      expect(result?.counts.unreleased).toBe(0);
      expect(result?.tasks.filter(({ state }) => !isGood(state))).toEqual([]);
      expect(result?.gates.map(({ state }) => state)).toEqual(['open', 'open']);
      expect(await store.deps.store.query({ collection: 'backfills' })).toHaveLength(1);
      expect(await store.deps.store.query({ collection: 'leases' })).toEqual([]);
      expect(await store.deps.store.query({ collection: 'outbox' })).toEqual([]);
      expect(await store.deps.store.query({ collection: 'deadLetters' })).toEqual([]);
      const lanes = (await store.deps.store.query({ collection: 'lanes' })).map((document) => parseDocument(laneSchema, document));
      expect(lanes.map(({ holder, job }) => ({ holder, job }))).toEqual(lanes.map(() => ({ holder: '', job: null })));
      expect(lanes).toHaveLength(13);
    }
    expect((await runOnce({ home: undisturbed, data: nbaDataFolder }, input)).state).toBe('completed');
    using tables = await readTables(home);
    expect(await tables.differencesFrom(undisturbed)).toEqual([]);
    expect(await tables.differencesFromOracle(nbaDataFolder, range)).toEqual([]);
    expect(await tables.inconsistencies()).toEqual([]);
  });
});
