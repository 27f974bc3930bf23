// Which of a failing run's faults matter: delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing
// Input", 2002) over its strikes. A candidate is a whole run with all other strikes suppressed, so it may take another way
// and fail otherwise; it counts only where it breaks the same invariant.
import type { Strike } from './chaos.ts';
import { allFaultKinds } from './faults.ts';
import type { RunResult } from './result.ts';

/** As RunOptions.suppressed names it. */
export const nameStrike = ({ kind, number }: Pick<Strike, 'kind' | 'number'>): string => `${kind}#${number}`;

/** No run has more strikes of one kind that begin only because others are missing. */
const highestNumber = 60;
const allNames: readonly string[] = allFaultKinds.flatMap((kind) =>
  Array.from({ length: highestNumber }, (_, index) => nameStrike({ kind, number: index + 1 })),
);

/**
 * What RunOptions.suppressed must name so that only these strike. Not just the rest of the strikes that were seen: without them
 * the run goes another way, on which others would strike that never had a chance before.
 */
export const suppressAllBut = (kept: readonly string[]): readonly string[] => {
  const keeps = new Set(kept);
  return allNames.filter((name) => !keeps.has(name));
};

export type ShrinkOptions = {
  /** A run with a violation. */
  readonly first: RunResult;
  /** Makes the run again with these strikes at most. */
  readonly run: (only: readonly string[]) => Promise<RunResult>;
  /** Bound of the runs; each takes about 100 ms. */
  readonly maxRuns: number;
  /** False ends it where it is. */
  readonly mayGoOn?: () => boolean;
  /** After each run: how many there were, and how many strikes are left. */
  readonly onRun?: (runs: number, left: number) => void;
};

export type Shrunk = {
  /** The run with the fewest strikes that still breaks the same invariant; the first one where none is smaller. */
  readonly smallest: RunResult;
  readonly runs: number;
  /** Leaving out any single strike of it makes the violation go away; false where the bound came first. */
  readonly isMinimal: boolean;
};

const split = (names: readonly string[], parts: number): readonly (readonly string[])[] =>
  Array.from({ length: parts }, (_, index) => names.slice(Math.floor((index * names.length) / parts), Math.floor(((index + 1) * names.length) / parts)));

/** The halves (thirds, …) alone, then all but one of them. With two parts, each is all but the other. */
const candidatesOf = (names: readonly string[], parts: number): readonly { readonly only: readonly string[]; readonly next: number }[] => {
  const chunks = split(names, parts);
  const alone = chunks.map((only) => ({ only, next: 2 }));
  if (parts === 2) return alone;
  return [...alone, ...chunks.map((_, left) => ({ only: chunks.flatMap((chunk, index) => (index === left ? [] : chunk)), next: Math.max(parts - 1, 2) }))];
};

export const shrink = async ({ first, run, maxRuns, mayGoOn = () => true, onRun }: ShrinkOptions): Promise<Shrunk> => {
  let smallest = first;
  let runs = 0;
  const tried = new Set<string>();
  const strikes = (): readonly string[] => smallest.strikes.map(nameStrike);
  const isOver = (): boolean => runs >= maxRuns || !mayGoOn();
  /** Whether the violation is still there with these alone; then that run is the smallest so far. */
  const holdsWith = async (only: readonly string[]): Promise<boolean> => {
    const key = only.join(' ');
    if (tried.has(key)) return false;
    tried.add(key);
    const result = await run(only);
    runs += 1;
    // Not all that may strike does: what is left is what struck.
    const isSmaller = result.violation?.invariant === first.violation?.invariant && result.strikes.length < smallest.strikes.length;
    if (isSmaller) smallest = result;
    onRun?.(runs, smallest.strikes.length);
    return isSmaller;
  };
  if (strikes().length > 0 && !isOver()) await holdsWith([]);
  let parts = 2;
  while (strikes().length > 1) {
    let next: number | undefined;
    for (const candidate of candidatesOf(strikes(), Math.min(parts, strikes().length))) {
      if (isOver()) return { smallest, runs, isMinimal: false };
      if (await holdsWith(candidate.only)) {
        next = candidate.next;
        break;
      }
    }
    if (next !== undefined) parts = next;
    else if (parts >= strikes().length) break;
    else parts = Math.min(parts * 2, strikes().length);
  }
  return { smallest, runs, isMinimal: strikes().length === 0 || tried.has('') };
};
