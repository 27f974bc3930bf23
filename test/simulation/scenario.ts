// What one run is: its pipeline, its processes, what is asked of it and what goes wrong, all drawn from the seed. Each run has
// only some of the faults, and those at rates of its own ("swarm testing": Groce et al., ISSTA 2012): with all of them at once
// nothing ever gets far enough to go wrong in an interesting way.
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { CrashTarget } from './chaos.ts';
import { crashPoints, type CrashPoint } from './crash-points.ts';
import { allFaultKinds, type FaultKind } from './faults.ts';
import { exemptCrashPoints } from './summary.ts';
import type { Shape } from './pipelines.ts';
import { createRandom, type Random } from './random.ts';

export type Settings = {
  readonly datesPerTask: number | 'auto';
  /** Dates in one commit. */
  readonly maxDates: number;
  readonly lingerMs: number;
  readonly leaseMs: number;
  readonly reconcileEveryMs: number;
};

export type Act = {
  /** Milliseconds after the chaos began. */
  readonly at: number;
  readonly kind: FaultKind;
};

export type Ambush = { readonly point: CrashPoint; readonly kind: FaultKind };

export type Scenario = {
  readonly seed: number;
  readonly days: number;
  readonly shape: Shape;
  readonly processes: { readonly planner: number; readonly worker: number; readonly validator: number };
  readonly settings: Settings;
  /** Whether the tables are there already when the chaos begins, and what is asked then is to compute them again. */
  readonly warm: boolean;
  /** What is asked. */
  readonly request: JsonObject;
  /** How long the chaos lasts, in ms. */
  readonly chaosMs: number;
  readonly rates: Readonly<Partial<Record<FaultKind, number>>>;
  readonly crashes: readonly CrashTarget[];
  readonly stalls: readonly CrashTarget[];
  /** Acts that wait for the moment in which somebody is about to write. */
  readonly ambushes: readonly Ambush[];
  /** No losses, no deaths, and a reconciler that never comes: everything has to go on by doorbells alone. */
  readonly punctual: boolean;
  /** What operators and the world do, in order. */
  readonly acts: readonly Act[];
  /** How long closed backfills are kept. */
  readonly keepClosedMs: number;
  /** Whether the limits of the cloud hold. */
  readonly cloud: boolean;
  readonly random: Random;
};

/** Chance of a fault at each opportunity when a run has it: from the first to the second. Acts come from `mostActs` instead. */
const rateRanges: Readonly<Partial<Record<FaultKind, readonly [number, number]>>> = {
  crash_anywhere: [0.0004, 0.003],
  stall: [0.0005, 0.003],
  clock_jump: [0.0005, 0.004],
  other_build: [0.2, 0.6],
  publish_failed: [0.01, 0.1],
  publish_answer_lost: [0.01, 0.1],
  message_duplicated: [0.02, 0.3],
  message_delayed: [0.005, 0.08],
  message_reordered: [0.02, 0.3],
  redelivered_in_work: [0.01, 0.1],
  ack_lost: [0.01, 0.1],
  dead_lettered: [0.005, 0.05],
  store_conflict: [0.002, 0.02],
  store_rerun: [0.01, 0.1],
  store_unavailable: [0.001, 0.01],
  store_answer_lost: [0.002, 0.02],
  job_slow: [0.01, 0.08],
  job_late: [0.05, 0.15],
  job_failed: [0.01, 0.1],
  job_answer_lost: [0.01, 0.1],
  job_rate_limited: [0.02, 0.12],
  code_failed: [0.9, 1],
  staging_lost: [0.02, 0.08],
};

/** Acts of operators and of the world: most of one kind in a run. */
const mostActs: Readonly<Partial<Record<FaultKind, number>>> = {
  deploy: 3,
  killer_date: 1,
  source_changed: 6,
  rows_broken: 2,
  source_missing: 1,
  malformed_message: 1,
  paused: 2,
  cancelled: 1,
  retried: 3,
  replayed: 2,
  decided: 3,
  approved: 3,
  overlapping: 3,
  rebuilt: 3,
};

/** A fault that only means something where another one struck: drawn together. */
const company: Readonly<Partial<Record<FaultKind, readonly FaultKind[]>>> = {
  decided: ['rows_broken'],
  replayed: ['source_missing'],
};

/** What must be going on for a process to come by a point at all. */
const occasions: Readonly<Partial<Record<CrashPoint, readonly FaultKind[]>>> = {
  turn_stale: ['source_changed'],
  cancel_tasks: ['cancelled'],
  control: ['paused', 'cancelled'],
  reopen: ['job_failed', 'retried'],
  retry: ['job_failed', 'rows_broken', 'retried'],
  approve: ['approved'],
  'publish floodgate.phase.held': ['approved'],
  'publish floodgate.phase.blocked': ['job_failed', 'rows_broken'],
  'quarantine.decide': ['rows_broken', 'decided'],
  'warehouse.preserveStaging': ['rows_broken'],
  recover_lease: ['crash_anywhere'],
  recover_queued: ['message_delayed', 'ack_lost'],
  'ledger.rebuild': ['rebuilt', 'store_unavailable'],
  malformed: ['malformed_message'],
  'request.reject': ['overlapping'],
  'warehouse.cancelJob': ['stall', 'job_slow', 'crash_anywhere'],
  'warehouse.fence': ['crash_anywhere', 'stall'],
  'lane.ring': ['job_slow'],
  'lane.renew': ['job_slow'],
  'lease.renew': ['job_slow'],
  return_batch: ['job_failed', 'staging_lost', 'job_rate_limited'],
  expire: ['deploy'],
};

/** Few runs give these a chance to strike. */
const seldom: ReadonlySet<FaultKind> = new Set(['code_failed', 'job_late', 'other_build', 'job_rate_limited', 'staging_lost']);

const drawKinds = (random: Random): Set<FaultKind> => {
  const share = random.pick([0.08, 0.2, 0.4]);
  const kinds = new Set(allFaultKinds.filter((kind) => random.fork(kind).chance(seldom.has(kind) ? 3 * share : share)));
  for (const kind of kinds) for (const other of company[kind] ?? []) kinds.add(other);
  return kinds;
};

/** Points that a run seldom comes by while things go wrong are aimed at more often. */
const aim: Readonly<Partial<Record<CrashPoint, number>>> = {
  turn_stale: 20,
  'lane.look': 3,
  expire: 2,
  settle_batch: 2,
  begin_batch: 2,
  'warehouse.commit': 2,
  'lane.leave': 2,
  approve: 18,
  retry: 3,
  recover_lease: 4,
  recover_queued: 3,
  'publish floodgate.phase.held': 7,
  'publish floodgate.phase.completed': 5,
  'publish floodgate.backfill.ended': 3,
  'publish floodgate.phase.blocked': 3,
  'ledger.rebuild': 10,
  'lease.renew': 4,
  'lane.renew': 5,
  'lane.ring': 8,
  'warehouse.cancelJob': 6,
  'warehouse.fence': 3,
  'warehouse.preserveStaging': 2,
  'quarantine.decide': 8,
  return_batch: 3,
  cancel_tasks: 2,
  reopen: 6,
  'gate.decide': 2,
  'request.reject': 2,
  control: 2,
  finish: 2,
};
/** In an order of its own, in which the same target doesn't come twice in one run. */
const crashTargets = crashPoints
  .filter((point) => !Object.hasOwn(exemptCrashPoints, point))
  .flatMap((point) =>
    Array.from({ length: aim[point] ?? 1 }, () => [
      { point, when: 'before' as const },
      { point, when: 'after' as const },
    ]).flat(),
  )
  .map((target, index) => ({ target, place: createRandom(index).next() }))
  .sort((a, b) => a.place - b.place)
  .map(({ target }) => target);
/** Some runs die nowhere, some nearly everywhere: with a death every few seconds nobody gets to the later phases. */
const crashesPerRun = [0, 12, 24, 60] as const;
const mostCrashes = 60;

/**
 * Every seed dies at some of the named points, and each point's turn comes again and again: some hundred seeds in a row pass
 * through the whole list several times.
 */
const drawCrashes = (seed: number, random: Random): readonly CrashTarget[] =>
  Array.from({ length: random.pick(crashesPerRun) }, (_, index) => {
    const target = crashTargets[(seed * mostCrashes + index) % crashTargets.length] as (typeof crashTargets)[number];
    return { ...target, nth: aim[target.point] !== undefined || random.chance(0.7) ? 1 : random.int(1, 5) };
  });

/** A lane is renewed only where a commit takes long, so that the turns of the list seldom meet one. */
const drawRenewal = (random: Random): readonly CrashTarget[] =>
  random.chance(0.35) ? [{ point: 'lane.renew', when: random.pick(['before', 'after', 'after'] as const), nth: 1 }] : [];

/** At each of these something that its transaction must notice. */
const ambushes: readonly Ambush[] = [
  { point: 'release', kind: 'paused' },
  { point: 'claim', kind: 'paused' },
  { point: 'claim', kind: 'cancelled' },
  { point: 'settle_dispatch', kind: 'source_changed' },
  { point: 'settle_dispatch', kind: 'cancelled' },
  { point: 'begin_batch', kind: 'paused' },
  { point: 'begin_batch', kind: 'cancelled' },
  { point: 'settle_batch', kind: 'cancelled' },
  { point: 'gate.decide', kind: 'retried' },
  { point: 'gate.decide', kind: 'source_changed' },
  { point: 'finish', kind: 'retried' },
  { point: 'finish', kind: 'approved' },
  { point: 'activate', kind: 'overlapping' },
  { point: 'retry', kind: 'overlapping' },
  { point: 'quarantine.decide', kind: 'overlapping' },
];

const noTargets: readonly CrashTarget[] = [];

/** What a punctual run may have: nothing that loses anything. */
const harmless: readonly FaultKind[] = ['message_duplicated', 'message_reordered', 'redelivered_in_work', 'store_rerun', 'clock_jump'];

/** What is asked once the chaos has begun: for the first time, or again over tables that are there. */
const drawRequest = (random: Random, warm: boolean): JsonObject => ({
  gate: random.pick(['phase', 'phase', 'window']),
  limits: { maxInFlight: random.pick([3, 12, 1_000, 1_000]) },
  ...(warm ? { reprocess: random.pick(['stale', 'stale', 'all']) } : {}),
});

export const drawScenario = (seed: number): Scenario => {
  const random = createRandom(seed);
  const draw = random.fork('scenario');
  const punctual = random.fork('punctual').chance(0.12);
  const drawn = drawKinds(random.fork('kinds'));
  const kinds = punctual ? new Set(harmless.filter((kind) => drawn.has(kind))) : drawn;
  const crashes = punctual ? [] : [...drawCrashes(seed, draw), ...drawRenewal(random.fork('renewal'))];
  const traps = punctual ? [] : ambushes.filter(({ kind }, index) => random.fork(`ambush ${index}`).chance(kind === 'overlapping' ? 0.35 : 0.12));
  for (const { kind } of traps) kinds.add(kind).add('ambushed');
  for (const { point } of crashes) for (const kind of occasions[point] ?? []) kinds.add(kind);
  const warm = draw.chance(0.35) && !punctual;
  if (warm) kinds.add('source_changed');
  const chaosMs = draw.int(120, 360) * 1_000;
  const rates = Object.fromEntries(
    [...kinds].flatMap((kind) => {
      const range = rateRanges[kind];
      return range === undefined ? [] : [[kind, range[0] + (range[1] - range[0]) * draw.next() ** 2]];
    }),
  );
  // Half of the acts fall in the first half minute, when most is going on.
  const drawAct = (kind: FaultKind): Act => ({ kind, at: kind === 'rows_broken' && draw.chance(0.4) ? 0 : draw.int(500, draw.chance(0.5) ? 30_000 : chaosMs) });
  const acts = [...kinds]
    .flatMap((kind) => Array.from({ length: mostActs[kind] === undefined ? 0 : draw.int(1, mostActs[kind]) }, () => drawAct(kind)))
    .sort((a, b) => a.at - b.at);
  return {
    seed,
    random,
    days: draw.pick(punctual ? [12, 20, 40] : [6, 6, 6, 12, 20, 40]),
    shape: {
      lookback: draw.int(1, 5),
      featureLookback: draw.pick([0, 0, 2]),
      ranks: kinds.has('code_failed') || kinds.has('other_build') || draw.chance(0.2),
      bootstrapDays: draw.pick([0, 0, 3]),
      hold: kinds.has('approved'),
      maxAttempts: draw.pick([1, 2, 4, 12]),
    },
    // A lane is rung by a process that doesn't hold it.
    punctual,
    stalls: random.fork('stalls').chance(punctual ? 0 : 0.3) ? drawCrashes(seed + 7, random.fork('stalls')).slice(0, 5) : noTargets,
    ambushes: traps,
    processes: {
      planner: punctual ? 1 : draw.pick([1, 1, 2, 3]),
      worker: punctual || crashes.some(({ point }) => point === 'lane.ring') ? 3 : draw.pick([1, 2, 2, 3]),
      validator: punctual ? 1 : draw.pick([1, 1, 2]),
    },
    settings: {
      datesPerTask: draw.pick([1, 1, 3, 7, 'auto'] as const),
      maxDates: punctual ? 2 : draw.pick([2, 10, 50]),
      lingerMs: draw.pick([0, 500]),
      leaseMs: draw.pick([10_000, 30_000]),
      reconcileEveryMs: punctual ? 86_400_000 : draw.pick([5_000, 15_000]),
    },
    warm,
    request: drawRequest(draw, warm),
    chaosMs,
    rates,
    crashes,
    acts,
    keepClosedMs: punctual ? 90 * 86_400_000 : crashes.some(({ point }) => point === 'expire') || draw.chance(0.1) ? 20_000 : 90 * 86_400_000,
    cloud: draw.chance(0.25) && !punctual,
  };
};
