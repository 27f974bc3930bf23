// Checks on every write of a task: what it may become, who may say so, and what it must look like afterwards; and on the
// lanes and leases that tasks in work hang on.
import type { DispatchDocument, LaneDocument } from '@floodgate/core/contracts/documents.ts';
import type { Known } from './monitor-known.ts';
import type { Applied, Report, TaskMove, Written } from './monitor-watches.ts';
import { nameOf } from './monitor-plans.ts';
import { contradictionOf, edges, epochsPerSequence, raisesEpoch } from './monitor-transitions.ts';
import type { About } from './result.ts';

export const aboutTask = ({ watch: { doc } }: Pick<TaskMove, 'watch'>): About => [doc.backfillId, doc.table, `${doc.processorId}|${doc.date}`];

const from = ({ before, after }: TaskMove): string => `from ${before?.state ?? 'nothing'} to ${after.state}`;

/** (1) Every write of a task is a transition, or two in a claim: nothing else says what its state means. */
const followsTable = (move: TaskMove, { process }: Applied, report: Report): void => {
  if (move.names.length === 0) report('1', `${process} took ${nameOf(move.after)} ${from(move)}, which is no transition`, aboutTask(move));
};

/** (1) One owner per transition: two that decide the same thing would undo each other's work. */
const madeByOwner = (move: TaskMove, { process, kind }: Applied, report: Report): void => {
  const stranger = move.names.find((name) => !edges[name].by.includes(kind));
  if (stranger !== undefined)
    report('1', `${process} made the transition ${stranger} of ${nameOf(move.after)}, which belongs to ${edges[stranger].by.join(' or ')}`, aboutTask(move));
};

/** (1) Revisions count the writes, and nothing that fences ever goes back: an old writer could not be told from a new one. */
const countsUp = (move: TaskMove, { process }: Applied, report: Report): void => {
  const { before, after, names } = move;
  const say = (found: string): void => report('1', `${process} took ${nameOf(after)} ${from(move)} with ${found}`, aboutTask(move));
  const steps = Math.max(1, names.length);
  if (after.revision !== (before?.revision ?? 0) + steps) say(`revision ${after.revision}, expected ${(before?.revision ?? 0) + steps}`);
  if (before === undefined) {
    if (after.epoch !== 0 || after.attempt !== 0 || after.generation !== 0)
      say(`epoch ${after.epoch}, attempt ${after.attempt}, generation ${after.generation}, expected 0 of each`);
    return;
  }
  const leastEpoch = before.epoch + (names.some((name) => raisesEpoch.has(name)) ? 1 : 0);
  if (after.epoch < leastEpoch) say(`epoch ${after.epoch}, expected ${leastEpoch} at least`);
  if (after.sequence < before.sequence) say(`sequence ${after.sequence} after ${before.sequence}`);
  if (after.attempt < 0) say(`attempt ${after.attempt}`);
};

/** (4) A generation is given once, at a claim, out of backfill and epoch, and is never given twice for a partition: it is what fences. */
const fencesByGeneration = (move: TaskMove, { process }: Applied, report: Report, given: Map<string, string>): void => {
  const { before, after, names } = move;
  if (before === undefined) return;
  if (!names.includes('claim')) {
    if (after.generation !== before.generation)
      report('4', `${process} changed the generation of ${nameOf(after)} from ${before.generation} to ${after.generation} without a claim`, aboutTask(move));
    return;
  }
  const [sequence, epoch] = [Math.floor(after.generation / epochsPerSequence), after.generation % epochsPerSequence];
  const newest = Math.max(move.watch.backfill.doc.sequence, after.sequence);
  if (after.generation <= before.generation || epoch !== after.epoch || sequence < after.sequence || sequence > newest)
    report(
      '4',
      `${process} claimed ${nameOf(after)} with generation ${after.generation} (sequence ${sequence}, epoch ${epoch}), expected sequence ${after.sequence} to ${newest}, epoch ${after.epoch}, above ${before.generation}`,
      aboutTask(move),
    );
  const key = `${after.table}|${after.date}|${after.generation}`;
  const other = given.get(key);
  if (other !== undefined) report('4', `${process} claimed ${nameOf(after)} with generation ${after.generation}, which ${other} has had`, aboutTask(move));
  given.set(key, nameOf(after));
};

/** (1) What a task carries fits its state: a finished one with a job of its own, say, would be taken up again. */
const carriesWhatItsStateSays = (move: TaskMove, { process }: Applied, report: Report): void => {
  const found = contradictionOf(move.after);
  if (found !== undefined) report('1', `${process} left ${nameOf(move.after)} ${move.after.state} with ${found}`, aboutTask(move));
};

/** (1) A task never becomes another one: everybody finds it by what it is. */
const keepsIdentity = (move: TaskMove, { process }: Applied, report: Report): void => {
  const { watch, before, after } = move;
  const { plan, doc } = watch.backfill;
  if (before === undefined) {
    const planned = plan.entries.get(after.processorId)?.get(after.date);
    const { table, phase } = plan.processor(after.processorId);
    if (planned?.kind !== 'task' || after.table !== table || after.phase !== phase || after.pipelineHash !== doc.pipelineHash)
      report(
        '1',
        `${process} created ${nameOf(after)} for ${after.table} in phase ${after.phase}; the plan has ${planned?.kind ?? 'nothing'} there`,
        aboutTask(move),
      );
  } else if (before.processorId !== after.processorId || before.date !== after.date || before.table !== after.table || before.backfillId !== after.backfillId)
    report('1', `${process} made ${nameOf(after)} of ${nameOf(before)}`, aboutTask(move));
};

/** (7) Tasks go only with a closed backfill: nothing that somebody may still retry is lost. */
const forgetsClosedOnly = ({ forgotten, process }: Applied, report: Report): void => {
  for (const watch of forgotten) {
    const { state } = watch.backfill.doc;
    if (state === 'active' || state === 'blocked') report('7', `${process} deleted ${nameOf(watch.doc)}, whose backfill is ${state}`, aboutTask({ watch }));
  }
};

/** (4) A task is committing exactly as long as its lane has it recorded: whoever takes the lane over finds all of them, and no others. */
const committingIsRecorded = (known: Known, applied: Applied, report: Report): void => {
  for (const move of applied.moves) {
    const { after } = move;
    if (after.state !== 'committing') continue;
    const job = known.lanes.get(`lanes/${after.table}`)?.job ?? null;
    if (job?.tasks.some(({ path, generation }) => path === move.watch.path && generation === after.generation) !== true)
      report(
        '4',
        `${applied.process} made ${nameOf(after)} committing at generation ${after.generation}; the lane of ${after.table} records ${job?.jobId ?? 'no job'}`,
        aboutTask(move),
      );
  }
  const tables = new Set([
    ...applied.lanes.map(({ path }) => path),
    ...applied.moves.filter(({ before }) => before?.state === 'committing').map(({ after }) => `lanes/${after.table}`),
  ]);
  for (const path of tables) {
    const job = known.lanes.get(path)?.job ?? null;
    for (const { path: task } of job?.tasks ?? []) {
      const watch = known.tasks.get(task);
      if (watch !== undefined && watch.doc.state !== 'committing')
        report(
          '4',
          `after ${applied.process} the job ${job?.jobId ?? ''} of ${path} is recorded with ${nameOf(watch.doc)}, which is ${watch.doc.state}`,
          aboutTask({ watch }),
        );
    }
  }
};

/** (4) A lane's fencing token grows with every holder, its counters never fall, and a recorded job is settled before the next. */
const laneGrows = ({ before, after, path }: Written<LaneDocument>, process: string, report: Report): void => {
  if (after === undefined) return;
  const table = path.slice('lanes/'.length);
  const say = (message: string): void => report('4', `${process} left the lane of ${table} with ${message}`, [table]);
  if (before === undefined) return;
  if (after.epoch < before.epoch || after.heartbeat < before.heartbeat)
    say(`epoch ${after.epoch}, heartbeat ${after.heartbeat} after ${before.epoch}, ${before.heartbeat}`);
  if (after.holder !== before.holder && after.holder !== '' && after.epoch === before.epoch)
    say(`the new holder ${after.holder} at the epoch ${after.epoch} of "${before.holder}"`);
  if (after.job !== null && before.job !== null && after.job.jobId !== before.job.jobId)
    say(`the job ${after.job.jobId} while ${before.job.jobId} was not settled`);
  if (after.job !== null && before.job === null && (after.holder !== process || after.epoch !== before.epoch))
    say(`the job ${after.job.jobId} recorded by somebody who does not hold it (${after.holder} does)`);
};

/** (3) A running task has a lease as long as it runs: without one nobody would bring it back when its worker dies. */
const runningIsLeased = (known: Known, applied: Applied, report: Report): void => {
  for (const move of applied.moves) {
    const { after } = move;
    if (after.state !== 'running') continue;
    const lease = known.leases.get(`leases/${after.dispatchId}`);
    if (lease?.tasks.some(({ path, epoch }) => path === move.watch.path && epoch === after.epoch) !== true)
      report(
        '3',
        `${applied.process} made ${nameOf(after)} running at epoch ${after.epoch}; the lease ${after.dispatchId} ${lease === undefined ? 'does not exist' : 'does not hold it'}`,
        aboutTask(move),
      );
  }
  for (const { before, after } of applied.leases) if (before !== undefined) leaseEnds(known, applied.process, before, after, report);
};

const leaseEnds = (known: Known, process: string, before: DispatchDocument, after: DispatchDocument | undefined, report: Report): void => {
  if (after !== undefined) {
    if (after.holder !== before.holder || after.heartbeat <= before.heartbeat)
      report(
        '3',
        `${process} wrote the lease ${before.dispatchId} of ${before.holder} at heartbeat ${after.heartbeat} for ${after.holder}, expected more than ${before.heartbeat}`,
        [before.backfillId],
      );
    return;
  }
  for (const { path, epoch } of before.tasks) {
    const watch = known.tasks.get(path);
    if (watch?.doc.state === 'running' && watch.doc.epoch === epoch)
      report('3', `${process} deleted the lease ${before.dispatchId} while ${nameOf(watch.doc)} is running under it`, aboutTask({ watch }));
  }
};

/** Keeps which generations were given. */
export const createTaskChecks = (): ((known: Known, applied: Applied, report: Report) => void) => {
  const given = new Map<string, string>();
  return (known, applied, report) => {
    for (const move of applied.moves) {
      followsTable(move, applied, report);
      madeByOwner(move, applied, report);
      countsUp(move, applied, report);
      fencesByGeneration(move, applied, report, given);
      carriesWhatItsStateSays(move, applied, report);
      keepsIdentity(move, applied, report);
    }
    forgetsClosedOnly(applied, report);
    if (applied.lanes.length > 0 || applied.moves.length > 0) committingIsRecorded(known, applied, report);
    for (const lane of applied.lanes) laneGrows(lane, applied.process, report);
    if (applied.leases.length > 0 || applied.moves.length > 0) runningIsLeased(known, applied, report);
  };
};
