// Whether the columns that SQL yields have the declared types, where something that knows types is at hand. Apart from
// lint.ts because such an analyser may be asynchronous.
import { sourceTable, type Column, type Pipeline } from '../domain/pipeline.ts';
import { isAssignable } from './generated-load.ts';
import { tryPlaceName } from './lint-text.ts';
import { sortProblems, type Problem } from './problem.ts';
import type { SqlAnalyzer } from './sql-analyzer.ts';
import { pipelineFile } from './yaml-document.ts';

type Types = NonNullable<SqlAnalyzer['types']>;

const tablesOf = (pipeline: Pipeline): ReadonlyMap<string, readonly Column[]> =>
  new Map([
    ...pipeline.sources.map(({ name, columns }) => [sourceTable(name), columns] as const),
    ...pipeline.processors.map(({ table, columns }) => [table, columns] as const),
  ]);

/** Problems of types in the SQL of `sql` and `load` processors. Names are lint's business and not repeated here. */
export const lintTypes = async (pipeline: Pipeline, types: Types): Promise<readonly Problem[]> => {
  const problems: Problem[] = [];
  const tables = tablesOf(pipeline);
  for (const { id, kind, source, sourceFile: file, columns } of pipeline.processors) {
    if (kind !== 'sql' && kind !== 'load') continue;
    const path = `processors.${id}`;
    const outcome = await types(source, tables);
    if (!outcome.ok) {
      for (const { line = 1, column, message } of outcome.problems) {
        problems.push({
          file,
          line,
          ...(column === undefined ? {} : { column }),
          path,
          message: `expected SQL whose types fit, found: ${message}`,
          fix: 'mend the SQL here',
          severity: 'error',
        });
      }
      continue;
    }
    for (const { name, type } of outcome.columns) {
      const declared = columns.find((each) => each.name === name);
      if (declared === undefined || isAssignable(type, declared.type)) continue;
      const place = (file === pipelineFile ? undefined : tryPlaceName(source, name)) ?? { line: 1 };
      problems.push({
        file,
        ...place,
        path,
        message: `expected processor ${id} to yield "${name}" as ${declared.type}, found ${type}`,
        fix: `write CAST(... AS ${declared.type}), or declare "${name}: ${type}"`,
        severity: 'error',
      });
    }
  }
  return sortProblems(problems);
};
