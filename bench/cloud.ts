// Tasks a second of the cloud backend on the emulators, beside what the bare emulators do in the same run through Google's bare
// clients: messages, documents, jobs. `node bench/cloud.ts [last date, from 2023-11-06 on]`. Real games in phases 2 and 3, planner,
// validator and three workers, pulled. The emulators are most of it: compare the lines with one another, not with the services.
import { mkdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { partitionDate } from '@floodgate/core/domain/partition-date.ts';
import { startDeployment, type Deployment } from '../test/emulators/support/deployment.ts';
import { copyData } from '../test/e2e/support/data-folder.ts';
import { pipelinesFolder } from '../test/e2e/support/engine.ts';
import { createTemporaryFolder } from '../test/support/temporary-folder.ts';

const range = { start: '2023-11-06', end: process.argv[2] ?? '2023-11-19' };
const input = { pipeline: 'nba', range, phases: '2..3', requestedBy: 'bench', reason: 'measured' };

const seconds = (since: number): number => (performance.now() - since) / 1_000;
const say = (what: string, result: string): void => console.log(`${what.padEnd(62)} ${result}`);

/** Calls it `count` times, so many at once; a second. */
const rate = async (count: number, atOnce: number, call: (index: number) => Promise<unknown>): Promise<string> => {
  let next = 0;
  const since = performance.now();
  const one = async (): Promise<void> => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return `${(count / seconds(since)).toFixed(0)}/s`;
};

/** `count` messages of a topic of their own, from the first publish to the last ack. */
const measureMessages = async ({ backend: { clients } }: Deployment, count: number): Promise<string> => {
  const [topic] = await clients.pubsub.createTopic('bench');
  const [subscription] = await topic.createSubscription('bench', { flowControl: { maxMessages: 100 } });
  const all = Promise.withResolvers<void>();
  let pulled = 0;
  subscription.on('message', (message) => {
    message.ack();
    pulled += 1;
    if (pulled === count) all.resolve();
  });
  const since = performance.now();
  await Promise.all(Array.from({ length: count }, (_, index) => topic.publishMessage({ data: Buffer.from(`doorbell ${index}`) })));
  await all.promise;
  const result = `${(count / seconds(since)).toFixed(0)}/s`;
  await subscription.close();
  return result;
};

const measureRaw = async (deployment: Deployment): Promise<void> => {
  const { firestore, bigquery } = deployment.backend.clients;
  const { client, database, headers } = firestore;
  say('Pub/Sub, bare client: messages published, pulled and acked', await measureMessages(deployment, 5_000));
  const written = await rate(3_000, 16, (index) =>
    client.commit(
      {
        database,
        writes: [{ update: { name: `${database}/documents/bench/${index}`, fields: { text: { stringValue: 'x'.repeat(500) } } } }],
      },
      { otherArgs: { headers } },
    ),
  );
  say('Firestore, bare client: commits of one document, 16 at once', written);
  await bigquery.query('CREATE TABLE nba_raw.bench (day DATE, n INT64)');
  say('BigQuery, bare client: jobs of a SELECT of one row, 8 at once', await rate(300, 8, () => bigquery.query('SELECT 1 AS n')));
  const merge = `MERGE nba_raw.bench AS t USING (SELECT DATE '2024-01-01' AS day, n FROM UNNEST(GENERATE_ARRAY(1, 1000)) AS n) AS s
    ON t.day = s.day AND t.n = s.n WHEN MATCHED THEN UPDATE SET n = s.n WHEN NOT MATCHED THEN INSERT (day, n) VALUES (day, n)`;
  say('BigQuery, bare client: MERGE of 1,000 rows, one after another', await rate(15, 1, () => bigquery.query(merge)));
};

await using folder = await createTemporaryFolder();
const data = join(folder.path, 'data');
await mkdir(data);
await copyData(data, { first: partitionDate(range.start), last: partitionDate(range.end) });
console.log(`${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.versions.node}`);
await using deployment = await startDeployment({ project: 'floodgate-bench', pipelines: pipelinesFolder, pipeline: 'nba', data, services: { worker: 3 } });
const since = performance.now();
const { backfillId, tasks } = await deployment.request(input, 120_000);
const accepted = seconds(since);
const { state } = await deployment.ended(backfillId, 1_800_000);
if (state !== 'completed') throw new Error(`the backfill is ${state}`);
const count = Object.values(tasks).reduce((sum, each) => sum + each, 0);
const took = seconds(since);
say(`${count} tasks of ${Object.keys(tasks).length} processors, from the published request to its end`, `${took.toFixed(0)} s`);
say('  of it until the plan was activated', `${accepted.toFixed(1)} s`);
say('  tasks, audited, committed, gated', `${(count / (took - accepted)).toFixed(1)}/s`);
await measureRaw(deployment);
