// What commands that read files do first: nothing is made before the files are known to be there.
import type { BackfillRequest } from '@floodgate/core/contracts/request.ts';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { checkData, findDataFolder, rememberData } from './data-folder.ts';
import { createHome, openFolder } from './embedded-home.ts';
import { refreshSources } from './refresh-sources.ts';
import type { Session } from './session.ts';

/** Checks the data before anything is made, and keeps its folder for later commands. */
export const prepareData = async (session: Session, pipeline: Pipeline, request?: BackfillRequest): Promise<void> => {
  const { config, print } = session;
  const { sourceUrl, landing } = config.fetching;
  if (sourceUrl !== undefined) {
    await createHome(config.home);
    await refreshSources(session, openFolder(landing), request);
    warnOfOtherData(session, await rememberData(config, landing), landing);
    return;
  }
  const data = await findDataFolder(config);
  const missing = await checkData(config, pipeline, data);
  if (data === undefined) return;
  for (const { name, glob } of missing)
    print.error(`${print.errorStyle.paint('yellow', 'warning:')} no file ${glob} in ${data.folder}: what reads source.${name} will fail`);
  await createHome(config.home);
  warnOfOtherData(session, await rememberData(config, data.folder), data.folder);
};

const warnOfOtherData = ({ print }: Session, before: string | undefined, now: string): void => {
  if (before !== undefined)
    print.error(
      `${print.errorStyle.paint('yellow', 'warning:')} this home was filled from ${before}; it now reads ${now}, so dates whose rows differ turn stale`,
    );
};
