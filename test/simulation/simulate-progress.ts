// How far a batch is: one line that is drawn again on a terminal, elsewhere a line at every tenth.
import { createLiveArea } from '@floodgate/cli/render/live-area.ts';
import { formatCount, formatEta, formatRate, plural } from '@floodgate/cli/render/numbers.ts';
import { truncate, type Style } from '@floodgate/cli/render/style.ts';
import type { Terminal } from '@floodgate/cli/print.ts';

export type Progress = { readonly done: number; readonly total: number; readonly elapsedMs: number; readonly faults: number; readonly violations: number };

const describe = ({ done, total, elapsedMs, faults, violations }: Progress, style: Style): string => {
  const rate = elapsedMs === 0 ? 0 : (done / elapsedMs) * 1_000;
  const bad = plural(violations, 'violation');
  return [
    `${formatCount(done)} of ${plural(total, 'run')}`,
    `${formatRate(rate)} runs/s`,
    plural(faults, 'fault'),
    violations > 0 ? style.paint('red', bad) : bad,
    done === 0 ? 'starting' : done === total ? 'done' : `${formatEta((elapsedMs / done) * (total - done))} to go`,
  ].join(', ');
};

const barWidth = 16;

/** One line, no wider than the terminal. */
const renderProgress = (progress: Progress, style: Style, width: number): string => {
  const full = Math.floor((progress.done / progress.total) * barWidth);
  const bar = style.paint(progress.violations > 0 ? 'red' : 'green', style.signs.full.repeat(full)) + style.dim(style.signs.empty.repeat(barWidth - full));
  return truncate(`${bar} ${describe(progress, style)}`, width - 1);
};

export type ProgressDisplay = { readonly show: (progress: Progress) => void; readonly end: () => void };

/** Drawn more often than that, the terminal would be slower than the runs. */
const redrawMs = 100;

export const createProgressDisplay = (terminal: Terminal, style: Style): ProgressDisplay => {
  if (terminal.isTerminal) {
    const area = createLiveArea(terminal.write);
    let drawnAt = Number.NEGATIVE_INFINITY;
    return {
      show: (progress) => {
        if (progress.elapsedMs - drawnAt < redrawMs && progress.done < progress.total) return;
        drawnAt = progress.elapsedMs;
        area.draw([renderProgress(progress, style, terminal.columns ?? 100)]);
      },
      end: area.clear,
    };
  }
  let tenths = 0;
  return {
    show: (progress) => {
      const reached = Math.floor((progress.done / progress.total) * 10);
      if (reached === tenths) return;
      tenths = reached;
      terminal.write(`${String(reached * 10).padStart(3)} %  ${describe(progress, style)}\n`);
    },
    end: () => undefined,
  };
};
