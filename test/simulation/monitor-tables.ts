// Checks on what reaches the tables: that it is what was staged and audited, that no older execution overwrites a newer one,
// and that the ledger says what the commit log says.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Processor } from '@floodgate/core/domain/pipeline.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { CommitLogEntry } from '@floodgate/core/ports/warehouse.ts';
import type { Known } from './monitor-known.ts';
import type { Applied, BackfillWatch, Report, TaskWatch } from './monitor-watches.ts';
import { checkLedger } from './monitor-ledger.ts';
import { nameOf } from './monitor-plans.ts';
import { findDifference, findDoubleKey } from './monitor-rows.ts';
import type { Oracle } from './oracle.ts';
import type { About } from './result.ts';

/** Looks into the warehouse without effect and without time. */
export type WarehouseView = {
  /** Committed rows of one date; columns that begin with `_` don't count. */
  readonly rowsOf: (table: string, date: PartitionDate) => readonly JsonObject[];
  /** The commit log. */
  readonly logOf: (table: string) => readonly CommitLogEntry[];
  /** Undefined where there is no such staging, or none of that date. */
  readonly stagedRows: (table: string, staging: string, date: PartitionDate) => readonly JsonObject[] | undefined;
  readonly stagingsOf: (table: string) => readonly string[];
};

/** What one commit wrote to a log, in the moment in which it took effect. */
export type WarehouseCommit = {
  readonly table: string;
  readonly jobId: string;
  readonly laneEpoch: number;
  /** Dates whose rows or log entry it changed. */
  readonly dates: readonly PartitionDate[];
  readonly written: readonly {
    readonly date: PartitionDate;
    readonly generation: number;
    readonly staging: string;
    readonly backfillId: string;
    readonly outcome: 'committed' | 'unchanged';
  }[];
};

type Entry = WarehouseCommit['written'][number];
type Context = { readonly known: Known; readonly view: WarehouseView; readonly report: Report };

/** (4) A commit changes the dates that it writes and no others, and leaves one log entry for each. */
const touchesOwnDates = ({ report }: Context, { jobId, table, dates, written }: WarehouseCommit, log: readonly CommitLogEntry[]): void => {
  const own = new Set(written.map(({ date }) => date));
  const stray = dates.find((date) => !own.has(date));
  if (stray !== undefined) report('4', `${jobId} changed ${table} ${stray}, which it did not write`, [table]);
  const twice = log.find(({ date }, index) => log[index + 1]?.date === date);
  if (twice !== undefined) report('4', `${jobId} left two entries for ${twice.date} in the log of ${table}`, [table]);
};

const aboutEntry = ({ table }: WarehouseCommit, { date, backfillId }: Entry, watch: TaskWatch | undefined): About => [
  backfillId,
  table,
  ...(watch === undefined ? [] : [`${watch.doc.processorId}|${date}`]),
];

/** (4) No lane commits that the log has fenced out, and none that the lane has not recorded first: nobody could find it after a crash. */
const commitIsRecorded = ({ known, report }: Context, commit: WarehouseCommit): void => {
  const { table, jobId, laneEpoch } = commit;
  const fence = known.fences.get(table) ?? 0;
  if (laneEpoch < fence) report('4', `${jobId} committed to ${table} with lane epoch ${laneEpoch}, which ${fence} had fenced out`, [table]);
  const job = known.jobs.get(jobId);
  if (job === undefined) report('4', `${jobId} committed to ${table}; no lane has recorded that job`, [table]);
  else if (known.lanes.get(`lanes/${table}`)?.job?.jobId !== jobId) report('4', `${jobId} committed to ${table} after its lane had given it up`, [table]);
  else if (job.table !== table || job.epoch !== laneEpoch)
    report('4', `${jobId} committed to ${table} with lane epoch ${laneEpoch}; it was recorded for ${job.table} with ${job.epoch}`, [table]);
};

/** (4) A commit writes the generation and the staging that were recorded for the date, of a task that waits for just that. */
const writesWhatWasRecorded = ({ known, report }: Context, commit: WarehouseCommit, entry: Entry): TaskWatch | undefined => {
  const recorded = known.jobs.get(commit.jobId)?.entries.get(entry.date);
  if (recorded === undefined) {
    if (known.jobs.has(commit.jobId))
      report('4', `${commit.jobId} wrote ${commit.table} ${entry.date}, which was not recorded for it`, aboutEntry(commit, entry, undefined));
    return undefined;
  }
  const { generation, staging, backfillId, watch } = recorded;
  const about = aboutEntry(commit, entry, watch);
  if (generation !== entry.generation || staging !== entry.staging || backfillId !== entry.backfillId)
    report(
      '4',
      `${commit.jobId} wrote ${commit.table} ${entry.date} of ${entry.staging} at generation ${entry.generation} for ${entry.backfillId}; recorded were ${staging}, ${generation} and ${backfillId}`,
      about,
    );
  // A task that was given back to its lane may still be committed by the job that was thought failed; one that has left the lane may not.
  const { state } = watch.doc;
  if ((state !== 'committing' && state !== 'staged') || watch.doc.generation !== generation)
    report(
      '4',
      `${commit.jobId} committed ${nameOf(watch.doc)} at generation ${generation}, which by then is ${state} at generation ${watch.doc.generation}`,
      about,
    );
  return watch;
};

/** (6) What a commit has written is settled, and not given back to be committed again. */
const givesBackWhatIsNotThere = ({ view, report }: Context, { process, moves }: Applied): void => {
  for (const { after, names } of moves) {
    if (!names.includes('return_to_lane')) continue;
    const { table, date, generation, backfillId, processorId } = after;
    const logged = view.logOf(table).find((entry) => entry.date === date);
    if (logged?.generation === generation && logged.backfillId === backfillId)
      report('6', `${process} gave ${nameOf(after)} back to its lane at generation ${generation}, which the log holds`, [backfillId, `${processorId}|${date}`]);
  }
};

/** (4) An older generation never overwrites a newer one, and none is written twice. */
const logGrows = ({ report }: Context, commit: WarehouseCommit, entry: Entry, before: CommitLogEntry | undefined, watch: TaskWatch | undefined): void => {
  if (before !== undefined && entry.generation <= before.generation)
    report(
      '4',
      `${commit.jobId} wrote ${commit.table} ${entry.date} at generation ${entry.generation} over ${before.generation}`,
      aboutEntry(commit, entry, watch),
    );
};

/** (4) The log says what was written: who dies after a commit settles it from there. */
const logSaysSo = (
  { report }: Context,
  commit: WarehouseCommit,
  entry: Entry,
  before: CommitLogEntry | undefined,
  after: CommitLogEntry | undefined,
  watch: TaskWatch | undefined,
): void => {
  const about = aboutEntry(commit, entry, watch);
  if (after === undefined || after.generation !== entry.generation || after.backfillId !== entry.backfillId || after.outcome !== entry.outcome) {
    report(
      '4',
      `${commit.jobId} wrote ${commit.table} ${entry.date} at generation ${entry.generation} for ${entry.backfillId}; the log has ${after?.generation ?? 'nothing'} for ${after?.backfillId ?? 'nobody'}`,
      about,
    );
    return;
  }
  const isSame = before?.contentHash === after.contentHash;
  if (isSame !== (after.outcome === 'unchanged'))
    report(
      '4',
      `${commit.jobId} wrote ${commit.table} ${entry.date} as ${after.outcome} with the hash ${after.contentHash} over ${before?.contentHash ?? 'nothing'}`,
      about,
    );
  const staged = watch?.doc.staged;
  if (
    staged !== undefined &&
    staged !== null &&
    watch?.doc.generation === entry.generation &&
    (staged.contentHash !== after.contentHash || staged.rows !== after.rows)
  )
    report(
      '4',
      `${commit.jobId} wrote ${after.rows} rows with the hash ${after.contentHash} to ${commit.table} ${entry.date}; audited were ${staged.rows} with ${staged.contentHash}`,
      about,
    );
};

/** (4) The rows of a partition are exactly those that were staged, and looked at by the audits, under the name that it was committed from. */
const rowsAreStaged = (
  { view, report }: Context,
  commit: WarehouseCommit,
  entry: Entry,
  processor: Processor,
  audited: readonly JsonObject[] | undefined,
  watch: TaskWatch,
): void => {
  const staged = audited ?? view.stagedRows(commit.table, entry.staging, entry.date);
  const about = aboutEntry(commit, entry, watch);
  if (staged === undefined) {
    report('4', `${commit.jobId} committed ${commit.table} ${entry.date} from the staging ${entry.staging}, which does not exist`, about);
    return;
  }
  const difference = findDifference(processor, staged, view.rowsOf(commit.table, entry.date));
  if (difference !== undefined) report('4', `${commit.jobId} left ${commit.table} ${entry.date} other than ${entry.staging}: ${difference}`, about);
};

/** (5) Keys are unique in every target table, always; a row of another date would be a second one there. */
const keysAreUnique = ({ view, report }: Context, who: string, table: string, date: PartitionDate, processor: Processor): void => {
  const rows = view.rowsOf(table, date);
  const double = findDoubleKey(processor, rows);
  const about = [table, `${processor.id}|${date}`];
  if (double !== undefined) report('5', `${who} left two rows of ${table} with the key ${double}`, about);
  const stray = rows.find((row) => row[processor.partitionColumn] !== date);
  if (stray !== undefined) report('5', `${who} left a row of ${String(stray[processor.partitionColumn])} in ${table} ${date}`, about);
};

export type TableChecks = {
  readonly onCommit: (commit: WarehouseCommit) => void;
  readonly onStore: (applied: Applied) => void;
};

export const createTableChecks = (known: Known, view: WarehouseView, report: Report): TableChecks => {
  const context = { known, view, report };
  /** Rows as the audits saw them, by table, staging and date. */
  const audited = new Map<string, readonly JsonObject[]>();
  return {
    onCommit: (commit) => {
      commitIsRecorded(context, commit);
      known.fences.set(commit.table, Math.max(commit.laneEpoch, known.fences.get(commit.table) ?? 0));
      const log = known.log.get(commit.table) ?? new Map<PartitionDate, CommitLogEntry>();
      known.log.set(commit.table, log);
      const logged = view.logOf(commit.table);
      const now = new Map(logged.map((entry) => [entry.date, entry]));
      touchesOwnDates(context, commit, logged);
      for (const entry of commit.written) {
        const watch = writesWhatWasRecorded(context, commit, entry);
        const [before, after] = [log.get(entry.date), now.get(entry.date)];
        logGrows(context, commit, entry, before, watch);
        logSaysSo(context, commit, entry, before, after, watch);
        if (after !== undefined) log.set(entry.date, after);
        if (watch === undefined) continue;
        const processor = watch.backfill.plan.processor(watch.doc.processorId);
        rowsAreStaged(context, commit, entry, processor, audited.get(`${commit.table}|${entry.staging}|${entry.date}`), watch);
        keysAreUnique(context, commit.jobId, commit.table, entry.date, processor);
      }
    },
    onStore: (applied) => {
      for (const move of applied.moves) {
        if (move.names.includes('stage') || move.names.includes('quarantine')) {
          const { table, staged, date } = move.after;
          const rows = view.stagedRows(table, staged?.staging ?? '', date);
          if (rows !== undefined) audited.set(`${table}|${staged?.staging ?? ''}|${date}`, rows);
        }
      }
      givesBackWhatIsNotThere(context, applied);
      checkLedger(known, applied, report);
    },
  };
};

/** Dates of a table on which its rows are not those of the oracle, in words; at most one per table. */
export const differFromOracle = (
  oracle: Oracle,
  view: WarehouseView,
  watch: BackfillWatch,
  scope: 'tasks' | 'all',
): readonly { readonly message: string; readonly about: About }[] => {
  const { pipeline, entries, dates } = watch.plan;
  const tables = oracle.tables(pipeline);
  const found: { message: string; about: About }[] = [];
  for (const processor of pipeline.processors) {
    const expected = tables.get(processor.table);
    if (expected === undefined) continue;
    const planned = entries.get(processor.id);
    const chosen = scope === 'all' ? dates.map(({ date }) => date) : [...(planned ?? [])].filter(([, { kind }]) => kind === 'task').map(([date]) => date);
    for (const date of chosen) {
      const difference = findDifference(processor, expected.get(date) ?? [], view.rowsOf(processor.table, date));
      if (difference === undefined) continue;
      found.push({
        message: `${processor.table} ${date} is not what a sequential run computes: ${difference}`,
        about: [processor.table, `${processor.id}|${date}`],
      });
      break;
    }
  }
  return found;
};

/** (1) A backfill that completes undisturbed leaves in its partitions what a sequential run computes, right then. */
export const completesLikeOracle = (oracle: Oracle, view: WarehouseView, applied: Applied, report: Report): void => {
  for (const { before, after, watch } of applied.backfills) {
    if (after?.state !== 'completed' || before?.state === 'completed' || !watch.isUndisturbed) continue;
    for (const { message, about } of differFromOracle(oracle, view, watch, 'tasks')) report('1', `${watch.id} completed, and ${message}`, [watch.id, ...about]);
  }
};
