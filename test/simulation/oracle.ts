// What the tables should hold, found in the simplest way there is: one processor after the other, one date after the other,
// each over the tables as the oracle itself has them and the sources as they stand. It knows nothing of plans, ledgers or
// commits, and reads windows and declared skips with arithmetic of its own.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Pipeline, Processor } from '@floodgate/core/domain/pipeline.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { WarehouseFunction } from '../support/memory-warehouse.ts';

export type OracleTables = ReadonlyMap<string, ReadonlyMap<PartitionDate, readonly JsonObject[]>>;

export type OracleInput = {
  readonly functions: Readonly<Record<string, WarehouseFunction>>;
  /** What the calendar's query yields: one row per date and kind, with `date`, `season` and `kind`. */
  readonly calendar: readonly JsonObject[];
  /** Rows of `source.<name>`, or of an external table, on a date of the calendar. */
  readonly sourceRows: (table: string, date: PartitionDate) => readonly JsonObject[];
};

export type Oracle = {
  /** Computed at most once between two calls of `forget`. */
  readonly tables: (pipeline: Pipeline) => OracleTables;
  /** A source has changed. */
  readonly forget: () => void;
};

export type OracleDate = { readonly date: PartitionDate; readonly season: string; readonly kinds: readonly string[]; readonly day: number };

/** Days since 1970-01-01. */
const dayOf = (date: string): number => Date.UTC(Number(date.slice(0, 4)), Number(date.slice(5, 7)) - 1, Number(date.slice(8, 10))) / 86_400_000;

export const readDates = (calendar: readonly JsonObject[]): readonly OracleDate[] => {
  const found = new Map<string, { date: PartitionDate; season: string; kinds: string[]; day: number }>();
  for (const row of calendar) {
    const date = row['date'] as PartitionDate;
    const entry = found.get(date) ?? { date, season: row['season'] as string, kinds: [], day: dayOf(date) };
    entry.kinds.push(row['kind'] as string);
    found.set(date, entry);
  }
  return [...found.values()].sort((a, b) => a.day - b.day);
};

/** Whether the pipeline declares that this partition never exists. */
export const isDeclaredSkip = (processor: Processor, dates: readonly OracleDate[], index: number): boolean => {
  const own = dates[index] as OracleDate;
  const first = dates.findIndex(({ season }) => season === own.season);
  return (
    processor.never.some((range) => range.first <= own.date && own.date <= range.last) ||
    (processor.covers !== undefined && !own.kinds.some((kind) => processor.covers?.includes(kind) === true)) ||
    own.day - (dates[first] as OracleDate).day < processor.bootstrapDays ||
    index - first < processor.minHistoryDates
  );
};

/** Positions of the calendar's dates in a window of the date at `index`. */
export const windowPositions = (window: Processor['upstreams'][number]['window'], dates: readonly OracleDate[], index: number): readonly number[] => {
  const own = dates[index] as OracleDate;
  const origin = window.start.from === 'date' ? own.day : (dates.find(({ season }) => season === own.season) as OracleDate).day;
  const positions: number[] = [];
  // Nothing reads the future: the window ends at the date itself at the latest.
  for (let at = index; at >= 0; at -= 1) {
    const { day } = dates[at] as OracleDate;
    if (day < origin + window.start.days) break;
    if (day <= own.day + window.endDays) positions.push(at);
  }
  return positions.reverse();
};

/** Every table of the pipeline, as one sequential run over these sources leaves it. */
export const computeTables = ({ functions, calendar, sourceRows }: OracleInput, pipeline: Pipeline): OracleTables => {
  const dates = readDates(calendar);
  const read = new Map<string, JsonObject[]>();
  const rowsOf = (table: string): readonly JsonObject[] => {
    const known = read.get(table);
    if (known !== undefined) return known;
    const rows = dates.flatMap(({ date }) => [...sourceRows(table, date)]);
    read.set(table, rows);
    return rows;
  };
  const tables = new Map<string, Map<PartitionDate, readonly JsonObject[]>>();
  for (const processor of pipeline.processors) {
    if (processor.kind === 'external') continue;
    const compute = functions[processor.source.trim()];
    if (compute === undefined) throw new RangeError(`there is no function ${processor.source.trim()} for ${processor.id}`);
    const table = new Map<PartitionDate, readonly JsonObject[]>();
    const all: JsonObject[] = [];
    const readDate = (of: string, on: PartitionDate): readonly JsonObject[] =>
      (of === processor.table ? table : tables.get(of))?.get(on) ?? (tables.has(of) ? [] : sourceRows(of, on));
    // Its own table may be read as it grows: earlier dates are there, later ones are not.
    read.set(processor.table, all);
    for (const [index, { date }] of dates.entries()) {
      if (isDeclaredSkip(processor, dates, index)) continue;
      const rows = [...compute({ first: date, last: date, read: rowsOf, readDate, staged: [], params: undefined })].filter(
        (row) => row[processor.partitionColumn] === date,
      );
      table.set(date, rows);
      all.push(...rows);
    }
    tables.set(processor.table, table);
  }
  return tables;
};

export const createOracle = (input: OracleInput): Oracle => {
  let known: { readonly pipeline: Pipeline; readonly tables: OracleTables } | undefined;
  return {
    tables: (pipeline) => {
      if (known?.pipeline !== pipeline) known = { pipeline, tables: computeTables(input, pipeline) };
      return known.tables;
    },
    forget: () => {
      known = undefined;
    },
  };
};
