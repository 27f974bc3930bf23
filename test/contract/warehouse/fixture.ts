// What the warehouse contract works with: a small table of games, rows of it, and shorthands for the port's calls.
import { partitionDate, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Column, ColumnType, Source } from '@floodgate/core/domain/pipeline.ts';
import type { Json, JsonObject } from '@floodgate/core/ports/status-store.ts';
import {
  WarehouseError,
  type CommitEntry,
  type CommitLogEntry,
  type KeyedCheck,
  type StagedDate,
  type TableSpec,
  type Warehouse,
  type WarehouseCheck,
} from '@floodgate/core/ports/warehouse.ts';

export type WarehouseHarness = AsyncDisposable & {
  readonly warehouse: Warehouse;
  /** A file where sources are looked for; undefined where the warehouse reads none. */
  readonly putSource?: (key: string, columns: readonly Column[], rows: readonly JsonObject[]) => Promise<void>;
  /** Leaves only the first bytes of a source's file, as a copy that broke off does. */
  readonly truncateSource?: (key: string) => Promise<void>;
  /** true: an array that is NULL is stored as an empty one, as BigQuery does. */
  readonly storesNullArraysEmpty?: boolean;
  /** Of a property; fewer where every call goes over a network. */
  readonly propertyRuns?: number;
  /** The same warehouse in a new process; undefined where nothing outlives one. */
  readonly reopen?: () => Promise<Warehouse>;
};

export type MakeHarness = () => Promise<WarehouseHarness>;

export const never = new AbortController().signal;

export const column = (name: string, type: ColumnType, required = false): Column => ({ name, type, required, description: `the ${name}`, digits: 6 });

let tables = 0;

/** Every test has a table of its own. */
export const gamesTable = (more: readonly Column[] = []): TableSpec => {
  tables += 1;
  return {
    table: `nba.games_${tables}`,
    partitionColumn: 'game_date',
    key: ['game_date', 'game_id'],
    columns: [column('game_id', 'STRING', true), column('game_date', 'DATE', true), column('points', 'INT64'), column('pace', 'FLOAT64'), ...more],
  };
};

export const day = (number: number): PartitionDate => partitionDate(`2024-01-${String(number).padStart(2, '0')}`);

export const game = (date: PartitionDate, id: string, points: Json = 100, pace: Json = 98.5): JsonObject => ({ game_id: id, game_date: date, points, pace });

async function* each(rows: readonly JsonObject[]): AsyncGenerator<JsonObject> {
  yield* rows;
}

let jobs = 0;

export const stageRows = (
  warehouse: Warehouse,
  target: TableSpec,
  staging: string,
  dates: readonly PartitionDate[],
  rows: readonly JsonObject[],
): Promise<ReadonlyMap<PartitionDate, StagedDate>> => {
  jobs += 1;
  return warehouse.stage({ jobId: `job_${jobs}`, target, staging, dates, body: { kind: 'rows', rows: each(rows) }, labels: {} }, never);
};

export const stageSelect = (
  warehouse: Warehouse,
  target: TableSpec,
  staging: string,
  dates: readonly PartitionDate[],
  sql: string,
  sources: readonly Source[] = [],
  signal: AbortSignal = never,
): Promise<ReadonlyMap<PartitionDate, StagedDate>> => {
  jobs += 1;
  return warehouse.stage({ jobId: `job_${jobs}`, target, staging, dates, body: { kind: 'select', sql, sources }, labels: {} }, signal);
};

export const entryOf = (
  date: PartitionDate,
  generation: number,
  staging: string,
  staged: ReadonlyMap<PartitionDate, StagedDate>,
  rewrite = false,
): CommitEntry => {
  const of = staged.get(date);
  if (!of) throw new Error(`nothing was staged for ${date}`);
  return { date, generation, staging, contentHash: of.contentHash, rows: of.rows, backfillId: 'backfill', rewrite };
};

export const commit = (
  warehouse: Warehouse,
  target: TableSpec,
  entries: readonly CommitEntry[],
  options: { readonly laneEpoch?: number; readonly strategy?: 'merge' | 'overwrite_partition' | 'insert_only'; readonly signal?: AbortSignal } = {},
): Promise<readonly CommitLogEntry[]> => {
  jobs += 1;
  return warehouse.commit(
    {
      jobId: `commit_${jobs}`,
      target,
      strategy: options.strategy ?? 'merge',
      laneEpoch: options.laneEpoch ?? 1,
      entries,
      committedAt: 1_704_000_000_000 + jobs,
    },
    options.signal ?? never,
  );
};

/** Stages rows of one date and commits them. */
export const fill = async (
  warehouse: Warehouse,
  target: TableSpec,
  date: PartitionDate,
  generation: number,
  rows: readonly JsonObject[],
  rewrite = false,
): Promise<CommitLogEntry> => {
  const staging = `fill_${generation}_${date}_${(jobs += 1)}`;
  const staged = await stageRows(warehouse, target, staging, [date], rows);
  const log = await commit(warehouse, target, [entryOf(date, generation, staging, staged, rewrite)]);
  return log[0] as CommitLogEntry;
};

/** Committed rows without the columns that Floodgate keeps, ordered. */
export const committedRows = async (warehouse: Warehouse, target: TableSpec): Promise<readonly JsonObject[]> => {
  const names = target.columns.map(({ name }) => name);
  const { rows } = await warehouse.query(
    `SELECT ${names.join(', ')} FROM ${target.table} ORDER BY ${target.key.join(', ')}`,
    { dialect: 'googlesql', maxRows: 10_000 },
    never,
  );
  return rows;
};

/** `id: message` of each finding by date. */
export const findings = async (
  warehouse: Warehouse,
  target: TableSpec,
  subject: { readonly staging: string } | 'committed',
  dates: readonly PartitionDate[],
  checks: Readonly<Record<string, WarehouseCheck | KeyedCheck>>,
  sources: readonly Source[] = [],
): Promise<readonly string[]> => {
  const keyed = Object.entries(checks).map(([id, check]): KeyedCheck => ('check' in check ? check : { id, check }));
  const result = await warehouse.runChecks({ target, subject, dates, checks: keyed, sources }, never);
  return result.findings.map(({ checkId, date, message }) => `${checkId} ${date} ${message}`);
};

/** The WarehouseError that a call ends with. */
export const errorOf = async (call: Promise<unknown>): Promise<WarehouseError> => {
  try {
    await call;
  } catch (error) {
    if (error instanceof WarehouseError) return error;
    throw error;
  }
  throw new Error('the call was expected to fail and succeeded');
};
