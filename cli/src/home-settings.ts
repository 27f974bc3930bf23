// What a home remembers between commands: the folder of the data that its tables were filled from, so that a retry a day
// later reads the same files without being told.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';

const homeSettingsSchema = z.object({
  dataFolder: z.string().exactOptional(),
  /** The files in the folder were fetched from there; a retry fetches from there again. */
  sourceUrl: z.string().exactOptional(),
});
export type HomeSettings = z.output<typeof homeSettingsSchema>;

const fileOf = (home: string): string => join(home, 'home.json');

/** Empty where nothing was remembered, or what was can't be read: it only saves typing. */
export const readHomeSettings = async (home: string): Promise<HomeSettings> => {
  try {
    return homeSettingsSchema.parse(JSON.parse(await readFile(fileOf(home), 'utf8')));
  } catch {
    return {};
  }
};

export const writeHomeSettings = async (home: string, settings: HomeSettings): Promise<void> => {
  await writeFile(`${fileOf(home)}.new`, `${JSON.stringify(settings)}\n`);
  await rename(`${fileOf(home)}.new`, fileOf(home));
};
