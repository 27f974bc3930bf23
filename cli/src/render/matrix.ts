// The heat map of a backfill: one cell per date, one line per processor, months side by side as far as the terminal goes.
import type { ProcessorStatus } from '@floodgate/core/app/read-status.ts';
import type { ProgressState } from '@floodgate/core/domain/progress.ts';
import { renderCell, renderRun, type Cell } from './grid.ts';
import type { Style } from './style.ts';

const cells: Readonly<Record<ProgressState, Cell>> = {
  succeeded: { sign: '█', ascii: 'S', colour: 'green' },
  unchanged: { sign: '▓', ascii: 'U', colour: 'green' },
  superseded: { sign: '▒', ascii: 'P', colour: 'grey' },
  failed: { sign: '✗', ascii: 'F', colour: 'red' },
  quarantined: { sign: 'Q', ascii: 'Q', colour: 'magenta' },
  cancelled: { sign: 'x', ascii: 'x', colour: 'yellow' },
  running: { sign: '▶', ascii: '>', colour: 'cyan' },
  queued: { sign: '▷', ascii: 'q', colour: 'cyan' },
  staged: { sign: '▪', ascii: 's', colour: 'blue' },
  committing: { sign: '◆', ascii: 'c', colour: 'blue' },
  waiting: { sign: 'w', ascii: 'w', colour: 'yellow' },
  unreleased: { sign: '·', ascii: '.', colour: 'grey' },
};

type Month = { readonly name: string; readonly dates: readonly string[] };

const monthsOf = (dates: readonly string[]): readonly Month[] => {
  const months = new Map<string, string[]>();
  for (const date of dates) months.set(date.slice(0, 7), [...(months.get(date.slice(0, 7)) ?? []), date]);
  return [...months].map(([name, own]) => ({ name, dates: own }));
};

/** Months that fit beside each other; each is at least as wide as its name. A month wider than the terminal stands alone. */
const linesOf = (months: readonly Month[], room: number): readonly (readonly Month[])[] => {
  const lines: Month[][] = [];
  let left = 0;
  for (const month of months) {
    const width = Math.max(month.dates.length, month.name.length) + 1;
    if (lines.length === 0 || width > left) {
      lines.push([]);
      left = room;
    }
    lines.at(-1)?.push(month);
    left -= width;
  }
  return lines;
};

export const renderMatrix = (processors: readonly ProcessorStatus[], style: Style, width: number): readonly string[] => {
  const dates = [...new Set(processors.flatMap((processor) => processor.dates))].sort();
  if (dates.length === 0) return ['  no dates: the plan has no tasks'];
  const names = Math.max(...processors.map(({ processorId }) => processorId.length));
  const stateOf = new Map(
    processors.map(({ processorId, dates: own, states }) => [
      processorId,
      new Map<string, ProgressState>(own.map((date, index) => [date, states[index] ?? 'unreleased'])),
    ]),
  );
  const lines = linesOf(monthsOf(dates), Math.max(width - names - 4, 20)).flatMap((months) => {
    const head = months.map(({ name, dates: own }) => name.padEnd(Math.max(own.length, name.length))).join(' ');
    const rows = processors.map(({ processorId }) => {
      const row = months.map(({ name, dates: own }) => {
        const states = own.map((date) => stateOf.get(processorId)?.get(date));
        return (
          renderRun(
            states.map((state) => (state === undefined ? undefined : cells[state])),
            style,
          ) + ' '.repeat(Math.max(name.length - own.length, 0))
        );
      });
      return `  ${processorId.padEnd(names)}  ${row.join(' ')}`.trimEnd();
    });
    return [style.dim(`  ${' '.repeat(names)}  ${head}`.trimEnd()), ...rows, ''];
  });
  const seen = new Set(processors.flatMap(({ states }) => states));
  const legend = (Object.keys(cells) as ProgressState[])
    .filter((state) => seen.has(state))
    .map((state) => `${renderCell(cells[state], style)} ${state === 'unreleased' ? 'not begun' : state}`);
  return [...lines, `  ${legend.join('   ')}`];
};
