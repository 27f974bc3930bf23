// Progress of a backfill is one packed state per planned date, for people only: a heat map, counts and an ETA cost one
// read per processor. No decision is made from it.
import type { TaskState } from './task-state.ts';

const codes = {
  unreleased: '.',
  waiting: 'w',
  queued: 'q',
  running: 'r',
  staged: 's',
  committing: 'c',
  succeeded: 'S',
  unchanged: 'U',
  superseded: 'P',
  failed: 'F',
  quarantined: 'Q',
  cancelled: 'X',
} as const satisfies Record<TaskState | 'unreleased', string>;

export type ProgressState = keyof typeof codes;
const byCode = new Map<string, ProgressState>(Object.entries(codes).map(([state, code]) => [code, state as ProgressState]));

export const packStates = (states: readonly ProgressState[]): string => states.map((state) => codes[state]).join('');

/** Throws RangeError on a code that this version doesn't know. */
export const unpackStates = (packed: string): readonly ProgressState[] =>
  [...packed].map((code) => {
    const state = byCode.get(code);
    if (state === undefined) throw new RangeError(`unknown progress code "${code}"`);
    return state;
  });

export type PackedProgress = { readonly states: string; readonly revisions: readonly number[] };

/** Merges two views of the same dates; per date the one that saw the later revision of the task wins, so progress never goes back. Throws RangeError where they are of different lengths. */
export const mergeProgress = (stored: PackedProgress, seen: PackedProgress): PackedProgress => {
  const sizes = new Set([stored.revisions.length, stored.states.length, seen.revisions.length, seen.states.length]);
  if (sizes.size > 1) throw new RangeError(`progress of ${stored.states.length} dates can't be merged with that of ${seen.states.length}`);
  const states: string[] = [];
  const revisions: number[] = [];
  for (let index = 0; index < stored.revisions.length; index += 1) {
    const newer = (seen.revisions[index] as number) >= (stored.revisions[index] as number) ? seen : stored;
    states.push(newer.states[index] as string);
    revisions.push(newer.revisions[index] as number);
  }
  return { states: states.join(''), revisions };
};

export type ProgressCounts = Readonly<Record<ProgressState, number>>;

export const countStates = (packed: readonly string[]): ProgressCounts => {
  const counts = Object.fromEntries(Object.keys(codes).map((state) => [state, 0])) as Record<ProgressState, number>;
  for (const states of packed) for (const state of unpackStates(states)) counts[state] += 1;
  return counts;
};
