// Rules about what a statement reads and yields, compared with what its processor declares.
import { nearestName } from '../domain/nearest-name.ts';
import type { Upstream } from '../domain/pipeline.ts';
import { formatWindow, type Window } from '../domain/window.ts';
import type { Report, Statement } from './lint-statement.ts';
import { tryPlaceName } from './lint-text.ts';
import { listNames } from './problem.ts';
import type { ReadWindow, SqlAnalysis, TableRead } from './sql-analyzer.ts';

const plural = (days: number): string => `${days} ${days === 1 ? 'day' : 'days'}`;

/** A bound in GoogleSQL: `game_date >= DATE_SUB(@start_date, INTERVAL 30 DAY)`. */
const predicate = (column: string, operator: '>=' | '<=', parameter: '@start_date' | '@end_date', days: number): string => {
  if (days === 0) return `${column} ${operator} ${parameter}`;
  return `${column} ${operator} ${days < 0 ? 'DATE_SUB' : 'DATE_ADD'}(${parameter}, INTERVAL ${Math.abs(days)} DAY)`;
};

const sayOffset = (days: number, parameter: string): string =>
  days === 0 ? parameter : `${plural(Math.abs(days))} ${days < 0 ? 'before' : 'after'} ${parameter}`;

/** The window that would cover what is read; `[0d, 0d]` where that can't be told. */
const windowFor = (read: ReadWindow | null): string => {
  if (read === null || read.fromDays === 'unbounded' || read.toDays === 'unbounded' || read.fromDays > read.toDays) return '[0d, 0d]';
  return `[${read.fromDays}d, ${Math.min(0, read.toDays)}d]`;
};

// A season begins less than a year before each of its dates; the bound keeps the read from growing with the table.
const seasonReachDays = -366;

const checkStart = (
  statement: Statement,
  { table, window: read, line }: TableRead & { window: ReadWindow },
  declared: Window,
  column: string,
  report: Report,
): void => {
  const { start } = declared;
  const within = `expected ${statement.owner} to read ${table} within its window ${formatWindow(declared)}`;
  if (read.fromDays === 'unbounded') {
    const bound = predicate(column, '>=', '@start_date', start.from === 'season' ? seasonReachDays : start.days);
    const beside = start.from === 'season' ? ', beside the condition on the season' : '';
    report(statement, line, `${within}, found no earliest date`, `add "${bound}"${beside}`);
  } else if (start.from === 'date' && read.fromDays < start.days) {
    const wider = formatWindow({ start: { from: 'date', days: read.fromDays }, endDays: declared.endDays });
    report(
      statement,
      line,
      `${within}, found it reading from ${sayOffset(read.fromDays, '@start_date')}`,
      `declare the window ${wider}, or write "${predicate(column, '>=', '@start_date', start.days)}"`,
    );
  }
};

const checkEnd = (
  statement: Statement,
  { table, window: read, line }: TableRead & { window: ReadWindow },
  declared: Window,
  column: string,
  report: Report,
): void => {
  const within = `expected ${statement.owner} to read ${table} within its window ${formatWindow(declared)}`;
  const bound = predicate(column, '<=', '@end_date', declared.endDays);
  if (read.toDays === 'unbounded') report(statement, line, `${within}, found no latest date`, `add "${bound}"`);
  else if (read.toDays > declared.endDays) {
    const wider = read.toDays > 0 ? '' : `declare the window ${formatWindow({ ...declared, endDays: read.toDays })}, or `;
    report(statement, line, `${within}, found it reading up to ${sayOffset(read.toDays, '@end_date')}`, `${wider}write "${bound}"`);
  }
};

/** What a statement reads of a declared upstream lies in the declared window, as far as that can be told. */
const checkWindow = (statement: Statement, read: TableRead, upstream: Upstream, column: string, report: Report): void => {
  const { window } = read;
  if (window === null) return;
  checkStart(statement, { ...read, window }, upstream.window, column, report);
  checkEnd(statement, { ...read, window }, upstream.window, column, report);
};

export type Readable = {
  readonly declared: readonly Upstream[];
  /** Tables that may be read besides, e.g. `staged`. */
  readonly others: readonly string[];
  /** All tables of the pipeline. */
  readonly known: readonly string[];
  readonly processorId: string;
  readonly ownTable: string;
};

/** A processor and its audits read nothing but declared upstreams (and the audits what they judge). */
export const checkReads = (
  statement: Statement,
  analysis: SqlAnalysis,
  readable: Readable,
  columnOf: (table: string) => string | undefined,
  report: Report,
): void => {
  for (const read of analysis.tables) {
    const upstream = readable.declared.find(({ table }) => table === read.table);
    if (upstream !== undefined) {
      checkWindow(statement, read, upstream, columnOf(read.table) ?? 'the partition column', report);
      continue;
    }
    if (readable.others.includes(read.table)) continue;
    const message = `expected ${statement.owner} to read only declared upstreams, found ${read.table}`;
    const nearest = nearestName(read.table, [...readable.declared.map(({ table }) => table), ...readable.others, ...readable.known]);
    if (read.table === readable.ownTable) report(statement, read.line, `${message}, its own table`, 'compute it from the upstreams alone');
    else if (readable.known.includes(read.table)) {
      report(statement, read.line, message, `add "${read.table}: ${windowFor(read.window)}" to the upstreams of ${readable.processorId} in pipeline.yaml`);
    } else {
      report(
        statement,
        read.line,
        `${message}, which no processor writes`,
        nearest === undefined ? 'declare a processor that writes it, and the upstream' : `write "${nearest}"`,
      );
    }
  }
};

/** The statement reads no tables but these. */
export const checkReadsOnly = (statement: Statement, analysis: SqlAnalysis, allowed: readonly string[], fix: string, report: Report): void => {
  for (const { table, line } of analysis.tables) {
    if (allowed.includes(table)) continue;
    const nearest = nearestName(table, allowed);
    report(
      statement,
      line,
      `expected ${statement.owner} to read only ${listNames(allowed)}, found ${table}`,
      nearest === undefined ? fix : `write "${nearest}"`,
    );
  }
};

/** The columns that a statement yields have exactly the expected names; `more`: others may come besides. */
export const checkYields = (statement: Statement, analysis: SqlAnalysis, expected: readonly string[], more: 'refused' | 'allowed', report: Report): void => {
  const yielded = analysis.columns;
  if (yielded === null) return;
  const extra = yielded.filter((name) => !expected.includes(name));
  const said = new Set<string>();
  for (const name of expected.filter((each) => !yielded.includes(each))) {
    const meant = nearestName(name, extra);
    if (meant === undefined) {
      report(statement, 1, `expected ${statement.owner} to yield the column "${name}", found ${listNames(yielded)}`, `add "... AS ${name}" to the SELECT`);
      continue;
    }
    said.add(meant);
    const place = tryPlaceName(statement.sql, meant);
    report(statement, place?.line ?? 1, `expected ${statement.owner} to yield the column "${name}", found "${meant}"`, `write "AS ${name}"`, place);
  }
  if (more === 'refused') {
    for (const name of new Set(extra.filter((each) => !said.has(each)))) {
      const place = name === '' ? undefined : tryPlaceName(statement.sql, name);
      if (name === '')
        report(statement, 1, `expected ${statement.owner} to name every column, found one without a name`, 'add "AS name" behind the expression');
      else
        report(
          statement,
          place?.line ?? 1,
          `expected ${statement.owner} to yield only ${listNames(expected)}, found the column "${name}" besides`,
          'remove it, or declare it among the columns',
          place,
        );
    }
  }
  for (const name of new Set(yielded.filter((each, index) => each !== '' && yielded.indexOf(each) < index))) {
    report(statement, 1, `expected ${statement.owner} to yield every column once, found "${name}" more than once`, 'rename or remove one of them');
  }
};
