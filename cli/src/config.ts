// The one place that reads the environment. A setting is its flag, else its environment variable, else what the home
// remembers, else the default; all that is wrong with them is said at once.
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { isFetchVariable, problemOfUrl, readFetchSettings } from '@floodgate/system/fetch-settings.ts';
import { folder, logLevels, oneOf, readSettings, refuseSettings, wholeNumber, type Environment, type LogLevel } from '@floodgate/system/read-settings.ts';
import { isServiceVariable } from '@floodgate/system/service-settings.ts';
import * as z from 'zod';
import { checkGcpSettings, gcpSettingsOf, gcpSettingsTable, type GcpSettings } from './gcp-settings.ts';

export const backendNames = ['embedded', 'gcp'] as const;

export type Config = {
  /** Where the deployment is that commands talk to; undefined: embedded, in the home. */
  readonly gcp: GcpSettings | undefined;
  readonly home: string;
  readonly pipelineId: string;
  readonly pipelinesFolder: string;
  /** Undefined: what the home remembers, if anything. */
  readonly dataFolder: string | undefined;
  /** Where the data folder was named, for messages. */
  readonly dataFrom: string;
  readonly fetching: Fetching;
  readonly port: number;
  readonly workers: number;
  readonly graceMs: number;
  readonly logLevel: LogLevel;
  /** Logs of the services on standard error too. */
  readonly verbose: boolean;
  readonly json: boolean;
  readonly colour: 'auto' | 'never' | 'always';
  readonly unicode: boolean;
  readonly mayRedraw: boolean;
};

/** Of code that fetches the files instead of being given them. */
export type Fetching = {
  /** Where this command was told to fetch from; undefined: it fetches nothing first. */
  readonly sourceUrl: string | undefined;
  /** Folder below which fetched files are put. */
  readonly landing: string;
  readonly settings: Readonly<Record<string, string>>;
};

export const systemEnvironment = (): Environment => process.env;

/** Values of the flags that commands share, as commander gives them. */
export type ConfigFlags = {
  readonly backend?: string;
  readonly home?: string;
  readonly pipeline?: string;
  readonly pipelines?: string;
  readonly data?: string;
  readonly sourceUrl?: string;
  readonly port?: string;
  readonly workers?: string;
  readonly grace?: string;
  readonly logLevel?: string;
  readonly verbose?: boolean;
  readonly json?: boolean;
};

/** Each setting: its flag, its variable, how its text is read, what it is without either. */
const settings = {
  backend: { flag: 'backend', variable: 'FLOODGATE_BACKEND', schema: oneOf(backendNames), initial: 'embedded' },
  home: { flag: 'home', variable: 'FLOODGATE_HOME', schema: folder, initial: '.floodgate' },
  pipelineId: {
    flag: 'pipeline',
    variable: 'FLOODGATE_PIPELINE',
    schema: z.string().regex(/^[a-z][a-z0-9_]*$/, 'expected the name of a pipeline: lower-case letters, digits and _'),
    initial: 'nba',
  },
  pipelines: { flag: 'pipelines', variable: 'FLOODGATE_PIPELINES', schema: folder, initial: '' },
  workers: { flag: 'workers', variable: 'FLOODGATE_WORKERS', schema: wholeNumber(1, 256), initial: 0 },
  port: { flag: 'port', variable: 'FLOODGATE_PORT', schema: wholeNumber(0, 65_535), initial: 8_787 },
  graceSeconds: { flag: 'grace', variable: 'FLOODGATE_GRACE', schema: wholeNumber(0, 3_600), initial: 10 },
  logLevel: { flag: 'logLevel', variable: 'FLOODGATE_LOG_LEVEL', schema: oneOf(logLevels), initial: 'info' },
} as const;

const dataVariable = (pipelineId: string): string => `FLOODGATE_${pipelineId.toUpperCase()}_DATA`;
const isDataVariable = (name: string): boolean => /^FLOODGATE_[A-Z][A-Z0-9_]*_DATA$/.test(name);
const gcpVariables: readonly string[] = Object.values(gcpSettingsTable).map(({ variable }) => variable);

const embeddedFlags = ['home', 'data', 'workers', 'grace', 'port'] as const;

/** The settings of both backends are read at once, so that all problems are told at once; those of the cloud only where they count. */
const readGiven = (flags: ConfigFlags, environment: Environment) => {
  const options = { flags, environment, alsoKnown: ['FLOODGATE_<PIPELINE>_DATA'] };
  if ((flags.backend ?? environment[settings.backend.variable]) !== 'gcp')
    return {
      ...readSettings(settings, { ...options, isKnown: (name) => isDataVariable(name) || isFetchVariable(name) || gcpVariables.includes(name) }),
      gcp: undefined,
    };
  // One environment may serve commands and services: what theirs alone means is not read, and of the planner there are more workers.
  const workers = { ...settings.workers, schema: wholeNumber(1, 100_000) };
  const isKnown = (name: string): boolean => isDataVariable(name) || isServiceVariable(name);
  const given = readSettings({ ...settings, workers, ...gcpSettingsTable }, { ...options, isKnown, check: checkGcpSettings });
  // A variable may be meant for another command; a flag is meant for this one.
  refuseSettings(
    embeddedFlags
      .filter((flag) => flags[flag] !== undefined)
      .map((flag) => `--${flag}: of --backend embedded; a deployment has no home, and its services have settings of their own`),
  );
  return { ...given, gcp: gcpSettingsOf(given) };
};

/** The pipelines that come with the project, where the current folder has none of its own. */
const findPipelines = (workingFolder: string): string => {
  const own = resolve(workingFolder, 'pipelines');
  return existsSync(own) ? own : resolve(import.meta.dirname, '../../pipelines');
};

const isUtf8 = (environment: Environment): boolean => {
  const locale = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG'] || '';
  return environment['TERM'] !== 'linux' && (locale === '' || /utf-?8/i.test(locale));
};

/** A folder of data that is named by a flag is read as it is, whatever the environment says of fetching. */
const readFetching = (
  flags: ConfigFlags,
  environment: Environment,
  workingFolder: string,
  { home, pipelineId }: { readonly home: string; readonly pipelineId: string },
): Fetching => {
  const { settings, problems } = readFetchSettings(environment, pipelineId);
  const [given, isBoth] = [flags.sourceUrl, flags.sourceUrl !== undefined && flags.data !== undefined];
  const problem = given === undefined ? undefined : problemOfUrl(given);
  refuseSettings([
    ...problems,
    ...(problem === undefined ? [] : [`--source-url: ${problem}`]),
    ...(isBoth ? ['--source-url, --data: expected one of them: files are fetched into a folder of their own, or read where they are'] : []),
  ]);
  const sourceUrl = given ?? (flags.data === undefined ? settings['source_url'] : undefined);
  const landing = environment[`FLOODGATE_${pipelineId.toUpperCase()}_LANDING`] || join(home, 'landing', pipelineId);
  const { source_url: _, ...others } = settings;
  return { sourceUrl, landing: resolve(workingFolder, landing), settings: sourceUrl === undefined ? others : { ...others, source_url: sourceUrl } };
};

/** Throws FloodgateError `invalid_settings` with every problem. */
export const readConfig = (flags: ConfigFlags, environment: Environment, workingFolder: string): Config => {
  const given = readGiven(flags, environment);
  const { home, pipelineId, pipelines, workers } = given;
  const variable = dataVariable(pipelineId);
  const fetching = readFetching(flags, environment, workingFolder, { home, pipelineId });
  const data = fetching.sourceUrl === undefined ? (flags.data ?? (environment[variable] || undefined)) : fetching.landing;
  return {
    gcp: given.gcp,
    home: resolve(workingFolder, home),
    pipelineId,
    pipelinesFolder: pipelines === '' ? findPipelines(workingFolder) : resolve(workingFolder, pipelines),
    dataFolder: data === undefined ? undefined : resolve(workingFolder, data),
    dataFrom: fetching.sourceUrl !== undefined ? '--source-url' : flags.data === undefined ? variable : '--data',
    fetching,
    port: given.port,
    // DuckDB runs each statement on several threads already; more workers than cores overlap statements with bookkeeping.
    workers: workers === 0 ? Math.min(Math.max(availableParallelism(), 2), 16) : workers,
    graceMs: given.graceSeconds * 1_000,
    logLevel: given.logLevel,
    verbose: flags.verbose ?? false,
    json: flags.json ?? false,
    // NO_COLOR counts when it is set and not empty (no-color.org), FORCE_COLOR as chalk and Node read it.
    colour:
      (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb' ? 'never' : (environment['FORCE_COLOR'] ?? '0') !== '0' ? 'always' : 'auto',
    unicode: isUtf8(environment),
    mayRedraw: (environment['CI'] ?? '') === '' && environment['TERM'] !== 'dumb' && !(flags.verbose ?? false),
  };
};

/** `home` as it would be typed from the current folder. */
export const shownPath = (path: string, workingFolder: string): string => {
  const base = `${resolve(workingFolder)}/`;
  return path.startsWith(base) ? path.slice(base.length) : path;
};

export const logFile = (home: string): string => join(home, 'floodgate.log');
