// A worker thread whose runs behave as their seed says, for the tests of the pool and of the command: a simulator of the
// simulator. What goes wrong in it needs known strikes, so that shrinking has something to find.
import { createRandom } from './random.ts';
import { specialSeeds } from './pool-behaviour.ts';
import { serveRuns } from './pool-thread.ts';
import type { RunOptions, RunResult, TraceEvent, Violation } from './result.ts';
import type { Strike } from './chaos.ts';
import type { FaultKind } from './faults.ts';

const kinds: readonly FaultKind[] = ['crash', 'stall', 'ack_lost', 'job_late'];
const strikesOf = ({ seed, disabled = [], suppressed = [] }: RunOptions): readonly Strike[] =>
  kinds
    .flatMap((kind) => Array.from({ length: 5 + (seed % 3) }, (_, index) => ({ kind, number: index + 1, at: 1_000 * (index + 1), where: `worker-${index}.1` })))
    .filter(({ kind, number }) => !disabled.includes(kind) && !suppressed.includes(`${kind}#${number}`))
    .sort((a, b) => a.at - b.at);

const violationOf = (seed: number, strikes: readonly Strike[]): Violation | undefined => {
  const has = (kind: FaultKind, number: number): boolean => strikes.some((strike) => strike.kind === kind && strike.number === number);
  if (seed !== specialSeeds.fails && seed !== specialSeeds.failsToo) return undefined;
  if (!has('job_late', 2) || !has('crash', 4)) return undefined;
  return {
    invariant: '4',
    message: 'scores|2024-01-02 holds rows of generation 7,\n  its log names 8',
    at: 4_500,
    about: ['bf1', 'scores|2024-01-02', 'scores'],
  };
};

const eventsOf = (strikes: readonly Strike[], violation: Violation | undefined): readonly TraceEvent[] => {
  const faults = strikes.map(({ at, kind, number, where }) => ({ at, process: where, what: 'fault' as const, text: `${kind}#${number}`, about: [] }));
  const writes = Array.from({ length: 40 }, (_, index) => ({
    at: 100 * index,
    process: 'worker-1.1',
    what: 'write' as const,
    text: `claim scores|2024-01-${String((index % 4) + 1).padStart(2, '0')}`,
    about: ['bf1', `scores|2024-01-${String((index % 4) + 1).padStart(2, '0')}`],
  }));
  const end =
    violation === undefined ? [] : [{ at: violation.at, process: 'monitor', what: 'violation' as const, text: violation.message, about: violation.about }];
  return [...faults, ...writes, ...end].sort((a, b) => a.at - b.at);
};

const spin = (): never => {
  for (;;);
};

let runs = 0;

const simulate = async (options: RunOptions): Promise<RunResult> => {
  const { seed, trace = false } = options;
  runs += 1;
  if (seed === specialSeeds.throws) throw new RangeError('nobody has named this write');
  if (seed === specialSeeds.rejectsLate) return new Promise(() => setImmediate(() => void Promise.reject(new Error('nobody listens'))));
  if (seed === specialSeeds.spins) spin();
  // What a run must not do, and the pool must survive.
  if (seed === specialSeeds.exits) process.exit(7);
  const strikes = strikesOf(options);
  const violation = violationOf(seed, strikes);
  // Ends in another order than it began in.
  await new Promise((resolve) => setTimeout(resolve, createRandom(seed).int(0, 5)));
  const events =
    seed === specialSeeds.differs ? [{ at: 0, process: 'p', what: 'write' as const, text: `write ${runs}`, about: [] }] : eventsOf(strikes, violation);
  return {
    seed,
    violation,
    strikes,
    points: { 'before claim': 3, 'after claim': 2 },
    crashes: { 'before claim': 1 },
    transitions: { claim: 3, release: 3 },
    messages: { 'floodgate.tasks.dispatched': 4 },
    outcomes: { 'transient:waiting': 1 },
    codes: { unavailable: 1 },
    dates: 5,
    backfills: 1,
    simulatedMs: 60_000,
    wallMs: 2,
    digest: seed === specialSeeds.differs ? `${runs}` : `${seed} ${strikes.length}`,
    events: trace ? events : [],
  };
};

serveRuns(simulate);
