// A healthy history for the tests of the monitor, recorded from the services in calm weather, and its wrong variants: the same
// events with one of them altered. What a monitor says of a variant it says of a history that differs from a true one in just that.
import { subscriptions } from '@floodgate/core/contracts/messages.ts';
import { addDays, partitionDate, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { TaskState } from '@floodgate/core/domain/task-state.ts';
import type { OutgoingMessage } from '@floodgate/core/ports/message-bus.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { CommitLogEntry } from '@floodgate/core/ports/warehouse.ts';
import { MemoryDocumentEngine } from '../support/memory-status-store.ts';
import { createTestCatalog } from '../support/pipeline-folder.ts';
import { createSeededIds } from '../support/seeded-ids.ts';
import { Chaos } from './chaos.ts';
import type { Change } from './crash-points.ts';
import type { OperatorEvent } from './monitor-operators.ts';
import { Monitor } from './monitor.ts';
import type { WarehouseCommit, WarehouseView } from './monitor-tables.ts';
import { createOperators, look, type Operators } from './operators.ts';
import { createOracle } from './oracle.ts';
import { folderOf, functionsOf, type Shape } from './pipelines.ts';
import { createRandom } from './random.ts';
import type { Violation } from './result.ts';
import { drawScenario, type Scenario } from './scenario.ts';
import { createSupervisor } from './services.ts';
import { SimulatedBus } from './simulated-bus.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedStore } from './simulated-store.ts';
import { SimulatedWarehouse } from './simulated-warehouse.ts';
import { createSources } from './sources.ts';
import type { SimulatedWorld } from './world.ts';

export type StoreEvent = { readonly what: 'store'; readonly process: string; readonly changes: readonly Change[] };
export type PublishEvent = { readonly what: 'publish'; readonly process: string; readonly messages: readonly OutgoingMessage[] };
/** With what the warehouse shows right then: rows of the dates that it changed, and the whole log. */
export type CommitEvent = {
  readonly what: 'commit';
  readonly commit: WarehouseCommit;
  readonly rows: ReadonlyMap<PartitionDate, readonly JsonObject[]>;
  readonly log: readonly CommitLogEntry[];
};
export type StagedEvent = {
  readonly what: 'staged';
  readonly table: string;
  readonly staging: string;
  readonly rows: ReadonlyMap<PartitionDate, readonly JsonObject[]>;
};
export type SourceEvent = { readonly what: 'source'; readonly date: PartitionDate; readonly rows: readonly JsonObject[]; readonly isFirst: boolean };
export type OperatorRecord = { readonly what: 'operator'; readonly event: OperatorEvent };
export type HistoryEvent = StoreEvent | PublishEvent | CommitEvent | StagedEvent | SourceEvent | OperatorRecord;
export type History = readonly HistoryEvent[];

const shape: Shape = { lookback: 2, featureLookback: 1, ranks: true, bootstrapDays: 2, hold: true, maxAttempts: 2 };
const days = 6;
const dates = Array.from({ length: days }, (_, index) => addDays(partitionDate('2024-01-01'), index));
const calendar: readonly JsonObject[] = dates.map((date) => ({ date, season: '2024', kind: 'regular', items: 2 }));
const functions = { calendar: () => calendar, ...functionsOf(shape) };

const scenarioOf = (): Scenario => ({
  ...drawScenario(7),
  days,
  shape,
  random: createRandom(7),
  processes: { planner: 1, worker: 2, validator: 1 },
  settings: { datesPerTask: 2, maxDates: 10, lingerMs: 0, leaseMs: 10_000, reconcileEveryMs: 5_000 },
  rates: {},
  crashes: [],
  acts: [],
  cloud: false,
});

const record = async (): Promise<History> => {
  const events: HistoryEvent[] = [];
  const scenario = scenarioOf();
  const { random } = scenario;
  const clock = new SimulatedClock();
  const ids = createSeededIds(7);
  const chaos = new Chaos({ random: random.fork('chaos'), now: () => clock.now(), rates: {}, most: 0, crashes: [] });
  const store = new SimulatedStore({
    clock,
    ids,
    random: random.fork('store'),
    onCommit: (process, changes) => void events.push({ what: 'store', process, changes }),
    onUnnamed: (problem) => {
      throw new Error(problem);
    },
  });
  const warehouse: SimulatedWarehouse = new SimulatedWarehouse({
    functions,
    clock,
    random: random.fork('warehouse'),
    onStage: ({ table, staging, dates: of }) =>
      void events.push({ what: 'staged', table, staging, rows: new Map(of.map((date) => [date, warehouse.stagedRows(table, staging, date) ?? []])) }),
    onCommit: (commit) =>
      void events.push({
        what: 'commit',
        commit,
        rows: new Map(commit.dates.map((date) => [date, warehouse.rowsOf(commit.table, date)])),
        log: warehouse.logOf(commit.table),
      }),
  });
  const bus = new SimulatedBus({
    clock,
    chaos,
    random: random.fork('bus'),
    subscriptions: Object.values(subscriptions),
    onPublish: (process, messages) => void events.push({ what: 'publish', process, messages }),
  });
  let isFirst = true;
  const sources = createSources({
    dates,
    random: random.fork('sources'),
    put: (source, date, rows) => {
      warehouse.put(source, date, rows);
      events.push({ what: 'source', date, rows, isFirst });
    },
    onChange: () => undefined,
  });
  isFirst = false;
  // The world's monitor hears of operators; here it only writes down what they say.
  const monitor = { onOperator: (event: OperatorEvent) => void events.push({ what: 'operator', event }) } as Monitor;
  const world: SimulatedWorld = {
    scenario,
    dates,
    clock,
    chaos,
    ids,
    catalog: createTestCatalog(folderOf(shape)),
    store,
    bus,
    warehouse,
    sources,
    killers: new Set(),
    requested: new Set(),
    ambush: undefined,
    quotas: undefined,
    monitor,
    trace: () => undefined,
  };
  const supervisor = createSupervisor(world);
  let isOver = false;
  const life = tell(world, createOperators(world, supervisor), () => supervisor.start()).then(
    () => void (isOver = true),
    (error: unknown) => {
      isOver = true;
      throw error;
    },
  );
  await clock.run(() => isOver, clock.now() + 24 * 3_600_000);
  supervisor.end();
  if (!isOver) throw new Error('the healthy history did not come to its end');
  await life;
  return events;
};

/** What happens in it: quarantine and acceptance, a held gate, a failure and its retry, a pause, a change of a source, a cancelling. */
const tell = async (world: SimulatedWorld, operators: Operators, start: () => void): Promise<void> => {
  const { clock, sources, warehouse } = world;
  const seen = look(world);
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) await clock.sleep(500);
  };
  const inState = (state: TaskState) => seen.tasks().filter((task) => task.state === state);
  const stateOf = (index: number) => seen.backfills()[index]?.state;
  const date = (index: number): PartitionDate => dates[index] as PartitionDate;
  sources.spoil(date(3));
  warehouse.poison('test.features', date(4));
  start();
  await operators.request({ limits: { maxInFlight: 4 } });
  await until(() => inState('succeeded').length > 0);
  const first = (): string => seen.backfills()[0]?.backfillId ?? '';
  await operators.control(first(), 'pause');
  await clock.sleep(20_000);
  await operators.control(first(), 'resume');
  await until(() => stateOf(0) === 'blocked' && inState('quarantined').length > 0);
  for (const task of inState('quarantined')) await operators.decide(task, 'accept');
  await until(() => seen.gates().some(({ state }) => state === 'held'));
  await operators.approve(first(), 2);
  await until(() => stateOf(0) === 'blocked' && inState('failed').length > 0);
  warehouse.mend();
  sources.mend();
  await operators.retry(first());
  await until(() => {
    for (const { backfillId, phase, state } of seen.gates()) if (state === 'held') void operators.approve(backfillId, phase);
    return stateOf(0) === 'completed';
  });
  sources.restore(
    date(1),
    sources.rowsOf(date(1)).map((row) => ({ ...row, value: 500 })),
  );
  await operators.request({ reprocess: 'stale' });
  await until(() => inState('running').length > 0);
  await operators.control(seen.backfills()[0]?.state === 'active' ? first() : (seen.backfills()[1]?.backfillId ?? ''), 'cancel');
  await until(() => seen.backfills().length === 2 && seen.backfills().every(({ state }) => state !== 'active'));
  // The last one is undisturbed.
  await operators.request({ reprocess: 'stale' });
  await until(() => {
    for (const { backfillId, phase, state } of seen.gates()) if (state === 'held') void operators.approve(backfillId, phase);
    return seen.backfills().length === 3 && seen.backfills().every(({ state }) => state !== 'active');
  });
  await until(() => seen.sizeOf('outbox') + seen.sizeOf('leases') === 0);
  await clock.sleep(30_000);
};

let recorded: Promise<History> | undefined;
/** Recorded once per file. */
export const healthyHistory = (): Promise<History> => (recorded ??= record());

/** Shows a history to a monitor that knows nothing of how it came about; what it says. */
export const watch = async (history: History, more: { readonly atEnd?: boolean } = {}): Promise<readonly Violation[]> => {
  const violations: Violation[] = [];
  const documents = new MemoryDocumentEngine();
  const rows = new Map<string, readonly JsonObject[]>();
  const staged = new Map<string, readonly JsonObject[]>();
  const logs = new Map<string, readonly CommitLogEntry[]>();
  const feed = new Map<PartitionDate, readonly JsonObject[]>();
  const view: WarehouseView = {
    rowsOf: (table, date) => rows.get(`${table}|${date}`) ?? [],
    logOf: (table) => logs.get(table) ?? [],
    stagedRows: (table, staging, date) => staged.get(`${table}|${staging}|${date}`),
    stagingsOf: () => [],
  };
  const oracle = createOracle({ functions, calendar, sourceRows: (_, date) => feed.get(date) ?? [] });
  let count = 0;
  const monitor = new Monitor({ now: () => count, oracle, reader: documents, warehouse: view, onViolation: (violation) => violations.push(violation) });
  for (const event of history) {
    count += 1;
    switch (event.what) {
      case 'store':
        await documents.write((writer) => {
          for (const { path, after } of event.changes) {
            if (after === undefined) writer.delete(path);
            else writer.set({ path, group: path.split('/').at(-2) ?? '', data: after, text: '' });
          }
        });
        monitor.onStoreCommit(event.process, event.changes);
        break;
      case 'publish':
        monitor.onPublish(event.process, event.messages);
        break;
      case 'staged':
        for (const [date, own] of event.rows) staged.set(`${event.table}|${event.staging}|${date}`, own);
        break;
      case 'commit':
        for (const [date, own] of event.rows) rows.set(`${event.commit.table}|${date}`, own);
        logs.set(event.commit.table, event.log);
        monitor.onWarehouseCommit(event.commit);
        break;
      case 'source':
        feed.set(event.date, event.rows);
        if (!event.isFirst) monitor.onSourceChange('source.feed', event.date);
        break;
      case 'operator':
        monitor.onOperator(event.event);
    }
  }
  if (more.atEnd === true) await monitor.atEnd();
  return violations;
};

/** The messages of a history that has been altered, by invariant. */
export const told = async (history: History, more: { readonly atEnd?: boolean } = {}): Promise<readonly string[]> =>
  (await watch(history, more)).map(({ invariant, message }) => `${invariant}: ${message}`);
