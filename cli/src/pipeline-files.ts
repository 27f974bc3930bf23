// The pipeline that a command is about, as its folder reads today.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { nearestName } from '@floodgate/core/domain/nearest-name.ts';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { formatProblem } from '@floodgate/core/pipeline/problem.ts';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import type { Session } from './session.ts';

/** Names of the folders that are pipelines. */
const listPipelines = async (pipelinesFolder: string): Promise<readonly string[]> => {
  const entries = await readdir(pipelinesFolder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
};

/** The text files of the pipeline's folder; throws `unknown_pipeline` with the nearest name. */
export const readPipelineFiles = async ({ config }: Session): Promise<ReadonlyMap<string, string>> => {
  // With it comes the reader of SQL, which takes longer to load than everything else that commands share.
  const { readPipelineFolder } = await import('@floodgate/system/pipeline-folders.ts');
  const { pipelineId, pipelinesFolder } = config;
  const files = await readPipelineFolder(join(pipelinesFolder, pipelineId));
  if (files !== undefined) return files;
  const known = await listPipelines(pipelinesFolder);
  const near = nearestName(pipelineId, known);
  const choice = known.length === 0 ? 'there are no pipelines in it' : near === undefined ? `there are ${known.join(', ')}` : `did you mean ${near}?`;
  throw new FloodgateError('unknown_pipeline', `there is no pipeline "${pipelineId}" in ${pipelinesFolder}; ${choice}`, {
    hint: 'name the pipeline with --pipeline, the folder of pipelines with --pipelines',
  });
};

/** The pipeline as its folder reads today; throws `invalid_pipeline` with all problems. */
export const loadPipeline = async (session: Session): Promise<Pipeline> => {
  const read = readPipeline(await readPipelineFiles(session));
  if (read.ok) return read.pipeline;
  const { pipelineId } = session.config;
  throw new FloodgateError(
    'invalid_pipeline',
    `pipeline ${pipelineId} has ${read.problems.length} ${read.problems.length === 1 ? 'problem' : 'problems'}:\n${read.problems.map((problem) => `  ${formatProblem(problem)}`).join('\n')}`,
    {
      hint: `npx floodgate lint --pipeline ${pipelineId}${session.flags}`,
    },
  );
};
