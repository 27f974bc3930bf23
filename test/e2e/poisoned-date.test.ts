// One date of a source is wrong. It alone is held back, with its evidence and its cause; what does not read it goes on;
// and once the file is right again, one retry completes everything.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { explainPartition, explainWaiting } from '@floodgate/core/app/explain.ts';
import { listDeadLetters, replayDeadLetters, retryTasks } from '@floodgate/core/app/operate.ts';
import type { TaskDocument } from '@floodgate/core/contracts/documents.ts';
import { partitionDate } from '@floodgate/core/domain/partition-date.ts';
import { createTemporaryFolder } from '../support/temporary-folder.ts';
import { nbaDataAbsent } from './oracle/oracle.ts';
import { copyData, rewriteFile, truncateFile } from './support/data-folder.ts';
import { openEngine, type Engine } from './support/engine.ts';
import { readTables } from './support/tables.ts';

const range = { first: '2024-01-22', last: '2024-01-28' };
const input = { pipeline: 'nba', range: { start: range.first, end: range.last }, phases: '2..3' };
const poisoned = partitionDate('2024-01-25');
const file = 'player_boxscores.parquet';
const box = 'nbac_gamebook_player_stats';

/** Rows of the poisoned date, one of them changed, added or taken away. */
const poisons = {
  'a row that stands twice': `FROM rows UNION ALL (FROM rows WHERE game_date = '${poisoned}' ORDER BY player_id LIMIT 1)`,
  'a row without its key': `SELECT * REPLACE (CASE WHEN game_date = '${poisoned}' AND player_id = (SELECT min(player_id) FROM rows WHERE game_date = '${poisoned}') THEN NULL ELSE player_id END AS player_id) FROM rows`,
  'a row that is missing': `FROM rows WHERE NOT (game_date = '${poisoned}' AND player_id = (SELECT min(player_id) FROM rows WHERE game_date = '${poisoned}' AND pts > 0))`,
} as const;

const prepare = async (folder: string) => {
  const [home, data, sound] = [join(folder, 'home'), join(folder, 'data'), join(folder, 'sound')];
  await Promise.all([mkdir(data), mkdir(sound)]);
  await copyData(sound, range);
  await copyData(data, range);
  const repair = (): Promise<void> => rewriteFile(data, file, `FROM read_parquet('${join(sound, file)}')`);
  return { home, data, sound, repair };
};

/** Dates by state of one processor's tasks. */
const statesOf = (tasks: readonly TaskDocument[], processorId: string): Readonly<Record<string, readonly string[]>> => {
  const states: Record<string, string[]> = {};
  for (const { state, date } of tasks.filter((task) => task.processorId === processorId).sort((a, b) => (a.date < b.date ? -1 : 1)))
    (states[state] ??= []).push(date);
  return states;
};

const others = ['2024-01-22', '2024-01-23', '2024-01-24', '2024-01-26', '2024-01-27', '2024-01-28'];
const all = [...others, poisoned].sort();

const explainDeps = (engine: Engine) => ({ store: engine.stack.engine.store, plans: engine.stack.plans, now: engine.stack.engine.clock.now() });

const retryAndCheck = async (engine: Engine, backfillId: string): Promise<void> => {
  expect(await retryTasks(engine.stack.engine, backfillId, { states: ['failed', 'quarantined'] }, 'test')).toMatchObject({
    outcome: 'retrying',
    reopened: true,
  });
  expect(await engine.ended(backfillId)).toBe('completed');
  expect(await listDeadLetters(engine.stack.engine.store, ['open', 'replaying'])).toEqual([]);
  expect(engine.errors).toEqual([]);
};

const expectWhole = async (home: string, sound: string): Promise<void> => {
  using tables = await readTables(home);
  expect(await tables.differencesFromOracle(sound, range)).toEqual([]);
  expect(await tables.inconsistencies()).toEqual([]);
};

describe.skipIf(nbaDataAbsent !== undefined)(`a poisoned date${nbaDataAbsent === undefined ? '' : ` (${nbaDataAbsent})`}`, { timeout: 60_000 }, () => {
  test.each(Object.entries(poisons))('%s: quarantined with the evidence, the next phase stays shut, one retry completes it', async (name, poison) => {
    await using folder = await createTemporaryFolder();
    const { home, data, sound, repair } = await prepare(folder.path);
    await rewriteFile(data, file, poison);
    {
      await using engine = await openEngine({ home, data });
      const { backfillId, state, result } = await engine.run(input);
      expect(state).toBe('blocked');
      expect(statesOf(result.tasks, box)).toEqual({ succeeded: others, quarantined: [poisoned] });
      for (const processor of ['nbac_schedule', 'nbac_team_boxscore', 'bigdataball_play_by_play'])
        expect(statesOf(result.tasks, processor)).toEqual({ succeeded: all });
      expect(result.tasks.filter(({ phase }) => phase === 3)).toEqual([]);
      expect(result.gates).toMatchObject([
        { phase: 2, state: 'blocked' },
        { phase: 3, state: 'waiting' },
      ]);
      expect(result.gates[0]?.gate?.summary).toContain(`${box} accounted: 1 of 7 planned dates did not succeed: 1 quarantined`);
      expect(result.gates[0]?.gate?.repair).toBe(`npx floodgate retry ${backfillId}`);

      const evidence = result.tasks.find((task) => task.state === 'quarantined')?.evidence.filter(({ severity }) => severity === 'block') ?? [];
      const expected = {
        'a row that stands twice': 'unique_key',
        'a row without its key': 'required',
        'a row that is missing': 'players_add_up_to_their_team',
      }[name];
      expect(evidence.map(({ check }) => check)).toContain(expected);

      const why = await explainPartition(explainDeps(engine), backfillId, 'player_game_summary', partitionDate('2024-01-22'));
      expect(why?.reasons[0]).toMatchObject({ kind: 'gate', phase: 2, gate: { state: 'blocked' } });
      const own = await explainPartition(explainDeps(engine), backfillId, 'player_game_summary', poisoned);
      expect(own?.reasons).toMatchObject([
        { kind: 'gate', phase: 2 },
        { kind: 'upstream', processorId: box, dates: [poisoned], state: 'quarantined' },
        { kind: 'upstream', processorId: 'team_offense_game_summary' },
      ]);

      await repair();
      await retryAndCheck(engine, backfillId);
    }
    await expectWhole(home, sound);
  });

  test('with gate window only what reads the poisoned date waits', async () => {
    await using folder = await createTemporaryFolder();
    const { home, data, sound, repair } = await prepare(folder.path);
    await rewriteFile(data, file, poisons['a row that stands twice']);
    {
      await using engine = await openEngine({ home, data });
      const { backfillId, state, result } = await engine.run({ ...input, gate: 'window' });
      expect(state).toBe('blocked');
      expect(statesOf(result.tasks, box)).toEqual({ succeeded: others, quarantined: [poisoned] });
      expect(statesOf(result.tasks, 'team_offense_game_summary')).toEqual({ succeeded: all });
      expect(statesOf(result.tasks, 'team_defense_game_summary')).toEqual({ succeeded: all });
      expect(statesOf(result.tasks, 'player_game_summary')).toEqual({ succeeded: others });
      const later = all.filter((date) => date > poisoned);
      expect(await explainWaiting(explainDeps(engine), backfillId)).toEqual([
        { processorId: 'player_game_summary', dates: [poisoned], why: `${box} ${poisoned} in its window: quarantined` },
        // What is known before a game reads the dates before it.
        { processorId: 'upcoming_team_game_context', dates: later, why: `player_game_summary ${poisoned} in its window: not released yet` },
        { processorId: 'upcoming_player_game_context', dates: later, why: `${box} ${poisoned} in its window: quarantined` },
      ]);
      await repair();
      await retryAndCheck(engine, backfillId);
    }
    await expectWhole(home, sound);
  });

  test('a file that breaks after the plan was made goes to the dead letters with its cause; replaying them completes it', async () => {
    await using folder = await createTemporaryFolder();
    const { home, data, sound, repair } = await prepare(folder.path);
    await using engine = await openEngine({ home, data, idle: true });
    const { backfillId } = await engine.start(input);
    await truncateFile(data, file);
    await engine.startServices();
    expect(await engine.ended(backfillId)).toBe('blocked');
    expect(statesOf((await engine.resultOf(backfillId)).tasks, box)).toEqual({ failed: all });
    const letters = await listDeadLetters(engine.stack.engine.store, ['open']);
    expect(letters.map(({ date, processorId, failure }) => ({ date, processorId, code: failure.code }))).toEqual(
      expect.arrayContaining(all.map((date) => ({ date, processorId: box, code: 'source_unreadable' }))),
    );
    // Who reads the file: the box scores, and lines whose players are known by name alone.
    const readers = [...new Set(letters.map(({ processorId }) => processorId))].sort((a, b) => a.localeCompare(b));
    expect(readers).toEqual([box, 'odds_api_player_points_props']);
    const groups = new Set(letters.map(({ causeGroup }) => causeGroup));
    expect(groups.size).toBe(readers.length);
    expect(letters.every(({ failure }) => failure.message.includes(file))).toBe(true);

    await repair();
    for (const causeGroup of groups) {
      const replayed = await replayDeadLetters(engine.stack.engine, { causeGroup }, 1_000, 'test');
      expect(replayed).toMatchObject({ replayed: letters.filter((letter) => letter.causeGroup === causeGroup).length, messagesLeft: 0 });
    }
    let state = await engine.ended(backfillId);
    // It may end once between the two.
    if (state === 'blocked') state = await engine.ended(backfillId);
    expect(state).toBe('completed');
    expect(await listDeadLetters(engine.stack.engine.store, ['open', 'replaying'])).toEqual([]);
    expect(await listDeadLetters(engine.stack.engine.store, ['closed'])).toHaveLength(letters.length);
    await engine[Symbol.asyncDispose]();
    await expectWhole(home, sound);
  });

  test('a file that breaks in the middle of the run ends it as blocked, with the cause at the gate; one retry completes it', async () => {
    await using folder = await createTemporaryFolder();
    const { home, data, sound, repair } = await prepare(folder.path);
    const committed = Promise.withResolvers<void>();
    await using engine = await openEngine({
      home,
      data,
      onLog: ({ message, fields }) => {
        if (message === 'batch committed' && fields['table'] === `nba_raw.${box}`) committed.resolve();
      },
    });
    const { backfillId } = await engine.start({ ...input, limits: { datesPerTask: 1, maxInFlight: 2 } });
    await committed.promise;
    await truncateFile(data, file);
    expect(await engine.ended(backfillId)).toBe('blocked');
    const { tasks, gates } = await engine.resultOf(backfillId);
    const states = statesOf(tasks, box);
    expect(states['succeeded']?.length).toBeGreaterThan(0);
    expect(states['failed']?.length).toBe(all.length - (states['succeeded']?.length ?? 0));
    expect(gates[0]?.gate?.checks.filter(({ outcome }) => outcome === 'could_not_tell').map(({ check }) => check)).toContain('fresh');
    await repair();
    await retryAndCheck(engine, backfillId);
    await engine[Symbol.asyncDispose]();
    await expectWhole(home, sound);
  });

  test.each([
    ['a column of another type', `SELECT * REPLACE (player_name || '!' AS pts) FROM rows`, 'source_mismatch', 'pts'],
    ['a column that is gone', `SELECT * EXCLUDE (reb) FROM rows`, 'source_mismatch', 'reb'],
  ])('%s: the request is refused, the column is named, and nothing has been planned', async (_, poison, code, column) => {
    await using folder = await createTemporaryFolder();
    const { home, data } = await prepare(folder.path);
    await rewriteFile(data, file, poison);
    await using engine = await openEngine({ home, data });
    const outcome = await engine.accept(input);
    expect(outcome).toMatchObject({ outcome: 'rejected', failure: { code } });
    expect(outcome.outcome === 'rejected' ? outcome.failure.message : '').toContain(column);
    expect(await engine.stack.engine.store.query({ collection: 'backfills' })).toEqual([]);
  });

  test('a file that is cut off is refused at the plan, by name', async () => {
    await using folder = await createTemporaryFolder();
    const { home, data } = await prepare(folder.path);
    await truncateFile(data, 'games.parquet');
    await using engine = await openEngine({ home, data });
    const outcome = await engine.accept(input);
    expect(outcome).toMatchObject({ outcome: 'rejected', failure: { code: 'source_unreadable' } });
    expect(outcome.outcome === 'rejected' ? outcome.failure.message : '').toContain('games.parquet');
  });
});
