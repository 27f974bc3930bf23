// A summary as lines of a terminal, at most 100 columns wide: what is rare stands first, what never happened is named, and
// what matters most comes last, where the eye is when a batch has ended.
import { formatCount, formatDuration, formatRate, plural } from '@floodgate/cli/render/numbers.ts';
import { truncate, widthOf, type Style } from '@floodgate/cli/render/style.ts';
import { renderTable, type TableColumn } from '@floodgate/cli/render/table.ts';
import { crashPoints } from './crash-points.ts';
import { wrapWords } from './summary-words.ts';
import { allFaultKinds, type FaultKind } from './faults.ts';
import type { Counts } from './result.ts';
import {
  crashesAt,
  describeGap,
  exemptCrashPoints,
  expectedCodes,
  expectedMessages,
  expectedOutcomes,
  expectedTransitions,
  faultShare,
  gaps,
  keptViolations,
  type Gap,
  type SeenViolation,
  type Summary,
} from './summary.ts';

export type BatchFacts = {
  readonly firstSeed: number;
  readonly workers: number;
  readonly wallMs: number;
  /** More than were run where the batch was ended early. */
  readonly asked: number;
};

const width = 100;
/** Below this many runs the rare faults may well be absent by chance. */
const fewRuns = 100;

const percent = (share: number): string => (share === 0 ? '0 %' : share < 0.001 ? '<0.1 %' : `${(share * 100).toFixed(1)} %`);

/** The command line that replays a run, as a person may type it. */
export const traceCommand = (seed: number, options: { readonly disabled?: readonly FaultKind[]; readonly only?: readonly string[] } = {}): string => {
  const without = options.disabled === undefined || options.disabled.length === 0 ? '' : ` --without ${options.disabled.join(',')}`;
  const only = options.only === undefined ? '' : ` --only ${options.only.length === 0 ? 'none' : options.only.join(',')}`;
  return `npm run simulate -- --seed ${seed} --trace${without}${only}`;
};

/** The same table in several columns beside one another, to be read downwards. */
const renderColumns = (columns: readonly TableColumn[], rows: readonly (readonly string[])[], style: Style): readonly string[] => {
  const asOne = renderTable(columns, rows, style, '');
  const widest = Math.max(0, ...asOne.map(widthOf));
  const gap = 4;
  const count = Math.max(1, Math.min(3, Math.floor((width - 2 + gap) / (widest + gap))));
  const height = Math.ceil(rows.length / count);
  const [title, ...body] = asOne as [string, ...string[]];
  const parts = Array.from({ length: count }, (_, index) => body.slice(index * height, (index + 1) * height)).filter((part) => part.length > 0);
  const join = (cells: readonly string[]): string =>
    `  ${cells.map((cell) => cell + ' '.repeat(Math.max(0, widest - widthOf(cell)))).join(' '.repeat(gap))}`.trimEnd();
  return [join(parts.map(() => title)), ...Array.from({ length: height }, (_, row) => join(parts.map((part) => part[row] ?? '')))];
};

const byCount = <T extends { readonly name: string; readonly count: number }>(a: T, b: T): number => a.count - b.count || (a.name < b.name ? -1 : 1);

const paintCount = (style: Style, text: string, count: number): string => (count === 0 ? style.paint('red', text) : text);

const renderFaults = (summary: Summary, style: Style): readonly string[] => {
  const rows = allFaultKinds
    .map((name) => ({ name, count: summary.faults[name]?.runs ?? 0, strikes: summary.faults[name]?.strikes ?? 0 }))
    .sort(byCount)
    .map(({ name, count, strikes }) => {
      const share = summary.runs === 0 ? 0 : count / summary.runs;
      const text = percent(share);
      const isRare = summary.runs >= faultShare.minRuns && share < faultShare.share;
      const said = summary.disabled.includes(name) ? style.dim('off') : count === 0 ? style.paint('red', 'never') : isRare ? style.paint('yellow', text) : text;
      return [name, formatCount(strikes), said];
    });
  return [
    '',
    style.bold('Faults'),
    ...renderColumns([{ title: 'fault' }, { title: 'strikes', align: 'right' }, { title: 'of runs', align: 'right' }], rows, style),
  ];
};

const renderCrashes = (summary: Summary, style: Style): readonly string[] => {
  const rows = crashPoints
    .map((name) => ({ name, ...crashesAt(summary, name) }))
    .map((point) => ({ ...point, count: point.before + point.after }))
    .sort((a, b) => byCount(a, b) || a.passed - b.passed)
    .map(({ name, passed, before, after }) => [
      name.replace('floodgate.', ''),
      paintCount(style, formatCount(passed), passed),
      paintCount(style, formatCount(before), before),
      paintCount(style, formatCount(after), after),
    ]);
  const columns: readonly TableColumn[] = [
    { title: 'point' },
    { title: 'reached', align: 'right' },
    { title: 'died before', align: 'right' },
    { title: 'after', align: 'right' },
  ];
  const exempt = Object.entries(exemptCrashPoints).map(([point, reason]) => style.dim(`  exempt: ${point}: ${reason}`));
  return ['', style.bold('Crash points'), ...renderTable(columns, rows, style), ...exempt];
};

const renderCounts = (title: string, column: string, expected: readonly string[], found: Counts, style: Style): readonly string[] => {
  const names = [...new Set([...expected, ...Object.keys(found)])];
  const rows = names
    .map((name) => ({ name, count: found[name] ?? 0 }))
    .sort(byCount)
    .map(({ name, count }) => [name.replace('floodgate.', ''), count === 0 ? style.paint('red', 'never') : formatCount(count)]);
  return ['', style.bold(title), ...renderColumns([{ title: column }, { title: 'count', align: 'right' }], rows, style)];
};

const renderGaps = (summary: Summary, found: readonly Gap[], style: Style): readonly string[] => {
  if (found.length === 0) return [];
  const isFew = summary.runs < fewRuns;
  const names = Map.groupBy(found, ({ of }) => of);
  // A handful of runs leaves most of this out by chance: one line says so, and nobody is alarmed.
  if (isFew) {
    const said = [...names].map(([of, those]) => plural(those.length, of)).join(', ');
    const text = `Not exercised: ${said}. ${plural(summary.runs, 'run')} are too few to judge by; ask for ${fewRuns} or more.`;
    return ['', ...wrapWords(text, width).map(style.dim)];
  }
  const groups = [...Map.groupBy(found, ({ of, how }) => `${of} ${how}`)];
  const lines = groups.flatMap(([what, those]) => {
    const [first, ...others] = those as [Gap, ...Gap[]];
    const isLoud = first.of === 'fault';
    const text = others.length === 0 ? describeGap(first) : `${what}: ${those.map(({ name }) => name).join(', ')}`;
    return wrapWords(text, width - 4).map((part, index) =>
      style.paint(isLoud ? 'red' : 'yellow', `  ${index === 0 ? (isLoud ? style.signs.fail : style.signs.warn) : ' '} ${part}`),
    );
  });
  return ['', style.bold(`Not exercised: ${plural(found.length, 'gap')} of the simulator`), ...lines];
};

/** Each invariant in its turn, so that a frequent violation doesn't hide a rare one; the smallest seeds first. */
const shownViolations = (summary: Summary, most: number): ReadonlyMap<string, readonly SeenViolation[]> => {
  const invariants = Object.keys(summary.byInvariant).sort();
  const shown = new Map<string, SeenViolation[]>(invariants.map((invariant) => [invariant, []]));
  let left = most;
  for (let turn = 0; turn < keptViolations && left > 0; turn += 1) {
    for (const invariant of invariants) {
      const next = summary.byInvariant[invariant]?.first[turn];
      if (next === undefined || left === 0) continue;
      shown.get(invariant)?.push(next);
      left -= 1;
    }
  }
  return shown;
};

export const nameInvariant = (invariant: string): string => (/^\d+$/.test(invariant) ? `Invariant ${invariant}` : `Broken: ${invariant}`);

const oneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, ' / ');

/** Every failing seed with the command that traces it: at most 20, with a count of the rest. */
export const renderViolations = (summary: Summary, style: Style): readonly string[] => {
  if (summary.violations === 0) return [];
  const lines = ['', style.bold(style.paint('red', plural(summary.violations, 'violation')))];
  for (const [invariant, seen] of shownViolations(summary, keptViolations)) {
    const count = summary.byInvariant[invariant]?.count ?? 0;
    lines.push(`  ${style.bold(nameInvariant(invariant))}: ${plural(count, 'run')}`);
    for (const { seed, message } of seen) {
      lines.push(truncate(`    ${style.paint('red', style.signs.fail)} seed ${seed}: ${oneLine(message)}`, width));
      lines.push(style.paint('cyan', `      ${traceCommand(seed, { disabled: summary.disabled })}`));
    }
    if (count > seen.length) lines.push(style.dim(`    and ${plural(count - seen.length, 'more run')}`));
  }
  return lines;
};

const renderTotals = (summary: Summary, { asked, firstSeed, wallMs, workers }: BatchFacts, found: readonly Gap[], style: Style): readonly string[] => {
  const rate = wallMs === 0 ? 0 : (summary.runs / wallMs) * 1_000;
  const seeds =
    summary.runs < asked
      ? `${formatCount(summary.runs)} of the ${plural(asked, 'run')} from seed ${firstSeed} on`
      : `${plural(summary.runs, 'run')}, seeds ${firstSeed} to ${firstSeed + asked - 1}`;
  const verdict =
    summary.violations > 0
      ? style.paint('red', `${style.signs.fail} ${plural(summary.violations, 'violation')}`)
      : found.length > 0 && summary.runs >= fewRuns
        ? style.paint('yellow', `${style.signs.warn} no violation, ${plural(found.length, 'gap')}`)
        : style.paint('green', `${style.signs.ok} no violation`);
  const slowest = summary.slowest === undefined ? '' : `; slowest: seed ${summary.slowest.seed}, ${formatDuration(summary.slowest.wallMs)}`;
  return [
    '',
    `${style.bold(verdict)} in ${seeds}`,
    `  ${formatDuration(wallMs)} on ${plural(workers, 'thread')}, ${formatRate(rate)} runs/s${slowest}`,
    `  ${formatDuration(summary.simulatedMs)} simulated, ${plural(summary.backfills, 'backfill')}, ${plural(summary.dates, 'date')}, ${plural(summary.strikes, 'fault')}`,
  ];
};

export const render = (summary: Summary, facts: BatchFacts, style: Style): readonly string[] => {
  if (summary.runs === 0) return ['No run has ended.'];
  const found = gaps(summary);
  return [
    ...renderCrashes(summary, style),
    ...renderFaults(summary, style),
    ...renderCounts('Transitions of tasks', 'transition', expectedTransitions, summary.transitions, style),
    ...renderCounts('Messages delivered', 'type', expectedMessages, summary.messages, style),
    ...renderCounts('Outcomes of errors', 'class:next', expectedOutcomes, summary.outcomes, style),
    ...renderCounts('Codes that reached a task', 'code', expectedCodes, summary.codes, style),
    ...renderGaps(summary, found, style),
    ...renderViolations(summary, style),
    ...renderTotals(summary, facts, found, style),
  ];
};

/** The same as one JSON document. */
export const summaryDocument = (summary: Summary, { asked, firstSeed, wallMs, workers }: BatchFacts): object => ({
  firstSeed,
  runs: summary.runs,
  asked,
  workers,
  wallMs,
  runsPerSecond: wallMs === 0 ? 0 : (summary.runs / wallMs) * 1_000,
  simulatedMs: summary.simulatedMs,
  backfills: summary.backfills,
  dates: summary.dates,
  slowest: summary.slowest ?? null,
  violations: {
    count: summary.violations,
    byInvariant: Object.entries(summary.byInvariant).map(([invariant, { count, first }]) => ({
      invariant,
      count,
      first: first.map(({ seed, message }) => ({ seed, message, trace: traceCommand(seed, { disabled: summary.disabled }) })),
    })),
  },
  disabled: summary.disabled,
  faults: Object.fromEntries(
    allFaultKinds.map((kind) => {
      const { strikes, runs } = summary.faults[kind] ?? { strikes: 0, runs: 0 };
      return [kind, { strikes, runs, share: summary.runs === 0 ? 0 : runs / summary.runs }];
    }),
  ),
  crashPoints: Object.fromEntries(crashPoints.map((point) => [point, crashesAt(summary, point)])),
  transitions: summary.transitions,
  messages: summary.messages,
  outcomes: summary.outcomes,
  codes: summary.codes,
  gaps: gaps(summary),
});
