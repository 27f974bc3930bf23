// `npm run simulate`: many runs and what they add up to. One run and its story is in simulate-trace.ts.
import { availableParallelism } from 'node:os';
import { runSeeds } from './pool.ts';
import { parseArguments, usage, type BatchArguments } from './simulate-arguments.ts';
import { createOutput, type Surroundings } from './simulate-output.ts';
import { createProgressDisplay } from './simulate-progress.ts';
import { runTrace } from './simulate-trace.ts';
import { render, summaryDocument } from './summary-render.ts';
import { emptySummary, fold, gaps } from './summary.ts';

export const exitCodes = { ok: 0, violation: 1, usage: 2, notExercised: 3, interrupted: 130 } as const;

export const runSimulate = async (args: readonly string[], surroundings: Surroundings): Promise<number> => {
  const parsed = parseArguments(args);
  if (!parsed.ok) {
    for (const problem of parsed.problems) surroundings.err.write(`${problem}\n`);
    surroundings.err.write('`npm run simulate -- --help` tells all flags.\n');
    return exitCodes.usage;
  }
  switch (parsed.value.mode) {
    case 'help':
      surroundings.out.write(`${usage}\n`);
      return exitCodes.ok;
    case 'trace': {
      const output = createOutput(surroundings, parsed.value.json);
      const verdict = await runTrace(parsed.value, output, surroundings);
      return verdict === 'holds' ? exitCodes.ok : verdict === 'violated' ? exitCodes.violation : exitCodes.interrupted;
    }
    case 'batch':
      return runBatch(parsed.value, surroundings);
    default:
      return parsed.value satisfies never;
  }
};

const runBatch = async (asked: BatchArguments, surroundings: Surroundings): Promise<number> => {
  const output = createOutput(surroundings, asked.json);
  const workers = Math.min(asked.workers ?? availableParallelism(), asked.runs);
  const display = createProgressDisplay(output.people, output.style);
  const startedAt = performance.now();
  let summary = emptySummary(asked.without);
  const show = (): void =>
    display.show({ done: summary.runs, total: asked.runs, elapsedMs: performance.now() - startedAt, faults: summary.strikes, violations: summary.violations });
  show();
  try {
    await runSeeds({
      firstSeed: asked.seed,
      runs: asked.runs,
      disabled: asked.without,
      workers,
      failFast: asked.failFast,
      signal: surroundings.interrupted,
      ...(surroundings.thread === undefined ? {} : { thread: surroundings.thread }),
      onResult: (result) => {
        summary = fold(summary, result);
        show();
      },
    });
  } finally {
    display.end();
  }
  const facts = { firstSeed: asked.seed, asked: asked.runs, workers, wallMs: performance.now() - startedAt };
  if (asked.json) output.document(summaryDocument(summary, facts));
  else for (const line of render(summary, facts, output.style)) output.line(line);
  if (summary.violations > 0) return exitCodes.violation;
  if (surroundings.interrupted.aborted) return exitCodes.interrupted;
  return asked.demandCoverage && gaps(summary).length > 0 ? exitCodes.notExercised : exitCodes.ok;
};
