import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plainStyle, widthOf } from '@floodgate/cli/render/style.ts';
import { crashPoints } from './crash-points.ts';
import { allFaultKinds } from './faults.ts';
import type { Counts, RunResult } from './result.ts';
import { render, renderViolations, summaryDocument, traceCommand } from './summary-render.ts';
import {
  describeGap,
  emptySummary,
  expectedCodes,
  expectedMessages,
  expectedOutcomes,
  expectedTransitions,
  fold,
  gaps,
  keptViolations,
  type Summary,
} from './summary.ts';

const count = (names: readonly string[], each: number): Counts => Object.fromEntries(names.map((name) => [name, each]));
const bothSides = (each: number): Counts =>
  count(
    crashPoints.flatMap((point) => [`before ${point}`, `after ${point}`]),
    each,
  );

/** A run in which everything happens once. */
const fullRun = (seed: number, changes: Partial<RunResult> = {}): RunResult => ({
  seed,
  violation: undefined,
  strikes: allFaultKinds.map((kind) => ({ kind, number: 1, at: 10, where: 'worker-1.1 claim' })),
  points: bothSides(1),
  crashes: bothSides(1),
  transitions: count(expectedTransitions, 1),
  messages: count(expectedMessages, 1),
  outcomes: count(expectedOutcomes, 1),
  codes: count(expectedCodes, 1),
  dates: 5,
  backfills: 1,
  simulatedMs: 60_000,
  wallMs: 100 + (seed % 7),
  digest: 'd',
  events: [],
  ...changes,
});

const foldAll = (results: readonly RunResult[], start: Summary = emptySummary()): Summary => results.reduce(fold, start);
const runsOf = (length: number, changes: (seed: number) => Partial<RunResult> = () => ({})): readonly RunResult[] =>
  Array.from({ length }, (_, index) => fullRun(index + 1, changes(index + 1)));
const names = (summary: Summary): readonly string[] => gaps(summary).map(({ of, name }) => `${of} ${name}`);

describe('folding', () => {
  test('counts strikes apart from the runs in which they struck', () => {
    const strike = { kind: 'stall', at: 1, where: 'w' } as const;
    const summary = foldAll([
      fullRun(1, {
        strikes: [
          { ...strike, number: 1 },
          { ...strike, number: 2 },
        ],
      }),
      fullRun(2, { strikes: [] }),
      fullRun(3, { strikes: [{ ...strike, number: 1 }] }),
    ]);
    expect(summary.faults).toEqual({ stall: { strikes: 3, runs: 2 } });
    expect(summary.strikes).toBe(3);
  });

  test('gives the same whatever the order in which runs end', () => {
    const run = fc.record({
      seed: fc.integer({ min: 1, max: 99 }),
      invariant: fc.option(fc.constantFrom('1', '4', 'liveness')),
      kinds: fc.subarray([...allFaultKinds]),
      wallMs: fc.integer({ min: 1, max: 5 }),
    });
    const runs = fc.uniqueArray(run, { selector: ({ seed }) => seed, maxLength: 60 });
    const order = fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true }));
    fc.assert(
      fc.property(runs, order, (drawn, keys) => {
        const results = drawn.map(({ seed, invariant, kinds, wallMs }) =>
          fullRun(seed, {
            wallMs,
            strikes: kinds.map((kind) => ({ kind, number: 1, at: 1, where: 'w' })),
            violation: invariant === null ? undefined : { invariant, message: `broken in ${seed}`, at: 1, about: [] },
          }),
        );
        const shuffled = results
          .map((result) => ({ result, key: keys.next().value }))
          .sort((a, b) => a.key - b.key)
          .map(({ result }) => result);
        expect(foldAll(shuffled)).toEqual(foldAll(results));
      }),
      { numRuns: 100 },
    );
  });

  test('does not grow with the number of failing runs', () => {
    const summary = foldAll(runsOf(300, (seed) => ({ violation: { invariant: '4', message: `m${seed}`, at: 1, about: [] } })).toReversed());
    expect(summary.violations).toBe(300);
    expect(summary.byInvariant['4']).toMatchObject({ count: 300 });
    expect(summary.byInvariant['4']?.first.map(({ seed }) => seed)).toEqual(Array.from({ length: keptViolations }, (_, index) => index + 1));
  });
});

describe('gaps', () => {
  test('there is none where everything happened often enough', () => {
    expect(gaps(foldAll(runsOf(500)))).toEqual([]);
  });

  test('expects every answer that the error table gives, and no other', () => {
    expect([...expectedOutcomes].sort()).toEqual(
      [
        'conflict:waiting',
        'data:failed',
        'data:waiting',
        'halt:waiting',
        'not_ready:waiting',
        'permanent:failed',
        'rate_limited:failed',
        'rate_limited:waiting',
        'transient:failed',
        'transient:waiting',
        'unknown:failed',
        'unknown:waiting',
      ].sort(),
    );
  });

  test('names what no run did', () => {
    const without = (counts: Counts, name: string): Counts => Object.fromEntries(Object.entries(counts).filter(([key]) => key !== name));
    const summary = foldAll(
      runsOf(3, () => ({
        strikes: fullRun(1).strikes.filter(({ kind }) => kind !== 'deploy'),
        transitions: without(count(expectedTransitions, 1), 'reject'),
        messages: without(count(expectedMessages, 1), 'floodgate.phase.held'),
        outcomes: without(count(expectedOutcomes, 1), 'halt:waiting'),
        codes: without(count(expectedCodes, 1), 'disk_full'),
      })),
    );
    expect(names(summary)).toEqual(['fault deploy', 'transition reject', 'message floodgate.phase.held', 'outcome halt:waiting', 'code disk_full']);
  });

  test.each([
    { runs: 199, struck: 1, gap: false },
    { runs: 200, struck: 9, gap: true },
    { runs: 200, struck: 10, gap: false },
  ])('a fault in $struck of $runs runs is a gap: $gap', ({ runs, struck, gap }) => {
    const summary = foldAll(runsOf(runs, (seed) => (seed <= struck ? {} : { strikes: fullRun(1).strikes.filter(({ kind }) => kind !== 'deploy') })));
    expect(names(summary)).toEqual(gap ? ['fault deploy'] : []);
  });

  test('a fault that was switched off is not missed, nor are deaths at points without crashes', () => {
    const summary = foldAll(
      runsOf(500, () => ({ strikes: fullRun(1).strikes.filter(({ kind }) => kind !== 'deploy' && kind !== 'crash'), crashes: {} })),
      emptySummary(['deploy', 'crash']),
    );
    expect(gaps(summary)).toEqual([]);
  });

  test.each([
    { before: 10, after: 9, text: 'crash point claim saw 10 deaths before and 9 after, expected 20' },
    { before: 25, after: 0, text: 'crash point claim saw no death after it' },
    { before: 0, after: 25, text: 'crash point claim saw no death before it' },
  ])('$before deaths before and $after after a point are told', ({ before, after, text }) => {
    const crashes = (seed: number): Counts => ({ ...bothSides(1), 'before claim': seed <= before ? 1 : 0, 'after claim': seed <= after ? 1 : 0 });
    expect(gaps(foldAll(runsOf(500, (seed) => ({ crashes: crashes(seed) })))).map(describeGap)).toEqual([text]);
    expect(gaps(foldAll(runsOf(499, (seed) => ({ crashes: crashes(seed) }))))).toEqual([]);
  });

  test('a point that nobody ever reached is told as such', () => {
    const drop = (counts: Counts): Counts => Object.fromEntries(Object.entries(counts).filter(([key]) => !key.endsWith(' expire')));
    expect(gaps(foldAll(runsOf(500, () => ({ points: drop(bothSides(1)), crashes: drop(bothSides(1)) })))).map(describeGap)).toEqual([
      'crash point expire was never reached',
    ]);
  });
});

describe('rendering', () => {
  const facts = { firstSeed: 1, asked: 500, workers: 2, wallMs: 40_000 };
  const good = foldAll(runsOf(500));

  test('fits 100 columns, and says at the end that all is well', () => {
    const lines = render(good, facts, plainStyle);
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(100);
    expect(lines.slice(-3)).toEqual([
      '✓ no violation in 500 runs, seeds 1 to 500',
      '  40.0 s on 2 threads, 13 runs/s; slowest: seed 6, 106 ms',
      `  8 h 20 min simulated, 500 backfills, 2,500 dates, ${(500 * allFaultKinds.length).toLocaleString('en-US')} faults`,
    ]);
  });

  test('names everything once, in its table', () => {
    const text = render(good, facts, plainStyle).join('\n');
    const every = [...allFaultKinds, ...crashPoints, ...expectedTransitions, ...expectedMessages, ...expectedOutcomes, ...expectedCodes];
    expect(every.filter((name) => !text.includes(name.replace('floodgate.', '')))).toEqual([]);
  });

  test('puts the rarest first', () => {
    const transitions = { ...count(expectedTransitions, 9), reject: 1, retry_failed: 0 };
    const lines = render(foldAll(runsOf(1, () => ({ transitions }))), facts, plainStyle);
    const at = lines.indexOf('Transitions of tasks');
    expect(lines.slice(at + 2, at + 4).map((line) => line.trim().split(/\s+/).slice(0, 2))).toEqual([
      ['retry_failed', 'never'],
      ['reject', '1'],
    ]);
  });

  test('is loud about a fault that never struck, but not after a handful of runs', () => {
    const quiet = (runs: number): string => render(foldAll(runsOf(runs, () => ({ strikes: [] }))), { ...facts, asked: runs }, plainStyle).join('\n');
    expect(quiet(100)).toContain('✗ fault never struck: crash, crash_anywhere, stall, deploy,');
    expect(quiet(100)).toContain(`! no violation, ${allFaultKinds.length} gaps`);
    expect(quiet(99)).not.toContain('✗');
    expect(quiet(99)).toContain(`Not exercised: ${allFaultKinds.length} faults. `);
    expect(quiet(99)).toContain('99 runs are too few');
  });

  test('says how far an interrupted batch came', () => {
    expect(render(good, { ...facts, asked: 10_000 }, plainStyle).at(-3)).toBe('✓ no violation in 500 of the 10,000 runs from seed 1 on');
  });

  test('shows at most 20 failing seeds, those of a rare invariant among them, each with its command', () => {
    const violation = (seed: number): RunResult['violation'] =>
      seed % 2 === 0 ? { invariant: seed === 90 ? 'liveness' : '4', message: `line one of ${seed}\n  line two`, at: 1, about: [] } : undefined;
    const summary = foldAll(
      runsOf(100, (seed) => ({ violation: violation(seed) })),
      emptySummary(['stall']),
    );
    const lines = renderViolations(summary, plainStyle);
    expect(lines.filter((line) => line.includes('--trace'))).toHaveLength(20);
    expect(lines).toContain('50 violations');
    expect(lines).toContain('  Invariant 4: 49 runs');
    expect(lines).toContain('    ✗ seed 2: line one of 2 / line two');
    expect(lines).toContain('      npm run simulate -- --seed 2 --trace --without stall');
    expect(lines).toContain('    and 30 more runs');
    expect(lines.slice(-3)).toEqual([
      '  Broken: liveness: 1 run',
      '    ✗ seed 90: line one of 90 / line two',
      '      npm run simulate -- --seed 90 --trace --without stall',
    ]);
  });

  test('gives the same as a document', () => {
    const document = summaryDocument(foldAll(runsOf(4)), { ...facts, asked: 4, wallMs: 500 }) as Record<string, unknown>;
    expect(document).toMatchObject({
      runs: 4,
      runsPerSecond: 8,
      violations: { count: 0 },
      faults: { stall: { strikes: 4, runs: 4, share: 1 } },
      crashPoints: { claim: { passed: 4, before: 4, after: 4 } },
      gaps: [],
    });
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });

  test('the command of a trace names all that the run depends on', () => {
    expect(traceCommand(7)).toBe('npm run simulate -- --seed 7 --trace');
    expect(traceCommand(7, { disabled: ['crash'], only: ['stall#2', 'ack_lost#1'] })).toBe(
      'npm run simulate -- --seed 7 --trace --without crash --only stall#2,ack_lost#1',
    );
    expect(traceCommand(7, { only: [] })).toBe('npm run simulate -- --seed 7 --trace --only none');
  });
});
