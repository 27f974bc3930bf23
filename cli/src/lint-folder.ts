// All problems of a pipeline's folder: its shape, its SQL, what it reads and yields.
import { lintTypes } from '@floodgate/core/pipeline/lint-types.ts';
import { lintPipeline } from '@floodgate/core/pipeline/lint.ts';
import type { Problem } from '@floodgate/core/pipeline/problem.ts';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import type { SqlAnalyzer } from '@floodgate/core/pipeline/sql-analyzer.ts';
import { analyzeSelect } from '@floodgate/sql/analyze.ts';
import { translateSelect } from '@floodgate/sql/translate.ts';
import { openTypeReader } from './embedded-home.ts';

const analyzer: SqlAnalyzer = {
  translate: (sql) => {
    const result = translateSelect(sql);
    return result.ok ? { ok: true } : result;
  },
  analyze: analyzeSelect,
};

/** Types are asked for only where the SQL is right otherwise: a statement with a problem would only be told a second time. */
export const lintFiles = async (files: ReadonlyMap<string, string>): Promise<readonly Problem[]> => {
  const read = readPipeline(files);
  if (!read.ok) return read.problems;
  const problems = lintPipeline(read.pipeline, files, analyzer);
  const types = problems.some(({ severity }) => severity === 'error') ? [] : await lintTypes(read.pipeline, openTypeReader());
  return [...read.warnings, ...problems, ...types];
};
