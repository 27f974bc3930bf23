// npm run nba-sources -- --replay <folder> | --league [--seed demo] [--seasons 4] [--as-of <instant>]
//   [--shortened 2023-24:72:2023-12-22].. [--incident postponed_game:2024-12-01].. [--incidents <file>] [--in-game-snapshots]
//   [--port 8790] [--faults <file>]
// Serves NBA data over HTTP until it is stopped: real seasons from a folder of Parquet files, or those of the simulated league.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { systemIds } from '@floodgate/system/system-ids.ts';
import { faultsSchema } from './faults.ts';
import { startFeedServer } from './feed-server.ts';
import type { FeedRows } from './feeds.ts';

const usage =
  'npm run nba-sources -- --replay <folder> | --league [--seed demo] [--seasons 4] [--as-of <instant>] [--shortened <season>:<games>[:<first date>]].. ' +
  '[--incident <kind>[:<date>]].. [--incidents <file>] [--in-game-snapshots]  [--port 8790] [--faults <file>]';

const { values } = parseArgs({
  options: {
    replay: { type: 'string' },
    league: { type: 'boolean', default: false },
    seed: { type: 'string', default: 'demo' },
    seasons: { type: 'string', default: '4' },
    'as-of': { type: 'string' },
    shortened: { type: 'string', multiple: true, default: [] },
    incident: { type: 'string', multiple: true, default: [] },
    incidents: { type: 'string' },
    'in-game-snapshots': { type: 'boolean', default: false },
    port: { type: 'string', default: '8790' },
    faults: { type: 'string' },
  },
});

const openFeeds = async (): Promise<FeedRows> => {
  if (values.replay !== undefined && !values.league) return (await import('./replay.ts')).openReplay(values.replay);
  if (values.replay !== undefined || !values.league) throw new Error(`expected either --replay or --league: ${usage}`);
  // Loaded where it is asked for: a replay needs no league, and a league no DuckDB.
  const { incidentsSchema, openLeague, parseIncident, parseShortened } = await import('./league.ts');
  const written = values.incidents === undefined ? [] : incidentsSchema.parse(JSON.parse(await readFile(values.incidents, 'utf8')));
  return openLeague({
    seed: values.seed,
    seasons: Number(values.seasons),
    asOf: values['as-of'],
    incidents: [...values.incident.map(parseIncident), ...written],
    shortened: values.shortened.map(parseShortened),
    inGameSnapshots: values['in-game-snapshots'],
  });
};

const faults = values.faults === undefined ? [] : faultsSchema.parse(JSON.parse(await readFile(values.faults, 'utf8')));
const server = await startFeedServer({ feeds: await openFeeds(), port: Number(values.port), faults, random: () => systemIds.random() });
process.stdout.write(`${server.url}\n`);
const stopped = Promise.withResolvers<void>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.resolve());
await stopped.promise;
await server[Symbol.asyncDispose]();
