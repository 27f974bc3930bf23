import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, digestText } from './digest.ts';

test('a digest is the first 16 hex digits of SHA-256', () => {
  expect(digestText('abc')).toBe('ba7816bf8f01cfea');
  expect(digestText('')).toBe('e3b0c44298fc1c14');
});

const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
};

test('equal values have one text, in whatever order their keys were written', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
    }),
  );
});

test('the text is JSON for the same value, so different values have different texts', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('keys are sorted at every depth, lists keep their order', () => {
  expect(canonicalJson({ b: [{ d: 1, c: 2 }, 1], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1},1]}');
});

test('what is undefined is left out, null stays', () => expect(canonicalJson({ b: undefined, a: { d: undefined, c: null } })).toBe('{"a":{"c":null}}'));
