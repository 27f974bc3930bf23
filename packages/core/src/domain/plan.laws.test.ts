// Laws of the plan over random pipelines, calendars, ledgers and requests. The examples are in plan.test.ts.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryChoice, arbitraryWorld, datesInWindow, type World } from '../../../../test/support/arbitraries.ts';
import { planInput, planOf, taskKeys } from '../../../../test/support/ledgers.ts';
import { allDates, dateAt, makePipeline } from '../../../../test/support/pipelines.ts';
import { declaredSkip, freshnessOf } from './ledger.ts';
import { countTasks, makePlan, taskReasons, type Plan, type PlanEntry, type PlanInput } from './plan.ts';

const modes = ['missing', 'failed', 'stale', 'all'] as const;
const arbitraryMode = fc.constantFrom(...modes);
const arbitraryFailures = arbitraryChoice([false, false, true]);
const runs = { numRuns: 300 };

const inputOf = (world: World, overrides: Partial<PlanInput>, ledger = world.openLedger()): PlanInput =>
  planInput(world.pipeline, world.calendar, ledger, { processors: world.processors, dates: world.dates, ...overrides });

/** Other backfills at upstreams only: on a requested partition they would be an overlap. */
const awayFromTargets =
  (world: World, busy: (processorId: string, date: ReturnType<typeof dateAt>) => boolean): PlanInput['plannedBy'] =>
  (processorId, date) =>
    !world.processors.has(processorId) && busy(processorId, date) ? 'b7' : undefined;

const entriesOf = (plan: Plan): ReadonlyMap<string, PlanEntry> =>
  new Map([...plan.processors].flatMap(([id, entries]) => entries.map((entry) => [`${id} ${entry.date}`, entry] as const)));

/** Keys of the partitions that the partition reads, by looking at every date. */
const readKeys = ({ pipeline, calendar }: World, processorId: string, date: string): readonly string[] =>
  pipeline.processors
    .filter(({ id }) => id === processorId)
    .flatMap(({ upstreams }) => upstreams)
    .flatMap(({ table, window }) =>
      pipeline.processors
        .filter((producer) => producer.table === table)
        .flatMap(({ id }) =>
          datesInWindow(
            calendar,
            window,
            calendar.dates.findIndex((entry) => entry.date === date),
          ).map((each) => `${id} ${each}`),
        ),
    );

const split = (key: string): [string, string] => [key.slice(0, key.indexOf(' ')), key.slice(key.indexOf(' ') + 1)];

test('the same request has the same plan and hash, in whatever order its processors and dates come', () => {
  fc.assert(
    fc.property(arbitraryWorld, arbitraryMode, (world, reprocess) => {
      const plan = planOf(inputOf(world, { reprocess }));
      const reversed = { processors: new Set([...world.processors].reverse()), dates: new Set([...world.dates].reverse()) };
      const again = planOf(inputOf(world, { reprocess, ...reversed }));
      expect(again).toEqual(plan);
      expect([...again.processors.keys()]).toEqual([...plan.processors.keys()]);
    }),
  );
});

test('everything that a task reads is in the plan: a task itself, fresh, skipped or awaited, and never left stale or missing', () => {
  fc.assert(
    fc.property(arbitraryWorld, arbitraryMode, arbitraryFailures, arbitraryChoice([false, false, false, true]), (world, reprocess, hasFailed, busy) => {
      const entries = entriesOf(planOf(inputOf(world, { reprocess, hasFailed, plannedBy: awayFromTargets(world, busy) })));
      for (const [key, { kind }] of entries) {
        if (kind !== 'task') continue;
        for (const read of readKeys(world, ...split(key))) {
          expect(entries.has(read), `${key} reads ${read}`).toBe(true);
          expect(entries.get(read)?.reason, `${key} reads ${read}`).not.toMatch(/_not_requested$/);
        }
      }
    }),
    runs,
  );
});

test('the plan holds every requested partition and everything read from a task, and nothing else', () => {
  fc.assert(
    fc.property(arbitraryWorld, arbitraryMode, (world, reprocess) => {
      const entries = entriesOf(planOf(inputOf(world, { reprocess })));
      const expected = new Set([...world.processors].flatMap((id) => [...world.dates].map((date) => `${id} ${date}`)));
      const reached = new Set([...entries].filter(([, { kind }]) => kind === 'task').map(([key]) => key));
      for (const key of reached) for (const read of readKeys(world, ...split(key))) reached.add(read);
      for (const key of reached) expected.add(key);
      expect(new Set(entries.keys())).toEqual(expected);
    }),
    runs,
  );
});

test('each reason is true of its partition', () => {
  fc.assert(
    fc.property(arbitraryWorld, arbitraryMode, arbitraryFailures, (world, reprocess, hasFailed) => {
      const { pipeline, calendar } = world;
      const ledger = world.openLedger();
      const plan = planOf(inputOf(world, { reprocess, hasFailed }));
      const fresh = new Set(
        pipeline.processors.flatMap((processor) =>
          allDates(calendar).flatMap((date, index) =>
            freshnessOf(pipeline, processor, calendar, index, ledger.view) === 'fresh' ? [`${processor.id} ${date}`] : [],
          ),
        ),
      );
      const entries = entriesOf(plan);
      for (const [key, { kind, date, reason }] of entries) {
        const [id] = split(key);
        const processor = pipeline.processors.find((each) => each.id === id);
        const skip = processor && declaredSkip(processor, calendar, calendar.indexOf.get(date) ?? -1);
        const isTarget = world.processors.has(id) && world.dates.has(date);
        const missing = ledger.view.entry(id, date) === undefined;
        expect(kind === 'skip' ? reason : undefined).toBe(skip);
        if (kind === 'task') expect(taskReasons).toContain(reason);
        if (kind === 'fresh') expect(['already_fresh', 'stale_not_requested', 'missing_not_requested']).toContain(reason);
        if (reason === 'upstream_planned') {
          expect(missing).toBe(false);
          expect(readKeys(world, id, date).some((read) => entries.get(read)?.kind === 'task')).toBe(true);
        }
        if (['requested', 'missing', 'failed', 'stale_code', 'stale_input'].includes(reason)) expect(isTarget).toBe(true);
        if (reason === 'missing' || reason.endsWith('_missing') || reason === 'missing_not_requested') expect(missing).toBe(true);
        if (reason === 'failed') expect(hasFailed(id, date)).toBe(true);
        if (reason === 'already_fresh') expect(fresh.has(key)).toBe(true);
        if (reason.startsWith('stale') || reason === 'upstream_stale') expect(fresh.has(key) || missing).toBe(false);
      }
    }),
  );
});

test('closing is idempotent: with its tasks for a starting point the plan has the same tasks', () => {
  fc.assert(
    fc.property(arbitraryWorld, arbitraryMode, arbitraryFailures, (world, reprocess, hasFailed) => {
      const tasks = taskKeys(planOf(inputOf(world, { reprocess, hasFailed })));
      const again = planOf(inputOf(world, { reprocess: 'failed', hasFailed: (id, date) => tasks.has(`${id} ${date}`) }));
      expect(taskKeys(again)).toEqual(tasks);
    }),
    runs,
  );
});

test('a plan over a fresh ledger has no tasks', () => {
  fc.assert(
    fc.property(arbitraryWorld, fc.constantFrom('missing' as const, 'stale' as const, 'failed' as const), (world, reprocess) => {
      expect(countTasks(planOf(inputOf(world, { reprocess }, world.openLedger().fill())))).toBe(0);
    }),
  );
});

test('all plans every requested partition but the declared skips', () => {
  fc.assert(
    fc.property(arbitraryWorld, (world) => {
      const plan = planOf(inputOf(world, { reprocess: 'all' }));
      for (const id of world.processors) {
        const entries = (plan.processors.get(id) ?? []).filter(({ date }) => world.dates.has(date));
        expect(entries.map(({ date }) => date)).toEqual([...world.dates]);
        expect(entries.filter(({ kind }) => kind !== 'skip' && kind !== 'task')).toEqual([]);
      }
    }),
  );
});

test('once its tasks are done, the same request has nothing left to do', () => {
  fc.assert(
    fc.property(arbitraryWorld, fc.constantFrom('missing' as const, 'stale' as const), (world, reprocess) => {
      const ledger = world.openLedger();
      ledger.complete(planOf(inputOf(world, { reprocess }, ledger)));
      expect([...taskKeys(planOf(inputOf(world, { reprocess }, ledger)))]).toEqual([]);
    }),
    runs,
  );
});

test('once a request for all is done, everything that it requested and read is fresh', () => {
  fc.assert(
    fc.property(arbitraryWorld, (world) => {
      const ledger = world.openLedger();
      ledger.complete(planOf(inputOf(world, { reprocess: 'all' }, ledger)));
      const left = [...planOf(inputOf(world, { reprocess: 'missing' }, ledger)).processors.values()].flat();
      expect(left.filter(({ kind, reason }) => kind !== 'skip' && reason !== 'already_fresh')).toEqual([]);
    }),
    runs,
  );
});

test('when the content of one partition changes, stale plans those whose window holds it and what lies below them, no others', () => {
  fc.assert(
    fc.property(arbitraryWorld, fc.nat(), fc.nat(), (world, anyProcessor, anyDate) => {
      const { pipeline, calendar } = world;
      const ledger = world.openLedger().fill();
      const changed = pipeline.processors[anyProcessor % pipeline.processors.length];
      const index = anyDate % calendar.dates.length;
      if (changed === undefined || declaredSkip(changed, calendar, index) !== undefined) return;
      ledger.commit(changed.id, dateAt(calendar, index), { contentHash: 'changed' });

      const live = pipeline.processors.flatMap((processor) =>
        allDates(calendar).flatMap((date, at) => (declaredSkip(processor, calendar, at) === undefined ? [`${processor.id} ${date}`] : [])),
      );
      const direct = live.filter((key) => readKeys(world, ...split(key)).includes(`${changed.id} ${dateAt(calendar, index)}`));
      const below = new Set(direct);
      for (let size = -1; size !== below.size;) {
        size = below.size;
        for (const key of live) if (readKeys(world, ...split(key)).some((read) => below.has(read))) below.add(key);
      }

      const plan = planOf(planInput(pipeline, calendar, ledger, { reprocess: 'stale' }));
      const entries = entriesOf(plan);
      const because = (reason: string): readonly string[] => [...entries].filter(([, entry]) => entry.reason === reason).map(([key]) => key);
      expect(new Set([...because('stale_input'), ...because('upstream_stale')])).toEqual(new Set(direct));
      expect(taskKeys(plan)).toEqual(below);
    }),
    runs,
  );
});

test('a requested partition that both would compute is an overlap that names the other backfill and its dates', () => {
  fc.assert(
    fc.property(arbitraryWorld, arbitraryMode, arbitraryChoice(['', '', 'b7', 'b8']), (world, reprocess, choose) => {
      const plannedBy = (id: string, date: ReturnType<typeof dateAt>): string | undefined => choose(id, date) || undefined;
      const outcome = makePlan(inputOf(world, { reprocess, plannedBy }));
      const asked = new Set(['requested', 'missing', 'failed', 'stale_code', 'stale_input']);
      const alone = new Map(
        [...entriesOf(planOf(inputOf(world, { reprocess })))].filter(([, { reason }]) => asked.has(reason)).map(([key]) => [split(key).join('|'), true]),
      );
      const busy = world.pipeline.processors
        .filter(({ id }) => world.processors.has(id))
        .flatMap((processor) =>
          allDates(world.calendar).flatMap((date, index) =>
            world.dates.has(date) && declaredSkip(processor, world.calendar, index) === undefined
              ? [{ id: processor.id, date, by: plannedBy(processor.id, date) }]
              : [],
          ),
        )
        .filter(({ id, date, by }) => by !== undefined && alone.has(`${id}|${date}`));
      const [first] = busy;
      if (first === undefined) expect(outcome.outcome).toBe('planned');
      else {
        const dates = busy.filter(({ id, by }) => id === first.id && by === first.by).map(({ date }) => date);
        expect(outcome).toEqual({ outcome: 'overlap', backfillId: first.by, processorId: first.id, dates });
      }
    }),
    runs,
  );
});

test('awaited upstreams are never planned again, and they name their backfill', () => {
  fc.assert(
    fc.property(arbitraryWorld, arbitraryMode, arbitraryChoice([false, true]), (world, reprocess, busy) => {
      const plannedBy = awayFromTargets(world, busy);
      for (const [key, entry] of entriesOf(planOf(inputOf(world, { reprocess, plannedBy })))) {
        const [id] = split(key);
        const by = entry.kind === 'skip' ? undefined : plannedBy(id, entry.date);
        expect(entry.kind === 'await' ? entry.reason : undefined).toBe(by);
      }
    }),
  );
});

test('the hash changes with the pipeline, the calendar, the mode and the gate', () => {
  fc.assert(
    fc.property(arbitraryWorld, (world) => {
      const other = { ...world, pipeline: makePipeline(world.pipeline.processors, { hash: 'another version' }) };
      const hashes = [
        inputOf(world, {}),
        inputOf(other, {}),
        inputOf(world, { calendarDigest: 'another calendar' }),
        inputOf(world, { reprocess: 'all' }),
        inputOf(world, { gate: 'window' }),
      ].map((input) => planOf(input).hash);
      expect(new Set(hashes).size).toBe(5);
    }),
    { numRuns: 20 },
  );
});
