// Where the files of the sources are, and whether they are there: told before anything starts, with what was looked for.
import { readdir, stat } from 'node:fs/promises';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { datePlaceholder, describeFiles, listSource } from '@floodgate/core/domain/source-files.ts';
import type { Config } from './config.ts';
import { listFiles } from './embedded-home.ts';
import { readHomeSettings, writeHomeSettings } from './home-settings.ts';

export type DataFolder = { readonly folder: string; readonly from: 'given' | 'remembered' };

/** What was given, else what the home remembers. */
export const findDataFolder = async (config: Config): Promise<DataFolder | undefined> => {
  if (config.dataFolder !== undefined) return { folder: config.dataFolder, from: 'given' };
  const { dataFolder } = await readHomeSettings(config.home);
  return dataFolder === undefined ? undefined : { folder: dataFolder, from: 'remembered' };
};

const isFolder = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined))?.isDirectory() ?? false;

export type SourceFiles = { readonly name: string; readonly glob: string; readonly files: number; readonly optional: boolean };

export const listSourceFiles = async (pipeline: Pipeline, folder: string): Promise<readonly SourceFiles[]> => {
  const listed: SourceFiles[] = [];
  for (const source of pipeline.sources) {
    const { files } = await listSource(source, (glob) => listFiles(folder, glob));
    listed.push({ name: source.name, glob: describeFiles(source), files: files.length, optional: source.optional === true });
  }
  return listed;
};

const howToBegin = (config: Config, variable: string): string =>
  `name the folder with --data or ${variable}${config.pipelineId === 'nba' ? '; to try Floodgate without data, run: npx floodgate demo' : ''}`;

/** Throws FloodgateError `no_data` where the pipeline reads files and none of them is there. Returns those that are missing. */
export const checkData = async (config: Config, pipeline: Pipeline, data: DataFolder | undefined): Promise<readonly SourceFiles[]> => {
  if (pipeline.sources.length === 0) return [];
  const variable = `FLOODGATE_${pipeline.id.toUpperCase()}_DATA`;
  // Those that are landed by date nobody puts there by hand.
  const byHand = (files: readonly string[]): readonly string[] => (files.length > 1 ? files.filter((pattern) => !pattern.includes(datePlaceholder)) : files);
  const expected = `  expected  ${pipeline.sources.map(({ name, files, optional }) => `${describeFiles({ files: byHand(files) })} (${name}${optional === true ? ', optional' : ''})`).join('\n            ')}`;
  const hint = howToBegin(config, variable);
  if (data === undefined) {
    throw new FloodgateError('no_data', `pipeline ${pipeline.id} reads files, and no folder was named that holds them\n${expected}`, { hint });
  }
  const origin = data.from === 'given' ? config.dataFrom : 'remembered by the home';
  if (!(await isFolder(data.folder))) throw new FloodgateError('no_data', `there is no data folder ${data.folder} (${origin})\n${expected}`, { hint });
  const listed = await listSourceFiles(pipeline, data.folder);
  const missing = listed.filter(({ files }) => files === 0);
  if (missing.length < listed.length) return missing.filter(({ optional }) => !optional);
  const found = (await readdir(data.folder)).sort();
  const shown = found.length === 0 ? 'an empty folder' : found.slice(0, 6).join(', ') + (found.length > 6 ? ` and ${found.length - 6} more` : '');
  throw new FloodgateError(
    'no_data',
    `the data folder ${data.folder} (${origin}) has none of the files of pipeline ${pipeline.id}\n${expected}\n  found     ${shown}`,
    { hint },
  );
};

/** Keeps the folder for later commands. Resolves with the one before where it was another. */
export const rememberData = async (config: Config, folder: string): Promise<string | undefined> => {
  const { dataFolder: before, sourceUrl: from } = await readHomeSettings(config.home);
  // What was fetched once goes on being fetched from there: a later command of the same folder need not say it again.
  const sourceUrl = config.fetching.sourceUrl ?? (before === folder ? from : undefined);
  if (before !== folder || sourceUrl !== from) await writeHomeSettings(config.home, { dataFolder: folder, ...(sourceUrl === undefined ? {} : { sourceUrl }) });
  return before === folder ? undefined : before;
};
