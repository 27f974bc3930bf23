// What the commit of a lane's batch decides, whatever the warehouse (DESIGN §2.4): the fence first, then rows and log of those
// dates whose log entry is older. A warehouse supplies one open transaction; it begins it before this and commits it after
// this has resolved, or undoes it where this throws. Invariant: a date's rows and its log entry change together or not at all,
// and never to an older generation.
import type { PartitionDate } from '../domain/partition-date.ts';
import { WarehouseError, type CommitBatch, type CommitEntry, type CommitLogEntry } from './warehouse.ts';

/** Staged rows of one date, as the warehouse finds them again, and what they are committed as. */
export type CommittedRows<Rows> = { readonly entry: CommitEntry; readonly rows: Rows };

/** What one open transaction of a warehouse can do to the log. */
export type FenceUnit = {
  /** Sets the log's one fence row to `laneEpoch` where it holds none higher; how many rows changed. */
  readonly raiseFence: (laneEpoch: number) => Promise<number>;
  /** Undefined where the log has no fence row. */
  readonly readFence: () => Promise<number | undefined>;
};

/** What one open transaction of a warehouse can do to a target and its log. Every read sees the state at its begin. */
export type CommitUnit<Rows> = FenceUnit & {
  /** Entries of these dates, in the order of their dates. */
  readonly readLog: (dates: readonly PartitionDate[]) => Promise<readonly CommitLogEntry[]>;
  /** For each entry its staged rows; undefined where they are gone. */
  readonly findStaged: (entries: readonly CommitEntry[]) => Promise<readonly (Rows | undefined)[]>;
  readonly deleteRows: (dates: readonly PartitionDate[]) => Promise<unknown>;
  /** Adds staged rows to the target, beside whatever is there; how many. */
  readonly insertRows: (staged: readonly CommittedRows<Rows>[]) => Promise<number>;
  readonly deleteLog: (dates: readonly PartitionDate[]) => Promise<unknown>;
  readonly insertLog: (entries: readonly CommitLogEntry[]) => Promise<unknown>;
};

/**
 * Must be the first write of a transaction: two commits of one table conflict here, on the fence's row. (Two transactions
 * that only insert would not conflict on BigQuery, and a first fill could happen twice.) Throws `lane_fenced`.
 */
export const takeFence = async (unit: FenceUnit, table: string, laneEpoch: number): Promise<void> => {
  if ((await unit.raiseFence(laneEpoch)) === 1) return;
  const fence = await unit.readFence();
  if (fence === undefined) throw new WarehouseError('schema_mismatch', `the commit log of ${table} has no fence row`, { hint: 'prepare the table first' });
  throw new WarehouseError('lane_fenced', `lane epoch ${laneEpoch} of ${table} is over: ${fence} has taken its place`);
};

const findAll = async <Rows>(unit: CommitUnit<Rows>, table: string, entries: readonly CommitEntry[]): Promise<readonly CommittedRows<Rows>[]> => {
  const staged = await unit.findStaged(entries);
  const missing = new Set<string>();
  const found = entries.flatMap((entry, index) => {
    const rows = staged[index];
    if (rows !== undefined) return [{ entry, rows }];
    missing.add(entry.staging);
    return [];
  });
  if (missing.size === 0) return found;
  const names = [...missing].sort();
  throw new WarehouseError('staging_missing', `staged rows of ${table} are gone: ${names.join(', ')}`, {
    missing: names,
    hint: 'these dates are computed again',
  });
};

/** Which log entry each date that may be written gets, and which of them need their rows written. */
export const decideCommit = (
  batch: CommitBatch,
  log: readonly CommitLogEntry[],
): { readonly entries: readonly CommitLogEntry[]; readonly allowed: readonly CommitEntry[]; readonly written: ReadonlySet<CommitEntry> } => {
  const byDate = new Map(log.map((entry) => [entry.date, entry]));
  const allowed = batch.entries.filter((entry) => (byDate.get(entry.date)?.generation ?? -1) < entry.generation);
  const written = new Set<CommitEntry>();
  const entries = allowed.map((entry): CommitLogEntry => {
    const same = byDate.get(entry.date)?.contentHash === entry.contentHash;
    if (!same || entry.rewrite) written.add(entry);
    const { date, generation, contentHash, rows, backfillId } = entry;
    return { date, generation, contentHash, rows, backfillId, committedAt: batch.committedAt, outcome: same ? 'unchanged' : 'committed' };
  });
  return { entries, allowed, written };
};

const writeRows = async <Rows>(unit: CommitUnit<Rows>, table: string, staged: readonly CommittedRows<Rows>[]): Promise<void> => {
  await unit.deleteRows(staged.map(({ entry }) => entry.date));
  const expected = staged.reduce((sum, { entry }) => sum + entry.rows, 0);
  const inserted = await unit.insertRows(staged);
  // What is committed must be what was audited, to the row.
  if (inserted !== expected) throw new WarehouseError('contract_broken', `${inserted} staged rows of ${table} where ${expected} were audited`);
};

/**
 * Does to the open transaction what the batch asks for. Resolves with the log's entries of the batch's dates as they will stand
 * once it is committed. Throws `lane_fenced`, `staging_missing` (with the names), `contract_broken`; then it must be undone.
 */
export const applyCommit = async <Rows>(unit: CommitUnit<Rows>, batch: CommitBatch): Promise<readonly CommitLogEntry[]> => {
  const { table } = batch.target;
  await takeFence(unit, table, batch.laneEpoch);
  const log = await unit.readLog(batch.entries.map(({ date }) => date));
  const { entries, allowed, written } = decideCommit(batch, log);
  // Of unchanged dates too: nothing is logged whose rows can't be found.
  const staged = await findAll(unit, table, allowed);
  const rows = staged.filter(({ entry }) => written.has(entry));
  if (rows.length > 0) await writeRows(unit, table, rows);
  if (entries.length > 0) {
    if (log.length > 0) await unit.deleteLog(entries.map(({ date }) => date));
    await unit.insertLog(entries);
  }
  const changed = new Set(entries.map(({ date }) => date));
  return [...log.filter(({ date }) => !changed.has(date)), ...entries].sort((a, b) => (a.date < b.date ? -1 : 1));
};
