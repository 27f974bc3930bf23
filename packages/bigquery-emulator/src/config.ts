// The arguments of the command, and the one variable of the environment that it reads.
import { parseArgs } from 'node:util';
import type { ServerOptions } from './http/serve.ts';

export const usage = 'usage: bigquery-emulator [--port N] [--host H] [--dir D] [--slots N] [--no-limits]';

const readCount = (text: string, name: string, problems: string[]): number => {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count > 65_535) problems.push(`--${name}: ${text} is no number from 0 to 65535`);
  return count;
};

/** Answers all that is wrong instead, if anything is. */
export const readOptions = (
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ServerOptions | { readonly problems: readonly string[] } => {
  const problems: string[] = [];
  let values: { port?: string; host?: string; dir?: string; slots?: string; 'no-limits'?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: { port: { type: 'string' }, host: { type: 'string' }, dir: { type: 'string' }, slots: { type: 'string' }, 'no-limits': { type: 'boolean' } },
    }));
  } catch (error) {
    return { problems: [error instanceof Error ? error.message : String(error)] };
  }
  const port = readCount(values.port ?? '9050', 'port', problems);
  const slots = values.slots === undefined ? undefined : readCount(values.slots, 'slots', problems);
  if (slots === 0) problems.push('--slots: at least one is needed');
  const storageHost = environment['STORAGE_EMULATOR_HOST'];
  if (problems.length > 0) return { problems };
  return {
    port,
    limits: values['no-limits'] !== true,
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(values.dir === undefined ? {} : { folder: values.dir }),
    ...(slots === undefined ? {} : { slots }),
    ...(storageHost === undefined || storageHost === '' ? {} : { storageHost }),
  };
};

/** The environment of this process: the only place that reads it. */
export const environment = (): Readonly<Record<string, string | undefined>> => process.env;
