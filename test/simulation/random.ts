// Chance from a seed. Every use has a stream of its own, named, so that one more draw here moves nothing there.
import { createSeededIds } from '../support/seeded-ids.ts';

export type Random = {
  /** Uniform in [0, 1). */
  readonly next: () => number;
  /** Uniform among the integers from `min` to `max`, both included. */
  readonly int: (min: number, max: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <T>(items: readonly T[]) => T;
  /** A stream of its own: the same name gives the same stream. */
  readonly fork: (name: string) => Random;
};

/** FNV-1a over the name, from the seed. */
const mix = (seed: number, name: string): number => {
  let hash = (seed ^ 0x811c9dc5) >>> 0;
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
};

export const createRandom = (seed: number): Random => {
  const ids = createSeededIds(seed);
  const next = (): number => ids.random();
  return {
    next,
    int: (min, max) => min + Math.floor(next() * (max - min + 1)),
    chance: (probability) => next() < probability,
    pick: <T>(items: readonly T[]): T => {
      if (items.length === 0) throw new RangeError('nothing to pick from');
      return items[Math.floor(next() * items.length)] as T;
    },
    fork: (name) => createRandom(mix(seed, name)),
  };
};
