// All problems of a pipeline's folder: its shape, its SQL, what it reads and yields.
import { lintTypes } from '@floodgate/core/pipeline/lint-types.ts';
import { lintPipeline } from '@floodgate/core/pipeline/lint.ts';
import type { Problem } from '@floodgate/core/pipeline/problem.ts';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import { openTypeReader } from './embedded-home.ts';

/** Types are asked for only where the SQL is right otherwise: a statement with a problem would only be told a second time. */
export const lintFiles = async (files: ReadonlyMap<string, string>): Promise<readonly Problem[]> => {
  const { sqlAnalyzer } = await import('@floodgate/system/sql-analyzer.ts');
  const read = readPipeline(files);
  if (!read.ok) return read.problems;
  const problems = lintPipeline(read.pipeline, files, sqlAnalyzer);
  const types = problems.some(({ severity }) => severity === 'error') ? [] : await lintTypes(read.pipeline, await openTypeReader());
  return [...read.warnings, ...problems, ...types];
};
