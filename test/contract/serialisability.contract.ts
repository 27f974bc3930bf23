// Random concurrent transactions leave what some sequential order of them leaves. Which order is known: the versions of documents
// are of one growing counter here (Firestore: the instant of the commit), and each transaction writes one document of its own.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json, StatusStore, StoreTransaction } from '@floodgate/core/ports/status-store.ts';
import type { SimulatedStoreHarness } from '../support/status-store-harnesses.ts';

const places = ['p/0', 'p/1', 'p/2', 'b/1/tasks/q0', 'b/1/tasks/q1'] as const;

type Plan = {
  readonly steps: readonly ({ readonly read: number } | { readonly query: true } | { readonly pause: number })[];
  readonly writes: readonly { readonly place: number; readonly deletes: boolean }[];
  readonly process: number;
};

const planArbitrary: fc.Arbitrary<Plan> = fc.record({
  steps: fc.array(fc.oneof(fc.record({ read: fc.nat(places.length - 1) }), fc.record({ query: fc.constant(true as const) }), fc.record({ pause: fc.nat(3) })), {
    maxLength: 5,
  }),
  writes: fc.array(fc.record({ place: fc.nat(places.length - 1), deletes: fc.boolean() }), { maxLength: 3 }),
  process: fc.nat(1),
});

type Reader = { readonly value: (path: string) => Promise<Json>; readonly tasks: () => Promise<Json>; readonly pause: (ms: number) => Promise<void> };

/** What a plan sees through a reader. */
async function look(plan: Plan, reader: Reader): Promise<Json[]> {
  const seen: Json[] = [];
  for (const step of plan.steps) {
    if ('pause' in step) await reader.pause(step.pause);
    else seen.push('read' in step ? await reader.value(places[step.read]!) : await reader.tasks());
  }
  return seen;
}

/** What it writes follows from who it is and what it saw: a wrong order shows in the values. */
const written = (id: number, seen: readonly Json[]): string =>
  `${id}(${JSON.stringify(seen).length > 200 ? hash(JSON.stringify(seen)) : JSON.stringify(seen)})`;

function hash(text: string): string {
  let value = 0;
  for (const character of text) value = (Math.imul(value, 31) + character.codePointAt(0)!) | 0;
  return `#${value}`;
}

async function runConcurrently(stores: readonly StatusStore[], plans: readonly Plan[], pause: (ms: number) => Promise<void>): Promise<Json[][]> {
  return Promise.all(
    plans.map((plan, id) =>
      stores[plan.process]!.transaction(async (transaction) => {
        const seen = await look(plan, readerOf(transaction, pause));
        for (const { place, deletes } of plan.writes) {
          if (deletes) transaction.delete(places[place]!);
          else transaction.set(places[place]!, { state: 'on', value: written(id, seen) });
        }
        transaction.set(`runs/r${id}`, { id });
        return seen;
      }),
    ),
  );
}

const readerOf = (transaction: StoreTransaction, pause: (ms: number) => Promise<void>): Reader => ({
  pause,
  value: async (path) => (await transaction.get(path))?.data['value'] ?? null,
  tasks: async () =>
    (await transaction.query({ group: 'tasks', where: [{ field: 'state', op: '==', value: 'on' }] })).map((document) => [
      document.path,
      document.data['value']!,
    ]),
});

/** The same transactions one after the other, over a map. */
async function replay(plans: readonly Plan[], order: readonly number[]): Promise<{ readonly state: Map<string, Json>; readonly seen: Map<number, Json[]> }> {
  const state = new Map<string, Json>();
  const seen = new Map<number, Json[]>();
  const reader: Reader = {
    pause: async () => undefined,
    value: async (path) => state.get(path) ?? null,
    tasks: async () => places.filter((place) => place.startsWith('b/') && state.has(place)).map((place) => [place, state.get(place)!]),
  };
  for (const id of order) {
    const sees = await look(plans[id]!, reader);
    seen.set(id, sees);
    for (const { place, deletes } of plans[id]!.writes) {
      if (deletes) state.delete(places[place]!);
      else state.set(places[place]!, written(id, sees));
    }
  }
  return { state, seen };
}

export function describeSerialisability(name: string, makeHarness: () => Promise<SimulatedStoreHarness>, numRuns: number): void {
  describe(`serialisability: ${name}`, () => {
    it('leaves what a sequential order leaves, and lets every transaction see what it would see there', async () => {
      let reordered = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(planArbitrary, { minLength: 2, maxLength: 10 }), async (plans) => {
          await using harness = await makeHarness();
          const stores = [await harness.open(), await harness.open()];
          const results = await harness.settle(runConcurrently(stores, plans, harness.pause));
          const runs = (await stores[0]!.query({ collection: 'runs' })).toSorted((a, b) => a.version - b.version);
          const order = runs.map((document) => document.data['id'] as number);
          expect(order.toSorted((a, b) => a - b)).toEqual(plans.map((_, id) => id));
          if (order.some((id, i) => id !== i)) reordered += 1;

          const expected = await replay(plans, order);
          const final = await stores[0]!.getMany(places);
          expect(final.map((document) => document?.data['value'])).toEqual(places.map((place) => expected.state.get(place)));
          expect(results).toEqual(plans.map((_, id) => expected.seen.get(id)));
        }),
        { numRuns },
      );
      // Otherwise nothing ran concurrently and nothing was proven.
      expect(reordered).toBeGreaterThan(numRuns / 10);
    });
  });
}
