// A process for tests that kill it: commits one table over and over, all dates in each commit, and says on standard
// output which generation has been acknowledged.
import { systemClock } from '@floodgate/system/system-clock.ts';
import { DuckDbWarehouse } from '@floodgate/embedded/duckdb-warehouse.ts';
import { duckdbPrelude, translateSelect } from '@floodgate/sql/translate.ts';
import { killedDates, killedRows, killedTable } from './killed-table.ts';

const [file = '', from = '1'] = process.argv.slice(2);
const never = new AbortController().signal;
const warehouse = await DuckDbWarehouse.open({ file, translate: translateSelect, prelude: duckdbPrelude, clock: systemClock, threads: 1, connections: 1 });
await warehouse.prepareTable(killedTable, never);
for (let generation = Number(from); ; generation += 1) {
  const staging = `s${generation}`;
  async function* rows() {
    yield* killedRows(generation);
  }
  const staged = await warehouse.stage(
    { jobId: staging, target: killedTable, staging, dates: killedDates, body: { kind: 'rows', rows: rows() }, labels: {} },
    never,
  );
  const entries = [...staged].map(([date, { rows: count, contentHash }]) => ({
    date,
    generation,
    staging,
    contentHash,
    rows: count,
    backfillId: 'b',
    rewrite: false,
  }));
  process.stdout.write(`begin ${generation}\n`);
  await warehouse.commit({ jobId: `c${generation}`, target: killedTable, strategy: 'merge', laneEpoch: generation, entries, committedAt: generation }, never);
  process.stdout.write(`done ${generation}\n`);
  await warehouse.dropStaging(killedTable, [staging], never);
}
