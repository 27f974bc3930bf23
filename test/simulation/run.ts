// One run: a world from a seed, a request, everything that goes wrong for a while, then calm weather in which people mend
// what was broken. What must hold holds all along; at the end the tables are those of the simplest sequential computation.
import { explainWaiting } from '@floodgate/core/app/explain.ts';
import { createPlanReader } from '@floodgate/core/app/plan-store.ts';
import type { BackfillDocument } from '@floodgate/core/contracts/documents.ts';
import { subscriptions } from '@floodgate/core/contracts/messages.ts';
import { storeIndexes } from '@floodgate/core/contracts/store-indexes.ts';
import { addDays, partitionDate, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { OptimisticStatusStore } from '@floodgate/embedded/optimistic-store.ts';
import { createTestCatalog } from '../support/pipeline-folder.ts';
import { createSeededIds } from '../support/seeded-ids.ts';
import { Chaos } from './chaos.ts';
import type { Change } from './crash-points.ts';
import { Monitor } from './monitor.ts';
import { createQuotas } from './quotas.ts';
import { createOracle } from './oracle.ts';
import { createOperators, look, type Operators } from './operators.ts';
import { folderOf, functionsOf } from './pipelines.ts';
import type { RunOptions, RunResult, TraceEvent, Violation } from './result.ts';
import { drawScenario, type Scenario } from './scenario.ts';
import { createSupervisor } from './services.ts';
import { SimulatedBus } from './simulated-bus.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedStore } from './simulated-store.ts';
import { SimulatedWarehouse } from './simulated-warehouse.ts';
import { createSources } from './sources.ts';
import type { SimulatedWorld } from './world.ts';

/** Simulated time after which a run that has not ended is stuck. */
const patienceMs = 3 * 3_600_000;

type Built = {
  readonly world: SimulatedWorld;
  readonly result: () => RunResult;
  readonly violated: () => boolean;
  readonly report: (violation: Omit<Violation, 'at'>) => void;
};

const build = (scenario: Scenario, options: RunOptions): Built => {
  const { random, shape } = scenario;
  const startedAt = performance.now();
  const clock = new SimulatedClock();
  const began = clock.now();
  const events: TraceEvent[] = [];
  const trace: SimulatedWorld['trace'] = (event) => {
    if (options.trace === true) events.push({ ...event, at: clock.now() - began });
  };
  let violation: Violation | undefined;
  const report: Built['report'] = (found) => {
    violation ??= { ...found, at: clock.now() - began };
    trace({ process: '', what: 'violation', text: `${found.invariant}: ${found.message}`, about: found.about });
  };
  const chaos = new Chaos({
    random: random.fork('chaos'),
    now: () => clock.now() - began,
    rates: scenario.rates,
    disabled: new Set(options.disabled),
    most: 8,
    crashes: scenario.crashes,
    suppressed: new Set(options.suppressed),
    onStrike: ({ kind, number, where }) =>
      trace({ process: where.startsWith('the ') ? 'world' : (where.split(' ')[0] ?? ''), what: 'fault', text: `${kind}#${number} at ${where}`, about: [] }),
  });
  const start = partitionDate('2024-01-01');
  const dates = Array.from({ length: scenario.days }, (_, index) => addDays(start, index));
  const calendar: readonly JsonObject[] = dates.map((date) => ({ date, season: '2024', kind: 'regular', items: 2 }));
  const functions = { calendar: () => calendar, ...functionsOf(shape) };
  const ids = createSeededIds(random.int(0, 2 ** 31));
  const folder = folderOf(shape);
  const catalog = createTestCatalog(folder);
  let digest = 0x811c9dc5;
  const quotas = scenario.cloud ? createQuotas({ now: () => clock.now(), mode: 'refuse' }) : undefined;
  const store = new SimulatedStore({
    clock,
    ids,
    random: random.fork('store'),
    beforeCommit: (changes) => quotas?.beforeWrites(changes),
    onUnnamed: (message) => report({ invariant: 'crash', message, about: [] }),
    onCommit: (process, changes) => {
      for (const { path, after } of changes) digest = mixText(digest, `${clock.now()} ${process} ${path} ${String(after?.['state'] ?? '')}`);
      quotas?.written(changes);
      monitor.onStoreCommit(process, changes);
      if (options.trace === true) traceChanges(trace, process, changes);
    },
  });
  const warehouse = new SimulatedWarehouse({
    functions,
    clock,
    random: random.fork('warehouse'),
    ...(quotas === undefined ? {} : { admit: (batch, work) => quotas.mutate({ [batch.target.table]: 1, [`${batch.target.table} log`]: 2 }, work) }),
    onCommit: (record) => {
      digest = mixText(digest, `${clock.now()} ${record.jobId} ${record.written.length}`);
      monitor.onWarehouseCommit(record);
      trace({
        process: record.process,
        what: 'job',
        text: `${record.jobId} commits ${record.written.map(({ date, generation }) => `${date}@${generation}`).join(' ')} to ${record.table}`,
        about: [record.table, ...record.written.map(({ date }) => `${record.table.slice(5)}|${date}`)],
      });
    },
  });
  const bus = new SimulatedBus({
    clock,
    chaos,
    random: random.fork('bus'),
    subscriptions: Object.values(subscriptions),
    onPublish: (process, messages) => {
      monitor.onPublish(process, messages);
      for (const { attributes, data } of messages)
        trace({ process, what: 'publish', text: `${attributes['type'] ?? ''} ${data}`, about: [attributes['subject'] ?? ''] });
    },
    onSettle: (process, { attributes }, settlement) =>
      trace({ process, what: 'deliver', text: `${settlement} ${attributes['type'] ?? ''}`, about: [attributes['subject'] ?? ''] }),
    onDeliver: (process, { attributes }) => trace({ process, what: 'deliver', text: `gets ${attributes['type'] ?? ''}`, about: [attributes['subject'] ?? ''] }),
  });
  const sources = createSources({
    dates,
    random: random.fork('sources'),
    put: (source, date, rows) => warehouse.put(source, date, rows),
    onChange: (source, date, text) => {
      monitor.onSourceChange(source, date);
      trace({ process: 'world', what: 'source', text: `${source} ${date}: ${text}`, about: [`games|${date}`] });
    },
  });
  const oracle = createOracle({ functions, calendar, sourceRows: (_source: string, date: PartitionDate) => sources.rowsOf(date) });
  const monitor: Monitor = new Monitor({ now: () => clock.now() - began, oracle, reader: store.documents, warehouse, onViolation: report });
  const world: SimulatedWorld = { scenario, dates, clock, chaos, ids, catalog, store, bus, warehouse, sources, killers: new Set(), quotas, monitor, trace };
  return {
    world,
    report,
    violated: () => violation !== undefined,
    result: () => ({
      seed: scenario.seed,
      violation,
      strikes: chaos.struck,
      points: chaos.passed,
      crashes: chaos.crashed,
      ...monitor.counts,
      messages: bus.deliveries,
      quotas: quotas?.report(),
      dates: scenario.days,
      backfills: look(world).backfills().length,
      simulatedMs: clock.now() - began,
      wallMs: performance.now() - startedAt,
      digest: (digest >>> 0).toString(16),
      events,
    }),
  };
};

const mixText = (hash: number, text: string): number => {
  let mixed = hash;
  for (let at = 0; at < text.length; at += 1) mixed = Math.imul(mixed ^ text.charCodeAt(at), 0x01000193);
  return mixed;
};

const traceChanges = (trace: SimulatedWorld['trace'], process: string, changes: readonly Change[]): void => {
  for (const change of changes) {
    const { path, before, after } = change;
    const collection = path.split('/').at(-2);
    if (collection === 'outbox' || collection === 'audit' || collection === 'progress') continue;
    const field = (document: JsonObject | undefined, name: string): string => String(document?.[name] ?? '');
    if (collection === 'tasks') {
      const about = [
        field(after ?? before, 'backfillId'),
        field(after ?? before, 'table'),
        `${field(after ?? before, 'processorId')}|${field(after ?? before, 'date')}`,
      ];
      const words =
        after === undefined ? 'deleted' : `${before === undefined ? 'new' : field(before, 'state')} → ${field(after, 'state')}, epoch ${field(after, 'epoch')}`;
      const failure = after?.['failure'] as { readonly code: string } | null | undefined;
      const text = `${field(after ?? before, 'processorId')} ${field(after ?? before, 'date')}: ${words}${failure === null || failure === undefined ? '' : ` (${failure.code})`}`;
      trace({ process, what: 'write', text, about });
    } else {
      const about = [
        field(after ?? before, 'backfillId'),
        field(after ?? before, 'table'),
        collection === 'gates' ? path.replace('backfills/', '').replace('gates/', '') : (path.split('/')[1] ?? ''),
      ];
      const shown = ['state', 'holder', 'epoch', 'rung', 'evaluation', 'paused', 'cancelled', 'sequence'].filter(
        (name) => after !== undefined && Object.hasOwn(after, name) && after[name] !== before?.[name],
      );
      trace({
        process,
        what: 'write',
        text: `${path}${after === undefined ? ' deleted' : `: ${shown.map((name) => `${name} ${field(after, name)}`).join(', ')}`}`,
        about: about.filter((key) => key !== ''),
      });
    }
  }
};

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

/** Asks for something, and waits until that is decided. */
const ask = async (world: SimulatedWorld, operators: Operators, request: JsonObject): Promise<void> => {
  const decided = look(world).sizeOf('requests');
  await operators.request(request);
  await waitFor(world, () => look(world).sizeOf('requests') > decided, 900_000);
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
    if (round > 2) for (const task of seen.tasks().filter(({ state }) => state === 'quarantined')) await operators.decide(task, 'accept');
    if (round % 4 === 0) for (const reprocess of ['missing', 'stale']) await ask(world, operators, { reprocess });
    else for (const { backfillId } of blocked) await operators.retry(backfillId);
  }
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
  const acts = scenario.acts.map(async ({ at, kind }) => {
    await clock.sleep(at);
    await operators.act(kind);
  });
  await clock.sleep(scenario.random.fork('first').int(0, 2_000));
  void operators.request(scenario.request, 'the request');
  await clock.sleep(began + scenario.chaosMs - clock.now());
  chaos.calm();
  world.trace({ process: 'world', what: 'process', text: 'the chaos is over', about: [] });
  await Promise.all(acts);
  world.killers.clear();
  world.sources.mend();
  world.warehouse.mend();
  world.warehouse.faults.clear();
  // Somebody asks again for what never came through, under the same key: it is decided once.
  await operators.request(scenario.request, 'the request');
  await waitFor(world, () => look(world).backfills().length > 0, 900_000);
  await mend(world, operators);
  for (const reprocess of ['missing', 'stale']) {
    await ask(world, operators, { reprocess });
    await mend(world, operators);
  }
  await mend(world, operators);
  const stuck = await explainStuck(world, look(world).backfills());
  if (stuck !== '') return built.report({ invariant: 'liveness', message: `in calm weather, with everything mended and retried, ${stuck}`, about: [] });
  // Leases die, the outbox is drained, lanes are left.
  await waitFor(world, () => look(world).sizeOf('outbox') + look(world).sizeOf('leases') === 0, 600_000);
  await clock.sleep(2 * scenario.settings.leaseMs);
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
      onUnhandled(error);
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
