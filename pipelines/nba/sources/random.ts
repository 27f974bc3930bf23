// Random numbers from a seed: equal seeds give equal numbers on every machine, for ever. Simulated data must not change
// under its readers, so that this generator is written down here and not taken from a library.

export type Random = {
  /** Uniform in [0, 1). */
  readonly next: () => number;
  readonly chance: (probability: number) => boolean;
  /** Uniform integer, both ends included. */
  readonly integer: (low: number, high: number) => number;
  /** Around 0 with a standard deviation of 1, never beyond 3.5. A sum of uniforms: logarithms may differ between machines. */
  readonly normal: () => number;
  /** Index of one of the weights, drawn in proportion to them. */
  readonly weighted: (weights: readonly number[]) => number;
  readonly shuffled: <Item>(items: readonly Item[]) => Item[];
};

/** FNV-1a, so that a readable seed such as `demo/2023-24/17` spreads over all 32 bits. */
const hashText = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
};

/** mulberry32: 32 bits of state, good enough for basketball and nothing else. */
export const createRandom = (seed: string): Random => {
  let state = hashText(seed);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const integer = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    integer,
    normal: () => (next() + next() + next() + next() - 2) * Math.sqrt(3),
    chance: (probability) => next() < probability,
    weighted: (weights) => {
      let total = 0;
      for (const weight of weights) total += weight;
      let left = next() * total;
      for (const [index, weight] of weights.entries()) {
        left -= weight;
        if (left < 0) return index;
      }
      return weights.length - 1;
    },
    shuffled: (items) => {
      const result = [...items];
      for (let index = result.length - 1; index > 0; index -= 1) {
        const other = integer(0, index);
        [result[index], result[other]] = [result[other]!, result[index]!];
      }
      return result;
    },
  };
};
