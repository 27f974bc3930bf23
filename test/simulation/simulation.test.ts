// 500 seeds: no invariant of DESIGN §6 is broken, and nothing that can go wrong, happen or be decided has been left out.
import { describe, expect, test } from 'vitest';
import type { RunResult } from './result.ts';
import { drawScenario, type Scenario } from './scenario.ts';
import { simulate, simulateScenario } from './run.ts';
import { runSeeds } from './pool.ts';
import { exceededLimits } from './quotas-report.ts';
import { describeGap, emptySummary, fold, gaps } from './summary.ts';
import { traceCommand } from './summary-render.ts';

const runs = 500;

test(`${runs} seeds without a violation, in which every fault, crash point, transition, message and outcome came up`, async () => {
  let summary = emptySummary();
  const broken: string[] = [];
  await runSeeds({
    firstSeed: 1,
    runs,
    onResult: (result) => {
      summary = fold(summary, result);
      const { seed, violation } = result;
      if (violation !== undefined) broken.push(`seed ${seed} breaks ${violation.invariant}: ${violation.message}\n  ${traceCommand(seed)}`);
    },
  });
  expect(broken).toEqual([]);
  expect(summary.runs).toBe(runs);
  expect(gaps(summary).map(describeGap)).toEqual([]);
}, 300_000);

/** The same scenario with nothing that goes wrong. */
const undisturbed = (changes: Partial<Scenario>): Scenario => ({
  ...drawScenario(7),
  warm: false,
  rates: {},
  crashes: [],
  acts: [],
  stalls: [],
  ambushes: [],
  punctual: false,
  chaosMs: 1_000,
  cloud: false,
  days: 60,
  shape: { lookback: 5, featureLookback: 2, ranks: false, bootstrapDays: 0, hold: false, maxAttempts: 4 },
  keepClosedMs: 90 * 86_400_000,
  request: { gate: 'phase' },
  ...changes,
});

describe('in good weather', () => {
  const settings = { datesPerTask: 1, maxDates: 50, lingerMs: 500, leaseMs: 30_000, reconcileEveryMs: 5_000 } as const;
  const expectQuiet = ({ violation, codes, strikes }: RunResult): void => {
    expect(violation).toBeUndefined();
    expect(strikes).toEqual([]);
    expect(codes).toEqual({});
  };

  test.each([
    ['one date per message', settings],
    ['spans', { ...settings, datesPerTask: 7 }],
    ['spans as measured', { ...settings, datesPerTask: 'auto' }],
    ['small batches without company', { ...settings, maxDates: 3, lingerMs: 0 }],
  ] as const)('60 dates in three phases: %s', async (_, own) => {
    expectQuiet(await simulateScenario(undisturbed({ settings: own }), { seed: 7 }));
  });

  test('twenty workers in the settings of the cloud stay below its limits', async () => {
    const scenario = undisturbed({ settings, cloud: true, processes: { planner: 1, worker: 20, validator: 1 } });
    const result = await simulateScenario(scenario, { seed: 7 });
    expectQuiet(result);
    expect(result.quotas === undefined ? ['no report'] : exceededLimits(result.quotas, 'pull')).toEqual([]);
    expect(result.quotas?.hottestDocuments[0]?.writes).toBeGreaterThan(0);
  });
});

test('a malformed request is recorded once and never comes back', async () => {
  const acts = [
    { at: 100, kind: 'malformed_message' as const },
    { at: 30_000, kind: 'malformed_message' as const },
  ];
  const { violation, events } = await simulateScenario(undisturbed({ days: 6, acts, chaosMs: 60_000 }), { seed: 7, trace: true });
  expect(violation).toBeUndefined();
  const letters = events.filter(({ what, text }) => what === 'write' && text.startsWith('deadLetters/message-'));
  expect(letters.map(({ text }) => text.replace(/.*: /, ''))).toEqual(['state open', 'state open']);
});

test('a seed is the same run every time, with the trace and without', async () => {
  const [first, second, traced] = [await simulate({ seed: 11 }), await simulate({ seed: 11 }), await simulate({ seed: 11, trace: true })];
  expect(second.digest).toBe(first.digest);
  expect(traced.digest).toBe(first.digest);
  expect(second.strikes).toEqual(first.strikes);
  expect(traced.events.length).toBeGreaterThan(first.events.length);
  expect((await simulate({ seed: 12 })).digest).not.toBe(first.digest);
});

test('a strike that is suppressed leaves the others as they were until it would have come', async () => {
  const whole = await simulate({ seed: 11 });
  const [first] = whole.strikes;
  if (first === undefined) throw new Error('seed 11 was expected to have faults');
  const without = await simulate({ seed: 11, suppressed: [`${first.kind}#${first.number}`] });
  expect(without.violation).toBeUndefined();
  expect(without.strikes.some(({ kind, number }) => kind === first.kind && number === first.number)).toBe(false);
});
