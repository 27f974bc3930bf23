// The progress of a backfill: as lines that are drawn again and again on a terminal, and as one line at a time elsewhere.
import type { BackfillStatus } from '@floodgate/core/app/read-status.ts';
import type { GateState } from '@floodgate/core/contracts/documents.ts';
import type { ProgressState } from '@floodgate/core/domain/progress.ts';
import { isGood, isInFlight } from '@floodgate/core/domain/task-state.ts';
import type { HeldUp } from '@floodgate/core/app/read-held-up.ts';
import { withFlags } from './commands.ts';
import { formatClock, formatCount, formatEta, formatRate, plural } from './numbers.ts';
import { truncate, widthOf, type Style } from './style.ts';

export type Tally = { readonly total: number; readonly good: number; readonly bad: number; readonly inFlight: number };

export type ProgressModel = {
  readonly backfillId: string;
  readonly pipelineId: string;
  readonly elapsedMs: number;
  readonly phases: readonly {
    readonly phase: number;
    readonly name: string;
    readonly gate: GateState;
    readonly tally: Tally;
    readonly processors: readonly { readonly processorId: string; readonly tally: Tally }[];
  }[];
  readonly tally: Tally;
  /** Dates per second lately; undefined while nothing is known. */
  readonly rate: number | undefined;
  readonly condition: 'going' | 'paused' | 'cancelling' | 'stopping';
};

const badStates: readonly ProgressState[] = ['failed', 'quarantined', 'cancelled'];

export const tallyOf = (states: readonly ProgressState[]): Tally => {
  let [good, bad, inFlight] = [0, 0, 0];
  for (const state of states) {
    if (state === 'unreleased') continue;
    if (isGood(state)) good += 1;
    else if (badStates.includes(state)) bad += 1;
    else if (isInFlight(state)) inFlight += 1;
  }
  return { total: states.length, good, bad, inFlight };
};

const sum = (tallies: readonly Tally[]): Tally =>
  tallies.reduce(
    (all, each) => ({ total: all.total + each.total, good: all.good + each.good, bad: all.bad + each.bad, inFlight: all.inFlight + each.inFlight }),
    { total: 0, good: 0, bad: 0, inFlight: 0 },
  );

export type ProgressContext = {
  readonly elapsedMs: number;
  readonly rate: number | undefined;
  readonly stopping: boolean;
  /** Name of a phase, and the phase of a processor, as the pipeline says. */
  readonly phaseNames: ReadonlyMap<number, string>;
  readonly phaseOf: ReadonlyMap<string, number>;
};

export const progressModelOf = (status: BackfillStatus, context: ProgressContext): ProgressModel => {
  const { backfill, control, gates } = status;
  const rows = Object.entries(backfill.tasks).map(([processorId, planned]) => {
    const seen = status.processors.find((processor) => processor.processorId === processorId);
    const tally = seen === undefined ? { total: planned, good: 0, bad: 0, inFlight: 0 } : tallyOf(seen.states);
    return { processorId, phase: seen?.phase ?? context.phaseOf.get(processorId) ?? 0, tally };
  });
  const phases = gates.map(({ phase, state }) => {
    // Processors that have nothing to do would only be empty lines.
    const processors = rows.filter((row) => row.phase === phase && row.tally.total > 0);
    return { phase, name: context.phaseNames.get(phase) ?? '', gate: state, tally: sum(processors.map(({ tally }) => tally)), processors };
  });
  const condition = control.cancelled ? 'cancelling' : context.stopping ? 'stopping' : control.paused ? 'paused' : 'going';
  return {
    backfillId: backfill.backfillId,
    pipelineId: backfill.pipelineId,
    elapsedMs: context.elapsedMs,
    phases,
    tally: sum(phases.map(({ tally }) => tally)),
    rate: context.rate,
    condition,
  };
};

export const renderBar = ({ total, good, bad, inFlight }: Tally, width: number, style: Style): string => {
  const { full, busy, empty } = style.signs;
  if (total === 0) return style.dim(empty.repeat(width));
  // What went wrong is never too little to be seen, and a bar is full only when everything is done.
  const cells = (count: number): number => (count === 0 ? 0 : Math.max(Math.floor((count / total) * width), 1));
  const badCells = cells(bad);
  const goodCells = good + bad === total ? width - badCells : Math.min(Math.floor((good / total) * width), width - badCells);
  const busyCells = Math.min(Math.ceil((inFlight / total) * width), width - badCells - goodCells);
  const rest = width - badCells - goodCells - busyCells;
  return (
    style.paint('green', full.repeat(goodCells)) +
    style.paint('red', full.repeat(badCells)) +
    style.paint('cyan', busy.repeat(busyCells)) +
    style.dim(empty.repeat(rest))
  );
};

export const renderGate = (gate: GateState, style: Style): string => {
  const { ok, fail, wait, held } = style.signs;
  switch (gate) {
    case 'open':
      return style.paint('green', `${ok} gate open`);
    case 'blocked':
      return style.paint('red', `${fail} gate blocked`);
    case 'held':
      return style.paint('yellow', `${held} gate held for approval`);
    case 'waiting':
      return style.dim(`${wait} gate waiting`);
  }
};

export const isSettled = ({ total, good, bad }: Tally): boolean => good + bad >= total;

const etaMs = ({ tally, rate }: ProgressModel): number | undefined =>
  rate === undefined || rate <= 0 ? undefined : ((tally.total - tally.good - tally.bad) / rate) * 1_000;

const footParts = (model: ProgressModel, style: Style): readonly string[] => {
  const { tally, rate, condition } = model;
  const eta = etaMs(model);
  const left = tally.total - tally.good - tally.bad;
  return [
    style.bold(`${formatCount(tally.good + tally.bad)} of ${formatCount(tally.total)} dates`),
    ...(rate === undefined || left === 0 ? [] : [`${formatRate(rate)} dates/s`]),
    ...(condition === 'going' && eta !== undefined && left > 0 ? [`about ${formatEta(eta)} left`] : []),
    ...(tally.inFlight > 0 ? [`${formatCount(tally.inFlight)} in flight`] : []),
    ...(tally.bad > 0 ? [style.paint('red', `${formatCount(tally.bad)} did not succeed`)] : []),
    ...(condition === 'going' ? [] : [style.paint('yellow', condition === 'stopping' ? 'stopping: finishing what is under way' : condition)]),
    ...(condition === 'going' && left === 0 && model.phases.some(({ gate }) => gate === 'waiting') ? ['checking the gate'] : []),
  ];
};

const nameWidth = (model: ProgressModel): number =>
  Math.max(12, ...model.phases.flatMap(({ processors }) => processors.map(({ processorId }) => widthOf(processorId))));

/** Lines no wider than `width` and no more than `height`: on a low terminal the processors are left out. */
export const renderProgress = (model: ProgressModel, style: Style, width: number, height: number): readonly string[] => {
  const separator = ` ${style.dim(style.signs.dot)} `;
  const names = nameWidth(model);
  const counts = Math.max(...model.phases.flatMap(({ processors }) => processors.map(({ tally }) => 2 * formatCount(tally.total).length + 1)), 3);
  const barWidth = Math.max(Math.min(width - names - counts - 10, 40), 8);
  const line = (name: string, tally: Tally, indent: string): string =>
    `${indent}${name.padEnd(names)}  ${renderBar(tally, barWidth, style)}  ${`${formatCount(tally.good + tally.bad)}/${formatCount(tally.total)}`.padStart(counts)}`;
  const phaseLine = ({ phase, name, gate }: ProgressModel['phases'][number]): string =>
    `  ${style.bold(`phase ${phase}`)}${name === '' ? '' : ` ${name}`}  ${renderGate(gate, style)}`;
  const foot = ['', `  ${footParts(model, style).join(separator)}${separator}${formatClock(model.elapsedMs)}`];
  const whole = [
    ...model.phases.flatMap((phase) => [phaseLine(phase), ...phase.processors.map(({ processorId, tally }) => line(processorId, tally, '    '))]),
    ...foot,
  ];
  const lines =
    whole.length < height
      ? whole
      : [...model.phases.map((phase) => `${line(`phase ${phase.phase}`, phase.tally, '  ')}  ${renderGate(phase.gate, style)}`), ...foot.slice(1)];
  return lines.slice(0, Math.max(height - 1, 1)).map((text) => truncate(text, width));
};

/** One line for a log: where it stands, in the phase that is under way. */
export const renderProgressLine = (model: ProgressModel, style: Style): string => {
  const current = model.phases.find(({ gate }) => gate !== 'open') ?? model.phases.at(-1);
  const where =
    current === undefined
      ? ''
      : `phase ${current.phase}${current.name === '' ? '' : ` ${current.name}`}: ${formatCount(current.tally.good + current.tally.bad)}/${formatCount(current.tally.total)}, ${renderGate(current.gate, style)}`;
  return [formatClock(model.elapsedMs), where, ...footParts(model, style)].filter((part) => part !== '').join('  ');
};

/** What waits because something is wrong, and is tried again by itself. */
export const renderHeldUp = ({ processorId, dates, failure }: HeldUp, style: Style, flags: string): readonly string[] => [
  `${style.paint('yellow', style.signs.warn)} ${processorId}: ${plural(dates, 'date')} ${dates === 1 ? 'waits' : 'wait'}, tried again after pauses (${style.bold(failure.code)})`,
  `    ${failure.message}`,
  ...(failure.hint === undefined ? [] : [style.dim(`    ${withFlags(failure.hint, flags)}`)]),
];

export const renderStart = (model: ProgressModel, style: Style): string => {
  const phases = plural(model.phases.length, 'phase');
  return `${style.bold(`Backfill ${model.backfillId}`)}  ${formatCount(model.tally.total)} dates to compute in ${phases} of ${model.pipelineId}`;
};
