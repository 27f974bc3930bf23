// The arguments of `npm run emulators`, and the only place here that reads the environment.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';

export const usage = `usage: npm run emulators -- [options]
  starts Pub/Sub, Firestore, Cloud Storage and BigQuery on this machine, with topics, subscriptions, datasets, tables and a bucket
  in them, sees whether each works, and ends them again

  --keep             leaves them running until Ctrl-C
  --services         starts planner, worker and validator too (with --keep)
  --pipeline name    whose datasets and tables are made (nba)
  --pipelines folder where pipelines lie (pipelines)
  --data folder      puts the files of the pipeline's sources into the bucket
  --project name     id of the project that they play (floodgate-local)
  --base-port N      ports N to N+3, and to N+6 with --services; free ones unless given
  --dir folder       BigQuery keeps its tables there, and has them the next time
  --env file         where the variables for the other shell are written (.floodgate/emulators.env, with --keep)`;

export type Options = {
  readonly keep: boolean;
  readonly services: boolean;
  readonly pipeline: string;
  readonly pipelines: string | undefined;
  readonly data: string | undefined;
  readonly project: string;
  readonly basePort: number | undefined;
  readonly folder: string | undefined;
  readonly envFile: string | undefined;
};

const defaultEnvFile = '.floodgate/emulators.env';

/** Ports up to the base's sixth follower must exist. */
const highestBasePort = 65_535 - 6;

/** Throws FloodgateError `invalid_settings` with every problem. Folders are absolute. */
export const readOptions = (args: readonly string[], workingFolder: string): Options => {
  const { values, problems } = parse(args);
  const project = values.project ?? 'floodgate-local';
  if (!/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(project)) problems.push(`--project: expected 6 to 30 lower-case letters, digits and hyphens, found "${project}"`);
  const basePort = values['base-port'] === undefined ? undefined : Number(values['base-port']);
  if (basePort !== undefined && !(Number.isInteger(basePort) && basePort >= 1 && basePort <= highestBasePort))
    problems.push(`--base-port: expected a whole number from 1 to ${highestBasePort}, found "${values['base-port']}"`);
  if (values.services === true && values.keep !== true) problems.push('--services: needs --keep, since without it everything ends at once');
  if (problems.length > 0) throw new FloodgateError('invalid_settings', problems.join('\n'), { hint: usage });
  const path = (given: string | undefined): string | undefined => (given === undefined ? undefined : resolve(workingFolder, given));
  return {
    keep: values.keep ?? false,
    services: values.services ?? false,
    pipeline: values.pipeline ?? 'nba',
    pipelines: path(values.pipelines),
    data: path(values.data),
    project,
    basePort,
    folder: path(values.dir),
    envFile: path(values.env ?? (values.keep === true ? defaultEnvFile : undefined)),
  };
};

const flags = {
  keep: { type: 'boolean' },
  services: { type: 'boolean' },
  pipeline: { type: 'string' },
  pipelines: { type: 'string' },
  data: { type: 'string' },
  project: { type: 'string' },
  'base-port': { type: 'string' },
  dir: { type: 'string' },
  env: { type: 'string' },
} as const;

const parse = (args: readonly string[]) => {
  try {
    return { values: parseArgs({ args: [...args], options: flags }).values, problems: [] as string[] };
  } catch (error) {
    return { values: parseArgs({ args: [], options: flags }).values, problems: [error instanceof Error ? error.message : String(error)] };
  }
};

/** Where whoever ran the command stood: npm goes to the repository's root before it starts us. */
export const workingFolder = (): string => process.env['INIT_CWD'] ?? process.cwd();

/** What the services get of our environment: not the variables of other things of ours, which they would refuse. */
export const bareEnvironment = (): Readonly<Record<string, string>> =>
  Object.fromEntries(['PATH', 'HOME', 'TMPDIR', 'LANG'].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
