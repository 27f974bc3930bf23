// The three services as simulated processes: each with its own clock, store, bus and warehouse facades, plans and holder.
// Whoever dies is started again by a supervisor, under a new holder.
import type { CodeFunction } from '@floodgate/core/app/deps.ts';
import { createPlanReader } from '@floodgate/core/app/plan-store.ts';
import type { Logger } from '@floodgate/core/ports/logger.ts';
import type { Warehouse } from '@floodgate/core/ports/warehouse.ts';
import { createPlannerApp } from '@floodgate/planner/app.ts';
import { createValidatorApp } from '@floodgate/validator/app.ts';
import { createWorkerApp } from '@floodgate/worker/app.ts';
import { SimulatedProcess } from './simulated-process.ts';
import type { SimulatedWorld } from './world.ts';

export type Service = 'planner' | 'worker' | 'validator';

type Running = { readonly process: SimulatedProcess; readonly service: Service; readonly stop: (graceMs: number) => Promise<void> };

export type Supervisor = {
  /** Starts all processes of the scenario. */
  readonly start: () => void;
  /** Asks one living process to stop, as a deploy does; the supervisor starts it again. */
  readonly deploy: (graceMs: number) => Promise<void>;
  /** The process of this name dies at once, if it lives; the supervisor starts another. */
  readonly kill: (name: string) => void;
  /** Everything dies for good. */
  readonly end: () => void;
};

/** Workers' dispatches at once, and lanes. */
const concurrency = 3;

/** Warnings and errors are part of the trace. */
const loggerOf = (world: SimulatedWorld, process: SimulatedProcess): Logger => {
  const note = (fields: Readonly<Record<string, unknown>>, text: string): void => {
    const { err } = fields;
    world.trace({ process: process.name, what: 'process', text: `${text}${err instanceof Error ? `: ${err.message}` : ''}`, about: [] });
  };
  return { debug: () => undefined, info: () => undefined, warn: note, error: note };
};

/** What a process of Floodgate is given, a command's as well as a service's. */
export const engineOf = (world: SimulatedWorld, process: SimulatedProcess) => {
  const store = world.store.attach(process);
  return {
    store,
    bus: world.bus.attach(process),
    warehouse: world.warehouse.attach(process),
    clock: process.clock,
    ids: world.ids,
    logger: loggerOf(world, process),
    source: `/floodgate/${process.name}`,
    lease: { holder: process.name, leaseMs: world.scenario.settings.leaseMs, isKnownDead: () => false },
    plans: createPlanReader(store),
  };
};

/** The code of a code processor: what its statement would be, fetched through the context. */
const codeOf = ({ chaos, name }: SimulatedProcess): CodeFunction =>
  async function* ({ query }) {
    const rows = await query('ranks');
    if (chaos.strikes('code_failed', `${name} ranks`)) throw new TypeError("simulated: Cannot read properties of undefined (reading 'rank')");
    yield* rows;
  };

/** A worker that computes the date that kills dies of it, as of one that doesn't fit its memory. */
const withKillers = (world: SimulatedWorld, process: SimulatedProcess, warehouse: Warehouse): Warehouse => ({
  ...warehouse,
  stage: async (job, signal) => {
    if (job.dates.some((date) => world.killers.has(date))) {
      await process.clock.sleep(200);
      process.die();
    }
    return warehouse.stage(job, signal);
  },
});

const appOf = (
  world: SimulatedWorld,
  service: Service,
  process: SimulatedProcess,
): { readonly start: () => Promise<void>; readonly stop: (graceMs: number) => Promise<void> } => {
  const { settings, processes } = world.scenario;
  const engine = engineOf(world, process);
  const isOtherBuild = service === 'worker' && world.chaos.strikes('other_build', process.name);
  switch (service) {
    case 'planner':
      return createPlannerApp({
        ...engine,
        catalog: world.catalog,
        defaultMaxInFlight: 1_000,
        workers: processes.worker * concurrency,
        defaultDatesPerTask: settings.datesPerTask,
        autoTargetMs: 5_000,
        progressEveryMs: 2_000,
        gatherMs: 20,
        reconcileEveryMs: settings.reconcileEveryMs,
        outboxAgeMs: 3_000,
        queuedAgeMs: 60_000,
        keepClosedMs: world.scenario.keepClosedMs,
      });
    case 'worker':
      return createWorkerApp({
        ...engine,
        warehouse: withKillers(world, process, engine.warehouse),
        code: async () => (isOtherBuild && !world.chaos.isCalm ? undefined : codeOf(process)),
        lingerMs: settings.lingerMs,
        batchEveryMs: world.scenario.cloud ? 3_000 : 0,
        maxDates: settings.maxDates,
        concurrency,
        lanes: 4,
        onHalt: () => process.die(),
      });
    case 'validator':
      return createValidatorApp({ ...engine, gatherMs: 20 });
  }
};

export const createSupervisor = (world: SimulatedWorld): Supervisor => {
  const running = new Set<Running>();
  const random = world.scenario.random.fork('supervisor');
  let isOver = false;

  const launch = async (service: Service, slot: number, incarnation: number): Promise<void> => {
    if (isOver) return;
    const process = new SimulatedProcess(`${service}-${slot}.${incarnation}`, world.clock, world.chaos, random.int(-120, 120) * 1_000);
    const app = appOf(world, service, process);
    const entry: Running = { process, service, stop: app.stop };
    running.add(entry);
    world.trace({ process: process.name, what: 'process', text: 'starts', about: [] });
    void process.death.then(async () => {
      running.delete(entry);
      if (isOver) return;
      world.trace({ process: process.name, what: 'process', text: 'is dead', about: [] });
      await world.clock.sleep(random.int(0, 20_000));
      await launch(service, slot, incarnation + 1);
    });
    // A start that fails is a process that exits.
    await app.start().catch(() => process.die());
  };

  return {
    kill: (name) => {
      for (const { process } of running) if (process.name === name) process.die();
    },
    start: () => {
      for (const service of ['planner', 'worker', 'validator'] as const) {
        for (let slot = 1; slot <= world.scenario.processes[service]; slot += 1) void launch(service, slot, 1);
      }
    },
    deploy: async (graceMs) => {
      const alive = [...running];
      if (alive.length === 0) return;
      const { process, stop } = random.pick(alive);
      world.trace({ process: process.name, what: 'process', text: `is asked to stop within ${graceMs} ms`, about: [] });
      // The platform kills what has not stopped some time after its grace period.
      await Promise.race([stop(graceMs).catch(() => undefined), world.clock.sleep(graceMs + 10_000)]);
      // It has the rest of that time to write down what became of its work.
      await world.clock.sleep(random.int(0, 3_000));
      process.die();
    },
    end: () => {
      isOver = true;
      for (const { process } of running) process.die();
    },
  };
};
