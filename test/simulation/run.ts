// One run: a world from a seed, a request, everything that goes wrong for a while, then calm weather in which people mend
// what was broken. What must hold holds all along; at the end the tables are those of the simplest sequential computation.
import { explainWaiting } from '@floodgate/core/app/explain.ts';
import { createPlanReader } from '@floodgate/core/app/plan-store.ts';
import { requestPath, type BackfillDocument } from '@floodgate/core/contracts/documents.ts';
import { storeIndexes } from '@floodgate/core/contracts/store-indexes.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { OptimisticStatusStore } from '@floodgate/embedded/optimistic-store.ts';
import { build, type Built } from './build-world.ts';
import { createOperators, look, type Operators } from './operators.ts';
import type { RunOptions, RunResult } from './result.ts';
import { drawScenario, type Scenario } from './scenario.ts';
import { createSupervisor } from './services.ts';
import type { SimulatedWorld } from './world.ts';

/** Simulated time after which a run that has not ended is stuck. */
const patienceMs = 3 * 3_600_000;

/** Moves on until `done`, looking once a second of simulated time. False where `maxMs` passed first. */
const waitFor = async (world: SimulatedWorld, done: () => boolean, maxMs: number): Promise<boolean> => {
  const until = world.clock.now() + maxMs;
  while (!done()) {
    if (world.clock.now() > until) return false;
    await world.clock.sleep(1_000);
  }
  return true;
};

const nothingActive = (world: SimulatedWorld) => (): boolean =>
  look(world)
    .backfills()
    .every(({ state }) => state !== 'active');

/** Asks for something, and waits until that is decided; whether it was accepted. */
const ask = async (world: SimulatedWorld, operators: Operators, request: JsonObject): Promise<boolean> => {
  const id = `asked at ${world.clock.now()}`;
  const decision = () => world.store.documents.read(requestPath(`/simulation#${id}`))?.data['decision'];
  await operators.request(request, id);
  await waitFor(world, () => decision() !== undefined, 900_000);
  return decision() === 'accepted';
};

/**
 * Whatever was paused goes on; what is held is approved, what failed is retried, what an audit refuses again and again of
 * sources that are as they should be (a date that has shrunk) is accepted, what a gate asks for (dates that turned stale and
 * are nobody's task) is computed; until everything has ended well.
 */
const mend = async (world: SimulatedWorld, operators: Operators): Promise<void> => {
  const seen = look(world);
  for (let round = 1; round <= 20; round += 1) {
    for (const { backfillId, state } of seen.backfills()) if (state === 'active' && seen.isPaused(backfillId)) await operators.control(backfillId, 'resume');
    await waitFor(world, nothingActive(world), 3_600_000);
    const blocked = seen.backfills().filter(({ state }) => state === 'blocked');
    const held = seen.gates().filter((gate) => gate.state === 'held' && blocked.some(({ backfillId }) => backfillId === gate.backfillId));
    if (held.length === 0 && blocked.length === 0) return;
    await world.clock.sleep(5_000);
    for (const { backfillId, phase } of held) await operators.approve(backfillId, phase);
    if (held.length > 0) continue;
    // Nobody decides about those of a backfill that was cancelled.
    const quarantined = seen.tasks().filter((task) => task.state === 'quarantined' && blocked.some(({ backfillId }) => backfillId === task.backfillId));
    if (round > 2) for (const task of quarantined) await operators.decide(task, 'accept');
    // What its own tasks were computed from has changed: that is theirs to notice when they are asked again.
    if (round === 4) {
      const stale = staleTasks(world);
      if (stale !== undefined) throw new Stuck(stale);
    }
    if (round % 4 === 0 && quarantined.length === 0) for (const reprocess of ['missing', 'stale']) await ask(world, operators, { reprocess });
    else for (const { backfillId } of blocked) await operators.retry(backfillId);
  }
};

class Stuck extends Error {}

/** A task that counts as done in a backfill whose gate says that it is stale. */
const staleTasks = (world: SimulatedWorld): string | undefined => {
  const seen = look(world);
  const blocked = new Set(seen.backfills().flatMap(({ backfillId, state }) => (state === 'blocked' ? [backfillId] : [])));
  for (const { backfillId, phase, state, checks } of seen.gates()) {
    if (state !== 'blocked' || !blocked.has(backfillId)) continue;
    for (const { check, processorId, dates, outcome } of checks) {
      if (check !== 'fresh' || outcome !== 'failed') continue;
      // What a newer commit has superseded is the other backfill's to keep fresh.
      const task = seen
        .tasks()
        .find((other) => other.backfillId === backfillId && other.processorId === processorId && dates.includes(other.date) && other.state !== 'superseded');
      if (task !== undefined)
        return `${processorId} ${task.date} of ${backfillId} is ${task.state}, the gate of phase ${phase} says that it is stale, and retrying does nothing`;
    }
  }
  return undefined;
};

/** What has not ended, and why not, as `explain` tells. Empty where everything has ended well. */
const explainStuck = async ({ store: { documents }, clock, ids }: SimulatedWorld, backfills: readonly BackfillDocument[]): Promise<string> => {
  const store = new OptimisticStatusStore(documents, { clock, ids, indexes: storeIndexes });
  const deps = { store, plans: createPlanReader(store), now: clock.now() };
  const lines: string[] = [];
  for (const { backfillId, state } of backfills) {
    if (state !== 'active' && state !== 'blocked') continue;
    const waiting = await explainWaiting(deps, backfillId);
    lines.push(
      `${backfillId} is ${state}${waiting.map(({ processorId, dates, why }) => `; ${processorId} ${dates[0] ?? ''} (${dates.length}): ${why}`).join('')}`,
    );
  }
  return lines.join('. ');
};

/** Lets an act begin in the moment in which somebody is about to write, once for each ambush. */
const ambushOf = (world: SimulatedWorld, operators: Operators): SimulatedWorld['ambush'] => {
  const waiting = [...world.scenario.ambushes];
  const random = world.scenario.random.fork('ambush');
  return async (point) => {
    // Where all depends on doorbells, one may ring in the moment in which a lane is left.
    if (world.scenario.punctual && (point === 'lane.leave' || point === 'lane.look') && random.chance(0.5)) return world.clock.sleep(random.int(50, 1_500));
    const index = waiting.findIndex((ambush) => ambush.point === point);
    const [ambush] = index === -1 ? [] : waiting.splice(index, 1);
    if (ambush === undefined || !world.chaos.note('ambushed', `the ${ambush.kind} at ${point}`)) return;
    void operators.act(ambush.kind);
    await world.clock.sleep(ambush.kind === 'overlapping' ? random.int(300, 900) : random.int(30, 400));
  };
};

const live = async (built: Built): Promise<void> => {
  const { world } = built;
  const { scenario, clock, chaos, monitor } = world;
  const supervisor = createSupervisor(world);
  const operators = createOperators(world, supervisor);
  supervisor.start();
  if (scenario.warm) {
    await operators.request({});
    await waitFor(world, () => look(world).backfills().length > 0, 60_000);
    await mend(world, operators);
    for (const date of world.dates) if (scenario.random.fork(date).chance(0.3)) world.sources.change(date);
  }
  const began = clock.now();
  chaos.begin();
  world.ambush = ambushOf(world, operators);
  const acts = scenario.acts.map(async ({ at, kind }) => {
    await clock.sleep(at);
    await operators.act(kind);
  });
  if (!scenario.punctual && scenario.random.fork('left job').chance(0.3)) acts.push(operators.overtakeLeftJob());
  await clock.sleep(scenario.random.fork('first').int(0, 2_000));
  void operators.request(scenario.request, 'the request');
  if (scenario.punctual) {
    const isDone = (): boolean => look(world).backfills().length > 0 && nothingActive(world)();
    if (!(await waitFor(world, isDone, 1_800_000))) throw new Stuck(`doorbells alone don’t finish ${await explainStuck(world, look(world).backfills())}`);
  } else await clock.sleep(began + scenario.chaosMs - clock.now());
  chaos.calm();
  world.ambush = undefined;
  world.trace({ process: 'world', what: 'process', text: 'the chaos is over', about: [] });
  await Promise.all(acts);
  world.killers.clear();
  world.sources.mend();
  world.warehouse.mend();
  world.warehouse.faults.clear();
  // A request that the bus has taken is decided, whatever becomes of its message.
  const undecided = (): string | undefined => [...world.requested].find((key) => world.store.documents.read(requestPath(key)) === undefined);
  if (scenario.keepClosedMs > 86_400_000 && !(await waitFor(world, () => undecided() === undefined, 1_800_000)))
    return built.report({ invariant: '7', message: `the request ${undecided() ?? ''} was taken by the bus and never decided`, about: [] });
  // Somebody asks again for what was never taken, under the same key: it is decided once.
  await operators.request(scenario.request, 'the request');
  await waitFor(world, () => look(world).backfills().length > 0, 900_000);
  await mend(world, operators);
  for (const reprocess of ['missing', 'stale']) {
    // Rejected where a request that comes late has just been accepted for the same dates.
    for (let tries = 1, accepted = false; tries <= 5 && !accepted; tries += 1) {
      accepted = await ask(world, operators, { reprocess });
      await mend(world, operators);
    }
  }
  // Messages that come late are over, leases die, the outbox is drained, lanes are left.
  const isQuiet = (): boolean => look(world).sizeOf('outbox') + look(world).sizeOf('leases') === 0 && nothingActive(world)();
  for (let tries = 1; tries <= 5; tries += 1) {
    await waitFor(world, isQuiet, 600_000);
    await clock.sleep(2 * scenario.settings.leaseMs);
    await mend(world, operators);
    if (isQuiet()) break;
  }
  const stuck = await explainStuck(world, look(world).backfills());
  if (stuck !== '') return built.report({ invariant: 'liveness', message: `in calm weather, with everything mended and retried, ${stuck}`, about: [] });
  await monitor.atEnd();
  supervisor.end();
};

/** Runs one seed. */
export const simulate = (options: RunOptions): Promise<RunResult> => simulateScenario(drawScenario(options.seed), options);

/** Runs a scenario that was drawn, or made by hand. */
export const simulateScenario = async (scenario: Scenario, options: RunOptions): Promise<RunResult> => {
  const built = build(scenario, options);
  const { clock } = built.world;
  // What is thrown where nobody waits for it would end a real process.
  const onUnhandled = (error: unknown): void =>
    built.report({ invariant: 'crash', message: `nobody handles ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, about: [] });
  process.on('unhandledRejection', onUnhandled);
  let ended = false;
  const life = live(built).then(
    () => void (ended = true),
    (error: unknown) => {
      ended = true;
      if (error instanceof Stuck) built.report({ invariant: 'liveness', message: error.message, about: [] });
      else onUnhandled(error);
    },
  );
  try {
    const inTime = await clock.run(() => ended || built.violated(), clock.now() + patienceMs);
    if (!inTime)
      built.report({
        invariant: 'liveness',
        message: `nothing ended within ${patienceMs / 3_600_000} h: ${await explainStuck(built.world, look(built.world).backfills())}`,
        about: [],
      });
    if (ended) await life;
    return built.result();
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
};
