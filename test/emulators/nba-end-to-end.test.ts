// The NBA pipeline over real data on the cloud backend: planner, validator and workers as processes of their own,
// a request published as anybody may publish it, and in the end the tables that the embedded backend makes, row for row. Every
// statement on the way was analyzed by Google's own analyzer, since the BigQuery emulator runs nothing that it refuses.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { partitionDate } from '@floodgate/core/domain/partition-date.ts';
import { describeWithEmulators } from './support/requirements.ts';
import { startDeployment, type Deployment } from './support/deployment.ts';
import { compareWarehouses } from './support/same-tables.ts';
import { nbaDataAbsent } from '../e2e/oracle/oracle.ts';
import { copyData } from '../e2e/support/data-folder.ts';
import { openEngine, pipelinesFolder, type Engine } from '../e2e/support/engine.ts';
import { createTemporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

/** Three weeks of all phases, ten minutes, by hand: NBA_PHASES=2..5 NBA_END=2023-11-26 npx vitest run test/emulators/nba-end-to-end.test.ts -t pulled (or pushed) */
const { NBA_PHASES: phases = '2..3', NBA_END } = process.env;
const modes = [
  { mode: 'pull', range: { start: '2023-11-06', end: NBA_END ?? '2023-11-09' }, leastRows: 8_000 },
  { mode: 'push', range: { start: '2023-11-06', end: NBA_END ?? '2023-11-08' }, leastRows: 5_000 },
] as const;

/** As on a project that has datasets only: the first backfill finds none of the tables that it writes and reads. */
const dropTables = async ({ emulators, backend }: Deployment): Promise<void> => {
  for (const { name } of emulators.declared.datasets) {
    const [tables] = await backend.clients.bigquery.dataset(name).getTables();
    await Promise.all(tables.map((table) => table.delete()));
  }
};

for (const { mode, range, leastRows } of modes)
  describeWithEmulators(`the NBA pipeline on the cloud backend, messages ${mode}ed`, ['pubsub', 'firestore', 'bigquery', 'storage'], () => {
    const input = { pipeline: 'nba', range, phases, requestedBy: 'end-to-end test', reason: 'real dates' } as const;
    let folder: TemporaryFolder;
    let embedded: Engine;
    let deployment: Deployment;

    beforeAll(async () => {
      if (nbaDataAbsent !== undefined) return;
      folder = await createTemporaryFolder();
      const data = join(folder.path, 'data');
      await mkdir(data);
      await copyData(data, { first: partitionDate(input.range.start), last: partitionDate(input.range.end) });
      [embedded, deployment] = await Promise.all([
        openEngine({ home: join(folder.path, 'home'), data }),
        startDeployment({
          project: `nba-${mode}`,
          mode,
          pipelines: pipelinesFolder,
          pipeline: 'nba',
          data,
          services: { worker: 3 },
        }),
      ]);
      if (mode === 'pull') await dropTables(deployment);
      await embedded.run(input);
    }, 180_000);

    afterAll(async () => {
      await deployment?.[Symbol.asyncDispose]();
      await embedded?.[Symbol.asyncDispose]();
      await folder?.[Symbol.asyncDispose]();
    });

    test.skipIf(nbaDataAbsent !== undefined)(
      'a published request fills the same tables, and every gate opens',
      async () => {
        const accepted = await deployment.request(input, 120_000);
        const ended = await deployment.ended(accepted.backfillId, 1_200_000);
        const failures = (await deployment.backend.store.query({ collection: 'deadLetters' })).map(({ data }) => data['failure']);
        expect([ended.state, failures.slice(0, 3)]).toEqual(['completed', []]);
        const { pipeline } = (await embedded.stack.catalog.load('nba')) as NonNullable<Awaited<ReturnType<typeof embedded.stack.catalog.load>>>;
        const computed = pipeline.processors.filter(({ phase }) => phase > 1 && phase <= Number(phases.at(-1)));
        const { rows, differences } = await compareWarehouses(computed, deployment.backend.warehouse, embedded.stack.warehouse);
        expect(differences).toEqual([]);
        expect(rows).toBeGreaterThan(leastRows);
        const errors = deployment.services.flatMap(({ log, noise }) => [
          ...noise,
          ...log.filter((line) => line['severity'] === 'ERROR').map((line) => JSON.stringify(line)),
        ]);
        expect(errors).toEqual([]);
      },
      1_400_000,
    );
  });
