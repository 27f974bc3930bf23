// What people do while a run is going on: each act is a process of its own, as a command is, and may die in the middle.
import { approveGate, controlBackfill, decideQuarantine, replayDeadLetters, retryTasks } from '@floodgate/core/app/operate.ts';
import { rebuildLedger } from '@floodgate/core/app/reconcile.ts';
import {
  backfillSchema,
  controlPath,
  dispatchPath,
  gateSchema,
  ledgerPath,
  parseDocument,
  taskSchema,
  type BackfillDocument,
  type GateDocument,
  type TaskDocument,
} from '@floodgate/core/contracts/documents.ts';
import { createMessage } from '@floodgate/core/contracts/messages.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { JsonObject, StoredDocument } from '@floodgate/core/ports/status-store.ts';
import type { FaultKind } from './faults.ts';
import { engineOf, type Supervisor } from './services.ts';
import { SimulatedProcess } from './simulated-process.ts';
import type { SimulatedWorld } from './world.ts';

const never = new AbortController().signal;

/** Looks into the store without effect and without time: what a person knows from the screen. */
export const look = ({ store: { documents } }: SimulatedWorld) => {
  const all = <T>(group: string, read: (document: StoredDocument) => T): readonly T[] => Array.from(documents.allOf(group), read);
  return {
    backfills: (): readonly BackfillDocument[] => all('backfills', (document) => parseDocument(backfillSchema, document)),
    tasks: (): readonly TaskDocument[] => all('tasks', (document) => parseDocument(taskSchema, document)),
    gates: (): readonly GateDocument[] => all('gates', (document) => parseDocument(gateSchema, document)),
    isPaused: (backfillId: string): boolean => documents.read(controlPath(backfillId))?.data['paused'] === true,
    sizeOf: (group: string): number => [...documents.allOf(group)].length,
  };
};

export type Operators = {
  /** Publishes a request as anybody may. */
  readonly request: (data: JsonObject, id?: string) => Promise<void>;
  /** Does one act of the scenario; resolves when it is over, or its process has died. */
  readonly act: (kind: FaultKind) => Promise<void>;
  /** Pauses, resumes or cancels, and tells the monitor. */
  readonly control: (backfillId: string, action: 'pause' | 'resume' | 'cancel') => Promise<void>;
  readonly retry: (backfillId: string) => Promise<void>;
  readonly approve: (backfillId: string, phase: number) => Promise<void>;
  readonly decide: (task: TaskDocument, decision: 'accept' | 'reject') => Promise<void>;
  /** Kills a worker over its job, changes what the job has read, and has that computed, so that nobody may go on with the job. */
  readonly overtakeLeftJob: () => Promise<void>;
};

export const createOperators = (world: SimulatedWorld, supervisor: Supervisor): Operators => {
  const { clock, chaos, monitor, dates } = world;
  const random = world.scenario.random.fork('operators');
  const seen = look(world);
  let commands = 0;
  let requests = 0;

  /** Runs a command in a process of its own. What it refuses, it says: that is no failure of the run. */
  const command = async (text: string, run: (engine: ReturnType<typeof engineOf>) => Promise<unknown>, about: readonly string[] = []): Promise<void> => {
    commands += 1;
    const process = new SimulatedProcess(`cli-${commands}`, clock, chaos, random.int(-60, 60) * 1_000);
    world.trace({ process: process.name, what: 'operator', text, about });
    const work = run(engineOf(world, process)).catch((error: unknown) => {
      if (!(error instanceof FloodgateError)) throw error;
      world.trace({ process: process.name, what: 'operator', text: `${text}: ${error.message}`, about });
    });
    await Promise.race([work, process.death]);
    process.die();
  };

  const control: Operators['control'] = (backfillId, action) =>
    command(
      `${action} ${backfillId}`,
      async (engine) => {
        monitor.onOperator({ action, backfillId, stage: 'asked' });
        const { outcome } = await controlBackfill(engine, backfillId, action, 'ann');
        if (outcome !== 'over') monitor.onOperator({ action, backfillId, stage: 'acknowledged' });
      },
      [backfillId],
    );
  const retry: Operators['retry'] = (backfillId) =>
    command(`retry ${backfillId}`, (engine) => retryTasks(engine, backfillId, { states: ['failed', 'quarantined'] }, 'ann'), [backfillId]);
  const approve: Operators['approve'] = (backfillId, phase) =>
    command(`approve ${backfillId}/${phase}`, (engine) => approveGate(engine, backfillId, phase, 'ann'), [backfillId, `${backfillId}/${phase}`]);

  const request: Operators['request'] = (data, id) => {
    requests += 1;
    const message = createMessage(
      'floodgate.backfill.requested',
      { pipeline: 'test', ...data },
      { id: id ?? `request-${requests}`, source: '/simulation', subject: '', time: clock.now(), traceparent: '' },
    );
    // Whoever publishes a request tries again until the bus has taken it.
    const publish = (): Promise<void> =>
      command(`requests ${JSON.stringify(data)}`, async ({ bus }) => {
        try {
          await bus.publish([message]);
        } catch {
          await clock.sleep(1_000);
          await bus.publish([message]);
        }
      });
    return publish();
  };

  const decide: Operators['decide'] = ({ backfillId, processorId, date }, decision) =>
    command(
      `${decision}s ${processorId} ${date}`,
      (engine) => decideQuarantine(engine, { backfillId, processorId, date, decision, by: 'ann', reason: 'as seen' }, never),
      [backfillId, `${processorId}|${date}`],
    );

  const active = (): readonly BackfillDocument[] => seen.backfills().filter(({ state }) => state === 'active');
  const someDates = (): { readonly start: string; readonly end: string } => {
    const [a, b] = [random.int(0, dates.length - 1), random.int(0, dates.length - 1)];
    return { start: dates[Math.min(a, b)] as string, end: dates[Math.max(a, b)] as string };
  };

  /** Waits until there is something to see; undefined where that takes too long. */
  const catchSight = async <T>(find: () => T | undefined, maxMs: number, everyMs: number): Promise<T | undefined> => {
    for (let waited = 0; waited < maxMs; waited += everyMs) {
      const found = find();
      if (found !== undefined) return found;
      await clock.sleep(everyMs);
    }
    return undefined;
  };

  const isLogAhead = (): boolean =>
    ['games', 'rolling', 'features'].some((processorId) => {
      const entries = (world.store.documents.read(ledgerPath('test', processorId, 2024))?.data['entries'] ?? {}) as Readonly<
        Record<string, { readonly generation: number }>
      >;
      return world.warehouse.logOf(`test.${processorId}`).some(({ date, generation }) => (entries[date]?.generation ?? 0) < generation);
    });

  const acts: Readonly<Partial<Record<FaultKind, () => Promise<void>>>> = {
    deploy: () => supervisor.deploy(random.pick([0, 2_000, 10_000])),
    source_changed: async () => {
      const running = seen.tasks().filter(({ state, processorId }) => state === 'running' && processorId === 'games');
      const date = running.length > 0 && random.chance(0.8) ? random.pick(running).date : random.pick(dates);
      const before = world.sources.change(date);
      if (before === undefined || !random.chance(0.4)) return;
      await clock.sleep(random.int(20, 4_000));
      // A source has no generation: one that changes and changes back while a job reads it is not noticed (docs/simulation.md).
      const isRead = (): boolean => seen.tasks().some((task) => task.processorId === 'games' && task.date === date && task.state === 'running');
      if ((await catchSight(() => (isRead() ? undefined : true), 300_000, 20)) === undefined) return;
      world.sources.restore(date, before);
    },
    rows_broken: async () => world.sources.spoil(random.pick(dates)),
    killer_date: async () => void world.killers.add(random.pick(dates)),
    source_missing: async () =>
      world.warehouse.faults.fail('digestSource', random.pick(['source_missing', 'source_unreadable', 'source_mismatch']), { times: random.int(1, 6) }),
    malformed_message: () => request({ is_backfill: true }),
    paused: async () => {
      const backfills = active();
      if (backfills.length === 0) return;
      const { backfillId } = random.pick(backfills);
      await control(backfillId, 'pause');
      await clock.sleep(random.int(100, 60_000));
      await control(backfillId, 'resume');
    },
    cancelled: async () => {
      const backfills = active();
      if (backfills.length > 0) await control(random.pick(backfills).backfillId, 'cancel');
    },
    retried: async () => {
      // Whoever retries has seen that something failed, if anything has.
      const failed = seen.tasks().filter(({ state }) => state === 'failed' || state === 'quarantined');
      const ids = failed.length > 0 ? failed.map(({ backfillId }) => backfillId) : seen.backfills().map(({ backfillId }) => backfillId);
      if (ids.length > 0) await retry(random.pick(ids));
    },
    replayed: () => command('replays dead letters', (engine) => replayDeadLetters(engine, {}, random.pick([1, 100]), 'ann')),
    decided: async () => {
      const quarantined = seen.tasks().filter(({ state }) => state === 'quarantined');
      if (quarantined.length === 0) return;
      const task = random.pick(quarantined);
      // Somebody else may ask for the same date in the same moment.
      if (random.chance(0.5))
        void request({ dates: [task.date], processors: [task.processorId], reprocess: 'all' }).then(
          () => undefined,
          () => undefined,
        );
      await clock.sleep(random.int(0, 2_000));
      await decide(task, random.pick(['accept', 'accept', 'reject'] as const));
    },
    approved: async () => {
      // A person who waits for it may be quicker than the planner that ends the backfill meanwhile.
      const held = await catchSight(() => seen.gates().find(({ state }) => state === 'held'), 60_000, 50);
      if (held !== undefined) await approve(held.backfillId, held.phase);
    },
    overlapping: async () => {
      // Somebody asks anew for what has failed.
      const failed = seen.tasks().filter(({ state }) => state === 'failed' || state === 'quarantined');
      if (failed.length > 0 && random.chance(0.6)) {
        const { date, processorId } = random.pick(failed);
        return request({ dates: [date], processors: [processorId], reprocess: 'all' });
      }
      // Or two people have the same idea in the same moment.
      const data = {
        range: someDates(),
        reprocess: random.pick(['missing', 'stale', 'all', 'failed']),
        gate: random.pick(['phase', 'window']),
        priority: random.int(-1, 1),
        ...(random.chance(0.3) ? { processors: [random.pick(['games', 'rolling', 'features'])] } : {}),
        limits: { datesPerTask: random.pick([1, 5]) },
      };
      await Promise.all(random.chance(0.5) ? [request(data), request(data)] : [request(data)]);
    },
    rebuilt: async () => {
      // There is something to rebuild where a commit has not been settled yet.
      await catchSight(() => (isLogAhead() ? true : undefined), 30_000, 20);
      await command('rebuilds the ledger', async (engine) => {
        const loaded = await world.catalog.load('test');
        if (loaded !== undefined) await rebuildLedger(engine, loaded.pipeline, never);
      });
    },
  };

  const overtakeLeftJob = async (): Promise<void> => {
    const task = await catchSight(
      () => seen.tasks().find(({ processorId, state, job }) => state === 'running' && job !== null && processorId !== 'games'),
      world.scenario.chaosMs,
      250,
    );
    if (task === undefined) return;
    const holder = world.store.documents.read(dispatchPath(task.dispatchId))?.data['holder'];
    if (typeof holder === 'string' && chaos.note('crash', `${holder}, whose job will be overtaken`)) supervisor.kill(holder);
    world.sources.change(task.date);
    await request({ dates: [task.date], processors: ['games'], reprocess: 'stale' });
  };

  return {
    request,
    overtakeLeftJob,
    control,
    retry,
    approve,
    decide,
    act: async (kind) => {
      const run = acts[kind];
      if (run === undefined || !chaos.note(kind, 'the scenario')) return;
      await run();
    },
  };
};
