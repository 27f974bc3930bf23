// A load without a SQL file takes its columns over from its one source, by name.
import { nearestName } from '../domain/nearest-name.ts';
import { hasColumn, typeOfColumn, processorsOf, type CheckContext } from './check-context.ts';
import { defaultSourceFile } from './sql-files.ts';
import type { Column, Source } from '../domain/pipeline.ts';

// GoogleSQL's lossless coercions: INT64 -> NUMERIC and FLOAT64, NUMERIC -> FLOAT64.
const widening: Readonly<Record<string, readonly string[]>> = { INT64: ['NUMERIC', 'FLOAT64'], NUMERIC: ['FLOAT64'] };

/** Whether a value of the one type can stand in a column of the other without a cast that may fail. */
export const isAssignable = (from: string, to: string): boolean => from === to || (widening[from] ?? []).includes(to);

export const generateLoad = (columns: readonly Column[], partitionColumn: string, source: Source): string => {
  const typeOf = new Map(source.columns.map((column) => [column.name, column.type]));
  // Sorted, so that the order of the columns in pipeline.yaml is no part of the SQL and of its hash.
  const sorted = [...columns].sort((a, b) => (a.name < b.name ? -1 : 1));
  const selected = sorted.map(({ name, type }) => {
    const from = name === partitionColumn ? source.dateColumn : name;
    const value = typeOf.get(from) === type ? `\`${from}\`` : `CAST(\`${from}\` AS ${type})`;
    return value === `\`${name}\`` ? `  ${value}` : `  ${value} AS \`${name}\``;
  });
  return `SELECT\n${selected.join(',\n')}\nFROM source.${source.name}\nWHERE \`${source.dateColumn}\` BETWEEN @start_date AND @end_date\n`;
};

/** Optional ones say what to wait for, and nothing of what is read. */
export const neededUpstreams = (upstreams: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.entries(upstreams).flatMap(([table, written]) =>
    typeof written === 'object' && written !== null && 'optional' in written && written.optional === true ? [] : [table],
  );

/** Whether this processor gets a generated SELECT. */
export const isGenerated = (
  id: string,
  kind: string | undefined,
  file: string | undefined,
  upstreams: readonly string[],
  files: ReadonlyMap<string, string>,
): boolean =>
  kind === 'load' &&
  file === undefined &&
  upstreams.length === 1 &&
  upstreams[0]?.startsWith('source.') === true &&
  !files.has(defaultSourceFile(id, 'load') ?? '');

/** What a generated SELECT would read must be there, with fitting types and for the same date. */
export const checkGeneratedLoads = (context: CheckContext): void => {
  for (const [id, processor] of processorsOf(context.draft)) {
    const upstreams = neededUpstreams(processor.upstreams ?? {});
    const [table = ''] = upstreams;
    const source = context.draft.sources?.[table.slice('source.'.length)];
    if (!isGenerated(id, processor.kind, processor.file, upstreams, context.files) || source?.columns === undefined) continue;
    const file = `processors/${id}.sql`;
    const upstream = processor.upstreams?.[table];
    const window = typeof upstream === 'object' ? upstream.window : upstream;
    if (window !== undefined && !/^(0d|\[\s*[+-]?0d\s*,\s*[+-]?0d\s*\])$/.test(window.trim())) {
      context.report(
        ['processors', id, 'upstreams', table],
        `expected the window [0d, 0d] for a load without SQL, found ${window}`,
        `write [0d, 0d], or say in ${file} what is read from the other dates`,
      );
    }
    for (const name of Object.keys(processor.columns ?? {})) {
      const from = name === processor.partition_column ? source.date_column : name;
      if (from === undefined) continue;
      const path = ['processors', id, 'columns', name];
      const [has, wants] = [typeOfColumn(source.columns, from), typeOfColumn(processor.columns, name)];
      if (!hasColumn(source.columns, from)) {
        if (from === source.date_column) continue;
        const nearest = nearestName(from, Object.keys(source.columns));
        context.report(
          path,
          `expected a column of ${table}, found "${name}": a load without SQL takes its columns over by name`,
          `${nearest === undefined ? 'remove it' : `write "${nearest}"`}, or create ${file} with a SELECT that yields it`,
          { atKey: true },
        );
      } else if (name !== processor.partition_column && has !== undefined && wants !== undefined && !isAssignable(has, wants)) {
        context.report(
          path,
          `expected type ${has} as in ${table}, found ${wants} for "${name}"`,
          `write ${has}, or create ${file} with a SELECT that casts it`,
        );
      }
    }
  }
};
