// Pipelines as folders of this machine: read, validated and linted whenever they are asked for, and the code of their code
// processors in the version that a plan names.
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { CodeCatalog, CodeFunction, PipelineCatalog } from '@floodgate/core/app/deps.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { lintPipeline } from '@floodgate/core/pipeline/lint.ts';
import { formatProblem, type Problem } from '@floodgate/core/pipeline/problem.ts';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import { importVersion } from './import-version.ts';
import { sqlAnalyzer } from './sql-analyzer.ts';

/** All text files of a pipeline folder, by path relative to it. Undefined where there is no such folder. */
export const readPipelineFolder = async (folder: string): Promise<ReadonlyMap<string, string> | undefined> => {
  const files = new Map<string, string>();
  const walk = async (at: string): Promise<void> => {
    for (const entry of await readdir(at, { withFileTypes: true })) {
      const path = join(at, entry.name);
      if (entry.isDirectory() && entry.name !== 'node_modules') await walk(path);
      // Only what decides rows: the declarations, SQL, and the code of code processors.
      else if (entry.isFile() && isPipelineText(relative(folder, path).split(sep).join('/')))
        files.set(relative(folder, path).split(sep).join('/'), await readFile(path, 'utf8'));
    }
  };
  try {
    await walk(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return files;
};

const isPipelineText = (path: string): boolean =>
  path === 'pipeline.yaml' ||
  path.endsWith('.sql') ||
  (path.startsWith('processors/') && (path.endsWith('.yaml') || (path.endsWith('.ts') && !path.endsWith('.test.ts'))));

type Loaded = { readonly pipeline: Pipeline; readonly files: ReadonlyMap<string, string> };

const refuse = (pipelineId: string, problems: readonly Problem[], shown: number): never => {
  const more = problems.length > shown ? [`and ${problems.length - shown} more`] : [];
  const listed = [...problems.slice(0, shown).map(formatProblem), ...more].join('\n');
  throw new FloodgateError('invalid_pipeline', `pipeline ${pipelineId} has ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}:\n${listed}`, {
    hint: `npx floodgate lint --pipeline ${pipelineId}`,
  });
};

const readFolder = async (pipelinesFolder: string, pipelineId: string): Promise<Loaded | undefined> => {
  if (!/^[a-z][a-z0-9_]*$/.test(pipelineId)) return undefined;
  const files = await readPipelineFolder(join(pipelinesFolder, pipelineId));
  if (files === undefined || !files.has('pipeline.yaml')) return undefined;
  const read = readPipeline(files);
  return read.ok ? { pipeline: read.pipeline, files } : refuse(pipelineId, read.problems, read.problems.length);
};

/** Lint can find as many as there are statements; the command that the error names tells them all. */
const shownLintProblems = 5;
const knownGood = new Set<string>();

/**
 * SQL that no backend would run, that reads outside its windows or what is not declared, is refused before anything is
 * planned: nobody is relied upon to have run lint before. A version is looked at once.
 */
const refuseUnclean = (pipelineId: string, { pipeline, files }: Loaded): void => {
  if (knownGood.has(pipeline.hash)) return;
  const errors = lintPipeline(pipeline, files, sqlAnalyzer).filter(({ severity }) => severity === 'error');
  if (errors.length > 0) refuse(pipelineId, errors, shownLintProblems);
  knownGood.add(pipeline.hash);
};

/** Pipelines as folders below `pipelinesFolder`, read, validated and linted at every request. */
export const createFolderCatalog = async (pipelinesFolder: string): Promise<PipelineCatalog> => {
  const entries = await readdir(pipelinesFolder, { withFileTypes: true }).catch(() => {
    throw new FloodgateError('unknown_pipeline', `there is no folder of pipelines at ${pipelinesFolder}`, { hint: 'name it with --pipelines' });
  });
  return {
    ids: entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort(),
    load: async (pipelineId) => {
      const loaded = await readFolder(pipelinesFolder, pipelineId);
      if (loaded === undefined) return undefined;
      refuseUnclean(pipelineId, loaded);
      return { pipeline: loaded.pipeline, files: Object.fromEntries(loaded.files) };
    },
  };
};

/** Code processors run from the folder, and only in the version that the plan pinned. What else is in the folder by then is not asked. */
export const createFolderCode =
  (pipelinesFolder: string): CodeCatalog =>
  async (pipelineId, processor) => {
    const current = (await readFolder(pipelinesFolder, pipelineId))?.pipeline.processors.find(({ id }) => id === processor.id);
    if (current === undefined || current.codeHash !== processor.codeHash) return undefined;
    const loaded = (await importVersion(join(pipelinesFolder, pipelineId, processor.sourceFile), processor.codeHash)) as { readonly rows?: CodeFunction };
    return loaded.rows;
  };
