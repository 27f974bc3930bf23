// How a command is declared and run: shared flags, settings, session, and one place where errors become words and exit codes.
import type { Clock } from '@floodgate/core/ports/clock.ts';
import { createLogger, type FlushableLogger } from '@floodgate/http/logger.ts';
import { logLevels, type Environment } from '@floodgate/system/read-settings.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { Option, type Command } from 'commander';
import type { Backend } from './backend.ts';
import { backendNames, logFile, readConfig, type Config, type ConfigFlags } from './config.ts';
import type { ExitCode } from './exit-codes.ts';
import type { OpenGcpStack } from './gcp-stack.ts';
import { createPrint, type Print, type Terminal } from './print.ts';
import { createStyle } from './render/style.ts';
import { reportError } from './report-error.ts';
import type { Session } from './session.ts';

/** What the process gives: handed in, so that tests run commands without one. */
export type Surroundings = {
  readonly environment: Environment;
  readonly workingFolder: string;
  readonly out: Terminal;
  readonly err: Terminal;
  readonly interrupted: AbortSignal;
  /** Of the system unless said otherwise. */
  readonly clock?: Clock;
  /** What stands for a deployment on Google Cloud, where it is not one. */
  readonly openDeployment?: OpenGcpStack;
};

export type Run = (flags: ConfigFlags, body: (session: Session) => Promise<ExitCode>) => Promise<void>;

export type RegisterCommand = (program: Command, run: Run) => void;

const pipelineOptions = (): readonly Option[] => [
  new Option('--pipeline <name>', 'a folder of pipelines/ (default: nba)'),
  new Option('--pipelines <folder>', 'the folder that holds pipelines'),
];

const addWhere = (command: Command): Command =>
  command
    .optionsGroup('Where:')
    .option('--backend <name>', `${backendNames.join(' or ')} (default: embedded)`)
    .option('--home <folder>', 'state, tables and logs (default: .floodgate)')
    .option('--verbose', 'logs of the services on standard error too')
    .option('--log-level <level>', `${logLevels.join(', ')} (default: info)`);

/** Takes the flags of the pipeline, too, without needing them: the commands that we print for copying carry all of a session. */
export const addHome = (command: Command): Command => {
  addWhere(command);
  for (const option of pipelineOptions()) command.addOption(option.hideHelp());
  return command;
};

export const addPipeline = (command: Command): Command => {
  addWhere(command);
  for (const option of pipelineOptions()) command.addOption(option);
  return command;
};

export const addServices = (command: Command): Command =>
  addPipeline(command)
    .option('--data <folder>', 'files that the pipeline reads (default: FLOODGATE_<PIPELINE>_DATA, else as last time on this home)')
    .option('--source-url <url>', 'fetch these files from a server first (default: FLOODGATE_<PIPELINE>_SOURCE_URL)')
    .optionsGroup('How:')
    .option('--workers <n>', 'dates computed at once (default: one per core)')
    .option('--grace <seconds>', 'how long Ctrl-C waits for what is under way (default: 10)');

export const addJson = (command: Command): Command => command.optionsGroup('Output:').option('--json', 'one JSON document on standard output');

const quote = (text: string): string => (/^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** Flags with which a copied command finds the same backend, home and pipelines. */
const copiedFlags = (flags: ConfigFlags): string =>
  [
    ...(flags.backend === undefined ? [] : [` --backend ${quote(flags.backend)}`]),
    ...(flags.home === undefined ? [] : [` --home ${quote(flags.home)}`]),
    ...(flags.pipelines === undefined ? [] : [` --pipelines ${quote(flags.pipelines)}`]),
    ...(flags.pipeline === undefined ? [] : [` --pipeline ${quote(flags.pipeline)}`]),
  ].join('');

/** The log is made with its first line: looking at a home must not make one. Where there is no home, there is no file. */
const createLazyLog = (config: Config): FlushableLogger => {
  let real: FlushableLogger | undefined;
  const get = (): FlushableLogger =>
    (real ??= createLogger({ level: config.logLevel, ...(config.gcp === undefined ? { file: logFile(config.home) } : {}), stderr: config.verbose }));
  return {
    debug: (fields, message) => get().debug(fields, message),
    info: (fields, message) => get().info(fields, message),
    warn: (fields, message) => get().warn(fields, message),
    error: (fields, message) => get().error(fields, message),
    flush: () => real?.flush(),
  };
};

const createPrintFor = ({ out, err }: Surroundings, config: Pick<Config, 'json' | 'colour' | 'unicode' | 'mayRedraw'>): Print =>
  createPrint({
    out,
    err,
    json: config.json,
    mayRedraw: config.mayRedraw,
    styleFor: (terminal) => createStyle({ colour: config.colour === 'always' || (config.colour === 'auto' && terminal.isTerminal), unicode: config.unicode }),
  });

/** Before settings are known: what can be told from the flags alone. */
export const plainPrint = (surroundings: Surroundings, json: boolean): Print =>
  createPrintFor(surroundings, { json, colour: surroundings.environment['NO_COLOR'] ? 'never' : 'auto', unicode: true, mayRedraw: false });

const openBackend = async (session: Session, { openDeployment }: Surroundings): Promise<Backend> => {
  const { gcp } = session.config;
  if (gcp === undefined) return (await import('./embedded-backend.ts')).createEmbeddedBackend(session);
  return (await import('./gcp-backend.ts')).createGcpBackend(session, gcp, openDeployment);
};

/** Runs a command to its exit code; every error ends here. */
export const runCommand = async (surroundings: Surroundings, flags: ConfigFlags, body: (session: Session) => Promise<ExitCode>): Promise<ExitCode> => {
  let config: Config;
  try {
    config = readConfig(flags, surroundings.environment, surroundings.workingFolder);
  } catch (error) {
    return reportError(error, plainPrint(surroundings, flags.json ?? false), undefined);
  }
  const print = createPrintFor(surroundings, config);
  const log = createLazyLog(config);
  let backend: Promise<Backend> | undefined;
  const session: Session = {
    config,
    print,
    log,
    clock: surroundings.clock ?? systemClock,
    backend: () => (backend ??= openBackend(session, surroundings)),
    workingFolder: surroundings.workingFolder,
    interrupted: surroundings.interrupted,
    flags: copiedFlags(flags),
  };
  try {
    return await body(session);
  } catch (error) {
    return reportError(error, print, session);
  } finally {
    // Where it could not be opened there is nothing to close, and what went wrong was told.
    await (await backend?.catch(() => undefined))?.[Symbol.asyncDispose]();
    log.flush();
  }
};
