// `npm run simulate -- --trace`: one run, made twice; where it fails, made again and again with fewer faults, and told with
// those that are left.
import type { Terminal } from '@floodgate/cli/print.ts';
import { createLiveArea } from '@floodgate/cli/render/live-area.ts';
import { formatDuration, plural } from '@floodgate/cli/render/numbers.ts';
import { createPool, hasAnswered, type Pool } from './pool.ts';
import type { RunOptions, RunResult } from './result.ts';
import { nameStrike, shrink, suppressAllBut, type Shrunk } from './shrink.ts';
import type { TraceArguments } from './simulate-arguments.ts';
import type { Output, Surroundings } from './simulate-output.ts';
import { nameInvariant, traceCommand } from './summary-render.ts';
import { firstDifference, formatElapsed, relevantEvents, renderEvents, renderStrikes } from './trace.ts';

/** Some 20 seconds for runs of 100 ms; what hangs takes longer, and is ended after the time below. */
const maxRuns = 200;
const maxShrinkMs = 120_000;
/** A slow machine is no violation, and somebody is there to interrupt: longer than in a batch. */
const maxWallMs = 180_000;

export type Verdict = 'holds' | 'violated' | 'interrupted';

const widthOf = (terminal: Terminal): number => terminal.columns ?? 100;

export const runTrace = async (asked: TraceArguments, output: Output, { interrupted, thread }: Surroundings): Promise<Verdict> => {
  // One thread: the order of runs is then part of what is replayed, as it is for somebody who looks at them one by one.
  await using pool = createPool({ workers: 1, maxWallMs, ...(thread === undefined ? {} : { thread }) });
  const run = (only: readonly string[] | undefined, trace: boolean): Promise<RunResult> => pool.run(optionsOf(asked, only, trace));
  const whenInterrupted = Promise.withResolvers<'interrupted'>();
  interrupted.addEventListener('abort', () => whenInterrupted.resolve('interrupted'), { once: true });

  const tell = async (): Promise<Verdict> => {
    const first = await run(asked.only, true);
    // What gave no answer is broken in a way that has no trace: nothing to compare, nothing to shrink.
    if (!hasAnswered(first)) return tellNoAnswer(asked, output, first);
    const again = await run(asked.only, true);
    if (!hasAnswered(again)) return tellNoAnswer(asked, output, again);
    if (first.digest !== again.digest) return tellDifference(asked, output, first, again);
    if (first.violation === undefined) return tellGoodRun(asked, output, first);
    const shrunk = await shrinkRun(first, output, (only) => run(only, false), interrupted);
    if (interrupted.aborted) return 'interrupted';
    // The candidates were made without events.
    const told = shrunk.smallest === first ? first : await run(shrunk.smallest.strikes.map(nameStrike), true);
    if (told.digest !== shrunk.smallest.digest) return tellDifference(asked, output, shrunk.smallest, told);
    return tellFailure(asked, output, first, { ...shrunk, smallest: told });
  };
  return await Promise.race([tell(), whenInterrupted.promise]);
};

const optionsOf = (asked: TraceArguments, only: readonly string[] | undefined, trace: boolean): RunOptions => ({
  seed: asked.seed,
  disabled: asked.without,
  ...(only === undefined ? {} : { suppressed: suppressAllBut(only) }),
  trace,
});

const shrinkRun = async (
  first: RunResult,
  { people, style }: Output,
  run: (only: readonly string[]) => ReturnType<Pool['run']>,
  interrupted: AbortSignal,
): Promise<Shrunk> => {
  const area = people.isTerminal ? createLiveArea(people.write) : undefined;
  const startedAt = performance.now();
  const say = (runs: number, left: number): void =>
    area?.draw([style.dim(`leaving out faults: ${plural(left, 'strike')} left after ${runs} of at most ${maxRuns} runs`)]);
  const mayGoOn = (): boolean => !interrupted.aborted && performance.now() - startedAt < maxShrinkMs;
  const shrunk = await shrink({ first, run, maxRuns, mayGoOn, onRun: say });
  area?.clear();
  return shrunk;
};

const describeRun = ({ seed, strikes, backfills, dates, simulatedMs, wallMs, digest }: RunResult): string =>
  `Seed ${seed}: ${plural(backfills, 'backfill')}, ${plural(dates, 'date')}, ${plural(strikes.length, 'fault')}, ${formatDuration(simulatedMs)} simulated in ${formatDuration(wallMs)}, digest ${digest}`;

const documentOf = (asked: TraceArguments, { violation, strikes, digest, simulatedMs, wallMs }: RunResult): object => ({
  seed: asked.seed,
  digest,
  violation: violation ?? null,
  strikes,
  simulatedMs,
  wallMs,
});

const tellNoAnswer = (asked: TraceArguments, output: Output, result: RunResult): Verdict => {
  if (asked.json) output.document({ ...documentOf(asked, result), deterministic: null });
  else tellViolation(output, result);
  return 'violated';
};

const tellDifference = (asked: TraceArguments, { line, document, style, people }: Output, one: RunResult, other: RunResult): Verdict => {
  const difference = firstDifference(one.events, other.events);
  if (asked.json) {
    document({ ...documentOf(asked, one), deterministic: false, digests: [one.digest, other.digest], difference: difference ?? null });
    return 'violated';
  }
  line(style.bold(style.paint('red', `${nameInvariant('determinism')}: two runs of seed ${asked.seed} differ (digests ${one.digest} and ${other.digest})`)));
  if (difference === undefined) line('  Their events are the same: what differs is a write that no event tells of.');
  else {
    const width = widthOf(people);
    line(`  They part at event ${difference.index + 1}${difference.index === 0 ? ', the first.' : '. Before it:'}`);
    for (const text of renderEvents(one.events.slice(Math.max(0, difference.index - 8), difference.index), { style, width, isWhole: true })) line(text);
    for (const [name, event] of [
      ['one', difference.one],
      ['the other', difference.other],
    ] as const) {
      line(`  Then ${name}:`);
      for (const text of event === undefined ? ['  ends'] : renderEvents([event], { style, width, isWhole: true })) line(text);
    }
  }
  return 'violated';
};

const tellGoodRun = (asked: TraceArguments, { line, document, style, people }: Output, result: RunResult): Verdict => {
  if (asked.json) {
    document({ ...documentOf(asked, result), deterministic: true, ...(asked.all ? { events: result.events } : {}) });
    return 'holds';
  }
  line(describeRun(result));
  if (asked.all) for (const text of renderEvents(result.events, { style, width: widthOf(people), isWhole: true })) line(text);
  line(style.paint('green', `${style.signs.ok} All invariants hold, twice with the same digest.`));
  if (!asked.all) line(style.dim(`  ${plural(result.events.length, 'event')}; --all shows them.`));
  return 'holds';
};

const tellFailure = (asked: TraceArguments, output: Output, first: RunResult, { smallest, runs, isMinimal }: Shrunk): Verdict => {
  const { line, document, style, people } = output;
  const command = traceCommand(asked.seed, { disabled: asked.without, only: smallest.strikes.map(nameStrike) });
  const events = asked.all ? smallest.events : relevantEvents(smallest);
  if (asked.json) {
    document({ ...documentOf(asked, first), deterministic: true, shrunk: { ...documentOf(asked, smallest), runs, minimal: isMinimal, command, events } });
    return 'violated';
  }
  const width = widthOf(people);
  line(describeRun(first));
  tellViolation(output, first);
  const how = isMinimal ? `none of them can be left out, ${plural(runs, 'run')}` : `the search ended after ${plural(runs, 'run')}: there may be fewer`;
  line('');
  line(style.bold(`It takes ${smallest.strikes.length} of its ${plural(first.strikes.length, 'fault')} (${how})`));
  for (const text of renderStrikes(smallest, { style, width })) line(text);
  if (smallest.violation?.message !== first.violation?.message) {
    line('');
    line('With these alone:');
    tellViolation(output, smallest);
  }
  line('');
  const left = smallest.events.length - events.length;
  line(style.bold('What happened') + style.dim(left > 0 ? `  (${plural(left, 'event')} about other things left out; --all shows them)` : ''));
  for (const text of renderEvents(events, { style, width, isWhole: asked.all })) line(text);
  line('');
  line(`Again: ${style.paint('cyan', command)}`);
  return 'violated';
};

const tellViolation = ({ line, style }: Output, { violation }: RunResult): void => {
  if (violation === undefined) return;
  const about = violation.about.length === 0 ? '' : ` (about ${violation.about.join(', ')})`;
  line(style.bold(style.paint('red', `${style.signs.fail} ${nameInvariant(violation.invariant)} at ${formatElapsed(violation.at)}${about}`)));
  for (const text of violation.message.split('\n')) line(`  ${text}`);
};
