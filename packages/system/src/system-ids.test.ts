import { expect, it } from 'vitest';
import { systemIds } from './system-ids.ts';

it('makes ids of lower-case letters and digits, all different, in no order', () => {
  const ids = Array.from({ length: 20_000 }, () => systemIds.newId());
  expect(ids.every((id) => /^[a-z0-9]{20}$/.test(id))).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
  const rising = ids.filter((id, i) => i > 0 && id > ids[i - 1]!).length;
  expect(Math.abs(rising - ids.length / 2)).toBeLessThan(ids.length / 20);
});

it('draws every letter about equally often', () => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 20_000; i += 1) {
    for (const letter of systemIds.newId()) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  }
  expect(counts.size).toBe(36);
  // 11,111 each; the standard deviation is about 104.
  for (const count of counts.values()) expect(Math.abs(count - 11_111)).toBeLessThan(800);
});

it('draws numbers from 0 to below 1, evenly', () => {
  const numbers = Array.from({ length: 20_000 }, () => systemIds.random());
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  for (let tenth = 0; tenth < 10; tenth += 1) {
    const count = numbers.filter((number) => Math.floor(number * 10) === tenth).length;
    expect(Math.abs(count - 2_000)).toBeLessThan(400);
  }
});
