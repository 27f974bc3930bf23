// What stands on the screen when a backfill is over: what was done, what the gates say, what went wrong and what to do.
import type { BackfillOutput } from '../output-schema.ts';
import { renderCommands, withFlags, type Suggestion } from './commands.ts';
import { formatCount, formatDates, formatDuration, formatRate, plural } from './numbers.ts';
import { renderGate } from './progress.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';

const goodStates = ['succeeded', 'unchanged', 'superseded'];
const badStates = ['failed', 'quarantined'];

const count = (tasks: Readonly<Record<string, number>>, states: readonly string[]): number => states.reduce((sum, state) => sum + (tasks[state] ?? 0), 0);

const headline = (output: BackfillOutput, style: Style): string => {
  const { backfillId, state, paused, seconds, tasks, totalTasks, rows } = output;
  const { ok, fail, warn, held } = style.signs;
  const done = count(tasks, [...goodStates, ...badStates]);
  const took = `in ${formatDuration(seconds * 1_000)}${output.resumed ? ' since it was resumed' : ''}`;
  const figures = [
    plural(done, 'date'),
    ...(done > 1 && seconds > 0 && !output.resumed ? [`${formatRate(done / seconds)} dates/s`] : []),
    `${formatCount(rows)} rows`,
  ].join(', ');
  if (state === 'completed' && totalTasks === 0) return `${style.paint('green', ok)} ${style.bold(`Backfill ${backfillId}: nothing to do`)}`;
  switch (state) {
    case 'completed':
      return `${style.paint('green', ok)} ${style.bold(`Backfill ${backfillId} completed`)} ${took}: ${figures}`;
    case 'cancelled':
      return `${style.paint('yellow', warn)} ${style.bold(`Backfill ${backfillId} was cancelled`)} after ${formatDuration(seconds * 1_000)}: ${figures}`;
    case 'blocked': {
      const bad = count(tasks, badStates);
      const why =
        bad > 0
          ? `${plural(bad, 'date')} of ${formatCount(totalTasks)} did not succeed`
          : Object.values(output.gates).some((gate) => gate.state === 'blocked')
            ? 'a check holds the gate'
            : 'a gate waits for approval';
      const sign = bad > 0 || why.startsWith('a check') ? style.paint('red', fail) : style.paint('yellow', held);
      return `${sign} ${style.bold(`Backfill ${backfillId} stopped: ${why}`)}  (${figures} ${took})`;
    }
    case 'active':
      return `${style.paint('yellow', warn)} ${style.bold(`Backfill ${backfillId} is ${paused ? 'paused' : 'not over'}`)}: ${doneOf(output)}`;
  }
};

const doneOf = ({ tasks, totalTasks }: BackfillOutput): string =>
  `${formatCount(count(tasks, [...goodStates, ...badStates]))} of ${plural(totalTasks, 'date')} done`;

const stateColours: Readonly<Record<string, Parameters<Style['paint']>[0]>> = {
  succeeded: 'green',
  unchanged: 'green',
  failed: 'red',
  quarantined: 'magenta',
  cancelled: 'yellow',
};

const renderStates = (tasks: Readonly<Record<string, number>>, style: Style): string =>
  Object.entries(tasks)
    .filter(([, number]) => number > 0)
    .map(([state, number]) => {
      const colour = stateColours[state];
      const text = `${formatCount(number)} ${state === 'unreleased' ? 'not begun' : state}`;
      return colour === undefined ? style.dim(text) : style.paint(colour, text);
    })
    .join(', ');

const renderPhases = (output: BackfillOutput, style: Style): readonly string[] => {
  const worked = output.processors.filter(({ planned }) => planned > 0);
  const cells = worked.map(({ processor, tasks, rows }) => [processor, renderStates(tasks, style), rows === 0 ? '' : `${formatCount(rows)} rows`]);
  // One table over all phases, so that the columns stand below each other.
  const lines = renderTable([{ title: '' }, { title: '' }, { title: '', align: 'right' }], cells, style, '    ');
  return Object.entries(output.gates).flatMap(([phase, gate]) => {
    const own = worked.flatMap((processor, index) => (String(processor.phase) === phase ? [lines[index] ?? ''] : []));
    const nothing = own.length === 0 ? [style.dim('    nothing to compute')] : own;
    return [
      `  ${style.bold(`phase ${phase}`)}  ${renderGate(gate.state, style)}${gate.state === 'held' ? style.dim(`  ${gate.summary}`) : ''}`,
      ...nothing,
      ...renderChecks(gate, style),
    ];
  });
};

const maxChecks = 8;

const renderChecks = (gate: BackfillOutput['gates'][string], style: Style): readonly string[] => {
  const { fail, warn } = style.signs;
  // "accounted" says what the failures below say better.
  const told = gate.checks.filter(({ check }) => check !== 'accounted');
  const lines = told.slice(0, maxChecks).map(({ check, processor, severity, outcome, message }) => {
    const blocks = severity === 'block';
    const sign = style.paint(blocks ? 'red' : 'yellow', blocks ? fail : warn);
    return `    ${sign} ${processor} ${style.bold(check)}${outcome === 'could_not_tell' ? ' could not be evaluated' : ''}: ${message}`;
  });
  return told.length > maxChecks ? [...lines, style.dim(`    and ${told.length - maxChecks} more checks`)] : lines;
};

const maxFailures = 8;

const renderFailures = (output: BackfillOutput, style: Style): readonly string[] => {
  if (output.failures.length === 0) return [];
  const groups = output.failures
    .slice(0, maxFailures)
    .flatMap(({ state, cause, message, hint, processor, tasks, dates }) => [
      `  ${style.paint(state === 'failed' ? 'red' : 'magenta', style.signs.fail)} ${processor}: ${plural(tasks, 'date')} ${state} (${style.bold(cause)})  ${style.dim(formatDates(dates))}`,
      `      ${message}`,
      ...(hint === undefined ? [] : [style.dim(`      ${hint}`)]),
    ]);
  const more = output.failures.length > maxFailures ? [style.dim(`  and ${output.failures.length - maxFailures} more causes: npx floodgate dlq list`)] : [];
  return ['', style.bold('What failed'), ...groups, ...more];
};

/** What the reasons of a plan mean, for people. */
export const reasonWords: Readonly<Record<string, string>> = {
  already_fresh: 'already computed from the same inputs and code',
  stale_not_requested: 'computed from older inputs or code; --reprocess stale computes them again',
  missing_not_requested: 'never computed; --reprocess missing does it',
  no_source_data: 'the sources have nothing for them',
  bootstrap: 'too early in their season',
  insufficient_history: 'too little history in their season',
  never: 'declared never to be computed',
  planned_elsewhere: 'another active backfill computes them',
  excluded: 'excluded by the request',
  not_in_calendar: 'not in the pipeline’s calendar',
};

export const renderLeftOut = (leftOut: Readonly<Record<string, number>>, style: Style): readonly string[] => {
  const rows = Object.entries(leftOut).filter(([, number]) => number > 0);
  if (rows.length === 0) return [];
  return [
    '',
    style.bold('Left out'),
    ...renderTable(
      [{ title: '', align: 'right' }, { title: '' }, { title: '' }],
      rows.map(([reason, number]) => [formatCount(number), reason, style.dim(reasonWords[reason] ?? '')]),
      style,
    ),
  ];
};

export const renderWarnings = (warnings: readonly string[], style: Style): readonly string[] =>
  warnings.length === 0 ? [] : ['', style.bold('Warnings'), ...warnings.map((warning) => `  ${style.paint('yellow', style.signs.warn)} ${warning}`)];

const whyOf = (repair: string): string =>
  repair.includes('--clear-off-calendar') ? 'empty the dates that have left the calendar, if it is right; then npx floodgate retry' : 'the smallest repair';

const nextSteps = (output: BackfillOutput, flags: string, isDeployment: boolean): readonly Suggestion[] => {
  const { backfillId, state, paused, tasks, gates } = output;
  if (state === 'active') {
    return [
      isDeployment && !paused
        ? [`npx floodgate watch ${backfillId}${flags}`, 'follow it']
        : [`npx floodgate resume ${backfillId}${flags}`, paused ? 'go on' : 'go on where it stopped'],
      [`npx floodgate cancel ${backfillId}${flags}`, 'end it for good'],
    ];
  }
  if (state !== 'blocked') return [];
  const repairs = [...new Set(Object.values(gates).flatMap(({ repair }) => (repair === '' ? [] : [withFlags(repair, flags)])))];
  return [
    [`npx floodgate explain ${backfillId}${flags}`, 'why, date by date'],
    ...((tasks['quarantined'] ?? 0) > 0
      ? [[`npx floodgate quarantine list${flags}`, 'look at the rows that failed an audit; accept or reject them'] as const]
      : []),
    ...((tasks['failed'] ?? 0) + (tasks['quarantined'] ?? 0) > 0
      ? [[`npx floodgate retry ${backfillId}${flags}`, 'compute them anew, once the cause is mended'] as const]
      : []),
    ...Object.entries(gates).flatMap(([phase, gate]) =>
      gate.state === 'held' ? [[`npx floodgate approve ${backfillId} --phase ${phase}${flags}`, 'open the gate'] as const] : [],
    ),
    ...repairs.filter((repair) => !repair.includes(' retry ') && !repair.includes(' explain ')).map((repair) => [repair, whyOf(repair)] as const),
  ];
};

export type SummaryContext = {
  /** Paths as they would be typed. */
  readonly shownHome: string;
  readonly shownWarehouse: string;
  /** Flags that every command needs to find the same home and pipelines, with a space in front; empty for the defaults. */
  readonly flags: string;
  readonly width: number;
  /** Tables are in BigQuery, and services elsewhere do the work. */
  readonly isDeployment?: boolean;
  /** The process was told to stop. */
  readonly interrupted: boolean;
  /** A table that this backfill filled, for the example. */
  readonly table: string | undefined;
};

export const renderSummary = (output: BackfillOutput, context: SummaryContext, style: Style): readonly string[] => {
  const { flags, shownWarehouse, table, width, interrupted, isDeployment = false } = context;
  const fresh = output.leftOut['already_fresh'] ?? 0;
  const idle =
    output.totalTasks === 0 && fresh > 0
      ? [
          '',
          `  All ${formatCount(fresh)} partitions are fresh: inputs and code are what they were computed from, so there is nothing to compute.`,
          style.dim('  --reprocess all computes them all the same.'),
        ]
      : [];
  const next = nextSteps(output, flags, isDeployment);
  const example = table ?? 'a table';
  const files: readonly Suggestion[] = [
    [`npx floodgate export ${example} --to ${(table ?? 'table').split('.').at(-1) ?? 'table'}.parquet${flags}`, 'or .csv'],
    [`duckdb -readonly ${shownWarehouse}`, 'with the DuckDB command, while nothing else runs'],
  ];
  const look: readonly Suggestion[] = [
    ...(table === undefined
      ? [[`npx floodgate sql${flags}`, 'lists them'] as const]
      : [[`npx floodgate sql${flags} "SELECT * FROM ${example} LIMIT 5"`, 'while Floodgate runs, too'] as const]),
    ...(isDeployment ? [] : files),
    [`npx floodgate status ${output.backfillId} --matrix${flags}`, 'every date'],
  ];
  // Somebody who stops it wants to know that nothing is lost and how to go on, and has seen the rest.
  if (interrupted)
    return [
      `${style.paint('yellow', style.signs.warn)} ${style.bold(`Interrupted, and nothing is lost`)}: ${doneOf(output)} of ${output.backfillId}`,
      ...renderCommands(next, style, width),
    ];
  return [
    headline(output, style),
    ...(output.totalTasks > 0 ? ['', ...renderPhases(output, style)] : renderHeldGates(output, style)),
    ...renderFailures(output, style),
    ...idle,
    ...(idle.length > 0 && Object.keys(output.leftOut).length === 1 ? [] : renderLeftOut(output.leftOut, style)),
    ...renderWarnings(output.warnings, style),
    ...(next.length === 0 ? [] : ['', style.bold('What to do'), ...renderCommands(next, style, width)]),
    '',
    `${style.bold('Tables')} are in ${shownWarehouse}`,
    ...renderCommands(look, style, width),
  ];
};

const renderHeldGates = (output: BackfillOutput, style: Style): readonly string[] =>
  Object.values(output.gates).every(({ state }) => state === 'open') ? [] : ['', ...renderPhases(output, style)];
