// The states of a task and the one table of allowed transitions, each with its only owner. Whoever writes a task's state
// goes through `assertTransition`, so a transition that is not in this table can't happen.

export const taskStates = [
  'waiting',
  'queued',
  'running',
  'staged',
  'committing',
  'succeeded',
  'unchanged',
  'superseded',
  'failed',
  'quarantined',
  'cancelled',
] as const;
export type TaskState = (typeof taskStates)[number];

export const terminalStates = ['succeeded', 'unchanged', 'superseded', 'failed', 'quarantined', 'cancelled'] as const satisfies readonly TaskState[];
export const openStates = ['waiting', 'queued', 'running', 'staged', 'committing'] as const satisfies readonly TaskState[];
/** With the workers or the lanes: what admission counts. */
export const inFlightStates = ['queued', 'running', 'staged', 'committing'] as const satisfies readonly TaskState[];
/** Terminal states after which a hard downstream may run. */
export const goodStates = ['succeeded', 'unchanged', 'superseded'] as const satisfies readonly TaskState[];

const includes = (states: readonly TaskState[], state: TaskState): boolean => states.includes(state);
export const isTerminal = (state: TaskState): boolean => includes(terminalStates, state);
export const isGood = (state: TaskState): boolean => includes(goodStates, state);
export const isInFlight = (state: TaskState): boolean => includes(inFlightStates, state);

export type TransitionOwner = 'planner' | 'worker' | 'lane' | 'operator' | 'reconciler';

export type TransitionName = (typeof transitions)[number]['name'];

/** Every transition there is. `from: null` creates the task document. */
export const transitions = [
  { name: 'release', from: null, to: 'queued', owner: 'planner' },
  { name: 'release_again', from: 'waiting', to: 'queued', owner: 'planner' },
  { name: 'claim', from: 'queued', to: 'running', owner: 'worker' },
  // Paused, or an upstream turned bad between release and claim: back without an attempt charged.
  { name: 'hold', from: 'queued', to: 'waiting', owner: 'worker' },
  { name: 'stage', from: 'running', to: 'staged', owner: 'worker' },
  // The ledger already holds what this execution would compute.
  { name: 'find_fresh', from: 'running', to: 'unchanged', owner: 'worker' },
  { name: 'quarantine', from: 'running', to: 'quarantined', owner: 'worker' },
  { name: 'put_back', from: 'running', to: 'waiting', owner: 'worker' },
  { name: 'fail', from: 'running', to: 'failed', owner: 'worker' },
  { name: 'begin_commit', from: 'staged', to: 'committing', owner: 'lane' },
  { name: 'commit', from: 'committing', to: 'succeeded', owner: 'lane' },
  { name: 'commit_unchanged', from: 'committing', to: 'unchanged', owner: 'lane' },
  { name: 'supersede', from: 'committing', to: 'superseded', owner: 'lane' },
  { name: 'return_to_lane', from: 'committing', to: 'staged', owner: 'lane' },
  { name: 'lose_staging', from: 'committing', to: 'waiting', owner: 'lane' },
  { name: 'fail_commit', from: 'committing', to: 'failed', owner: 'lane' },
  { name: 'cancel_waiting', from: 'waiting', to: 'cancelled', owner: 'planner' },
  { name: 'cancel_queued', from: 'queued', to: 'cancelled', owner: 'planner' },
  { name: 'cancel_running', from: 'running', to: 'cancelled', owner: 'planner' },
  { name: 'cancel_staged', from: 'staged', to: 'cancelled', owner: 'planner' },
  // An upstream of a finished partition changed while its own backfill is active.
  { name: 'turn_stale', from: 'succeeded', to: 'waiting', owner: 'planner' },
  { name: 'turn_stale_unchanged', from: 'unchanged', to: 'waiting', owner: 'planner' },
  { name: 'accept', from: 'quarantined', to: 'staged', owner: 'operator' },
  { name: 'reject', from: 'quarantined', to: 'failed', owner: 'operator' },
  { name: 'retry_quarantined', from: 'quarantined', to: 'waiting', owner: 'operator' },
  { name: 'retry_failed', from: 'failed', to: 'waiting', owner: 'operator' },
  { name: 'recover_running', from: 'running', to: 'waiting', owner: 'reconciler' },
  { name: 'recover_queued', from: 'queued', to: 'waiting', owner: 'reconciler' },
] as const satisfies readonly { name: string; from: TaskState | null; to: TaskState; owner: TransitionOwner }[];

const byName = new Map(transitions.map((transition) => [transition.name, transition]));

/** Target state of a transition; throws RangeError where the task is not in the state from which it starts. */
export const applyTransition = (state: TaskState | null, name: TransitionName): TaskState => {
  const transition = byName.get(name);
  if (transition === undefined || transition.from !== state) {
    throw new RangeError(`transition ${name} starts from ${String(transition?.from)}, the task is ${String(state)}`);
  }
  return transition.to;
};

/** Whether a task in this state can take this transition now. */
export const canTransition = (state: TaskState | null, name: TransitionName): boolean => byName.get(name)?.from === state;
