// Everything that the use cases are given, in memory and on a clock that stands still: one status store, one warehouse, and
// as many planners, workers and validators on them as a test wants. Each step is the test's to take; `drive` takes them all.
import { acceptRequest, type AcceptDeps, type AcceptOutcome } from '@floodgate/core/app/accept-request.ts';
import { createCommitLanes, type CommitLanes, type LaneDeps } from '@floodgate/core/app/commit-lane.ts';
import type { CodeFunction, EngineDeps } from '@floodgate/core/app/deps.ts';
import { evaluateGate, type GateOutcome, type ValidatorDeps } from '@floodgate/core/app/evaluate-gate.ts';
import { executeDispatch, type DispatchOutcome, type WorkerDeps } from '@floodgate/core/app/execute-dispatch.ts';
import { createLeaseWatch } from '@floodgate/core/app/lease-watch.ts';
import { createPlanReader } from '@floodgate/core/app/plan-store.ts';
import { reconcile, type ReconcileDeps, type ReconcileReport } from '@floodgate/core/app/reconcile.ts';
import { createScheduler, type PassOutcome, type SchedulerDeps } from '@floodgate/core/app/release-tasks.ts';
import { parseMessage, type Dispatch, type MessageData, type MessageType } from '@floodgate/core/contracts/messages.ts';
import { backfillRequestSchema, type BackfillRequestInput } from '@floodgate/core/contracts/request.ts';
import { storeIndexes } from '@floodgate/core/contracts/store-indexes.ts';
import { addDays, partitionDate, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { MessageBus, OutgoingMessage } from '@floodgate/core/ports/message-bus.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryStatusStore } from './memory-status-store.ts';
import { MemoryWarehouse, type WarehouseFunction } from './memory-warehouse.ts';
import { createTestCatalog, pipelineFunctions, type FolderOptions } from './pipeline-folder.ts';
import { createSeededIds } from './seeded-ids.ts';
import { createWorldDocuments, type WorldDocuments } from './world-documents.ts';

export const never = new AbortController().signal;

const quietLogger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Takes messages and delivers none: a test hands them on itself. */
class RecordingBus implements MessageBus {
  readonly published: OutgoingMessage[] = [];
  readonly #taken = new Set<OutgoingMessage>();
  isDown = false;

  async publish(messages: readonly OutgoingMessage[]): Promise<void> {
    if (this.isDown) throw new Error('the bus is down');
    this.published.push(...messages);
  }

  subscribe(): never {
    throw new Error('nobody subscribes to a bus that only records');
  }

  /** Data of the messages of one type that nobody has taken so far. */
  take<Type extends MessageType>(type: Type): MessageData<Type>[] {
    const found = this.published.filter((message) => !this.#taken.has(message) && message.attributes['type'] === type);
    for (const message of found) this.#taken.add(message);
    return found.map((message) => this.#read(message));
  }

  all<Type extends MessageType>(type: Type): MessageData<Type>[] {
    return this.published.filter(({ attributes }) => attributes['type'] === type).map((message) => this.#read(message));
  }

  #read<Type extends MessageType>({ attributes, data }: OutgoingMessage): MessageData<Type> {
    const message = parseMessage(attributes, data);
    if (message.type === 'malformed') throw new Error(`a malformed message was published: ${message.problem}`);
    return message.data as MessageData<Type>;
  }
}

export type WorldOptions = FolderOptions & {
  /** Dates of the calendar, in a row from 2024-01-01; 6 where it is not said. */
  readonly days?: number;
  readonly functions?: Readonly<Record<string, WarehouseFunction>>;
  readonly conditions?: Readonly<Record<string, (row: JsonObject) => boolean>>;
  readonly code?: CodeFunction;
  readonly leaseMs?: number;
  readonly seed?: number;
};

export type World = ReturnType<typeof createWorld>;

export const createWorld = (options: WorldOptions = {}) => {
  const clock = new ManualClock();
  const ids = createSeededIds(options.seed ?? 1);
  const store = new MemoryStatusStore({ clock, ids, indexes: storeIndexes });
  const bus = new RecordingBus();
  const start = partitionDate('2024-01-01');
  const dates = Array.from({ length: options.days ?? 6 }, (_, index) => addDays(start, index));
  const calendar = new Map<PartitionDate, JsonObject>(dates.map((date) => [date, { date, season: '2024', kind: 'regular', items: 2 }]));
  const functions = { calendar: () => calendar.values(), ...pipelineFunctions, ...options.functions };
  const warehouse = new MemoryWarehouse({ functions, ...(options.conditions === undefined ? {} : { conditions: options.conditions }) });
  const catalog = createTestCatalog(options);
  const putGames = (date: PartitionDate, values: readonly number[]): void =>
    warehouse.put(
      'source.feed',
      date,
      values.map((value, index) => ({ day: date, item: `i${index}`, value })),
    );
  for (const [index, date] of dates.entries()) putGames(date, [index + 1, 10 * (index + 1)]);

  const engine = (holder: string): EngineDeps => ({
    store,
    bus,
    clock,
    ids,
    logger: quietLogger,
    source: `/floodgate/${holder}`,
    warehouse,
    lease: { holder, leaseMs: options.leaseMs ?? 30_000, isKnownDead: () => false },
  });
  const plans = createPlanReader(store);
  const planner = (holder = 'planner', more: Partial<SchedulerDeps & AcceptDeps> = {}): SchedulerDeps & AcceptDeps => ({
    ...engine(holder),
    plans,
    catalog,
    defaultMaxInFlight: 1_000,
    workers: 2,
    defaultDatesPerTask: 1,
    autoTargetMs: 1_000,
    progressEveryMs: 0,
    ...more,
  });
  const worker = (holder = 'worker', more: Partial<WorkerDeps & LaneDeps> = {}): WorkerDeps & LaneDeps => ({
    ...engine(holder),
    plans,
    code: async () => options.code,
    lingerMs: 0,
    batchEveryMs: 0,
    maxDates: 50,
    ...more,
  });
  const validator = (holder = 'validator'): ValidatorDeps => ({ ...engine(holder), plans });

  const schedulers = new Map<string, ReturnType<typeof createScheduler>>();
  const lanes = new Map<string, CommitLanes>();
  const reconcilers = new Map<string, ReconcileDeps>();
  const cached = <T>(map: Map<string, T>, key: string, make: () => T): T => {
    const value = map.get(key) ?? make();
    map.set(key, value);
    return value;
  };
  const run = <T>(promise: Promise<T>, maxMs?: number): Promise<T> => clock.run(promise, maxMs);

  const accept = (
    request: Partial<BackfillRequestInput> = {},
    more: { readonly key?: string; readonly dryRun?: boolean; readonly deps?: AcceptDeps } = {},
  ): Promise<AcceptOutcome> =>
    run(
      acceptRequest(
        more.deps ?? planner(),
        {
          request: backfillRequestSchema.parse({ pipeline: 'test', ...request }),
          idempotencyKey: more.key ?? ids.newId(),
          traceparent: '',
          dryRun: more.dryRun ?? false,
        },
        never,
      ),
    );

  const world = {
    clock,
    ids,
    store,
    bus,
    warehouse,
    catalog,
    calendar,
    dates,
    date: (index: number): PartitionDate => dates[index] as PartitionDate,
    putGames,
    engine,
    plans,
    planner,
    worker,
    validator,
    run,
    accept,
    /** Accepts a request that must be accepted; its backfill's id. */
    start: async (request: Partial<BackfillRequestInput> = {}): Promise<string> => {
      const outcome = await accept(request);
      if (outcome.outcome !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(outcome)}`);
      return outcome.backfillId;
    },
    pass: (backfillId: string, holder = 'planner', more: Partial<SchedulerDeps> = {}): Promise<PassOutcome> =>
      run(cached(schedulers, `${holder}|${backfillId}`, () => createScheduler(planner(holder, more), backfillId)).pass(never)),
    /** Dispatches that were published and not taken. */
    takeDispatches: (): Dispatch[] => bus.take('floodgate.tasks.dispatched'),
    execute: (dispatch: Dispatch, holder = 'worker', signal: AbortSignal = never): Promise<DispatchOutcome> =>
      executeDispatch(worker(holder), dispatch, signal),
    lane: (holder = 'worker', more: Partial<LaneDeps> = {}): CommitLanes => cached(lanes, holder, () => createCommitLanes(worker(holder, more))),
    /** A worker that begins anew, with nothing in memory. */
    forgetLane: (holder = 'worker'): void => void lanes.delete(holder),
    gate: (backfillId: string, phase: number): Promise<GateOutcome> => run(evaluateGate(validator(), backfillId, phase, never)),
    reconcile: (holder = 'planner'): Promise<ReconcileReport> =>
      run(
        reconcile(
          cached(reconcilers, holder, () => ({
            ...engine(holder),
            watch: createLeaseWatch(clock, engine(holder).lease),
            outboxAgeMs: 1_000,
            queuedAgeMs: 60_000,
          })),
        ),
      ),
    /** Executes all dispatches, serves all rung lanes, evaluates all gates that were rung. How much there was. */
    work: async (): Promise<number> => {
      const dispatches = world.takeDispatches();
      for (const dispatch of dispatches) await run(world.execute(dispatch));
      return dispatches.length;
    },
    commitRung: async (): Promise<number> => {
      const tables = new Set(bus.take('floodgate.lane.rung').map(({ table }) => table));
      for (const table of tables) await run(world.lane().serve(table, never));
      return tables.size;
    },
    judgeRung: async (): Promise<number> => {
      const rung = new Set(bus.take('floodgate.tasks.ended').flatMap(({ backfillId, phases }) => phases.map((phase) => `${backfillId}|${phase}`)));
      for (const key of rung) {
        const [backfillId = '', phase = ''] = key.split('|');
        let outcome = await world.gate(backfillId, Number(phase));
        while (outcome.outcome === 'overtaken') outcome = await world.gate(backfillId, Number(phase));
      }
      return rung.size;
    },
    /** Steps until the backfill ends or nothing moves; the state in which it then is. */
    drive: async (backfillId: string): Promise<string> => {
      for (let round = 0, still = 0; round < 500 && still < 3; round += 1) {
        const result = await world.pass(backfillId);
        if (result.outcome === 'over') return result.state;
        const moved = (await world.work()) + (await world.commitRung()) + (await world.judgeRung());
        still = moved > 0 || (result.outcome === 'going' && result.released > 0) ? 0 : still + 1;
        if (still > 0 && result.outcome === 'going' && result.wakeAt !== undefined) {
          await clock.advance(Math.max(1, result.wakeAt - clock.now()));
          still = 0;
        }
      }
      return 'active';
    },
  };
  const documents: WorldDocuments = createWorldDocuments(store);
  return Object.assign(world, documents);
};
