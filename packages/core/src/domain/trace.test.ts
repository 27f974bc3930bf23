import { expect, test } from 'vitest';
import { continueTrace } from './trace.ts';

const ids = (): (() => string) => {
  let next = 0;
  return () => `id${(next += 1)}`;
};

test('a valid traceparent goes on unchanged', () => {
  const given = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  expect(continueTrace(given, ids())).toBe(given);
});

test.each(['', 'nonsense', '00-00000000000000000000000000000000-00f067aa0ba902b7-01', '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01'])(
  '"%s" begins a trace of its own',
  (given) => {
    const made = continueTrace(given, ids());
    expect(made).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(continueTrace(made, ids())).toBe(made);
  },
);
