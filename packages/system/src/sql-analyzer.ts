// What lint asks about SQL, answered by the translation that the embedded warehouse runs.
import type { SqlAnalyzer } from '@floodgate/core/pipeline/sql-analyzer.ts';
import { analyzeSelect } from '@floodgate/sql/analyze.ts';
import { translateSelect } from '@floodgate/sql/translate.ts';

export const sqlAnalyzer: SqlAnalyzer = {
  translate: (sql) => {
    const result = translateSelect(sql);
    return result.ok ? { ok: true } : result;
  },
  analyze: analyzeSelect,
};
