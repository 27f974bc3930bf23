// All problems of a pipeline's folder: its shape, its SQL, what it reads and yields.
import { lintPipeline } from '@floodgate/core/pipeline/lint.ts';
import type { Problem } from '@floodgate/core/pipeline/problem.ts';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import type { SqlAnalyzer } from '@floodgate/core/pipeline/sql-analyzer.ts';
import { analyzeSelect } from '@floodgate/sql/analyze.ts';
import { translateSelect } from '@floodgate/sql/translate.ts';

const analyzer: SqlAnalyzer = {
  translate: (sql) => {
    const result = translateSelect(sql);
    return result.ok ? { ok: true } : result;
  },
  analyze: analyzeSelect,
};

export const lintFiles = (files: ReadonlyMap<string, string>): readonly Problem[] => {
  const read = readPipeline(files);
  if (!read.ok) return read.problems;
  return [...read.warnings, ...lintPipeline(read.pipeline, files, analyzer)];
};
