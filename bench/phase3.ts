// Phase 3 of the NBA pipeline alone, with phase 2 loaded: the engine with 1, 7 and auto dates per task, beside the same
// three tables computed by one set-based statement each, and beside the loop that a user would write instead.
// Every measurement is a process of its own on its own copy of the loaded home, so memory and caches are its own.
// Usage: npm run bench:phase3 [-- --start 2021-10-19 --end 2024-12-31 --runs 3]
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { acceptRequest } from '@floodgate/core/app/accept-request.ts';
import { readBackfillResult } from '@floodgate/core/app/read-status.ts';
import { parseRequest } from '@floodgate/core/contracts/parse-request.ts';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { openEmbeddedStack, warehouseFile } from '@floodgate/cli/embedded-stack.ts';
import { createFolderCatalog } from '@floodgate/system/pipeline-folders.ts';
import { duckdbPrelude, translateSelect } from '@floodgate/sql/translate.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const pipelinesFolder = join(root, 'pipelines');
const { values } = parseArgs({
  options: {
    mode: { type: 'string', default: 'all' },
    home: { type: 'string', default: '' },
    start: { type: 'string', default: '2021-10-19' },
    end: { type: 'string', default: '2024-12-31' },
    runs: { type: 'string', default: '3' },
    data: { type: 'string', default: process.env['FLOODGATE_NBA_DATA'] ?? join(root, '..', 'shared', 'data', 'nba') },
  },
});
const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (fields: object, message: string) => console.error(message, fields),
};

type Measured = { readonly seconds: number; readonly peakMb: number; readonly tasks: number; readonly phases: Readonly<Record<string, number>> };

const peakMb = (): number => Math.round(process.resourceUsage().maxRSS / 1_024);

/** One backfill through the whole engine: plan, gates, tasks, commits. */
const runEngine = async (home: string, phases: string, datesPerTask: number | 'auto'): Promise<Measured> => {
  const ended = Promise.withResolvers<string>();
  await using stack = await openEmbeddedStack({
    home,
    pipelinesFolder,
    dataFolder: values.data,
    workers: 2,
    logger: silent,
    onEnded: (_, state) => ended.resolve(state),
  });
  const request = parseRequest({ pipeline: 'nba', range: { start: values.start, end: values.end }, phases, limits: { datesPerTask } });
  if (!request.ok) throw new Error(request.problems.join('; '));
  const startedAt = performance.now();
  await stack.startServices();
  const accepted = await acceptRequest(
    stack.plannerDeps,
    { request: request.request, idempotencyKey: `${Math.random()}`, traceparent: '', dryRun: false },
    new AbortController().signal,
  );
  if (accepted.outcome !== 'accepted') throw new Error(JSON.stringify(accepted));
  const acceptedAt = performance.now();
  const state = await ended.promise;
  const seconds = (performance.now() - startedAt) / 1_000;
  const result = await readBackfillResult(stack.engine.store, accepted.backfillId);
  if (state !== 'completed' || result === undefined) throw new Error(`${accepted.backfillId} ended ${state}: ${JSON.stringify(result?.gates)}`);
  await stack.stopServices(5_000);
  const released = Math.min(...result.tasks.map(({ releasedAt }) => releasedAt));
  const last = Math.max(...result.tasks.map(({ endedAt }) => endedAt ?? 0));
  const parts = { plan: (acceptedAt - startedAt) / 1_000, 'first release to last commit': result.tasks.length === 0 ? 0 : (last - released) / 1_000 };
  return { seconds, peakMb: peakMb(), tasks: result.tasks.length, phases: parts };
};

const phase3 = async (): Promise<Pipeline['processors']> => {
  const loaded = await (await createFolderCatalog(pipelinesFolder)).load('nba');
  return loaded?.pipeline.processors.filter(({ phase }) => phase === 3) ?? [];
};

const openPlain = async (home: string) => {
  const connection = await (await DuckDBInstance.create(warehouseFile(home))).connect();
  for (const statement of duckdbPrelude) await connection.run(statement);
  await connection.run('CREATE SCHEMA IF NOT EXISTS nba_analytics');
  return connection;
};

const translated = (sql: string): string => {
  const result = translateSelect(sql);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.sql;
};

/** One INSERT … SELECT per table over the whole range. */
const runSetBased = async (home: string): Promise<Measured> => {
  const connection = await openPlain(home);
  const startedAt = performance.now();
  let tasks = 0;
  for (const { table, source } of await phase3()) {
    await connection.run(`CREATE TABLE ${table} AS ${translated(source)}`, { start_date: values.start, end_date: values.end });
    tasks += 1;
  }
  return { seconds: (performance.now() - startedAt) / 1_000, peakMb: peakMb(), tasks, phases: {} };
};

/** One process, one transaction of DELETE and INSERT per date and table: what a careful script does. */
const runLoop = async (home: string): Promise<Measured> => {
  const connection = await openPlain(home);
  const dates = (
    await connection.runAndReadAll(
      `SELECT DISTINCT CAST(game_date AS VARCHAR) AS d FROM nba_raw.nbac_schedule WHERE game_date BETWEEN '${values.start}' AND '${values.end}' ORDER BY d`,
    )
  )
    .getRows()
    .map(([date]) => String(date));
  const startedAt = performance.now();
  let tasks = 0;
  for (const { table, source, partitionColumn } of await phase3()) {
    const sql = translated(source);
    await connection.run(`CREATE TABLE ${table} AS SELECT * FROM (${sql}) LIMIT 0`, { start_date: values.start, end_date: values.start });
    for (const date of dates) {
      await connection.run('BEGIN');
      await connection.run(`DELETE FROM ${table} WHERE ${partitionColumn} = CAST($date AS DATE)`, { date });
      await connection.run(`INSERT INTO ${table} ${sql}`, { start_date: date, end_date: date });
      await connection.run('COMMIT');
      tasks += 1;
    }
  }
  return { seconds: (performance.now() - startedAt) / 1_000, peakMb: peakMb(), tasks, phases: {} };
};

const modes: Readonly<Record<string, (home: string) => Promise<Measured>>> = {
  load: (home) => runEngine(home, '2', 'auto'),
  auto: (home) => runEngine(home, '3', 'auto'),
  '7': (home) => runEngine(home, '3', 7),
  '1': (home) => runEngine(home, '3', 1),
  'set-based': runSetBased,
  loop: runLoop,
};

const measure = (mode: string, home: string): Measured => {
  const child = spawnSync(
    process.execPath,
    [fileURLToPath(import.meta.url), '--mode', mode, '--home', home, '--start', values.start, '--end', values.end, '--data', values.data],
    { encoding: 'utf8', maxBuffer: 1e8 },
  );
  if (child.status !== 0) throw new Error(`${mode}: ${child.stderr}`);
  return JSON.parse(child.stdout) as Measured;
};

const median = (runs: readonly Measured[]): Measured => [...runs].sort((a, b) => a.seconds - b.seconds)[Math.floor(runs.length / 2)] as Measured;

const runAll = (): void => {
  const folder = mkdtempSync(join(tmpdir(), 'floodgate-bench-'));
  try {
    const loaded = join(folder, 'loaded');
    const load = measure('load', loaded);
    console.log(
      `${cpus().length} cores (${cpus()[0]?.model ?? ''}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}; ${values.start}..${values.end}, median of ${values.runs}`,
    );
    console.log(`phase 2 loaded by the engine: ${load.seconds.toFixed(1)} s, ${load.tasks} tasks, peak ${load.peakMb} MB\n`);
    const results = new Map<string, Measured>();
    for (const mode of ['set-based', 'loop', 'auto', '7', '1']) {
      const runs = Array.from({ length: Number(values.runs) }, (_, run) => {
        const home = join(folder, `${mode}-${run}`);
        cpSync(loaded, home, { recursive: true });
        const measured = measure(mode, home);
        rmSync(home, { recursive: true });
        return measured;
      });
      results.set(mode, median(runs));
    }
    const [set, loop] = [results.get('set-based'), results.get('loop')] as [Measured, Measured];
    console.log('| how | wall s | ms per date and table | x set-based | x loop | peak MB | of it: plan | first release to last commit |');
    console.log('|---|---|---|---|---|---|---|---|');
    for (const [mode, { seconds, peakMb: peak, phases }] of results) {
      const each = (seconds * 1_000) / loop.tasks;
      const name = mode === 'set-based' || mode === 'loop' ? mode : `floodgate, dates per task ${mode}`;
      const parts = Object.values(phases).map((part) => part.toFixed(2));
      console.log(
        `| ${[name, seconds.toFixed(2), each.toFixed(2), (seconds / set.seconds).toFixed(2), (seconds / loop.seconds).toFixed(2), peak, parts[0] ?? '', parts[1] ?? ''].join(' | ')} |`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

if (values.mode === 'all') runAll();
else {
  const run = modes[values.mode];
  if (run === undefined) throw new Error(`--mode: expected one of ${Object.keys(modes).join(', ')}, found ${values.mode}`);
  console.log(JSON.stringify(await run(values.home)));
  // DuckDB's threads would keep a plain script's process alive.
  process.exit(0);
}
