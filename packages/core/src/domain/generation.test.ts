import fc from 'fast-check';
import { expect, test } from 'vitest';
import { generationOf, maxEpoch, maxSequence, splitGeneration } from './generation.ts';

const sequences = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: maxSequence }));
const epochs = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: maxEpoch }));

test('a later backfill beats an earlier one whatever their epochs, a later claim an earlier one of its backfill', () => {
  fc.assert(
    fc.property(sequences, epochs, sequences, epochs, (sequence, epoch, otherSequence, otherEpoch) => {
      const order = Math.sign(sequence - otherSequence) || Math.sign(epoch - otherEpoch);
      expect(Math.sign(generationOf(sequence, epoch) - generationOf(otherSequence, otherEpoch))).toBe(order);
    }),
  );
  expect(generationOf(2, 0)).toBeGreaterThan(generationOf(1, maxEpoch));
});

test('a generation splits into the sequence and the epoch that it was made of', () => {
  fc.assert(
    fc.property(sequences, epochs, (sequence, epoch) => {
      expect(splitGeneration(generationOf(sequence, epoch))).toEqual({ sequence, epoch });
    }),
  );
});

test('the largest generation is the largest safe integer', () => {
  expect(generationOf(maxSequence, maxEpoch)).toBe(Number.MAX_SAFE_INTEGER);
});

test.each([
  [0, 1],
  [maxSequence + 1, 1],
  [1.5, 1],
  [Number.NaN, 1],
])('the sequence %d is refused', (sequence, epoch) => {
  expect(() => generationOf(sequence, epoch)).toThrow(`sequence ${sequence} is outside 1..8589934591`);
});

test.each([
  [1, -1],
  [1, maxEpoch + 1],
  [1, 0.5],
  [1, Number.NaN],
])('in sequence %d the epoch %d is refused', (sequence, epoch) => {
  expect(() => generationOf(sequence, epoch)).toThrow(`epoch ${epoch} is outside 0..1048575`);
});
