// A process that writes until it is killed: prints a line for each thing that was answered as done.
import { openEngine } from './engine.ts';

const folder = process.argv[2];
if (folder === undefined) throw new Error('a folder is wanted');
const engine = await openEngine({ folder, clock: { now: () => 1_000 } });
await engine.datasets.create({ projectId: 'p', datasetId: 'd', location: 'US', properties: { labels: { k: 'v' } } });
const id = { projectId: 'p', datasetId: 'd', tableId: 't' };
await engine.tables.create({ ...id, schema: { fields: [{ name: 'n', type: 'INTEGER', mode: 'REQUIRED' }] }, requirePartitionFilter: false, properties: {} });
const session = await engine.openSession();
const context = { projectId: 'p', parameterTypes: new Map(), lookUp: engine.lookUp };
const { rowsIn } = await session.run(
  { kind: 'SELECT', sql: 'SELECT 42 AS answer', columns: [{ name: 'answer', type: { kind: 'INT64' } }], reads: [], context },
  new Map(),
);
process.stdout.write(`result ${rowsIn?.tableId ?? ''}\n`);
// A transaction that never ends beside the rows that are answered.
const open = await engine.openSession();
await open.run({ kind: 'BEGIN_TRANSACTION', sql: 'BEGIN', columns: [], reads: [], context }, new Map());
await open.run({ kind: 'INSERT', sql: 'INSERT INTO d.t VALUES (-1)', columns: [], reads: [], target: id, context }, new Map());
for (let n = 1; ; n += 1) {
  await engine.tables.insertAll(id, [{ n }], { skipInvalid: false, ignoreUnknown: false });
  process.stdout.write(`row ${n}\n`);
}
