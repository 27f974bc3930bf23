// Checks on the ledger: what it says of a partition is what the commit log says, and tasks are settled by that alone.
import type { LedgerYearDocument } from '@floodgate/core/contracts/documents.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Known } from './monitor-known.ts';
import { nameOf } from './monitor-plans.ts';
import { aboutTask } from './monitor-tasks.ts';
import type { Applied, Report, TaskMove, Written } from './monitor-watches.ts';

/** (4) A committed task is one whose generation the log holds, a superseded one has a newer execution there: nobody believes his own answer. */
const settledByLog = (known: Known, { process }: Applied, move: TaskMove, report: Report): void => {
  const { after, before } = move;
  if (before?.state !== 'committing' || (after.state !== 'succeeded' && after.state !== 'unchanged' && after.state !== 'superseded')) return;
  const entry = known.log.get(after.table)?.get(after.date);
  const isOurs = entry?.generation === after.generation && entry.backfillId === after.backfillId;
  const fits =
    entry !== undefined &&
    (after.state === 'superseded'
      ? !isOurs && entry.generation >= after.generation
      : isOurs && entry.outcome === (after.state === 'succeeded' ? 'committed' : 'unchanged'));
  if (!fits)
    report(
      '4',
      `${process} settled ${nameOf(after)} as ${after.state} at generation ${after.generation}; the log has ${entry?.generation ?? 'nothing'} (${entry?.outcome ?? 'none'}) for ${entry?.backfillId ?? 'nobody'}`,
      aboutTask(move),
    );
  const ledger = known.ledgerEntry(after.pipelineId, after.processorId, after.date);
  if (after.state !== 'superseded' && (ledger?.generation ?? 0) < after.generation)
    report(
      '4',
      `${process} settled ${nameOf(after)} as ${after.state} at generation ${after.generation}; the ledger has ${ledger?.generation ?? 'nothing'}`,
      aboutTask(move),
    );
};

/** (1) A task is found fresh only where the ledger holds the rows of this very code. */
const freshByLedger = (known: Known, { process }: Applied, move: TaskMove, report: Report): void => {
  if (!move.names.includes('find_fresh')) return;
  const { after, watch } = move;
  const entry = known.ledgerEntry(after.pipelineId, after.processorId, after.date);
  const { codeHash } = watch.backfill.plan.processor(after.processorId);
  if (entry === undefined || entry.codeHash !== codeHash || entry.inputDigest !== after.inputDigest)
    report(
      '1',
      `${process} found ${nameOf(after)} fresh; the ledger has ${entry === undefined ? 'nothing' : `code ${entry.codeHash}, inputs ${entry.inputDigest}`}, expected ${codeHash} and ${after.inputDigest}`,
      aboutTask(move),
    );
};

/** (4) What a settlement writes into the ledger is what the log says; only a rebuild may take an entry back, or away. */
const ledgerFollowsLog = (known: Known, { process, kind }: Applied, { path, before, after }: Written<LedgerYearDocument>, report: Report): void => {
  const [, processorId = ''] = path.slice('ledger/'.length).split(':');
  const [old, now] = [before?.entries ?? {}, after?.entries ?? {}];
  const table = known.newest?.plan.processor(processorId).table ?? '';
  for (const date of new Set([...Object.keys(old), ...Object.keys(now)]) as Set<PartitionDate>) {
    const [was, is] = [old[date], now[date]];
    if (was?.generation === is?.generation && was?.contentHash === is?.contentHash && was?.rows === is?.rows) continue;
    const key = `${processorId}|${date}`;
    if (kind !== 'worker') {
      if (is === undefined || (was !== undefined && is.generation < was.generation)) known.rebuilt.add(key);
      continue;
    }
    known.rebuilt.delete(key);
    if (is === undefined || (was !== undefined && is.generation < was.generation))
      report(
        '4',
        `${process} took the ledger's entry of ${processorId} ${date} from generation ${was?.generation ?? 'none'} back to ${is?.generation ?? 'nothing'}`,
        [table, key],
      );
    const entry = known.log.get(table)?.get(date);
    if (
      is !== undefined &&
      (entry?.generation !== is.generation || entry.contentHash !== is.contentHash || entry.rows !== is.rows || entry.backfillId !== is.backfillId)
    )
      report(
        '4',
        `${process} wrote generation ${is.generation}, ${is.rows} rows, hash ${is.contentHash} into the ledger for ${processorId} ${date}; the log has ${entry?.generation ?? 'nothing'}, ${entry?.rows ?? 0} rows, ${entry?.contentHash ?? 'none'}`,
        [table, key],
      );
  }
};

export const checkLedger = (known: Known, applied: Applied, report: Report): void => {
  for (const move of applied.moves) {
    settledByLog(known, applied, move, report);
    freshByLedger(known, applied, move, report);
  }
  for (const ledger of applied.ledgers) ledgerFollowsLog(known, applied, ledger, report);
};
