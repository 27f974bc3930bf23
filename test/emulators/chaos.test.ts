// Services killed with -9 and started again at random while they work, an emulator restarted, the lines between them cut and
// healed: in the end the tables of a run that nobody disturbed, and nothing left behind. Six kills in CI; by hand, in 20 minutes:
// CHAOS_KILLS=100 CHAOS_SEED=11 CHAOS_END=2023-11-12 npx vitest run test/emulators/chaos.test.ts
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { partitionDate } from '@floodgate/core/domain/partition-date.ts';
import { dispatchSchema, laneSchema, parseDocument } from '@floodgate/core/contracts/documents.ts';
import { readBackfillResult } from '@floodgate/core/app/read-status.ts';
import { isGood } from '@floodgate/core/domain/task-state.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { nbaDataAbsent } from '../e2e/oracle/oracle.ts';
import { copyData } from '../e2e/support/data-folder.ts';
import { openEngine, pipelinesFolder, type Engine } from '../e2e/support/engine.ts';
import { createSeededIds } from '../support/seeded-ids.ts';
import { createTemporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { describeServices, startDeployment, type Deployment, type Service } from './support/deployment.ts';
import { isEmulatorRequired } from './support/missing.ts';
import { describeWithEmulators } from './support/requirements.ts';
import { compareWarehouses } from './support/same-tables.ts';

const kills = Number(process.env['CHAOS_KILLS'] ?? (isEmulatorRequired ? 6 : 0));
const skipped = nbaDataAbsent ?? (kills === 0 ? 'set CHAOS_KILLS to how many kills there shall be' : undefined);
const random = createSeededIds(Number(process.env['CHAOS_SEED'] ?? 20_231_106));
const range = { start: '2023-11-06', end: process.env['CHAOS_END'] ?? '2023-11-09' };
const input = { pipeline: 'nba', range, phases: '2..3', requestedBy: 'chaos test', reason: 'chaos' } as const;
const leaseMs = 3_000;

const pick = <T>(from: readonly T[]): T => from[Math.floor(random.random() * from.length)] as T;

describeWithEmulators(`kills on the cloud backend${skipped === undefined ? '' : ` (${skipped})`}`, ['pubsub', 'firestore', 'bigquery', 'storage'], () => {
  let folder: TemporaryFolder;
  let embedded: Engine;
  let deployment: Deployment;

  beforeAll(async () => {
    if (skipped !== undefined) return;
    folder = await createTemporaryFolder();
    const data = join(folder.path, 'data');
    await mkdir(data);
    await copyData(data, { first: partitionDate(range.start), last: partitionDate(range.end) });
    [embedded, deployment] = await Promise.all([
      openEngine({ home: join(folder.path, 'home'), data }),
      startDeployment({
        project: 'chaos-test',
        pipelines: pipelinesFolder,
        pipeline: 'nba',
        data,
        services: { worker: 3, validator: 2, planner: 2 },
        environment: {
          FLOODGATE_LEASE_MS: String(leaseMs),
          FLOODGATE_RECONCILE_EVERY_MS: '1000',
          // Streams of killed workers swallow what Pub/Sub's emulator redelivers (docs/backends.md).
          FLOODGATE_QUEUED_AGE_MS: '5000',
        },
      }),
    ]);
    await embedded.run(input);
  }, 180_000);

  afterAll(async () => {
    await deployment?.[Symbol.asyncDispose]();
    await embedded?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  const leases = async (): Promise<readonly string[]> =>
    (await deployment.backend.store.query({ collection: 'leases' })).map((document) => parseDocument(dispatchSchema, document).holder);
  const committing = async (): Promise<readonly string[]> =>
    (await deployment.backend.store.query({ collection: 'lanes' }))
      .map((document) => parseDocument(laneSchema, document))
      .flatMap(({ job, holder }) => (job === null ? [] : [holder]));

  /** A service to kill, chosen while a lease lives and, where asked for, while it commits; undefined where nothing is under way. */
  const findVictim = async (duringCommit: boolean): Promise<Service | undefined> => {
    const holders = duringCommit ? await committing() : await leases();
    const running = deployment.services.filter(({ isRunning }) => isRunning);
    if (holders.length === 0) return undefined;
    const working = running.filter(({ holder }) => holder !== undefined && holders.includes(holder));
    // Of three that hit no commit one hits whoever: planners and validators die too.
    if (duringCommit || random.random() < 0.6) return working.length === 0 ? undefined : pick(working);
    return pick(running);
  };

  test.skipIf(skipped !== undefined)(
    'the same tables, and nothing left behind',
    async () => {
      const done = { kills: 0, duringCommit: 0, cuts: 0, stalls: 0, restarts: 0, backfills: 0 };
      const disturb = async (): Promise<void> => {
        const line = pick([deployment.lines.pubsub, deployment.lines.firestore, deployment.lines.bigquery]);
        const isCut = random.random() < 0.5;
        if (isCut) line.cut();
        else line.stall();
        await systemClock.sleep(500 + random.random() * 2_000);
        line.heal();
        done[isCut ? 'cuts' : 'stalls'] += 1;
      };
      const last = { backfillId: '' };
      while (done.kills < kills) {
        const { backfillId } = await deployment.request(
          { ...input, ...(done.backfills === 0 ? {} : { reprocess: 'all' }), reason: `chaos ${done.backfills + 1}` },
          90_000,
        );
        last.backfillId = backfillId;
        done.backfills += 1;
        let over = false;
        const ended = deployment.ended(backfillId, 900_000).finally(() => (over = true));
        ended.catch(() => undefined);
        while (!over && done.kills < kills) {
          const duringCommit = done.duringCommit * 3 <= done.kills;
          const victim = await findVictim(duringCommit);
          if (victim === undefined) {
            await systemClock.sleep(5);
            continue;
          }
          await victim.kill('SIGKILL');
          done.kills += 1;
          if (duringCommit) done.duringCommit += 1;
          // Where it stands: a hundred take a while.
          if (kills > 10) process.stderr.write(`${new Date(systemClock.now()).toISOString()} ${victim.name} ${JSON.stringify(done)}\n`);
          if (done.kills % 4 === 0) await disturb();
          if (done.kills % 5 === 0) {
            // Pub/Sub's loses all messages that lie in it, and forgets the streams of the dead.
            await deployment.emulators.restart(done.kills % 10 === 5 ? 'bigquery' : 'pubsub');
            done.restarts += 1;
          }
          await victim.start();
          await systemClock.sleep(random.random() * 2_000);
        }
        expect((await ended).state).toBe('completed');
      }
      process.stdout.write(`${JSON.stringify(done)}\n`);
      expect(done.duringCommit * 3).toBeGreaterThanOrEqual(done.kills - 2);
      expect(Object.values(deployment.lines).reduce((sum, { hit }) => sum + hit, 0)).toBeGreaterThan(0);

      const { store, warehouse } = deployment.backend;
      const result = await readBackfillResult(store, last.backfillId);
      expect(result?.tasks.filter(({ state }) => !isGood(state))).toEqual([]);
      const { pipeline } = (await embedded.stack.catalog.load('nba')) as NonNullable<Awaited<ReturnType<typeof embedded.stack.catalog.load>>>;
      const { rows, differences } = await compareWarehouses(
        pipeline.processors.filter(({ phase }) => phase === 2 || phase === 3),
        warehouse,
        embedded.stack.warehouse,
      );
      expect(differences, describeServices(deployment.services)).toEqual([]);
      expect(rows).toBeGreaterThan(5_000);
      expect(await store.query({ collection: 'deadLetters' })).toEqual([]);
    },
    3_600_000,
  );
});
