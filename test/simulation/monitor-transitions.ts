// The state machine of a task as DESIGN has it, written down a second time: who may make each transition, and what must be
// true of a task in each state. Nothing here reads the table of the code under test.
import type { TaskDocument } from '@floodgate/core/contracts/documents.ts';
import type { TaskState, TransitionName } from '@floodgate/core/domain/task-state.ts';

export type ProcessKind = 'planner' | 'worker' | 'validator' | 'operator';

/** `worker-2.3` is a worker; whoever is no service is an operator's command. */
export const kindOf = (process: string): ProcessKind =>
  process.startsWith('planner') ? 'planner' : process.startsWith('worker') ? 'worker' : process.startsWith('validator') ? 'validator' : 'operator';

type Edge = { readonly from: TaskState | null; readonly to: TaskState; readonly by: readonly ProcessKind[] };

/** The reconciler runs in planners, and in a command. */
const reconciler: readonly ProcessKind[] = ['planner', 'operator'];

export const edges: Readonly<Record<TransitionName, Edge>> = {
  release: { from: null, to: 'queued', by: ['planner'] },
  release_again: { from: 'waiting', to: 'queued', by: ['planner'] },
  claim: { from: 'queued', to: 'running', by: ['worker'] },
  hold: { from: 'queued', to: 'waiting', by: ['worker'] },
  stage: { from: 'running', to: 'staged', by: ['worker'] },
  find_fresh: { from: 'running', to: 'unchanged', by: ['worker'] },
  quarantine: { from: 'running', to: 'quarantined', by: ['worker'] },
  put_back: { from: 'running', to: 'waiting', by: ['worker'] },
  fail: { from: 'running', to: 'failed', by: ['worker'] },
  begin_commit: { from: 'staged', to: 'committing', by: ['worker'] },
  commit: { from: 'committing', to: 'succeeded', by: ['worker'] },
  commit_unchanged: { from: 'committing', to: 'unchanged', by: ['worker'] },
  supersede: { from: 'committing', to: 'superseded', by: ['worker'] },
  return_to_lane: { from: 'committing', to: 'staged', by: ['worker'] },
  lose_staging: { from: 'committing', to: 'waiting', by: ['worker'] },
  fail_commit: { from: 'committing', to: 'failed', by: ['worker'] },
  cancel_waiting: { from: 'waiting', to: 'cancelled', by: ['planner'] },
  cancel_queued: { from: 'queued', to: 'cancelled', by: ['planner'] },
  cancel_running: { from: 'running', to: 'cancelled', by: ['planner'] },
  cancel_staged: { from: 'staged', to: 'cancelled', by: ['planner'] },
  turn_stale: { from: 'succeeded', to: 'waiting', by: ['planner'] },
  turn_stale_unchanged: { from: 'unchanged', to: 'waiting', by: ['planner'] },
  accept: { from: 'quarantined', to: 'staged', by: ['operator'] },
  reject: { from: 'quarantined', to: 'failed', by: ['operator'] },
  retry_quarantined: { from: 'quarantined', to: 'waiting', by: ['operator'] },
  retry_failed: { from: 'failed', to: 'waiting', by: ['operator'] },
  recover_running: { from: 'running', to: 'waiting', by: reconciler },
  recover_queued: { from: 'queued', to: 'waiting', by: reconciler },
};

type Route = readonly TransitionName[];

const routes = new Map<string, readonly Route[]>();
for (const [name, { from, to }] of Object.entries(edges) as [TransitionName, Edge][]) {
  const key = `${String(from)}>${to}`;
  routes.set(key, [...(routes.get(key) ?? []), [name]]);
}
// Two things that a claim does in its own transaction, each two transitions in one write.
routes.set('queued>unchanged', [['claim', 'find_fresh']]);
routes.set('queued>failed', [['claim', 'fail']]);

/** The transitions that a write of a task was; empty where there is no such way. Of two ways the one that this kind of process may take. */
export const routeOf = (from: TaskState | null, to: TaskState, kind: ProcessKind): Route => {
  const candidates = routes.get(`${String(from)}>${to}`) ?? [];
  return candidates.find((route) => route.every((name) => edges[name].by.includes(kind))) ?? candidates[0] ?? [];
};

/** After these an older message, or an older execution, must find nothing that is its own. */
export const raisesEpoch: ReadonlySet<TransitionName> = new Set<TransitionName>([
  'claim',
  'hold',
  'lose_staging',
  'cancel_waiting',
  'cancel_queued',
  'cancel_running',
  'cancel_staged',
  'turn_stale',
  'turn_stale_unchanged',
  'retry_quarantined',
  'retry_failed',
  'recover_running',
  'recover_queued',
]);

export const goodStates: ReadonlySet<TaskState> = new Set<TaskState>(['succeeded', 'unchanged', 'superseded']);
export const openStates: ReadonlySet<TaskState> = new Set<TaskState>(['waiting', 'queued', 'running', 'staged', 'committing']);
export const inFlightStates: ReadonlySet<TaskState> = new Set<TaskState>(['queued', 'running', 'staged', 'committing']);

/** Letters of the packed progress. */
export const progressCodes: Readonly<Record<TaskState, string>> = {
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
};

/** 2^20 epochs per sequence number, as DESIGN's generation has it. */
export const epochsPerSequence = 1_048_576;

/** What a task carries that its state denies; undefined where all is well. Each is a demand and what was found instead. */
export const contradictionOf = (task: TaskDocument): string | undefined => {
  const { state, endedAt, job, staged, failure, dispatchId, generation, epoch, deadLetter, rows } = task;
  if (openStates.has(state) !== (endedAt === null)) return `endedAt ${String(endedAt)}`;
  if (state === 'queued' && dispatchId === '') return 'no dispatch';
  if (state === 'running' && (dispatchId === '' || job === null)) return 'no dispatch or no job';
  if (state === 'running' && generation % epochsPerSequence !== epoch) return `generation ${generation} at epoch ${epoch}`;
  if ((state === 'staged' || state === 'committing' || state === 'quarantined') && (staged === null || staged.staging === '')) return 'no staging';
  if (state === 'quarantined' && (staged?.preserved !== true || task.evidence.length === 0)) return 'rows that are not kept, or no evidence';
  if ((goodStates.has(state) || state === 'quarantined') && job !== null) return `job ${job.jobId}`;
  if (goodStates.has(state) && (failure !== null || rows === null)) return `failure ${failure?.code ?? 'none'} and rows ${String(rows)}`;
  if (state === 'failed' && (failure === null || !deadLetter || dispatchId !== ''))
    return `failure ${failure?.code ?? 'none'}, dead letter ${deadLetter}, dispatch "${dispatchId}"`;
  return undefined;
};
