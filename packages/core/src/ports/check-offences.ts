// When a row offends against a check that counts rows, as a condition in the warehouse's dialect, and what a failed check says to
// the person who reads it.
import type { Column } from '../domain/pipeline.ts';
import type { Json, JsonObject } from './status-store.ts';
import type { WarehouseCheck } from './warehouse.ts';

/** How a warehouse writes what conditions are made of. */
export type ConditionDialect = {
  readonly quoteName: (name: string) => string;
  /** True where a FLOAT64 is no number. */
  readonly isNaN: (quotedName: string) => string;
};

export type Offence = {
  readonly column: string;
  /** True on offending rows. */
  readonly condition: string;
  /** What is wrong with them: `points NULL`. */
  readonly words: string;
  /** Share of rows that must not offend. */
  readonly minRatio: number;
};

const bounds = (min: number | undefined, max: number | undefined): string =>
  max === undefined ? `below ${min}` : min === undefined ? `above ${max}` : `outside ${min} to ${max}`;

/** None for checks of another kind. `columns`: those of the table; `where` restricts the rows that are looked at. */
export const offencesOf = (check: WarehouseCheck, columns: readonly Column[], where: string | undefined, dialect: ConditionDialect): readonly Offence[] => {
  const { quoteName, isNaN } = dialect;
  const isFloat = (name: string): boolean => columns.find((column) => column.name === name)?.type === 'FLOAT64';
  const missing = (name: string): string => (isFloat(name) ? 'NULL or NaN' : 'NULL');
  /** A value that is none: NULL, or NaN, which says as little and passes through every sum and mean. */
  const isMissing = (name: string): string => (isFloat(name) ? `${quoteName(name)} IS NULL OR ${isNaN(quoteName(name))}` : `${quoteName(name)} IS NULL`);
  const offence = (column: string, condition: string, words: string, minRatio = 1): Offence => ({
    column,
    condition: where === undefined ? condition : `${where} AND (${condition})`,
    words: `${column} ${words}`,
    minRatio,
  });
  switch (check.type) {
    case 'required':
      return check.columns.map((column) => offence(column, isMissing(column), missing(column)));
    case 'not_null':
      return check.columns.map((column) => offence(column, isMissing(column), missing(column), check.minRatio));
    case 'not_zero':
      return check.columns.map((column) =>
        offence(column, `${isMissing(column)} OR ${quoteName(column)} = 0`, `zero${isFloat(column) ? ',' : ' or'} ${missing(column)}`, check.minRatio),
      );
    case 'accepted_range': {
      const { column, min, max } = check;
      const name = quoteName(column);
      const tests = [...(min === undefined ? [] : [`${name} < ${min}`]), ...(max === undefined ? [] : [`${name} > ${max}`])];
      // NULL is outside no range, NaN outside every one: to DuckDB it is greater than every number, to GoogleSQL than none.
      if (isFloat(column) && tests.length > 0) tests.push(isNaN(name));
      return tests.length === 0 ? [] : [offence(column, tests.join(' OR '), bounds(min, max))];
    }
    case 'unique_key':
    case 'rows':
    case 'row_count':
    case 'expected_keys':
    case 'sql':
      return [];
  }
};

// ── what a failed check says ────────────────────────────────────────────────────────────────────────────────────────

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/** `2 rows share a key`, `5 rows share 2 keys`. */
export const duplicateMessage = (rows: number, keys: number): string => `${rows} rows share ${keys === 1 ? 'a key' : `${keys} keys`}`;

export const rowsMessage = (found: number, expected: number): string => `${counted(found, 'row', 'rows')}, expected ${expected}`;

/** `points NULL on 3 of 210 rows`, and what was demanded where it is less than all. */
export const ratioMessage = (offence: Offence, offending: number, rows: number): string =>
  `${offence.words} on ${offending} of ${counted(rows, 'row', 'rows')}${offence.minRatio === 1 ? '' : ` (at most ${Math.floor((1 - offence.minRatio) * 10_000 + 1e-9) / 100} % may be)`}`;

const text = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** `game 0022300061, player 203999`: an id's column is called by what it identifies. */
export const describeKey = (key: JsonObject): string =>
  Object.entries(key)
    .map(([name, value]) => `${name.replace(/_id$/, '')} ${text(value)}`)
    .join(', ');

/** The first of them by name: `game 1`, `game 1 and game 2`, `game 1, game 2 and 5 more`. */
export const describeKeys = (keys: readonly JsonObject[], all: number): string => {
  const named = keys.slice(0, 2).map(describeKey);
  return all > named.length ? `${named.join('; ')} and ${all - named.length} more` : named.join(' and ');
};
