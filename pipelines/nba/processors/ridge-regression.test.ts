import { expect, test } from 'vitest';
import { addMoments, fitRidge, predict, solvePositive, type Moments } from './ridge-regression.ts';

const momentsOf = (rows: readonly (readonly number[])[]): Moments => {
  const size = rows[0]?.length ?? 0;
  const sum = (of: (row: readonly number[]) => number): number => rows.reduce((total, row) => total + of(row), 0);
  return {
    rows: rows.length,
    sums: Array.from({ length: size }, (_, i) => sum((row) => row[i] ?? 0)),
    products: Array.from({ length: size }, (_, i) => Array.from({ length: i + 1 }, (_unused, j) => sum((row) => (row[i] ?? 0) * (row[j] ?? 0)))),
  };
};

// Two features that vary, one that never does, and y = 3 + 2 a - 0.5 b.
const line = Array.from({ length: 40 }, (_, i) => {
  const a = (i * 7) % 11;
  const b = (i * 5) % 13;
  return [a, b, 4, 3 + 2 * a - 0.5 * b];
});

test('a plane is found again, and a feature that never varies has no weight', () => {
  const model = fitRidge(momentsOf(line), 0);
  expect(model.intercept).toBeCloseTo(3, 9);
  expect(model.weights[0]).toBeCloseTo(2, 9);
  expect(model.weights[1]).toBeCloseTo(-0.5, 9);
  expect(model.weights[2]).toBe(0);
  expect(model.rmse).toBeCloseTo(0, 5);
  expect(model.rows).toBe(40);
  expect(predict(model, [10, 2, 4])).toBeCloseTo(22, 9);
});

test('moments of parts add up to those of the whole', () => {
  const parts = [line.slice(0, 9), line.slice(9, 30), line.slice(30)].map(momentsOf);
  expect(addMoments(parts)).toEqual(momentsOf(line));
  expect(addMoments([])).toBeUndefined();
});

test('one feature: the weight is the covariance over the variance and the penalty', () => {
  // x = 1..5, y = 2, 4, 5, 4, 5: covariance 1.2, variance 2; standardized 1.2 / sqrt(2) over 1 + 5 / 5.
  const model = fitRidge(
    momentsOf([
      [1, 2],
      [2, 4],
      [3, 5],
      [4, 4],
      [5, 5],
    ]),
    5,
  );
  expect(model.weights[0]).toBeCloseTo(0.3, 12);
  expect(model.intercept).toBeCloseTo(4 - 0.3 * 3, 12);
  // Mean square of y - (3.1 + 0.3 x): -1.4, 0.3, 1, -0.3, 0.4.
  expect(model.rmse).toBeCloseTo(Math.sqrt((1.96 + 0.09 + 1 + 0.09 + 0.16) / 5), 12);
});

test('features that say the same share a weight under a penalty, and have no solution without one', () => {
  const twins = line.map(([a]) => [a ?? 0, a ?? 0, 1 + 2 * (a ?? 0)]);
  const model = fitRidge(momentsOf(twins), 0.001);
  expect(model.weights[0]).toBeCloseTo(1, 3);
  expect(model.weights[0]).toBeCloseTo(model.weights[1] ?? 0, 9);
  expect(() =>
    solvePositive(
      [
        [1, 1],
        [1, 1],
      ],
      [1, 1],
    ),
  ).toThrow('not positive definite');
});

test('a system of three is solved', () => {
  const solution = solvePositive(
    [
      [4, 2, 2],
      [2, 5, 1],
      [2, 1, 6],
    ],
    [14, 15, 22],
  );
  expect(solution.map((value) => Math.round(value * 1e9) / 1e9)).toEqual([1, 2, 3]);
});
