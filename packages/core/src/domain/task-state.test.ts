import { describe, expect, test } from 'vitest';
import {
  applyTransition,
  canTransition,
  goodStates,
  inFlightStates,
  isGood,
  isInFlight,
  isTerminal,
  openStates,
  taskStates,
  terminalStates,
  transitions,
  type TaskState,
  type TransitionName,
} from './task-state.ts';

const allStates: readonly (TaskState | null)[] = [null, ...taskStates];

test('every state is either open or terminal, the good ones are terminal and those in flight are open', () => {
  expect([...openStates, ...terminalStates].sort()).toEqual([...taskStates].sort());
  for (const state of taskStates) {
    expect(isTerminal(state)).toBe(!(openStates as readonly TaskState[]).includes(state));
    if (isGood(state)) expect(isTerminal(state), state).toBe(true);
    if (isInFlight(state)) expect(isTerminal(state), state).toBe(false);
  }
  expect(taskStates.filter(isGood)).toEqual([...goodStates]);
  expect(taskStates.filter(isInFlight)).toEqual([...inFlightStates]);
  expect(taskStates.filter((state) => !isTerminal(state) && !isInFlight(state))).toEqual(['waiting']);
});

test('names are unique, and so is the way from one state to another for each owner', () => {
  expect(new Set(transitions.map(({ name }) => name)).size).toBe(transitions.length);
  expect(new Set(transitions.map(({ from, to, owner }) => `${from} ${to} ${owner}`)).size).toBe(transitions.length);
});

test('a transition can be applied exactly where it is allowed, and leads where the table says', () => {
  for (const state of allStates) {
    for (const { name, from, to } of transitions) {
      expect(canTransition(state, name)).toBe(from === state);
      if (from === state) expect(applyTransition(state, name)).toBe(to);
      else expect(() => applyTransition(state, name)).toThrow(new RangeError(`transition ${name} starts from ${from}, the task is ${state}`));
    }
  }
});

test('a name that is in no table is refused, from inherited properties too', () => {
  for (const name of ['toString', 'finish']) {
    expect(canTransition('waiting', name as TransitionName)).toBe(false);
    expect(() => applyTransition('waiting', name as TransitionName)).toThrow(RangeError);
  }
});

const reachableFrom = (start: TaskState | null, mayUse: (transition: (typeof transitions)[number]) => boolean = () => true): ReadonlySet<TaskState | null> => {
  const seen = new Set<TaskState | null>([start]);
  for (const state of seen) for (const transition of transitions) if (transition.from === state && mayUse(transition)) seen.add(transition.to);
  return seen;
};

test('every state can be reached from nothing', () => {
  expect(reachableFrom(null)).toEqual(new Set(allStates));
});

test('every open state leads to success, by the hands of planner, worker and lane alone', () => {
  for (const state of openStates) {
    expect(reachableFrom(state, ({ owner }) => owner === 'planner' || owner === 'worker' || owner === 'lane').has('succeeded'), state).toBe(true);
  }
});

test('only a person brings back what failed or is in quarantine, only the planner what an upstream made stale', () => {
  const leaving = transitions
    .filter(({ from }) => from !== null && isTerminal(from))
    .map(({ name, from, to, owner }) => `${name}: ${from} → ${to} by ${owner}`);
  expect(leaving).toEqual([
    'turn_stale: succeeded → waiting by planner',
    'turn_stale_unchanged: unchanged → waiting by planner',
    'accept: quarantined → staged by operator',
    'reject: quarantined → failed by operator',
    'retry_quarantined: quarantined → waiting by operator',
    'retry_failed: failed → waiting by operator',
  ]);
});

test('what was cancelled or superseded stays so', () => {
  for (const state of ['cancelled', 'superseded'] as const) expect([...reachableFrom(state)]).toEqual([state]);
});

describe('who may do what', () => {
  test('a commit that has begun is decided by its lane alone', () => {
    expect(new Set(transitions.filter(({ from }) => from === 'committing').map(({ owner }) => owner))).toEqual(new Set(['lane']));
  });
  test('every open state but committing can be cancelled', () => {
    const cancelled = transitions.filter(({ to }) => to === 'cancelled').map(({ from, owner }) => `${from} by ${owner}`);
    expect(cancelled).toEqual(['waiting by planner', 'queued by planner', 'running by planner', 'staged by planner']);
  });
  test('success comes from a commit and from nothing else', () => {
    expect(transitions.filter(({ to }) => to === 'succeeded').map(({ name }) => name)).toEqual(['commit']);
  });
  test('only the planner puts work into a queue, only a worker takes it out to run it', () => {
    expect(new Set(transitions.filter(({ to }) => to === 'queued').map(({ owner }) => owner))).toEqual(new Set(['planner']));
    expect(transitions.filter(({ to }) => to === 'running')).toEqual([{ name: 'claim', from: 'queued', to: 'running', owner: 'worker' }]);
  });
  test('the reconciler only ever puts work back', () => {
    expect(new Set(transitions.filter(({ owner }) => owner === 'reconciler').map(({ to }) => to))).toEqual(new Set(['waiting']));
  });
});
