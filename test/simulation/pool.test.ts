import { expect, test } from 'vitest';
import { specialSeeds } from './pool-behaviour.ts';
import { createPool, runSeeds } from './pool.ts';
import type { RunResult } from './result.ts';

const thread = new URL('pool-fixture.ts', import.meta.url);

test('runs every seed once, on as many threads as asked', async () => {
  const seeds: number[] = [];
  await runSeeds({ firstSeed: 40, runs: 60, workers: 3, thread, onResult: ({ seed }) => seeds.push(seed) });
  expect(seeds.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, index) => 40 + index));
});

test('hands on which faults are switched off, and the options of a trace', async () => {
  await using pool = createPool({ workers: 1, thread });
  const plain = await pool.run({ seed: 1 });
  const some = await pool.run({ seed: 1, disabled: ['crash'], suppressed: ['stall#1'], trace: true });
  expect(plain.strikes.map(({ kind }) => kind)).toContain('crash');
  expect(plain.events).toEqual([]);
  expect(some.strikes.map(({ kind }) => kind)).not.toContain('crash');
  expect(some.strikes.filter(({ kind }) => kind === 'stall').map(({ number }) => number)).not.toContain(1);
  expect(some.events.length).toBeGreaterThan(0);
});

test('whatever a run does to its thread is a violation of that run alone', async () => {
  const { throws, rejectsLate, spins, exits } = specialSeeds;
  const results = new Map<number, RunResult>();
  await runSeeds({ firstSeed: throws - 2, runs: 8, workers: 2, thread, maxWallMs: 1_500, onResult: (result) => results.set(result.seed, result) });
  const violations = [...results.values()].filter(({ violation }) => violation !== undefined).toSorted((a, b) => a.seed - b.seed);
  expect(results.size).toBe(8);
  expect(violations.map(({ seed, violation }) => [seed, violation?.invariant, violation?.message.split('\n')[0]])).toEqual([
    [throws, 'crash', 'RangeError: nobody has named this write'],
    [rejectsLate, 'crash', 'Error: nobody listens'],
    [spins, 'liveness', 'no answer after 1.5 s of wall time: something runs on without waiting for anything'],
    [exits, 'crash', 'the thread ended by itself with exit code 7'],
  ]);
});

test('a simulator that cannot start is no violation', async () => {
  const missing = new URL('no-such-file.ts', import.meta.url);
  await expect(runSeeds({ firstSeed: 1, runs: 3, workers: 2, thread: missing, onResult: () => undefined })).rejects.toThrow(
    "a thread of the simulator can't start",
  );
});

test('failing fast starts nothing after the first violation', async () => {
  const seeds: number[] = [];
  await runSeeds({ firstSeed: specialSeeds.fails - 3, runs: 1_000, workers: 2, failFast: true, thread, onResult: ({ seed }) => seeds.push(seed) });
  expect(seeds).toContain(specialSeeds.fails);
  expect(seeds.length).toBeLessThan(20);
});

test('an interrupt ends the batch with what there is', async () => {
  const interrupt = new AbortController();
  let count = 0;
  await runSeeds({
    firstSeed: 1_000,
    runs: 100_000,
    workers: 2,
    thread,
    signal: interrupt.signal,
    onResult: () => {
      count += 1;
      if (count === 5) interrupt.abort();
    },
  });
  expect(count).toBe(5);
});

test('a pool that is disposed of takes no run', async () => {
  const pool = createPool({ workers: 1, thread });
  await pool.run({ seed: 1 });
  const dropped = pool.run({ seed: specialSeeds.spins });
  await Promise.all([expect(dropped).rejects.toThrow('the pool is disposed of'), pool[Symbol.asyncDispose]()]);
  await expect(pool.run({ seed: 1 })).rejects.toThrow('the pool is disposed of');
});
