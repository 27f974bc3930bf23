// Checks when all is quiet: the tables are those of a sequential run, nothing is left over, and whatever was not done has a
// reason that can be told.
import { explainPartition, explainWaiting, type Reason } from '@floodgate/core/app/explain.ts';
import { createPlanReader } from '@floodgate/core/app/plan-store.ts';
import { storeIndexes } from '@floodgate/core/contracts/store-indexes.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { StatusStore } from '@floodgate/core/ports/status-store.ts';
import { OptimisticStatusStore, type DocumentEngine } from '@floodgate/embedded/optimistic-store.ts';
import type { Known } from './monitor-known.ts';
import type { BackfillWatch, Report } from './monitor-watches.ts';
import type { OperatorChecks } from './monitor-operators.ts';
import { findDoubleKey } from './monitor-rows.ts';
import { differFromOracle, type WarehouseView } from './monitor-tables.ts';
import { goodStates, openStates } from './monitor-transitions.ts';
import type { Oracle } from './oracle.ts';

type Context = {
  readonly known: Known;
  readonly oracle: Oracle;
  readonly view: WarehouseView;
  readonly reader: DocumentEngine;
  readonly operators: OperatorChecks;
  readonly now: number;
  readonly report: Report;
};

/** (1) Every table is what a sequential run over the sources as they stand computes, cell by cell. */
const tablesAreRight = ({ oracle, view, report }: Context, newest: BackfillWatch): void => {
  for (const { message, about } of differFromOracle(oracle, view, newest, 'all')) report('1', `at the end ${message}`, about);
};

/** (5) Keys are unique, and rows lie in the partition of their date, also where nobody committed last. */
const keysAreUnique = ({ view, report }: Context, { plan }: BackfillWatch): void => {
  for (const processor of plan.pipeline.processors) {
    for (const { date } of plan.dates) {
      const double = findDoubleKey(processor, view.rowsOf(processor.table, date));
      if (double !== undefined) report('5', `at the end two rows of ${processor.table} have the key ${double}`, [processor.table, `${processor.id}|${date}`]);
    }
  }
};

/** (4) Ledger, commit log and number of rows agree on every date: nothing was committed that nobody has noticed. */
const ledgerIsLog = ({ known, view, report }: Context, { plan, doc }: BackfillWatch): void => {
  for (const { id, table } of plan.pipeline.processors) {
    const log = new Map(view.logOf(table).map((entry) => [entry.date, entry]));
    for (const { date } of plan.dates) {
      const [logged, entry] = [log.get(date), known.ledgerEntry(doc.pipelineId, id, date)];
      if (logged?.generation !== entry?.generation || logged?.contentHash !== entry?.contentHash || logged?.rows !== entry?.rows)
        report(
          '4',
          `at the end the ledger has generation ${entry?.generation ?? 'none'} with ${entry?.rows ?? 0} rows of ${id} ${date}, the log ${logged?.generation ?? 'none'} with ${logged?.rows ?? 0}`,
          [table, `${id}|${date}`],
        );
      const rows = view.rowsOf(table, date).length;
      if (rows !== (logged?.rows ?? 0))
        report('4', `at the end ${table} has ${rows} rows on ${date}, the log says ${logged?.rows ?? 0}`, [table, `${id}|${date}`]);
    }
  }
};

type Waiting = { readonly processorId: string; readonly date: PartitionDate; readonly state: string };

const waitingOf = (watch: BackfillWatch): readonly Waiting[] =>
  [...watch.plan.entries].flatMap(([processorId, row]) =>
    [...row].flatMap(([date, { kind }]) => {
      const state = watch.tasks.get(`${processorId}|${date}`)?.doc.state;
      return kind === 'task' && (state === undefined || openStates.has(state)) ? [{ processorId, date, state: state ?? 'not released' }] : [];
    }),
  );

const isSpecific = (reason: Reason, watch: BackfillWatch): boolean => {
  switch (reason.kind) {
    case 'gate':
      return watch.doc.state !== 'cancelled' && watch.gates.get(reason.phase)?.state !== 'open';
    case 'upstream':
      return watch.doc.state !== 'cancelled' && reason.dates.length > 0 && reason.state !== '';
    case 'cancelled':
      return watch.doc.state === 'cancelled';
    default:
      return false;
  }
};

/** (3) Every planned task has ended, or its backfill is blocked or cancelled and `explain` tells for each what it waits for. */
const waitsForReason = async ({ reader, now, report }: Context, watch: BackfillWatch): Promise<void> => {
  const { id, doc } = watch;
  const waiting = waitingOf(watch);
  const first = waiting[0];
  if (doc.state === 'active')
    report('3', `at the end ${id} is active, ${first === undefined ? 'with every task done' : `${first.processorId} ${first.date} is ${first.state}`}`, [id]);
  if (first === undefined) return;
  if (doc.state === 'completed')
    return report('3', `at the end ${id} is completed while ${first.processorId} ${first.date} is ${first.state}`, [id, `${first.processorId}|${first.date}`]);
  const clock = { now: () => now, sleep: () => Promise.reject(new Error('nobody waits here')) };
  const ids = { newId: () => 'monitor', random: () => 0 };
  const store: StatusStore = new OptimisticStatusStore(reader, { clock, ids, indexes: storeIndexes });
  const deps = { store, plans: createPlanReader(store), now };
  const groups = await explainWaiting(deps, id);
  const told = new Set(groups.flatMap(({ processorId, dates, why }) => (why === '' ? [] : dates.map((date) => `${processorId}|${date}`))));
  for (const { processorId, date, state } of waiting)
    if (!told.has(`${processorId}|${date}`))
      report('3', `at the end ${processorId} ${date} of ${id} is ${state}, and explain does not say why`, [id, `${processorId}|${date}`]);
  // One date of each group stands for the others: they have the same reason.
  for (const { processorId, dates } of groups) {
    const date = dates[0] as PartitionDate;
    const explained = await explainPartition(deps, id, processorId, date);
    const reasons = explained?.reasons ?? [];
    if (reasons.length === 0 || !reasons.every((reason) => isSpecific(reason, watch)))
      report(
        '3',
        `at the end ${processorId} ${date} of ${id}, which is ${doc.state}, waits for ${reasons.map(({ kind }) => kind).join(', ') || 'nothing'}, says explain`,
        [id, `${processorId}|${date}`],
      );
  }
};

/** (6) Everything that was written to be sent has been sent, and is gone. */
const outboxIsEmpty = ({ known, report }: Context): void => {
  for (const { id, type, isGone, published } of known.outbox.values()) {
    if (published === 0) report('6', `at the end ${type} ${id} was never published`, []);
    else if (!isGone) report('6', `at the end ${type} ${id} is still in the outbox`, []);
  }
};

/** (7) A completed backfill has no dead letter that stands for anything. */
const lettersAreClosed = ({ known, report }: Context): void => {
  for (const { deadLetterId, kind, state, backfillId, processorId, date } of known.letters.values()) {
    if (kind === 'task' && state !== 'closed' && known.backfills.get(backfillId)?.doc.state === 'completed')
      report('7', `at the end the dead letter ${deadLetterId} is ${state} and ${backfillId} is completed`, [backfillId, `${processorId}|${date}`]);
  }
};

/**
 * (3) Nobody holds anything any more: no lease, no recorded job, no backfill in the list of active ones. The name of a dead
 * holder stays on a lane without work: whoever comes next finds it dead.
 */
const nothingIsHeld = ({ known, report }: Context): void => {
  for (const { dispatchId, holder, backfillId } of known.leases.values()) report('3', `at the end ${holder} holds the lease ${dispatchId}`, [backfillId]);
  for (const { table, holder, job } of known.lanes.values())
    if (job !== null) report('3', `at the end the lane of ${table} has the job ${job.jobId} of ${holder === '' ? 'nobody' : holder}`, [table]);
  for (const { pipelineId, activeBackfills } of known.pipelines.values())
    if (activeBackfills.length > 0) report('3', `at the end ${activeBackfills.join(', ')} stand in the active backfills of ${pipelineId}`, activeBackfills);
};

/** Stagings that no quarantined task keeps. What is staged after the last backfill has ended is found when the next one ends, so they are counted, not refused. */
const countOrphans = ({ known, view }: Context, { plan }: BackfillWatch): number => {
  const kept = new Set([...known.tasks.values()].flatMap(({ doc }) => (doc.state === 'quarantined' ? [doc.staged?.staging ?? ''] : [])));
  return plan.pipeline.processors.reduce((sum, { table }) => sum + view.stagingsOf(table).filter((name) => !kept.has(name)).length, 0);
};

/** (8) A cancelled backfill has no open task, however it came to be cancelled; a good task has none of its dates undone. */
const cancelledHasNothingOpen = ({ report }: Context, watch: BackfillWatch): void => {
  for (const { doc } of watch.tasks.values()) {
    if (watch.doc.state === 'cancelled' && openStates.has(doc.state))
      report('8', `at the end ${doc.processorId} ${doc.date} of ${watch.id}, which is cancelled, is ${doc.state}`, [
        watch.id,
        `${doc.processorId}|${doc.date}`,
      ]);
    if (watch.doc.state === 'completed' && !goodStates.has(doc.state))
      report('7', `at the end ${doc.processorId} ${doc.date} of ${watch.id}, which is completed, is ${doc.state}`, [
        watch.id,
        `${doc.processorId}|${doc.date}`,
      ]);
  }
};

/** All of it; how many stagings nobody needs. */
export const checkEnd = async (context: Context): Promise<number> => {
  const { known, operators } = context;
  outboxIsEmpty(context);
  lettersAreClosed(context);
  nothingIsHeld(context);
  for (const watch of known.backfills.values()) {
    await waitsForReason(context, watch);
    cancelledHasNothingOpen(context, watch);
    operators.atEnd(watch);
  }
  // The newest plan has the pipeline and the calendar as they are now.
  const { newest } = known;
  if (newest === undefined) return 0;
  tablesAreRight(context, newest);
  keysAreUnique(context, newest);
  ledgerIsLog(context, newest);
  return countOrphans(context, newest);
};
