// Shows a backfill while it runs: drawn in place on a terminal, a line now and then elsewhere.
import type { PlanReader } from '@floodgate/core/app/plan-store.ts';
import type { BackfillStatus } from '@floodgate/core/app/read-status.ts';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { createLiveArea } from './render/live-area.ts';
import { isSettled, progressModelOf, renderProgress, renderProgressLine, renderStart, type ProgressModel } from './render/progress.ts';
import type { Session } from './session.ts';

export type ProgressDisplay = {
  readonly show: (status: BackfillStatus) => void;
  /** A line that stays, above what is drawn. */
  readonly note: (text: string) => void;
  readonly stopping: () => void;
  /** Takes the drawing away. */
  readonly end: () => void;
};

/** Dates per second over the last seconds: what came in bursts long ago says nothing about what is left. */
const createRateMeter = (windowMs = 8_000) => {
  let samples: { readonly at: number; readonly done: number }[] = [];
  return (at: number, done: number): number | undefined => {
    samples.push({ at, done });
    const oldest = samples.findLastIndex((sample) => sample.at <= at - windowMs);
    if (oldest > 0) samples = samples.slice(oldest);
    const first = samples[0];
    return first === undefined || at - first.at < 500 || done <= first.done ? undefined : ((done - first.done) / (at - first.at)) * 1_000;
  };
};

const lineEveryMs = 2_000;

export const createProgressDisplay = async (session: Session, plans: PlanReader, pipelineHash: string): Promise<ProgressDisplay> => {
  const { print, clock } = session;
  // A version that this build can't read is told elsewhere; the bars then go without the names of phases.
  const pipeline: Pipeline | undefined = await plans.pipeline(pipelineHash).catch(() => undefined);
  const phaseNames = new Map(pipeline?.phases.map(({ number, name }) => [number, name] as const));
  const phaseOf = new Map(pipeline?.processors.map(({ id, phase }) => [id, phase] as const));
  const area = print.live === undefined ? undefined : createLiveArea(print.live);
  const rateOf = createRateMeter();
  const startedAt = clock.now();
  let [isStopping, linedAt, lined, started] = [false, Number.NEGATIVE_INFINITY, '', false];
  let last: ProgressModel | undefined;

  const draw = (model: ProgressModel): void => {
    last = model;
    if (area !== undefined) {
      area.draw(['', ...renderProgress(model, print.style, print.width, print.height - 1)]);
      return;
    }
    // A change of a phase or of the condition is told at once, anything else every other second.
    const mark = `${model.condition}|${model.phases.map(({ gate, tally }) => `${gate}${isSettled(tally) ? '!' : ''}`).join()}`;
    const line = renderProgressLine(model, print.style);
    if (mark === lined && clock.now() - linedAt < lineEveryMs) return;
    [lined, linedAt] = [mark, clock.now()];
    print.note(line);
  };

  return {
    show: (status) => {
      const now = clock.now();
      const context = { elapsedMs: now - startedAt, stopping: isStopping, phaseNames, phaseOf };
      const done = progressModelOf(status, { ...context, rate: undefined }).tally;
      const model = progressModelOf(status, { ...context, rate: rateOf(now, done.good + done.bad) });
      if (!started && model.tally.total > 0) {
        started = true;
        print.note(renderStart(model, print.style));
      }
      if (model.tally.total > 0) draw(model);
    },
    note: (text) => {
      area?.clear();
      print.note(text);
      if (last !== undefined && area !== undefined) draw(last);
    },
    stopping: () => {
      isStopping = true;
      if (last !== undefined) draw({ ...last, condition: 'stopping' });
    },
    end: () => area?.clear(),
  };
};
