// Shows that a validation is going on: one line drawn in place on a terminal, a line now and then elsewhere.
import type { ValidationProgress } from '@floodgate/core/app/validate-scope.ts';
import { renderBar } from './render/progress.ts';
import { createLiveArea } from './render/live-area.ts';
import { formatClock } from './render/numbers.ts';
import { truncate } from './render/style.ts';
import type { Session } from './session.ts';

const drawEveryMs = 250;
const lineEveryMs = 5_000;

export const showWhile = async <Result>(session: Session, work: (progress: ValidationProgress) => Promise<Result>): Promise<Result> => {
  const { print, clock } = session;
  const area = print.live === undefined ? undefined : createLiveArea(print.live);
  const startedAt = clock.now();
  let step: Parameters<ValidationProgress>[0] = { done: 0, total: 0, what: '' };
  let linedAt = startedAt;
  const over = new AbortController();

  const line = (): string => {
    const { done, total, what } = step;
    const bar = total === 0 ? '' : `${renderBar({ total, good: done, bad: 0, inFlight: 1 }, 20, print.style)}  ${done}/${total}  `;
    return `  ${bar}${what === '' ? 'looking' : `looking at ${what}`}  ${print.style.dim(formatClock(clock.now() - startedAt))}`;
  };
  const draw = (): void => {
    if (area !== undefined) area.draw([truncate(line(), print.width)]);
    else if (clock.now() - linedAt >= lineEveryMs) {
      linedAt = clock.now();
      print.note(line().trim());
    }
  };
  const tick = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await clock.sleep(drawEveryMs, over.signal);
      draw();
    }
  };
  const ticking = tick().catch(() => undefined);
  try {
    return await work((next) => {
      step = next;
      draw();
    });
  } finally {
    over.abort('over');
    await ticking;
    area?.clear();
  }
};
