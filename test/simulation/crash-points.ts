// The places at which a process can die, by name: before and after each kind of write, publication and warehouse job. The
// name of a write is read off what it writes, so product code knows nothing of the simulator, and a new kind of write
// that nobody has named here fails the run that makes it.
import { messageTypes, type MessageType } from '@floodgate/core/contracts/messages.ts';
import { transitions, type TaskState, type TransitionName } from '@floodgate/core/domain/task-state.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';

export type Change = { readonly path: string; readonly before: JsonObject | undefined; readonly after: JsonObject | undefined };

export const storeCrashPoints = [
  'plan.store',
  'activate',
  'request.reject',
  'scheduler.lease',
  'release',
  'turn_stale',
  'cancel_tasks',
  'finish',
  'progress',
  'claim',
  'lease.renew',
  'settle_dispatch',
  'lane.enter',
  'lane.ring',
  'lane.look',
  'lane.renew',
  'lane.leave',
  'lane.raise',
  'lane.settled',
  'begin_batch',
  'settle_batch',
  'return_batch',
  'gate.decide',
  'control',
  'reopen',
  'approve',
  'retry',
  'quarantine.decide',
  'recover_lease',
  'recover_queued',
  'ring',
  'outbox.sent',
  'malformed',
  'ledger.rebuild',
  'expire',
] as const;
export const warehouseCrashPoints = ['prepareTable', 'stage', 'cancelJob', 'preserveStaging', 'dropStaging', 'commit', 'fence'] as const;

export type CrashPoint = (typeof storeCrashPoints)[number] | `warehouse.${(typeof warehouseCrashPoints)[number]}` | `publish ${MessageType}`;

export const crashPoints: readonly CrashPoint[] = [
  ...storeCrashPoints,
  ...warehouseCrashPoints.map((name) => `warehouse.${name}` as const),
  ...(Object.keys(messageTypes) as MessageType[]).map((type) => `publish ${type}` as const),
];

const pointOfTransition: Readonly<Record<TransitionName, CrashPoint>> = {
  release: 'release',
  release_again: 'release',
  claim: 'claim',
  hold: 'claim',
  find_fresh: 'claim',
  stage: 'settle_dispatch',
  quarantine: 'settle_dispatch',
  put_back: 'settle_dispatch',
  fail: 'settle_dispatch',
  begin_commit: 'begin_batch',
  commit: 'settle_batch',
  commit_unchanged: 'settle_batch',
  supersede: 'settle_batch',
  return_to_lane: 'return_batch',
  lose_staging: 'return_batch',
  fail_commit: 'return_batch',
  cancel_waiting: 'cancel_tasks',
  cancel_queued: 'cancel_tasks',
  cancel_running: 'cancel_tasks',
  cancel_staged: 'cancel_tasks',
  turn_stale: 'turn_stale',
  turn_stale_unchanged: 'turn_stale',
  accept: 'quarantine.decide',
  reject: 'quarantine.decide',
  retry_quarantined: 'retry',
  retry_failed: 'retry',
  recover_running: 'recover_lease',
  recover_queued: 'recover_queued',
};

const collectionOf = (path: string): string => path.split('/').at(-2) ?? '';
const textOf = (document: JsonObject | undefined, field: string): string => String(document?.[field] ?? '');
const numberOf = (document: JsonObject | undefined, field: string): number => Number(document?.[field] ?? 0);

/** Both in one transaction: a claim that finds that there is nothing left to compute, or that too many have died over it. */
const atOnce: readonly (readonly [TransitionName, TransitionName])[] = [
  ['claim', 'find_fresh'],
  ['claim', 'fail'],
];

const named = (name: TransitionName) => transitions.find((transition) => transition.name === name);

/**
 * The transitions that a change of a task's document was; none where its state stayed. Two pairs of states are shared by two
 * transitions each, which differ in who makes them: a worker, or the reconciler in a planner or a command. Throws RangeError for
 * what the table doesn't allow.
 */
const transitionsOf = ({ before, after }: Change, process: string): readonly TransitionName[] => {
  const [from, to] = [before === undefined ? null : (textOf(before, 'state') as TaskState), textOf(after, 'state') as TaskState];
  if (after === undefined || from === to) return [];
  const candidates = transitions.filter((transition) => transition.from === from && transition.to === to);
  const isWorker = process.startsWith('worker');
  const found = candidates.length > 1 ? candidates.find(({ owner }) => (owner === 'worker') === isWorker) : candidates[0];
  const both = atOnce.find(([first, second]) => named(first)?.from === from && named(second)?.to === to);
  if (found === undefined && both === undefined) throw new RangeError(`${process} took a task from ${String(from)} to ${to}, which is no transition`);
  return found === undefined ? (both ?? []) : [found.name];
};

/** What a transaction is called as a place to die at. Throws RangeError for one that nobody has named. */
export const pointOfChanges = (changes: readonly Change[], process: string): CrashPoint => {
  const of = (collection: string): Change | undefined => changes.find(({ path }) => collectionOf(path) === collection);
  const lane = of('lanes');
  const backfill = of('backfills');
  const gate = of('gates');
  const expiring: readonly string[] = ['backfills', 'control', 'plans', 'tasks', 'gates', 'requests', 'audit'];
  if (changes.some(({ path, after }) => after === undefined && expiring.includes(collectionOf(path)))) return 'expire';
  // A reopening writes the backfill and perhaps gates; tasks follow in transactions of their own.
  if (backfill !== undefined && backfill.before === undefined && backfill.after !== undefined) return 'activate';
  if (backfill?.after !== undefined) return textOf(backfill.after, 'state') === 'active' ? (of('audit') === undefined ? 'ledger.rebuild' : 'reopen') : 'finish';
  for (const change of changes) {
    if (collectionOf(change.path) !== 'tasks') continue;
    const [name] = transitionsOf(change, process);
    if (name === undefined) continue;
    if (name === 'return_to_lane' && numberOf(lane?.after, 'epoch') > numberOf(lane?.before, 'epoch')) return 'lane.raise';
    return name === 'retry_quarantined' && of('audit') !== undefined && textOf(of('audit')?.after, 'action').startsWith('quarantine')
      ? 'quarantine.decide'
      : pointOfTransition[name];
  }
  if (lane !== undefined) return pointOfLane(lane);
  if (gate !== undefined) return of('audit') === undefined ? 'gate.decide' : 'approve';
  if (of('control') !== undefined) return of('control')?.path.endsWith('/scheduler') === true ? 'scheduler.lease' : 'control';
  if (of('requests') !== undefined) return 'request.reject';
  if (of('plans') !== undefined) return 'plan.store';
  if (of('leases') !== undefined)
    return of('leases')?.after === undefined ? (process.startsWith('worker') ? 'settle_dispatch' : 'recover_lease') : 'lease.renew';
  if (of('progress') !== undefined) return 'progress';
  if (of('ledger') !== undefined) return 'ledger.rebuild';
  if (of('deadLetters') !== undefined) return 'malformed';
  if (of('audit') !== undefined) return 'retry';
  if (of('outbox') !== undefined) return of('outbox')?.after === undefined ? 'outbox.sent' : 'ring';
  throw new RangeError(`${process} wrote ${changes.map(({ path }) => path).join(', ')}, which is no named crash point: name it in crash-points.ts`);
};

const pointOfLane = ({ before, after }: Change): CrashPoint => {
  if (numberOf(after, 'epoch') > numberOf(before, 'epoch')) return textOf(after, 'holder') === '' ? 'lane.raise' : 'lane.enter';
  if (textOf(after, 'holder') === '') return 'lane.leave';
  if (textOf(before, 'rung') !== textOf(after, 'rung')) return textOf(after, 'rung') === 'true' ? 'lane.ring' : 'lane.look';
  return before?.['job'] !== null && after?.['job'] === null ? 'lane.settled' : 'lane.renew';
};
