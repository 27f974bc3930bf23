// How quick the BigQuery emulator is, as a process of its own: start-up, queries of 30 clients at once, rows streamed in, and the
// MERGE of 50 partitions into a table of a million rows, alone and in a transaction.
// Usage: npm run bench:bigquery-emulator [-- --clients 30 --seconds 10 --rows 1000000]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus, totalmem } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BigQuery, type BigQueryOptions } from '@google-cloud/bigquery';

const { values } = parseArgs({
  options: { clients: { type: 'string', default: '30' }, seconds: { type: 'string', default: '10' }, rows: { type: 'string', default: '1000000' } },
});
const [clients, seconds, rows] = [Number(values.clients), Number(values.seconds), Number(values.rows)];
const days = 1_000;
const mergedDays = 50;

const startedAt = performance.now();
const main = fileURLToPath(new URL('../packages/bigquery-emulator/src/main.ts', import.meta.url));
const server = spawn(process.execPath, [main, '--port', '0', '--no-limits'], { stdio: ['ignore', 'pipe', 'inherit'] });
const exited = once(server, 'exit');
const listen = async (): Promise<string> => {
  for await (const line of createInterface({ input: server.stdout })) {
    const url = / at (http\S+)$/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error('the emulator ended before it was ready');
};
const apiEndpoint = await listen();
const connect = (): BigQuery =>
  new BigQuery({
    projectId: 'bench',
    apiEndpoint,
    authClient: { getRequestHeaders: async () => new Headers() } as unknown as NonNullable<BigQueryOptions['authClient']>,
  });
const client = connect();
const table: { what: string; result: string }[] = [];
const say = (what: string, result: string): void => {
  table.push({ what, result });
  process.stdout.write(`${what}: ${result}\n`);
};
const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const begunAt = performance.now();
  await work();
  return performance.now() - begunAt;
};
const ms = (duration: number): string => `${Math.round(duration).toLocaleString('en')} ms`;

say('start-up, until it is ready', ms(performance.now() - startedAt));
say('first query', ms(await timed(() => client.query('SELECT 1'))));

await client.createDataset('nba');
const fill = await timed(async () => {
  await client.query('CREATE TABLE nba.big (day DATE, id INT64, points FLOAT64, name STRING) PARTITION BY day CLUSTER BY id');
  await client.query(`INSERT nba.big SELECT DATE_ADD(DATE '2020-01-01', INTERVAL i DAY), k, k * 0.5, CONCAT('name ', CAST(k AS STRING))
    FROM UNNEST(GENERATE_ARRAY(0, ${days - 1})) AS i, UNNEST(GENERATE_ARRAY(1, ${rows / days})) AS k`);
});
say(`INSERT of ${rows.toLocaleString('en')} rows into ${days.toLocaleString('en')} partitions`, ms(fill));

/** Each client asks as soon as it was answered. */
const measure = async (what: string, sql: (index: number) => { query: string; params?: object }): Promise<void> => {
  const end = performance.now() + seconds * 1_000;
  const latencies: number[] = [];
  const work = async (own: BigQuery, first: number): Promise<void> => {
    for (let index = first; performance.now() < end; index += clients) latencies.push(await timed(() => own.query(sql(index))));
  };
  const tookMs = await timed(() => Promise.all(Array.from({ length: clients }, (_, index) => work(connect(), index))));
  latencies.sort((a, b) => a - b);
  const at = (share: number): string => ms(latencies[Math.floor(latencies.length * share)] ?? 0);
  say(`${clients} clients: ${what}`, `${Math.round(latencies.length / (tookMs / 1_000))} per second, half within ${at(0.5)}, 95 % within ${at(0.95)}`);
};
const day = (index: number): string => new Date(Date.UTC(2020, 0, 1 + (index % days))).toISOString().slice(0, 10);
await measure('one statement with a parameter', (index) => ({ query: 'SELECT @n + 1 AS n', params: { n: index } }));
await measure('a sum over one partition of the table, each another text', (index) => ({
  query: `SELECT SUM(points) AS points, COUNT(*) AS n FROM nba.big WHERE day = DATE '${day(index)}'`,
}));

const literals = (start: number): string => Array.from({ length: mergedDays }, (_, index) => `DATE '${day(start + index)}'`).join(', ');
const merge = (start: number): string => `MERGE nba.big t USING nba.staged s ON t.day IN (${literals(start)}) AND t.day = s.day AND t.id = s.id
  WHEN MATCHED AND t.points <> s.points THEN UPDATE SET points = s.points, name = s.name
  WHEN NOT MATCHED BY TARGET THEN INSERT (day, id, points, name) VALUES (s.day, s.id, s.points, s.name)
  WHEN NOT MATCHED BY SOURCE AND t.day IN (${literals(start)}) THEN DELETE`;
const stage = (start: number): Promise<unknown> =>
  client.query(`CREATE OR REPLACE TABLE nba.staged AS SELECT day, id + 10 AS id, points + 1 AS points, name FROM nba.big WHERE day IN (${literals(start)})`);
const merges: number[] = [];
for (const start of [100, 200, 300]) {
  await stage(start);
  merges.push(await timed(() => client.query(merge(start))));
}
say(`MERGE of ${mergedDays} partitions (${((mergedDays * rows) / days).toLocaleString('en')} rows) into them, three times`, merges.map(ms).join(', '));
await stage(400);
const transaction = await timed(() => client.query(`BEGIN TRANSACTION; ${merge(400)}; SELECT @@row_count; COMMIT TRANSACTION;`));
say('the same in a transaction', ms(transaction));

server.kill('SIGTERM');
await exited;
process.stdout.write(
  `\n${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}\n\n| what | result |\n|---|---|\n${table.map(({ what, result }) => `| ${what} | ${result} |`).join('\n')}\n`,
);
