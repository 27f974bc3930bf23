import type { Ids } from '@floodgate/core/ports/ids.ts';

/** The same ids and the same jitter for the same seed (mulberry32). */
export function createSeededIds(seed: number): Ids {
  let state = seed >>> 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  let count = 0;
  return {
    random,
    newId() {
      count += 1;
      // The number makes it unique, the chance in front of it takes the order away.
      return `${Math.floor(random() * 36 ** 6)
        .toString(36)
        .padStart(6, '0')}${count.toString(36).padStart(6, '0')}`;
    },
  };
}
