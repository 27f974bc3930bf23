// floodgate demo: seasons of an invented league through the NBA pipeline, from files to checked tables, in one command.
import { parseRequest } from '@floodgate/core/contracts/parse-request.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { addJson, addServices, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import { rememberData } from '../data-folder.ts';
import { createHome } from '../embedded-home.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { finish } from '../finish.ts';
import { prepareData } from '../prepare-data.ts';
import { loadPipeline } from '../pipeline-files.ts';
import { refuseBackend } from '../refuse-backend.ts';
import { formatCount, formatDuration } from '../render/numbers.ts';
import { renderCommands, type Suggestion } from '../render/commands.ts';
import { currentUser } from '../selection-flags.ts';
import { shown, type Session } from '../session.ts';
import { hasSimulatedData, seasonsFrom, simulatedFolder, writeSimulatedData, type SimulatedOptions } from '../simulated-data.ts';
import { tablesOf } from './backfill.ts';

type DemoFlags = ConfigFlags & { readonly season?: string; readonly seasons?: string; readonly seed?: string; readonly games?: string };

const defaultSeason = '2023-24';
const mostSeasons = 4;
/** The first season of the longest demo: those of the real history. */
const firstOfSeveral = '2021-22';
const gamesPerSeason = 1_230;

const wholeNumber = (flag: string, text: string, most: number): number => {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > most)
    throw new FloodgateError('usage', `${flag}: expected a whole number from 1 to ${most}, found "${text}"`);
  return number;
};

const simulationOf = (flags: DemoFlags): SimulatedOptions => {
  const seasons = flags.seasons === undefined ? undefined : wholeNumber('--seasons', flags.seasons, mostSeasons);
  const season = flags.season ?? (seasons === undefined || seasons === 1 ? defaultSeason : firstOfSeveral);
  if (!/^\d{4}-\d{2}$/.test(season) || Number(season.slice(5)) !== (Number(season.slice(0, 4)) + 1) % 100) {
    throw new FloodgateError('usage', `--season: expected a season such as ${defaultSeason}, found "${season}"`);
  }
  const seed = flags.seed ?? 'demo';
  if (!/^[\w-]{1,40}$/.test(seed)) throw new FloodgateError('usage', `--seed: expected letters, digits, _ and -, 40 at most, found "${seed}"`);
  return {
    season,
    seed,
    ...(seasons === undefined ? {} : { seasons }),
    ...(flags.games === undefined ? {} : { games: wholeNumber('--games', flags.games, gamesPerSeason) }),
  };
};

/** `season 2023-24`, `seasons 2021-22 to 2024-25` */
const describe = ({ season, seasons = 1 }: SimulatedOptions): string =>
  seasons === 1 ? `season ${season}` : `seasons ${season} to ${seasonsFrom(season, seasons).at(-1)}`;

/** Generates the season's files where they are not there yet. */
const simulate = async (session: Session, options: SimulatedOptions): Promise<string> => {
  const { config, print, clock } = session;
  const pipeline = await loadPipeline(session);
  await createHome(config.home);
  const folder = simulatedFolder(config.home, options);
  await rememberData(config, folder);
  if (await hasSimulatedData(pipeline, folder, options)) return folder;
  const startedAt = clock.now();
  // How many games the play-offs have, their results decide.
  const total = options.games ?? (options.seasons ?? 1) * gamesPerSeason;
  const title = `Simulating ${describe(options)} of an invented league`;
  print.live?.(`${title} …`);
  let shownAt = startedAt;
  const { games, rows } = await writeSimulatedData(pipeline, folder, options, (done) => {
    session.interrupted.throwIfAborted();
    if (print.live === undefined || clock.now() - shownAt < 100) return;
    shownAt = clock.now();
    print.live(`\r${title} … ${formatCount(done)} of ${options.seasons === undefined ? '' : 'some '}${formatCount(total)} games`);
  });
  print.live?.('\r\u001b[K');
  print.note(
    `${print.style.paint('green', print.style.signs.ok)} Simulated ${describe(options)} of an invented league: ${formatCount(games)} games, ${formatCount(rows)} rows in ${formatDuration(clock.now() - startedAt)}  ${print.style.dim(shown(session, folder))}`,
  );
  return folder;
};

const rangeOf = ({ season, seasons = 1 }: SimulatedOptions): { readonly start: string; readonly end: string } => ({
  start: `${season.slice(0, 4)}-09-01`,
  end: `${Number(season.slice(0, 4)) + seasons}-08-31`,
});

const renderTry = (session: Session): string => {
  const { style } = session.print;
  const day = '2023-11-01';
  const suggestions: readonly Suggestion[] = [
    ['npx floodgate demo', 'again: everything is fresh, nothing is computed'],
    [`npx floodgate backfill --dates ${day} --reprocess all`, 'one date anew: unchanged, so nothing after it is'],
    ['npx floodgate plan --processors nbac_team_boxscore+ --reprocess all', 'what a change there would mean downstream'],
    [`npx floodgate explain player_game_summary ${day}`, 'the story of one date'],
    ['npx floodgate up', 'stay, and take requests over HTTP'],
    ['npx floodgate doctor', 'look whether everything is as it should be'],
  ];
  return [
    '',
    style.bold('Try'),
    ...renderCommands(
      suggestions.map(([command, why]) => [`${command}${session.flags}`, why]),
      style,
      session.print.width,
    ),
  ].join('\n');
};

const demo = async (session: Session, flags: DemoFlags): Promise<ExitCode> => {
  const { config, print } = session;
  refuseBackend(session, 'demo', 'npx floodgate demo without --backend gcp runs it here; npx floodgate backfill runs the pipeline on the deployment');
  if (config.pipelineId !== 'nba')
    throw new FloodgateError('usage', `demo runs the pipeline nba, found --pipeline ${config.pipelineId}`, {
      hint: 'npx floodgate backfill runs any pipeline',
    });
  const options = simulationOf(flags);
  const pipeline = await loadPipeline(session);
  let dataFolder: string | undefined;
  if (config.dataFolder === undefined) dataFolder = await simulate(session, options);
  else await prepareData(session, pipeline);
  // The simulated calendar holds these seasons; a folder of data may hold ten.
  const range = dataFolder === undefined ? { range: rangeOf(options) } : {};
  const parsed = parseRequest({ pipeline: 'nba', ...range, phases: '2..5', reason: 'demo', requestedBy: currentUser() });
  if (!parsed.ok) throw new FloodgateError('usage', parsed.problems.join('; '));
  const { runEmbeddedBackfill } = await import('../embedded-backend.ts');
  const files = dataFolder === undefined ? {} : { dataFolder };
  const outcome = await runEmbeddedBackfill(session, await session.backend(), parsed.request, { command: 'demo', ...files });
  const exitCode = finish(session, outcome, tablesOf(pipeline));
  if (exitCode === exitCodes.done && !print.json) print.note(renderTry(session));
  return exitCode;
};

export const registerDemo: RegisterCommand = (program, run) => {
  const command = program
    .command('demo')
    .summary('a season of an invented league, end to end')
    .description('Makes seasons of an invented basketball league (or takes --data), runs the NBA pipeline over it, and shows what came of it.')
    .option('--season <season>', `the first one (default: ${defaultSeason}; of several: ${firstOfSeveral})`)
    .option('--seasons <n>', `so many seasons, ${mostSeasons} at most, with play-in and play-offs (default: the regular season of one)`)
    .option('--seed <text>', 'another seed is another league (default: demo)')
    .option('--games <n>', 'only the first games');
  addJson(addServices(command)).action((flags: DemoFlags) => run(flags, (session) => demo(session, flags)));
};
