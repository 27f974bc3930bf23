// What commands that read files do first: nothing is made before the files are known to be there.
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { checkData, findDataFolder, rememberData } from './data-folder.ts';
import { createHome } from './embedded-home.ts';
import type { Session } from './session.ts';

/** Checks the data before anything is made, and keeps its folder for later commands. */
export const prepareData = async (session: Session, pipeline: Pipeline): Promise<void> => {
  const { config, print } = session;
  const data = await findDataFolder(config);
  const missing = await checkData(config, pipeline, data);
  if (data === undefined) return;
  for (const { name, glob } of missing)
    print.error(`${print.errorStyle.paint('yellow', 'warning:')} no file ${glob} in ${data.folder}: what reads source.${name} will fail`);
  await createHome(config.home);
  const before = await rememberData(config, data.folder);
  if (before !== undefined)
    print.error(
      `${print.errorStyle.paint('yellow', 'warning:')} this home was filled from ${before}; it now reads ${data.folder}, so dates whose rows differ turn stale`,
    );
};
