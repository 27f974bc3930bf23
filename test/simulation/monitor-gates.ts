// Checks on gates, on backfills as wholes and on the one document that serialises them.
import type { GateDocument, PipelineStateDocument } from '@floodgate/core/contracts/documents.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Known } from './monitor-known.ts';
import type { Applied, BackfillWatch, Report, Written } from './monitor-watches.ts';
import { goodStates } from './monitor-transitions.ts';

type GateChange = Applied['gates'][number];

/** (2) An open gate is final: what lies behind it has been let go. */
const openIsFinal = ({ before, after, watch, path }: GateChange, process: string, report: Report): void => {
  if (before?.state === 'open' && after !== undefined)
    report('2', `${process} wrote ${path}, which was open (evaluation ${before.evaluation}), as ${after.state} (evaluation ${after.evaluation})`, [
      `${watch.id}/${after.phase}`,
    ]);
};

/** (2) Evaluations are counted, each written over the one that it began from: a slow validator can't overwrite a later one. */
const evaluationCounts = ({ before, after, watch, path }: GateChange, process: string, report: Report): void => {
  if (after === undefined) return;
  if (after.evaluation !== (before?.evaluation ?? 0) + 1)
    report('2', `${process} wrote ${path} with evaluation ${after.evaluation}, expected ${(before?.evaluation ?? 0) + 1}`, [`${watch.id}/${after.phase}`]);
};

/** (2) The validator decides gates; people send them back to be judged, and approve. */
const decidedByValidator = ({ before, after, watch, path }: GateChange, { process, kind }: Applied, report: Report): void => {
  if (after === undefined) return;
  const isRight = after.state === 'waiting' ? kind === 'operator' : kind === 'validator';
  if (!isRight) report('2', `${process} wrote ${path} as ${after.state}, which is not its to say`, [`${watch.id}/${after.phase}`]);
  if (kind === 'validator' && after.approvedBy !== (before?.approvedBy ?? ''))
    report('2', `${process} wrote ${path} as approved by "${after.approvedBy}", found "${before?.approvedBy ?? ''}" before`, [`${watch.id}/${after.phase}`]);
};

type NotGood = { readonly processorId: string; readonly date: PartitionDate; readonly state: string };

/** A planned partition that is not good in the store, of these processors. */
const findNotGood = (known: Known, watch: BackfillWatch, processors: readonly string[]): NotGood | undefined => {
  for (const processorId of processors) {
    for (const [date, { kind }] of watch.plan.entries.get(processorId) ?? []) {
      if (kind === 'task') {
        const state = watch.tasks.get(`${processorId}|${date}`)?.doc.state;
        if (state === undefined || !goodStates.has(state)) return { processorId, date, state: state ?? 'not released yet' };
      }
      if (
        kind !== 'skip' &&
        kind !== 'fresh' &&
        known.ledgerEntry(watch.doc.pipelineId, processorId, date) === undefined &&
        !known.rebuilt.has(`${processorId}|${date}`)
      )
        return { processorId, date, state: 'not in the ledger' };
    }
  }
  return undefined;
};

/** (2) A gate opens only when every planned task of its phase is good, and after the gates before it. */
const opensOnGoodTasks = (known: Known, { after, watch, path }: GateChange, process: string, report: Report): void => {
  if (after?.state !== 'open') return;
  const processors = [...watch.plan.entries.keys()].filter((id) => watch.plan.processor(id).phase === after.phase);
  const bad = findNotGood(known, watch, processors);
  if (bad !== undefined)
    report('2', `${process} opened ${path} while ${bad.processorId} ${bad.date} is ${bad.state}`, [
      `${watch.id}/${after.phase}`,
      `${bad.processorId}|${bad.date}`,
    ]);
  const shut = watch.doc.gate === 'phase' ? watch.doc.phases.find((phase) => phase < after.phase && watch.gates.get(phase)?.state !== 'open') : undefined;
  if (shut !== undefined) report('2', `${process} opened ${path} before the gate of phase ${shut}`, [`${watch.id}/${after.phase}`]);
};

/** (2) Where the pipeline asks for a person's approval, no gate opens without it. */
const holdsForApproval = ({ after, watch, path }: GateChange, process: string, report: Report): void => {
  if (after?.state !== 'open' || after.approvedBy !== '') return;
  if (watch.plan.pipeline.phases.find(({ number }) => number === after.phase)?.gate.hold === true)
    report('2', `${process} opened ${path}, which asks for an approval that nobody gave`, [`${watch.id}/${after.phase}`]);
};

/** (3) A gate that is shut says why. */
const shutSaysWhy = ({ after, watch, path }: GateChange, process: string, report: Report): void => {
  if ((after?.state === 'blocked' || after?.state === 'held') && after.summary === '')
    report('3', `${process} wrote ${path} as ${after.state} without a reason`, [`${watch.id}/${after.phase}`]);
};

/** (8) A backfill goes from active to an end and may be reopened from there, under a new number; what was cancelled stays so. */
const backfillMoves = ({ before, after, watch }: Applied['backfills'][number], process: string, report: Report): void => {
  if (after === undefined) {
    if (before?.state === 'active' || before?.state === 'blocked')
      report('7', `${process} deleted the backfill ${watch.id}, which is ${before.state}`, [watch.id]);
    return;
  }
  const say = (message: string): void => report('8', `${process} left ${watch.id} ${after.state} ${message}`, [watch.id]);
  if ((after.endedAt === null) !== (after.state === 'active')) say(`with endedAt ${String(after.endedAt)}`);
  if (before === undefined) {
    if (after.state !== 'active') say('from its beginning');
    return;
  }
  if (before.state === 'cancelled') say('after it was cancelled');
  if (before.state !== 'active' && after.state !== 'active') say(`after ${before.state}`);
  if (before.planHash !== after.planHash) say(`with the plan ${after.planHash} instead of ${before.planHash}`);
  if (after.sequence < before.sequence || (before.state !== 'active' && after.sequence === before.sequence))
    say(`with sequence ${after.sequence} after ${before.sequence}`);
};

/** (7) Nothing is planned that another backfill has planned and not begun: the overlap is rejected, or awaited. */
const plansWhatNobodyPlans = (known: Known, { before, watch }: Applied['backfills'][number], process: string, report: Report): void => {
  if (before !== undefined) return;
  for (const other of known.backfills.values()) {
    if (other === watch || other.doc.state !== 'active') continue;
    for (const [processorId, row] of watch.plan.entries) {
      for (const [date, { kind }] of row) {
        const theirs = other.plan.entries.get(processorId)?.get(date);
        if (kind === 'task' && theirs?.kind === 'task' && !other.tasks.has(`${processorId}|${date}`)) {
          report('7', `${process} planned ${processorId} ${date} in ${watch.id}; ${other.id} has it planned and not begun`, [
            watch.id,
            other.id,
            `${processorId}|${date}`,
          ]);
          return;
        }
      }
    }
  }
};

/** (3) An ended backfill has nothing with the workers; a cancelled one nothing open; a completed one everything good and every gate open. */
const endsWhole = (known: Known, { before, after, watch }: Applied['backfills'][number], process: string, report: Report): void => {
  if (after === undefined || after.state === 'active' || before?.state === after.state) return;
  const say = (message: string): void =>
    report(after.state === 'cancelled' ? '8' : '3', `${process} left ${watch.id} ${after.state} with ${message}`, [watch.id]);
  if (watch.inFlight > 0) say(`${watch.inFlight} tasks in flight`);
  if (after.state === 'cancelled') {
    if (watch.open > 0) say(`${watch.open} open tasks`);
    if (watch.control?.cancelled !== true) say('nobody having cancelled it');
  }
  if (after.state !== 'completed') return;
  const bad = findNotGood(known, watch, [...watch.plan.entries.keys()]);
  if (bad !== undefined) say(`${bad.processorId} ${bad.date}, which is ${bad.state}`);
  const shut = watch.doc.phases.find((phase) => watch.gates.get(phase)?.state !== 'open');
  if (shut !== undefined) say(`the gate of phase ${shut} ${watch.gates.get(shut)?.state ?? 'waiting'}`);
};

/** (8) Nothing in an ended backfill is put back to work before it is reopened: nobody would look at it. */
const staysEnded = ({ moves, process }: Applied, report: Report): void => {
  for (const { watch, after } of moves) {
    const { state } = watch.backfill.doc;
    if (state !== 'active' && after.endedAt === null)
      report('8', `${process} made ${after.processorId} ${after.date} ${after.state} in ${watch.backfill.id}, which is ${state}`, [
        watch.backfill.id,
        `${after.processorId}|${after.date}`,
      ]);
  }
};

/** (8) A cancelled backfill never comes back, and who did what is written down beside it. */
const controlIsKept = ({ before, after, watch }: Applied['controls'][number], { process, audits }: Applied, report: Report): void => {
  if (before?.cancelled === true && after?.cancelled === false) report('8', `${process} took back the cancelling of ${watch.id}`, [watch.id]);
  if (before !== undefined && after !== undefined && audits.length === 0)
    report('8', `${process} left ${watch.id} ${after.cancelled ? 'cancelled' : after.paused ? 'paused' : 'resumed'} without a line in the audit log`, [
      watch.id,
    ]);
};

/** (1) Sequence numbers and activations only grow, and the list of active backfills is what the backfills say: plans are serialised by it. */
const pipelineSerialises = (known: Known, { before, after, path }: Written<PipelineStateDocument>, process: string, report: Report): void => {
  if (after === undefined) return;
  if (after.sequence < (before?.sequence ?? 0) || after.activation < (before?.activation ?? 0))
    report(
      '1',
      `${process} left ${path} with sequence ${after.sequence}, activation ${after.activation} after ${before?.sequence ?? 0}, ${before?.activation ?? 0}`,
      [path],
    );
  const active = [...known.backfills.values()].filter(({ doc }) => doc.state === 'active' && `pipelines/${doc.pipelineId}` === path);
  const listed = new Set(after.activeBackfills);
  if (listed.size !== after.activeBackfills.length || listed.size !== active.length || !active.every(({ id }) => listed.has(id)))
    report('1', `${process} left ${path} with the active backfills ${after.activeBackfills.join(', ')}; active are ${active.map(({ id }) => id).join(', ')}`, [
      path,
    ]);
  for (const { id, doc } of active)
    if (doc.sequence > after.sequence) report('1', `${id} has sequence ${doc.sequence}, ${path} has given ${after.sequence} at most`, [id]);
};

const checkGate = (known: Known, gate: GateChange & Written<GateDocument>, applied: Applied, report: Report): void => {
  openIsFinal(gate, applied.process, report);
  evaluationCounts(gate, applied.process, report);
  decidedByValidator(gate, applied, report);
  opensOnGoodTasks(known, gate, applied.process, report);
  holdsForApproval(gate, applied.process, report);
  shutSaysWhy(gate, applied.process, report);
};

export const checkGates = (known: Known, applied: Applied, report: Report): void => {
  for (const gate of applied.gates) checkGate(known, gate, applied, report);
  for (const backfill of applied.backfills) {
    backfillMoves(backfill, applied.process, report);
    plansWhatNobodyPlans(known, backfill, applied.process, report);
    endsWhole(known, backfill, applied.process, report);
  }
  if (applied.moves.length > 0) staysEnded(applied, report);
  for (const control of applied.controls) controlIsKept(control, applied, report);
  for (const state of applied.pipelines) pipelineSerialises(known, state, applied.process, report);
};
