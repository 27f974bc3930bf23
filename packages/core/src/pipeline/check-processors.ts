// Checks of a processor that need nothing but the processor itself: its key and columns agree, its kind has what it
// needs, its dates exist.
import { neededUpstreams } from './generated-load.ts';
import { nearestName } from '../domain/nearest-name.ts';
import { hasColumn, processorsOf, typeOfColumn, type CheckContext, type CheckDraft, type ColumnsDraft, type ProcessorDraft } from './check-context.ts';
import { listNames, suggestName } from './problem.ts';
import { defaultSourceFile, isSqlFileName, normaliseFileName } from './sql-files.ts';
import type { Path } from './yaml-document.ts';

// Floodgate adds these to every target table itself; names that begin with _ can't be declared anyway.
const ownColumns: ReadonlySet<string> = new Set(['processed_at']);
const numeric: ReadonlySet<string> = new Set(['INT64', 'FLOAT64', 'NUMERIC']);

const unfitForKey = (type: string): string | undefined => {
  if (type === 'FLOAT64') return 'sums of FLOAT64 differ from run to run, so that rows could not be matched';
  if (type.startsWith('ARRAY<')) return 'arrays can not be compared';
  return type === 'JSON' ? 'JSON can not be compared' : undefined;
};

const checkKey = (context: CheckContext, path: Path, processor: ProcessorDraft): void => {
  const { key, columns, partition_column: partition } = processor;
  if (columns === undefined) return;
  if (partition !== undefined) {
    const type = typeOfColumn(columns, partition);
    const at = [...path, 'partition_column'];
    if (!hasColumn(columns, partition)) {
      context.report(
        at,
        `expected the partition column among the columns, found "${partition}", which is none`,
        suggestName(partition, Object.keys(columns), 'a column'),
      );
    } else if (type !== undefined && type !== 'DATE') {
      context.report(
        at,
        `expected a partition column of type DATE, found "${partition}" of type ${type}`,
        `declare "${partition}: DATE", or choose a column of type DATE`,
      );
    }
  }
  if (key === undefined) return;
  if (partition !== undefined && key.length > 0 && !key.includes(partition) && key.every((name) => name !== undefined)) {
    context.report([...path, 'key'], `expected the partition column "${partition}" in the key, found ${listNames(key)}`, `add "${partition}" to the key`);
  }
  for (const [index, name] of key.entries()) {
    if (name === undefined) continue;
    const at = [...path, 'key', index];
    const why = unfitForKey(typeOfColumn(columns, name) ?? '');
    if (!hasColumn(columns, name)) {
      context.report(at, `expected key columns among the columns, found "${name}", which is none`, suggestName(name, Object.keys(columns), 'a column'));
    } else if (why !== undefined) {
      context.report(
        at,
        `expected key columns that can be compared, found "${name}" of type ${typeOfColumn(columns, name)}: ${why}`,
        'use an id, or round it to NUMERIC or INT64',
      );
    } else if (key.indexOf(name) < index) context.report(at, `expected every key column once, found "${name}" a second time`, 'remove it');
  }
};

/** The columns that a check names must exist in the table it looks at, with types that it can judge. */
export const checkCheck = (context: CheckContext, path: Path, check: CheckDraft, columns: ColumnsDraft | undefined, table: string): void => {
  const known = Object.keys(columns ?? {});
  const expectColumn = (at: Path, name: string | undefined, types: ReadonlySet<string> | undefined, need: string): void => {
    if (columns === undefined || name === undefined) return;
    const type = typeOfColumn(columns, name);
    if (!hasColumn(columns, name)) context.report(at, `expected a column of ${table}, found "${name}"`, suggestName(name, known, 'a column'));
    else if (types !== undefined && type !== undefined && !types.has(type)) {
      context.report(at, `expected a column ${need}, found "${name}" of type ${type}`, `choose one of type ${listNames(types)}, or use not_null`);
    }
  };
  const sqlFile = (at: Path, sql: string | undefined): void => checkSqlFile(context, at, sql);
  if ('row_count' in check && check.row_count !== undefined) sqlFile([...path, 'row_count', 'sql'], check.row_count.sql);
  else if ('expected_keys' in check && check.expected_keys !== undefined) {
    for (const [index, name] of (check.expected_keys.columns ?? []).entries()) {
      expectColumn([...path, 'expected_keys', 'columns', index], name, undefined, '');
    }
    sqlFile([...path, 'expected_keys', 'sql'], check.expected_keys.sql);
  } else if ('not_null' in check && check.not_null !== undefined) {
    for (const [index, name] of (check.not_null.columns ?? []).entries()) expectColumn([...path, 'not_null', 'columns', index], name, undefined, '');
  } else if ('not_zero' in check && check.not_zero !== undefined) {
    for (const [index, name] of (check.not_zero.columns ?? []).entries()) {
      expectColumn([...path, 'not_zero', 'columns', index], name, numeric, 'of numbers');
    }
  } else if ('accepted_range' in check && check.accepted_range !== undefined) {
    const { column, min, max } = check.accepted_range;
    const at = [...path, 'accepted_range'];
    expectColumn([...at, 'column'], column, numeric, 'of numbers');
    if (min === undefined && max === undefined) context.report(at, 'expected min or max in accepted_range, found neither', 'add "min: 0", "max: 1" or both');
    else if (min !== undefined && max !== undefined && min > max)
      context.report(at, `expected min to be at most max, found min ${min} and max ${max}`, 'swap them');
  } else if ('sql' in check && check.sql !== undefined) sqlFile([...path, 'sql', 'query'], check.sql.query);
};

/** SQL that is the name of a file must name one that is there. */
export const checkSqlFile = ({ files, report }: CheckContext, path: Path, sql: string | undefined): void => {
  if (sql === undefined || !isSqlFileName(sql)) return;
  const file = normaliseFileName(sql);
  if (file === undefined) report(path, `expected a file inside the pipeline's folder, found "${sql}", which leaves it`, 'move the file into the folder');
  else if (!files.has(file)) {
    const nearest = nearestName(file, [...files.keys()].filter(isSqlFileName));
    report(path, `expected the file ${file}, found none`, nearest === undefined ? `create ${file}` : `write "${nearest}", or create ${file}`);
  }
};

const checkSource = (context: CheckContext, path: Path, id: string, processor: ProcessorDraft): void => {
  const { kind, file } = processor;
  if (kind === undefined) return;
  if (kind === 'external') {
    if (file !== undefined)
      context.report([...path, 'file'], 'expected no file: others fill the table of an external processor', 'remove "file"', { atKey: true });
    return;
  }
  const wanted = file ?? defaultSourceFile(id, kind) ?? '';
  const extension = kind === 'code' ? '.ts' : '.sql';
  const at = file === undefined ? path : [...path, 'file'];
  if (!wanted.endsWith(extension)) {
    context.report(at, `expected a ${extension} file for a processor of kind ${kind}, found "${wanted}"`, `name a ${extension} file, or change the kind`);
    return;
  }
  const name = normaliseFileName(wanted);
  if (name === undefined) {
    context.report(at, `expected a file inside the pipeline's folder, found "${wanted}", which leaves it`, 'move the file into the folder');
  } else if (!context.files.has(name)) {
    const sources = Object.keys(processor.upstreams ?? {}).filter((table) => table.startsWith('source.'));
    // One source and no SQL: its columns are taken over by name.
    if (kind === 'load' && file === undefined && neededUpstreams(processor.upstreams ?? {}).length <= 1 && sources.length <= 1) return;
    const nearest = nearestName(
      name,
      [...context.files.keys()].filter((each) => each.endsWith(extension)),
    );
    const why =
      kind === 'load' && file === undefined
        ? ` (a load needs none only where it reads exactly one source; this one reads ${listNames(Object.keys(processor.upstreams ?? {}))})`
        : '';
    context.report(
      at,
      `expected the file ${name} of processor ${id}, found none${why}`,
      nearest === undefined ? `create ${name}` : `create ${name}, or write "file: ${nearest}"`,
    );
  }
};

const checkDates = (context: CheckContext, path: Path, processor: ProcessorDraft): void => {
  for (const [index, range] of (processor.never ?? []).entries()) {
    if (typeof range !== 'object' || range.first === undefined || range.last === undefined || range.first <= range.last) continue;
    context.report([...path, 'never', index, 'first'], `expected first to be no later than last, found ${range.first} to ${range.last}`, 'swap them');
  }
  for (const [index, absent] of (processor.absent ?? []).entries()) {
    for (const [position, name] of (absent?.columns ?? []).entries()) {
      if (name === undefined || processor.columns === undefined) continue;
      const at = [...path, 'absent', index, 'columns', position];
      const column = processor.columns[name];
      if (!hasColumn(processor.columns, name)) {
        context.report(at, `expected a column of this processor, found "${name}"`, suggestName(name, Object.keys(processor.columns), 'a column'));
      } else if (processor.key?.includes(name) === true || (typeof column === 'object' && column.required === true)) {
        context.report(
          at,
          `expected absent columns to be optional, found "${name}", which is ${processor.key?.includes(name) === true ? 'part of the key' : 'required'}`,
          'remove it from absent, or make the column optional',
        );
      }
    }
  }
};

export const checkProcessors = (context: CheckContext): void => {
  const processors = processorsOf(context.draft);
  if (context.draft.processors !== undefined && processors.length === 0) {
    context.report(['processors'], 'expected at least one processor, found none', 'declare one for each table', { atKey: true });
  }
  for (const [id, processor] of processors) {
    const path = ['processors', id];
    checkKey(context, path, processor);
    checkSource(context, path, id, processor);
    checkDates(context, path, processor);
    for (const [index, audit] of (processor.audits ?? []).entries()) {
      if (audit !== undefined) checkCheck(context, [...path, 'audits', index], audit, processor.columns, processor.table ?? id);
    }
    if (processor.kind === 'external') {
      if ((processor.audits ?? []).length > 0) {
        const gate = processor.phase === undefined ? 'its phase' : `phase ${processor.phase}`;
        context.report(
          [...path, 'audits'],
          'expected no audits: they look at staged rows, and an external processor stages none',
          `move them to the gate of ${gate}`,
          { atKey: true, severity: 'warning' },
        );
      }
      continue;
    }
    for (const name of Object.keys(processor.columns ?? {}).filter((each) => ownColumns.has(each))) {
      context.report(
        [...path, 'columns', name],
        `expected only columns of your own, found "${name}", which Floodgate adds to every target table`,
        'remove it',
        { atKey: true },
      );
    }
    const { base_seconds: base, max_seconds: max } = processor.retry ?? {};
    if (base !== undefined && max !== undefined && base > max) {
      context.report(
        [...path, 'retry'],
        `expected base_seconds to be at most max_seconds, found ${base} and ${max}`,
        'raise max_seconds or lower base_seconds',
        { atKey: true },
      );
    }
  }
};

/** Sources: their key and date column exist, with types that fit. */
export const checkSources = (context: CheckContext): void => {
  for (const [name, source] of Object.entries(context.draft.sources ?? {})) {
    const columns = source?.columns;
    if (source === undefined || columns === undefined) continue;
    const path = ['sources', name];
    const dateType = typeOfColumn(columns, source.date_column ?? '');
    if (source.date_column !== undefined && !hasColumn(columns, source.date_column)) {
      context.report(
        [...path, 'date_column'],
        `expected the date column among the columns, found "${source.date_column}", which is none`,
        suggestName(source.date_column, Object.keys(columns), 'a column'),
      );
    } else if (dateType !== undefined && dateType !== 'DATE') {
      context.report(
        [...path, 'date_column'],
        `expected a date column of type DATE, found "${source.date_column}" of type ${dateType}`,
        `declare "${source.date_column}: DATE", or choose a column of type DATE`,
      );
    }
    for (const [index, column] of (source.key ?? []).entries()) {
      if (column === undefined || hasColumn(columns, column)) continue;
      context.report(
        [...path, 'key', index],
        `expected key columns among the columns, found "${column}", which is none`,
        suggestName(column, Object.keys(columns), 'a column'),
      );
    }
  }
};
