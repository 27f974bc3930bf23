// Checks on work that begins: a release, a claim, a commit. Nothing begins behind a closed gate, before its window is good,
// or after somebody was told that the backfill stands still.
import type { Known } from './monitor-known.ts';
import type { Applied, BackfillWatch, Report, TaskMove } from './monitor-watches.ts';
import { nameOf } from './monitor-plans.ts';
import { aboutTask } from './monitor-tasks.ts';
import { goodStates } from './monitor-transitions.ts';

type Begin = 'released' | 'claimed' | 'began to commit';

const beginOf = ({ names }: TaskMove): Begin | undefined =>
  names.includes('release') || names.includes('release_again')
    ? 'released'
    : names.includes('claim')
      ? 'claimed'
      : names.includes('begin_commit')
        ? 'began to commit'
        : undefined;

/** (8) Pausing stops new work at once, and so does cancelling: from the moment in which the store says so. */
const notWhileStopped = (move: TaskMove, begin: Begin, { process }: Applied, report: Report): void => {
  const { control, id } = move.watch.backfill;
  const why = control === undefined ? 'has no control document' : control.cancelled ? 'is cancelled' : control.paused ? 'is paused' : undefined;
  if (why !== undefined) report('8', `${process} ${begin} ${nameOf(move.after)} while ${id} ${why}`, aboutTask(move));
};

/** (8) Only a backfill that is active has work: whoever saw it end must be able to rely on it. */
const onlyWhileActive = (move: TaskMove, begin: Begin, { process }: Applied, report: Report): void => {
  const { state } = move.watch.backfill.doc;
  if (state !== 'active') report('8', `${process} ${begin} ${nameOf(move.after)}, whose backfill is ${state}`, aboutTask(move));
};

/** (2) No task of a gated phase is released before every earlier gate of its backfill is open. */
const notBehindClosedGate = (move: TaskMove, { process }: Applied, report: Report): void => {
  const { doc, gates } = move.watch.backfill;
  if (doc.gate !== 'phase') return;
  const shut = doc.phases.find((phase) => phase < move.after.phase && gates.get(phase)?.state !== 'open');
  if (shut !== undefined)
    report(
      '2',
      `${process} released ${nameOf(move.after)} of phase ${move.after.phase} while the gate of phase ${shut} is ${gates.get(shut)?.state ?? 'waiting'}`,
      [...aboutTask(move), `${doc.backfillId}/${shut}`],
    );
};

/**
 * (2) No task begins before every hard upstream partition in its window is good: committed, and not at work in the same backfill.
 * What another planner than the one that released it has found stale meanwhile is let pass: it had lost the lease and not noticed;
 * the task will be found stale in turn. An entry that a rebuild took away is seen by the claim, not by the release.
 */
const notBeforeWindow = (known: Known, move: TaskMove, begin: Begin, { process }: Applied, report: Report): void => {
  const { watch, after } = move;
  const { backfill } = watch;
  for (const { processorId, date } of backfill.plan.needs(after.processorId, after.date)) {
    const key = `${processorId}|${date}`;
    const planned = backfill.plan.entries.get(processorId)?.get(date)?.kind === 'task';
    const upstream = backfill.tasks.get(key);
    const say = (found: string): void =>
      report('2', `${process} ${begin} ${nameOf(after)} while ${processorId} ${date} in its window is ${found}`, [...aboutTask(move), key]);
    if (known.ledgerEntry(after.pipelineId, processorId, date) === undefined && !(begin === 'released' && known.rebuilt.has(key))) say('not in the ledger');
    if (!planned || (upstream !== undefined && goodStates.has(upstream.doc.state))) continue;
    const turnedByOther = upstream !== undefined && upstream.turnedBy !== '' && upstream.turnedBy !== watch.releasedBy;
    if (!turnedByOther) say(`${upstream?.doc.state ?? 'not released yet'} in the same backfill`);
  }
};

/** (2) One planner at a time schedules a backfill, by its lease: two would release by two pictures of it. */
const byLeaseHolder = (move: TaskMove, { process }: Applied, report: Report): void => {
  const holder = move.watch.backfill.scheduler?.holder ?? '';
  if (holder !== process)
    report('2', `${process} released ${nameOf(move.after)} while ${holder === '' ? 'nobody' : holder} holds the scheduler's lease`, aboutTask(move));
};

/** (8) Never more in flight than the limit: what waits in the store is what pause, cancel and priority can still act on. */
const withinLimit = (backfill: BackfillWatch, { process }: Applied, report: Report): void => {
  const counted = backfill.inFlight - backfill.accepted.size;
  const { maxInFlight } = backfill.doc.limits;
  if (counted > maxInFlight) report('8', `${process} brought ${counted} tasks of ${backfill.id} into flight, ${maxInFlight} are allowed`, [backfill.id]);
};

export const checkBegin = (known: Known, applied: Applied, report: Report): void => {
  const released = new Set<BackfillWatch>();
  for (const move of applied.moves) {
    const begin = beginOf(move);
    if (begin === undefined) continue;
    notWhileStopped(move, begin, applied, report);
    onlyWhileActive(move, begin, applied, report);
    if (begin === 'began to commit') continue;
    notBeforeWindow(known, move, begin, applied, report);
    if (begin === 'claimed') continue;
    notBehindClosedGate(move, applied, report);
    byLeaseHolder(move, applied, report);
    released.add(move.watch.backfill);
  }
  for (const backfill of released) withinLimit(backfill, applied, report);
};
