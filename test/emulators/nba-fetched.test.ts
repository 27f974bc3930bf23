// The NBA pipeline with its sources on the cloud backend: the first dates of a season fetched by the workers from a server that
// replays real ones, into the bucket, and on through the phases; then two of the scenarios of docs/scenarios.md. The same commands
// on the embedded backend make the same tables, row for row.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Processor } from '@floodgate/core/domain/pipeline.ts';
import { environmentOf } from '@floodgate/emulators/start-emulators.ts';
import { faultsSchema } from '../../pipelines/nba/servers/faults.ts';
import { startFeedServer, type FeedServer } from '../../pipelines/nba/servers/feed-server.ts';
import { openReplay } from '../../pipelines/nba/servers/replay.ts';
import { nbaDataAbsent, nbaDataFolder } from '../e2e/oracle/oracle.ts';
import { floodgate, type Ended } from '../e2e/support/command.ts';
import { openEngine, pipelinesFolder } from '../e2e/support/engine.ts';
import { createTemporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { startDeployment, type Deployment } from './support/deployment.ts';
import { describeWithEmulators } from './support/requirements.ts';
import { compareWarehouses } from './support/same-tables.ts';

/** Three weeks of all phases by hand: NBA_PHASES=1..5 NBA_END=2021-11-08 npx vitest run test/emulators/nba-fetched.test.ts */
const phases = process.env['NBA_PHASES'] ?? '1..3';
/** Nothing lies before the first date of all seasons, so that no window reaches back. */
const dates = ['--start', '2021-10-19', '--end', process.env['NBA_END'] ?? '2021-10-20'];
const corrected = '2021-10-20';
const season = '2021-22';

describeWithEmulators('the NBA pipeline and its sources on the cloud backend', ['pubsub', 'firestore', 'bigquery', 'storage'], () => {
  let folder: TemporaryFolder;
  let server: FeedServer;
  let deployment: Deployment;
  let home: string;
  const fetching = {
    FLOODGATE_NBA_SOURCE_PER_SECOND: '1000',
    FLOODGATE_NBA_SOURCE_BACKOFF_MS: '2',
    FLOODGATE_NBA_SOURCE_ATTEMPTS: '2',
  };

  const backends = ['embedded', 'gcp'] as const;
  type BackendName = (typeof backends)[number];
  const run = (backend: BackendName, ...words: readonly string[]): Promise<Ended> =>
    backend === 'embedded'
      ? floodgate([...words, '--home', home], { cwd: folder.path, environment: { ...fetching, FLOODGATE_WORKERS: '2' } })
      : floodgate([...words, '--backend', 'gcp'], { cwd: folder.path, environment: { ...fetching, ...environmentOf(deployment.emulators.settings) } });
  const fault = (...faults: readonly object[]): void => server.faults.add(faultsSchema.parse(faults));

  /** Everything but when it was fetched. */
  const expectSameTables = async (leastRows: number): Promise<void> => {
    await using embedded = await openEngine({ home, data: join(home, 'landing', 'nba'), idle: true });
    const { pipeline } = (await embedded.stack.catalog.load('nba')) as NonNullable<Awaited<ReturnType<typeof embedded.stack.catalog.load>>>;
    const computed = pipeline.processors
      .filter(({ phase }) => phase <= Number(phases.at(-1)))
      .map((processor): Processor => ({ ...processor, columns: processor.columns.filter(({ name }) => name !== 'fetched_at') }));
    const { rows, differences } = await compareWarehouses(computed, deployment.backend.warehouse, embedded.stack.warehouse);
    expect(differences).toEqual([]);
    expect(rows).toBeGreaterThan(leastRows);
  };

  beforeAll(async () => {
    if (nbaDataAbsent !== undefined) return;
    folder = await createTemporaryFolder();
    home = join(folder.path, 'home');
    const none = join(folder.path, 'no-files');
    await mkdir(none);
    server = await startFeedServer({ feeds: { ...(await openReplay(nbaDataFolder)), seasons: async () => [season] }, random: () => 0 });
    deployment = await startDeployment({
      project: 'nba-fetched',
      pipelines: pipelinesFolder,
      pipeline: 'nba',
      data: none,
      services: { worker: 2 },
      environment: { ...fetching, FLOODGATE_NBA_SOURCE_URL: server.url },
    });
  }, 180_000);

  afterAll(async () => {
    await deployment?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  test.skipIf(nbaDataAbsent !== undefined)(
    'a file that stays cut off fails its date alone; mended, one retry brings everything to its end',
    async () => {
      for (const backend of backends) {
        server.faults.clear();
        fault({ kind: 'truncate', feed: 'play_by_play', date: corrected }, { kind: '429', feed: 'team_boxscores', times: 1, retry_after: 0.05 });
        const first = await run(backend, 'backfill', '--json', '--source-url', server.url, '--phases', phases, ...dates);
        expect([backend, first.exitCode, first.err]).toEqual([backend, 1, expect.any(String)]);
        const { backfillId, failed } = JSON.parse(first.out) as { readonly backfillId: string; readonly failed: unknown };
        expect(JSON.stringify(failed ?? first.out), first.out).toContain('source_incomplete');
        server.faults.clear();
        const second = await run(backend, 'retry', backfillId);
        expect([backend, second.exitCode], second.out + second.err).toEqual([backend, 0]);
        // A deployment's services do it: the command has only asked them to.
        const watched = backend === 'embedded' ? second : await run(backend, 'watch', backfillId);
        expect([backend, watched.exitCode], watched.out + watched.err).toEqual([backend, 0]);
      }
      await expectSameTables(4_000);
    },
    1_400_000,
  );

  test.skipIf(nbaDataAbsent !== undefined)(
    'a date is fetched again after its source was corrected, and what had read it is computed anew',
    async () => {
      const rows = (await (await fetch(`${server.url}/v1/player_boxscores/${corrected}`)).text())
        .trimEnd()
        .split('\n')
        .map(
          (line) => JSON.parse(line) as { readonly game_id: string; readonly team: string; readonly player_id: number; pts: number; ftm: number; fta: number },
        );
      // A free throw was a team mate's: the sums of the team stay.
      const from = rows.find(({ ftm }) => ftm >= 1) as (typeof rows)[number];
      const to = rows.find(({ team, player_id: id }) => team === from.team && id !== from.player_id) as (typeof rows)[number];
      for (const [row, change] of [
        [from, -1],
        [to, 1],
      ] as const) {
        const set = { pts: row.pts + change, ftm: row.ftm + change, fta: row.fta + change };
        fault({ kind: 'correct', feed: 'player_boxscores', where: { game_id: row.game_id, player_id: row.player_id }, set });
      }
      for (const backend of backends) {
        const day = ['--start', corrected, '--end', corrected];
        const again = await run(backend, 'backfill', '--source-url', server.url, ...day, '--processors', 'fetch_gamebooks', '--reprocess', 'all');
        expect([backend, again.exitCode], again.out + again.err).toEqual([backend, 0]);
        expect(again.out).toMatch(/fetch_gamebooks +1 succeeded/);
        const mended = await run(backend, 'backfill', '--phases', `2..${phases.at(-1)}`, ...dates, '--reprocess', 'stale');
        expect([backend, mended.exitCode], mended.out + mended.err).toEqual([backend, 0]);
        expect(mended.out).toMatch(/player_game_summary +[1-9]\d* succeeded/);
      }
      await expectSameTables(4_000);
      const points = await deployment.backend.warehouse.query(
        `SELECT points FROM nba_raw.nbac_gamebook_player_stats WHERE game_date = '${corrected}' AND nba_game_id = '${from.game_id}' AND universal_player_id = '${from.player_id}'`,
        { dialect: 'googlesql', maxRows: 10 },
        new AbortController().signal,
      );
      expect(points.rows).toEqual([{ points: from.pts - 1 }]);
    },
    1_400_000,
  );
});
