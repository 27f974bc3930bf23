// What a batch of simulated runs adds up to, and what it left out. Runs are folded in as they come and then forgotten, so ten
// thousand take no more memory than ten; the order in which they come changes nothing. What should have happened is read
// off the product's own tables, so a new transition or message is missed here until some run makes it.
import { messageTypes } from '@floodgate/core/contracts/messages.ts';
import { decideAfterFailure, errorClasses, type TaskErrorCode } from '@floodgate/core/domain/failure.ts';
import { transitions } from '@floodgate/core/domain/task-state.ts';
import { storeErrorCodes, type StoreErrorCode } from '@floodgate/core/ports/status-store.ts';
import { warehouseErrorCodes, type WarehouseErrorCode } from '@floodgate/core/ports/warehouse.ts';
import { crashPoints, type CrashPoint } from './crash-points.ts';
import { allFaultKinds, type FaultKind } from './faults.ts';
import type { Counts, RunResult } from './result.ts';

export type SeenViolation = { readonly seed: number; readonly message: string };

export type Summary = {
  readonly runs: number;
  /** Faults that were switched off: nobody expects them. */
  readonly disabled: readonly FaultKind[];
  readonly violations: number;
  /** The smallest seeds of each invariant, at most `keptViolations` of them. */
  readonly byInvariant: Readonly<Record<string, { readonly count: number; readonly first: readonly SeenViolation[] }>>;
  readonly strikes: number;
  readonly faults: Readonly<Record<string, { readonly strikes: number; readonly runs: number }>>;
  /** Both as `before claim`. */
  readonly points: Counts;
  readonly crashes: Counts;
  readonly transitions: Counts;
  readonly messages: Counts;
  readonly outcomes: Counts;
  readonly codes: Counts;
  readonly dates: number;
  readonly backfills: number;
  readonly simulatedMs: number;
  readonly slowest: { readonly seed: number; readonly wallMs: number } | undefined;
};

export const keptViolations = 20;

/** From this many runs on, a fault is expected in at least this share of them. */
export const faultShare = { minRuns: 200, share: 0.05 } as const;
/** From this many runs on, processes are expected to have died this often at every named point, on both of its sides. */
const crashDeaths = { minRuns: 500, deaths: 20 } as const;

/** Points at which nothing can die often enough, each with its reason. */
export const exemptCrashPoints: Readonly<Partial<Record<CrashPoint, string>>> = {
  'lane.raise': 'needs a status store older than the warehouse: test/app/adopt-logs.test.ts',
  'lane.settled': 'needs expired tasks of a recorded commit: test/app/commit-lane.test.ts',
};

/** Codes that no task is given in a simulated run, each with its reason. */
const exemptCodes: Readonly<Record<string, string>> = {
  already_exists: 'a mistake in our own code: nothing creates a document twice',
  invalid: 'a mistake in our own code: the stores refuse what is no document',
  lane_fenced: 'says that a task is somebody else’s by now: nothing is recorded on it',
  cancelled: 'recorded under the reason of who cancelled: shutdown, deadline_exceeded; the rest in test/app/adoption.test.ts',
  upstream_not_ready: 'only where the ledger loses an entry between release and claim: test/app/execute-dispatch.test.ts',
};

export const expectedTransitions: readonly string[] = transitions.map(({ name }) => name);
export const expectedMessages: readonly string[] = Object.keys(messageTypes);

/** Every answer that the error table can give, as `class:next`: asked for each class, early and late, alone and in a span. */
export const expectedOutcomes: readonly string[] = [
  ...new Set(
    errorClasses.flatMap((errorClass) =>
      [1, Number.MAX_SAFE_INTEGER].flatMap((attempt) =>
        [1, 2].map((span) => {
          const failure = { code: 'unknown', class: errorClass, message: '' };
          return `${errorClass}:${decideAfterFailure({ failure, attempt, span, retry: { maxAttempts: 3, baseMs: 1, maxMs: 1 }, random: 0 }).next}`;
        }),
      ),
    ),
  ),
];

/** Codes of code that fetches over a network, which the simulator has none of. */
type FetchCode = 'no_source_url' | 'source_blocked' | 'source_refused' | 'source_unavailable' | 'source_incomplete';

/** The codes of no port; the compiler says when one is missing. */
const ownCodes: Readonly<Record<Exclude<TaskErrorCode, WarehouseErrorCode | StoreErrorCode | FetchCode>, true>> = {
  deadline_exceeded: true,
  code_version_mismatch: true,
  upstream_not_ready: true,
  inputs_changed: true,
  processor_error: true,
  quarantine_rejected: true,
  attempts_exhausted: true,
  shutdown: true,
};
export const expectedCodes: readonly string[] = [...new Set<string>([...warehouseErrorCodes, ...storeErrorCodes, ...Object.keys(ownCodes)])];

export const emptySummary = (disabled: readonly FaultKind[] = []): Summary => ({
  runs: 0,
  disabled,
  violations: 0,
  byInvariant: {},
  strikes: 0,
  faults: {},
  points: {},
  crashes: {},
  transitions: {},
  messages: {},
  outcomes: {},
  codes: {},
  dates: 0,
  backfills: 0,
  simulatedMs: 0,
  slowest: undefined,
});

const add = (to: Counts, more: Readonly<Partial<Record<string, number>>>): Counts => {
  const sum: Record<string, number> = { ...to };
  for (const [name, count] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + (count ?? 0);
  return sum;
};

const addStrikes = (to: Summary['faults'], strikes: RunResult['strikes']): Summary['faults'] => {
  const inRun = new Map<string, number>();
  for (const { kind } of strikes) inRun.set(kind, (inRun.get(kind) ?? 0) + 1);
  const sum = { ...to };
  for (const [kind, count] of inRun) sum[kind] = { strikes: (sum[kind]?.strikes ?? 0) + count, runs: (sum[kind]?.runs ?? 0) + 1 };
  return sum;
};

const addViolation = (to: Summary['byInvariant'], { seed, violation }: RunResult): Summary['byInvariant'] => {
  if (violation === undefined) return to;
  const { count, first } = to[violation.invariant] ?? { count: 0, first: [] };
  const seen = [...first, { seed, message: violation.message }].sort((a, b) => a.seed - b.seed).slice(0, keptViolations);
  return { ...to, [violation.invariant]: { count: count + 1, first: seen } };
};

const slower = (a: Summary['slowest'], { seed, wallMs }: RunResult): Summary['slowest'] =>
  a !== undefined && (a.wallMs > wallMs || (a.wallMs === wallMs && a.seed < seed)) ? a : { seed, wallMs };

export const fold = (summary: Summary, result: RunResult): Summary => ({
  runs: summary.runs + 1,
  disabled: summary.disabled,
  violations: summary.violations + (result.violation === undefined ? 0 : 1),
  byInvariant: addViolation(summary.byInvariant, result),
  strikes: summary.strikes + result.strikes.length,
  faults: addStrikes(summary.faults, result.strikes),
  points: add(summary.points, result.points),
  crashes: add(summary.crashes, result.crashes),
  transitions: add(summary.transitions, result.transitions),
  messages: add(summary.messages, result.messages),
  outcomes: add(summary.outcomes, result.outcomes),
  codes: add(summary.codes, result.codes),
  dates: summary.dates + result.dates,
  backfills: summary.backfills + result.backfills,
  simulatedMs: summary.simulatedMs + result.simulatedMs,
  slowest: slower(summary.slowest, result),
});

export type CrashCount = { readonly passed: number; readonly before: number; readonly after: number };

export const crashesAt = ({ points, crashes }: Summary, point: string): CrashCount => {
  const [before, after] = [crashes[`before ${point}`] ?? 0, crashes[`after ${point}`] ?? 0];
  // Who dies before a write was there too, and is told from one who was there and lived: `before` counts every arrival.
  return { passed: points[`before ${point}`] ?? points[`after ${point}`] ?? 0, before, after };
};

export type GapKind = 'fault' | 'crash point' | 'transition' | 'message' | 'outcome' | 'code';
export type Gap = { readonly of: GapKind; readonly name: string; /** What is wrong with it: `was never made`. */ readonly how: string };

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const faultGaps = ({ runs, disabled, faults }: Summary): readonly Gap[] =>
  allFaultKinds
    .filter((kind) => !disabled.includes(kind))
    .flatMap((kind): readonly Gap[] => {
      const struck = faults[kind]?.runs ?? 0;
      if (struck === 0) return [{ of: 'fault', name: kind, how: 'never struck' }];
      if (runs < faultShare.minRuns || struck >= runs * faultShare.share) return [];
      return [{ of: 'fault', name: kind, how: `struck in ${percent(struck / runs)} of the runs, expected ${percent(faultShare.share)}` }];
    });

const crashGaps = (summary: Summary): readonly Gap[] =>
  // Where nobody may crash, nobody is expected to.
  summary.runs < crashDeaths.minRuns || summary.disabled.includes('crash')
    ? []
    : crashPoints
        .filter((point) => !Object.hasOwn(exemptCrashPoints, point))
        .flatMap((point): readonly Gap[] => {
          const { passed, before, after } = crashesAt(summary, point);
          const said = (how: string): readonly Gap[] => [{ of: 'crash point', name: point, how }];
          if (passed === 0 && before + after === 0) return said('was never reached');
          if (before + after < crashDeaths.deaths) return said(`saw ${before} deaths before and ${after} after, expected ${crashDeaths.deaths}`);
          return before === 0 ? said('saw no death before it') : after === 0 ? said('saw no death after it') : [];
        });

const missing = (of: GapKind, expected: readonly string[], found: Counts, how: string): readonly Gap[] =>
  expected.filter((name) => (found[name] ?? 0) === 0).map((name) => ({ of, name, how }));

/** As a sentence. */
export const describeGap = ({ of, name, how }: Gap): string => `${of} ${name} ${how}`;

/** What these runs did not exercise, the loudest first. */
export const gaps = (summary: Summary): readonly Gap[] => [
  ...faultGaps(summary),
  ...crashGaps(summary),
  ...missing('transition', expectedTransitions, summary.transitions, 'was never made'),
  ...missing('message', expectedMessages, summary.messages, 'was never delivered'),
  ...missing('outcome', expectedOutcomes, summary.outcomes, 'never came'),
  ...missing(
    'code',
    expectedCodes.filter((code) => !Object.hasOwn(exemptCodes, code)),
    summary.codes,
    'never reached a task',
  ),
];
