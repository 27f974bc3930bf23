// A validation for people: a heat line per table, the dates that fail with reasons and examples, who has read them, what mends
// it as commands to copy, and the verdict last, where it is seen.
import { dateStatuses, worseOf, type DateProblem, type DateStatus, type TableReport, type ValidationReport } from '@floodgate/core/app/validate-report.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { withoutName } from './checks.ts';
import { withFlags } from './commands.ts';
import { renderCell, renderRun, type Cell } from './grid.ts';
import { formatCount, formatDates, plural } from './numbers.ts';
import { truncate, widthOf, type Style } from './style.ts';
import { renderTable } from './table.ts';

const cells: Readonly<Record<DateStatus, Cell & { readonly words: string }>> = {
  complete: { sign: '█', ascii: 'C', colour: 'green', words: 'complete' },
  empty_ok: { sign: '·', ascii: 'e', colour: 'grey', words: 'empty, as it should be' },
  insufficient_history: { sign: '░', ascii: 'h', colour: 'grey', words: 'too early in the season' },
  partial: { sign: '▒', ascii: 'P', colour: 'yellow', words: 'partial' },
  unknown: { sign: '?', ascii: '?', colour: 'magenta', words: 'could not tell' },
  failed: { sign: '✗', ascii: 'F', colour: 'red', words: 'failed' },
};

const titles: Readonly<Record<ValidationReport['kind'], string>> = {
  preflight: 'Preflight',
  coverage: 'Coverage',
  contamination: 'Contamination',
  range: 'Range',
  gate: 'Gate',
};

// ── the heat lines ──────────────────────────────────────────────────────────────────────────────────────────────────

const countOf = (table: TableReport, status: DateStatus): number => Object.values(table.statuses).filter((own) => own === status).length;

const renderCounts = (table: TableReport, style: Style): string =>
  dateStatuses
    .flatMap((status) => {
      const count = countOf(table, status);
      if (count === 0) return [];
      return [`${renderCell(cells[status], style)} ${formatCount(count)}`];
    })
    .join('  ');

/** `12,345 of 12,350 keys`: of what names keys, else of what counts rows. */
const renderFound = ({ expectations, rows }: TableReport, style: Style): string => {
  const keys = expectations.filter(({ check }) => check.startsWith('expected_keys'));
  const best = (keys.length > 0 ? keys : expectations).reduce<(typeof expectations)[number] | undefined>(
    (most, each) => (most === undefined || each.expected > most.expected ? each : most),
    undefined,
  );
  if (best === undefined) return rows === null ? '' : plural(rows, 'row');
  const text = `${formatCount(best.found)} of ${plural(best.expected, keys.length > 0 ? 'key' : 'row')}`;
  return best.found < best.expected ? style.paint('yellow', text) : text;
};

/** Neighbouring dates share a cell where there are more of them than room; the worst of them is shown. */
const heatOf = (table: TableReport, axis: readonly string[], perCell: number, style: Style): string => {
  const line: (Cell | undefined)[] = [];
  for (let at = 0; at < axis.length; at += perCell) {
    const statuses = axis.slice(at, at + perCell).flatMap((date) => table.statuses[date] ?? []);
    const [first, ...more] = statuses;
    line.push(first === undefined ? undefined : cells[more.reduce(worseOf, first)]);
  }
  return renderRun(line, style);
};

const leastHeat = 20;

const nameOf = ({ role, processor, table }: TableReport): string => (role === 'source' ? table : processor);

const renderTables = ({ tables, kind }: ValidationReport, style: Style, width: number): readonly string[] => {
  const shown = tables.filter(({ statuses }) => Object.keys(statuses).length > 0);
  const axis = [...new Set(shown.flatMap(({ statuses }) => Object.keys(statuses)))].sort();
  if (axis.length === 0) return [];
  const texts = shown.map((table) => ({
    table,
    name: nameOf(table) + (table.role === 'upstream' ? ' (read)' : ''),
    counts: renderCounts(table, style),
    found: kind === 'preflight' ? '' : renderFound(table, style),
  }));
  const taken = (pick: (text: (typeof texts)[number]) => string): number => Math.max(...texts.map((text) => widthOf(pick(text)))) + 2;
  const room = width - 2 - taken(({ name }) => name) - taken(({ counts }) => counts) - taken(({ found }) => found);
  const perCell = Math.ceil(axis.length / Math.max(Math.min(room, 80), leastHeat));
  const heat = Math.ceil(axis.length / perCell);
  const [first, last] = [axis[0] ?? '', axis.at(-1) ?? ''];
  const ends =
    heat >= first.length + last.length + 1 ? first + ' '.repeat(heat - first.length - last.length) + last : axis.length === 1 ? first : `${first} … ${last}`;
  // A head wider than the heat would push everything aside: then it stands alone, above.
  const above = widthOf(ends) > heat ? [style.dim(`  ${ends}`)] : [];
  const lines = renderTable(
    [{ title: '' }, { title: above.length > 0 ? '' : ends }, { title: '' }, { title: '' }],
    texts.map(({ table, name, counts, found }) => [name, heatOf(table, axis, perCell, style), counts, style.dim(found)]),
    style,
  );
  const seen = dateStatuses.filter((status) => shown.some((table) => countOf(table, status) > 0));
  const legend = seen.map((status) => `${renderCell(cells[status], style)} ${cells[status].words}`).join('   ');
  const scale = perCell === 1 ? '' : style.dim(`   one sign: ${plural(perCell, 'date')}, the worst of them`);
  return [...above, ...lines, '', `  ${legend}${scale}`];
};

// ── what is wrong ───────────────────────────────────────────────────────────────────────────────────────────────────

const maxGroups = 12;
const shownDates = 3;
const maxCheckWidth = 44;

/** Dates of a table on which the same checks fail. */
type Group = {
  readonly table: TableReport;
  readonly dates: readonly DateProblem['date'][];
  readonly byDate: ReadonlyMap<DateProblem['date'], readonly DateProblem[]>;
};

const isWarning = ({ severity, outcome }: DateProblem): boolean => severity === 'warn' && outcome === 'failed';

const groupsOf = (tables: readonly TableReport[], isShown: (problem: DateProblem) => boolean): readonly Group[] =>
  tables.flatMap((table) => {
    const byDate = Map.groupBy(table.problems.filter(isShown), ({ date }) => date);
    const signatureOf = (date: DateProblem['date']): string =>
      (byDate.get(date) ?? [])
        .map(({ check, outcome, examples }) => `${check} ${outcome} ${check === 'upstream' ? text(examples[0]?.['table']) : ''}`)
        .join('|');
    return [...Map.groupBy(byDate.keys(), signatureOf).values()].map((dates) => ({ table, dates, byDate }));
  });

const text = (value: JsonObject[string] | undefined): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null));
const exampleText = (example: JsonObject): string =>
  Object.entries(example)
    .map(([name, value]) => `${name} ${text(value)}`)
    .join(', ');

/** Not where the message names some already; the date stands before it. */
const examplesOf = ({ check, message, examples }: DateProblem): readonly JsonObject[] =>
  check.startsWith('expected_keys') || check === 'upstream' || check === 'source' || message.includes(', e.g. ')
    ? []
    : examples.slice(0, 2).map(({ date: _date, ...example }) => example);

/** What is wrong on one date: two checks that say the same say it once. */
const renderDate = (date: string | null, problems: readonly DateProblem[], style: Style): readonly string[] => {
  const [head, indent] = date === null ? ['', '      '] : [`${date}  `, ' '.repeat(18)];
  return [...Map.groupBy(problems, ({ check, message }) => withoutName(check, message))].flatMap(([message, own], index) => {
    const first = own[0] as DateProblem;
    const check =
      style.bold(truncate(first.check, maxCheckWidth)) + (first.outcome === 'could_not_tell' ? style.paint('magenta', ' could not be evaluated') : '');
    const examples = examplesOf(first).map((example) => style.dim(`${indent}  e.g. ${exampleText(example)}`));
    return [`${index === 0 ? `      ${head}` : indent}${check}  ${message.replaceAll('\n', `\n${indent}`)}`, ...examples];
  });
};

const renderGroup = ({ table, dates, byDate }: Group, style: Style): readonly string[] => {
  const problems = dates.flatMap((date) => byDate.get(date) ?? []);
  const { fail, warn } = style.signs;
  const sign = problems.every(isWarning)
    ? style.paint('yellow', warn)
    : problems.every(({ outcome }) => outcome === 'could_not_tell')
      ? style.paint('magenta', '?')
      : style.paint('red', fail);
  const own = dates.filter((date) => date !== null);
  const head =
    `  ${sign} ${style.bold(nameOf(table))}  ${style.dim(own.length === 0 ? 'all dates' : own.length === 1 ? '' : plural(own.length, 'date'))}`.trimEnd();
  const shown = dates.length <= shownDates ? dates : dates.slice(0, shownDates - 1);
  const left = own.slice(shown.length);
  return [
    head,
    ...shown.flatMap((date) => renderDate(date, byDate.get(date) ?? [], style)),
    ...(left.length === 0 ? [] : [style.dim(`      and ${formatDates(left, 3)}`)]),
  ];
};

const renderGroups = (title: string, groups: readonly Group[], style: Style): readonly string[] => {
  if (groups.length === 0) return [];
  const more = groups.length > maxGroups ? [style.dim(`  and ${groups.length - maxGroups} more; --json has them all`)] : [];
  return ['', style.bold(title), ...groups.slice(0, maxGroups).flatMap((group) => renderGroup(group, style)), ...more];
};

const renderProblems = (tables: readonly TableReport[], style: Style): readonly string[] => [
  ...renderGroups(
    'What is wrong',
    groupsOf(tables, (problem) => !isWarning(problem)),
    style,
  ),
  ...renderGroups('Warnings', groupsOf(tables, isWarning), style),
];

const renderExpectationGaps = (tables: readonly TableReport[], style: Style): readonly string[] => {
  const lacking = tables.filter(({ withoutExpectation }) => withoutExpectation.length > 0);
  if (lacking.length === 0) return [];
  const lines = lacking.map((table) => [nameOf(table), plural(table.withoutExpectation.length, 'date'), style.dim(formatDates(table.withoutExpectation))]);
  return ['', style.bold('Nothing says what should be there'), ...renderTable([{ title: '' }, { title: '', align: 'right' }, { title: '' }], lines, style)];
};

const renderContaminated = ({ contaminated }: ValidationReport, style: Style): readonly string[] => {
  if (contaminated.length === 0) return [];
  const lines = contaminated.map(({ processor, direct, dates }) => [
    processor,
    plural(dates.length, 'date'),
    `${style.dim(formatDates(dates))}${direct ? '' : style.dim('  through other tables')}`,
  ]);
  return ['', style.bold('What has read the dates that fail'), ...renderTable([{ title: '' }, { title: '', align: 'right' }, { title: '' }], lines, style)];
};

// ── the verdict ─────────────────────────────────────────────────────────────────────────────────────────────────────

const readyWords: Readonly<Record<ValidationReport['kind'], string>> = {
  preflight: 'everything is there that the selection reads',
  coverage: 'everything that is expected is there',
  contamination: 'every critical column holds on every date',
  range: 'every check holds on every date',
  gate: 'the gate would open',
};

const renderVerdict = (report: ValidationReport, style: Style): string => {
  const { counts, verdict, kind, tables } = report;
  const { ok, fail, held } = style.signs;
  const bad = counts.failed + counts.partial;
  const where = tables.filter((table) => countOf(table, 'failed') + countOf(table, 'partial') > 0).length;
  const untold = counts.unknown > 0 ? `; ${plural(counts.unknown, 'date')} could not be judged` : '';
  switch (verdict) {
    case 'ready':
      return `${style.paint('green', ok)} ${style.bold('Ready')}: ${readyWords[kind]}.`;
    case 'held':
      return `${style.paint('yellow', held)} ${style.bold('Held')}: all checks hold, and the pipeline asks for a person’s approval.`;
    case 'not_ready':
      return `${style.paint('red', fail)} ${style.bold('Not ready')}: ${plural(bad, 'date')} of ${plural(where, 'table')} ${bad === 1 ? 'fails' : 'fail'}${untold}.`;
    case 'could_not_tell':
      return `${style.paint('magenta', '?')} ${style.bold('Could not tell')}: ${counts.unknown === 0 ? 'not everything could be evaluated' : `${plural(counts.unknown, 'date')} could not be judged`}. That is no "ready".`;
  }
};

const headline = ({ kind, phase, pipeline, dates, tables }: ValidationReport, style: Style): string => {
  const range = dates.first === dates.last ? dates.first : `${dates.first} to ${dates.last}, ${plural(dates.wanted, 'date')}`;
  const lookback = new Set(tables.flatMap((table) => table.lookback)).size;
  const left = [
    ...(lookback > 0 ? [`and a lookback of ${formatCount(lookback)}`] : []),
    ...(dates.excluded > 0 ? [`${formatCount(dates.excluded)} excluded`] : []),
    ...(dates.notInCalendar > 0 ? [`${formatCount(dates.notInCalendar)} not in the calendar`] : []),
  ];
  return `${style.bold(`${titles[kind]}${phase === null ? '' : ` ${phase}`} of ${pipeline}`)}  ${range}${left.length === 0 ? '' : style.dim(` (${left.join(', ')})`)}`;
};

/** The same of several tables is said once. */
const renderNotes = (tables: readonly TableReport[], style: Style): readonly string[] => {
  const all = tables.flatMap((table) => table.notes.map((note) => ({ note, name: nameOf(table) })));
  return [...Map.groupBy(all, ({ note }) => note)].map(([note, own]) => {
    const names = own.map(({ name }) => name);
    return style.dim(`  ${names.length > 3 ? plural(names.length, 'table') : names.join(', ')}: ${note}`);
  });
};

/** The command names its pipeline itself. */
const commandWith = (command: string, pipeline: string, flags: string): string => withFlags(command, flags.replace(` --pipeline ${pipeline}`, ''));

export const renderValidation = (report: ValidationReport, style: Style, width: number, flags: string): readonly string[] => {
  const notes = renderNotes(report.tables, style);
  // One thing to copy: each of them only where the one before it went well.
  const repair = report.repair.map((command, index) => {
    const line = commandWith(command, report.pipeline, flags);
    return `  ${style.paint('cyan', index === report.repair.length - 1 ? line : `${line} && \\`)}`;
  });
  return [
    headline(report, style),
    '',
    ...renderTables(report, style, width),
    ...(notes.length === 0 ? [] : ['', ...notes]),
    ...renderProblems(report.tables, style),
    ...renderExpectationGaps(report.tables, style),
    ...renderContaminated(report, style),
    ...(repair.length === 0 ? [] : ['', style.bold('To mend it'), ...repair]),
    ...(report.advice.length === 0 ? [] : ['', ...report.advice.map((each) => style.dim(`  ${each}`))]),
    '',
    renderVerdict(report, style),
  ];
};
