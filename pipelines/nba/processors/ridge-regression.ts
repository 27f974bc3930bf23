// Ridge regression from sums alone: who has the sums of products of features and target over some rows can fit a line through them
// without the rows. So a warehouse adds up months, and a model over any of them costs a few thousand numbers. About 15 features:
// a Cholesky decomposition of a matrix of that size is 20 lines, and no library is needed for it.

/** Sums over rows of `values`, the features and last the target: how many rows, each value's sum, each product's sum. */
export type Moments = {
  readonly rows: number;
  readonly sums: readonly number[];
  /** `products[i][j]` for j <= i. */
  readonly products: readonly (readonly number[])[];
};

export type Model = {
  readonly intercept: number;
  readonly weights: readonly number[];
  readonly rows: number;
  /** Root of the mean squared error over the rows it was fitted on. */
  readonly rmse: number;
};

export const addMoments = (parts: readonly Moments[]): Moments | undefined => {
  const [first, ...rest] = parts;
  if (first === undefined) return undefined;
  return rest.reduce(
    (total, part) => ({
      rows: total.rows + part.rows,
      sums: total.sums.map((sum, i) => sum + at(part.sums, i)),
      products: total.products.map((line, i) => line.map((product, j) => product + at(part.products[i] ?? [], j))),
    }),
    first,
  );
};

/**
 * Weights on standardized features are held small by `penalty`, in units of rows; the intercept is not. A feature that never
 * varies gets weight 0.
 */
export const fitRidge = ({ rows, sums, products }: Moments, penalty: number): Model => {
  const count = sums.length - 1;
  const mean = sums.map((sum) => sum / rows);
  const covariance = (i: number, j: number): number => at(products[Math.max(i, j)] ?? [], Math.min(i, j)) / rows - at(mean, i) * at(mean, j);
  const indexes = Array.from({ length: count }, (_, i) => i);
  const deviation = indexes.map((i) => Math.sqrt(Math.max(covariance(i, i), 0)));
  // Below this a variance is what is left of rounding.
  const varies = indexes.map((i) => at(deviation, i) > 1e-9 * (1 + Math.abs(at(mean, i))));
  const matrix = indexes.map((i) =>
    indexes.map((j) => {
      if (!varies[i] || !varies[j]) return i === j ? 1 : 0;
      return covariance(i, j) / (at(deviation, i) * at(deviation, j)) + (i === j ? penalty / rows : 0);
    }),
  );
  const answers = indexes.map((i) => (varies[i] ? covariance(count, i) / at(deviation, i) : 0));
  const weights = solvePositive(matrix, answers).map((weight, i) => (varies[i] ? weight / at(deviation, i) : 0));
  const intercept = weights.reduce((rest, weight, i) => rest - weight * at(mean, i), at(mean, count));
  const explained = weights.reduce(
    (sum, weight, i) => sum + weight * (2 * covariance(count, i) - indexes.reduce((own, j) => own + at(weights, j) * covariance(i, j), 0)),
    0,
  );
  return { intercept, weights, rows, rmse: Math.sqrt(Math.max(covariance(count, count) - explained, 0)) };
};

export const predict = ({ intercept, weights }: Model, features: readonly number[]): number =>
  features.reduce((sum, value, i) => sum + value * at(weights, i), intercept);

/** Solves `matrix * x = answers` for a symmetric positive definite matrix, by Cholesky. */
export const solvePositive = (matrix: readonly (readonly number[])[], answers: readonly number[]): readonly number[] => {
  const size = answers.length;
  const lower: number[][] = [];
  for (let i = 0; i < size; i += 1) {
    const line: number[] = [];
    for (let j = 0; j <= i; j += 1) {
      let rest = at(matrix[i] ?? [], j);
      for (let k = 0; k < j; k += 1) rest -= at(line, k) * at(j === i ? line : (lower[j] ?? []), k);
      if (i === j && !(rest > 0)) throw new Error('the matrix is not positive definite');
      line.push(i === j ? Math.sqrt(rest) : rest / at(lower[j] ?? [], j));
    }
    lower.push(line);
  }
  const between: number[] = [];
  for (let i = 0; i < size; i += 1) {
    let rest = at(answers, i);
    for (let k = 0; k < i; k += 1) rest -= at(lower[i] ?? [], k) * at(between, k);
    between.push(rest / at(lower[i] ?? [], i));
  }
  const solution = Array.from({ length: size }, () => 0);
  for (let i = size - 1; i >= 0; i -= 1) {
    let rest = at(between, i);
    for (let k = i + 1; k < size; k += 1) rest -= at(lower[k] ?? [], i) * at(solution, k);
    solution[i] = rest / at(lower[i] ?? [], i);
  }
  return solution;
};

const at = (values: readonly number[], index: number): number => {
  const value = values[index];
  if (value === undefined) throw new RangeError(`there is no number ${index} of ${values.length}`);
  return value;
};
