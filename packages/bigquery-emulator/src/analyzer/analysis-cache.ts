// Remembers analyses: the same statements come thousands of times. What was refused is remembered too, what failed for
// reasons of ours is not. Two callers of one key share one analysis.
import { BigQueryProblem } from '../problem.ts';

const maxCharacters = 16_000_000;
const maxKeyCharacters = 200_000;

export class AnalysisCache<Value> {
  readonly #entries = new Map<string, Promise<Value>>();
  #characters = 0;

  async get(key: string, compute: () => Promise<Value>): Promise<Value> {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      // Last used, last dropped: a Map keeps the order of insertion.
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known;
    }
    const value = compute();
    if (key.length > maxKeyCharacters) return value;
    this.#entries.set(key, value);
    this.#characters += key.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#characters <= maxCharacters) break;
      this.#drop(oldest);
    }
    try {
      return await value;
    } catch (error) {
      const isVerdict = error instanceof BigQueryProblem && error.reason !== 'internalError';
      if (!isVerdict && this.#entries.get(key) === value) this.#drop(key);
      throw error;
    }
  }

  #drop(key: string): void {
    if (this.#entries.delete(key)) this.#characters -= key.length;
  }
}
