// The three services over one store, one warehouse and one queue, as processes of their own: each with its own bus, plans
// and holder. Whoever dies is started again by a supervisor, under a new holder.
import { createPlanReader } from '@floodgate/core/app/plan-store.ts';
import { createMessage, subscriptions } from '@floodgate/core/contracts/messages.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { createPlannerApp } from '@floodgate/planner/app.ts';
import { createValidatorApp } from '@floodgate/validator/app.ts';
import { createWorkerApp } from '@floodgate/worker/app.ts';
import { createMemoryMessageBus, MemoryMessageQueue } from './memory-message-bus.ts';
import { Life, mortalClock, mortalPublisher, mortalQueue, mortalStore, mortalWarehouse, type Call, type Fate } from './mortal.ts';
import type { World } from './world.ts';

export const services = ['planner', 'worker', 'validator'] as const;
export type Service = (typeof services)[number];

export type SystemOptions = {
  /** Processes of each service; one each where it is not said. */
  readonly processes?: Partial<Readonly<Record<Service, number>>>;
  /** What befalls each call of each process. */
  readonly fate?: (service: Service, call: Call) => Fate;
  readonly restartMs?: number;
  readonly datesPerTask?: number | 'auto';
  readonly maxDates?: number;
  readonly lingerMs?: number;
};

export type System = Awaited<ReturnType<typeof startSystem>>;

const pollMs = 250;

export const startSystem = async (world: World, options: SystemOptions = {}) => {
  const queue = new MemoryMessageQueue();
  const all = Object.values(subscriptions);
  for (const spec of all) queue.declare(spec);
  const lives = new Set<Life>();
  let incarnations = 0;
  let isOver = false;
  const halts: string[] = [];

  const launch = async (service: Service): Promise<void> => {
    incarnations += 1;
    const holder = `${service}-${incarnations}`;
    const life = new Life(world.clock, (call) => options.fate?.(service, call) ?? { kind: 'live' });
    lives.add(life);
    void life.death.then(async () => {
      lives.delete(life);
      await world.clock.sleep(options.restartMs ?? 2_000);
      if (!isOver) await launch(service);
    });
    const clock = mortalClock(world.clock, life);
    const store = mortalStore(world.store, life);
    const bus = mortalPublisher(createMemoryMessageBus(mortalQueue(queue, life), { clock, ids: world.ids, subscriptions: all, pollMs }), life);
    const own = { clock, store, bus, warehouse: mortalWarehouse(world.warehouse, life), plans: createPlanReader(store), source: `/floodgate/${service}` };
    const planner = {
      ...world.planner(holder, { defaultDatesPerTask: options.datesPerTask ?? 1 }),
      ...own,
      gatherMs: 2,
      reconcileEveryMs: 2_000,
      outboxAgeMs: 1_000,
      queuedAgeMs: 20_000,
      keepClosedMs: Number.MAX_SAFE_INTEGER,
    };
    const worker = {
      ...world.worker(holder, { maxDates: options.maxDates ?? 50, lingerMs: options.lingerMs ?? 0 }),
      ...own,
      concurrency: 3,
      lanes: 4,
      onHalt: (failure: { readonly code: string }) => {
        halts.push(failure.code);
        life.die();
      },
    };
    const app =
      service === 'planner'
        ? createPlannerApp(planner)
        : service === 'worker'
          ? createWorkerApp(worker)
          : createValidatorApp({ ...world.validator(holder), ...own, gatherMs: 20 });
    // A start that fails is a process that exits.
    await app.start().catch(() => life.die());
  };

  for (const service of services) for (let process = 0; process < (options.processes?.[service] ?? 1); process += 1) void launch(service);
  await world.clock.settle();

  let requests = 0;
  return {
    halts,
    get incarnations(): number {
      return incarnations;
    },
    /** Messages that nobody has acked. */
    get waiting(): number {
      return queue.size;
    },
    /** Publishes a request as anybody may, under this id. */
    request: async (data: JsonObject, id = `request-${(requests += 1)}`): Promise<void> => {
      const message = createMessage(
        'floodgate.backfill.requested',
        { pipeline: 'test', ...data },
        { id, source: '/test', subject: '', time: world.clock.now(), traceparent: '' },
      );
      await createMemoryMessageBus(queue, { clock: world.clock, ids: world.ids, subscriptions: all, pollMs }).publish([message]);
    },
    /** Moves time until `done`, looking every 50 ms of it. */
    until: async (done: () => Promise<boolean>, maxMs = 3_600_000): Promise<void> => {
      const deadline = world.clock.now() + maxMs;
      while (!(await done())) {
        if (world.clock.now() > deadline) throw new Error(`did not happen within ${maxMs} ms`);
        await world.clock.advance(50);
      }
    },
    /** Everything stands still and dies. */
    end: (): void => {
      isOver = true;
      for (const life of lives) life.die();
    },
    /** Kills one process of a service, as kill -9 does. */
    kill: (): void => lives.values().next().value?.die(),
  };
};
