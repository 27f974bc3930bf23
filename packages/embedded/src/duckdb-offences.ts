// When a row offends against a check that counts rows: a condition over the rows, and how many may.
import type { Column } from '@floodgate/core/domain/pipeline.ts';
import type { WarehouseCheck } from '@floodgate/core/ports/warehouse.ts';
import { isMissing } from '@floodgate/sql/duckdb/checks.ts';
import { quoteName } from '@floodgate/sql/duckdb/names.ts';

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
export const offenceOf = (check: WarehouseCheck, columns: readonly Column[], where: string | undefined): readonly Offence[] => {
  const typed = (name: string): Pick<Column, 'name' | 'type'> => columns.find((column) => column.name === name) ?? { name, type: 'STRING' };
  const isFloat = (name: string): boolean => typed(name).type === 'FLOAT64';
  const missing = (name: string): string => (isFloat(name) ? 'NULL or NaN' : 'NULL');
  const offence = (column: string, condition: string, words: string, minRatio = 1): Offence => ({
    column,
    condition: where === undefined ? condition : `${where} AND (${condition})`,
    words: `${column} ${words}`,
    minRatio,
  });
  switch (check.type) {
    case 'required':
      return check.columns.map((column) => offence(column, isMissing(typed(column)), missing(column)));
    case 'not_null':
      return check.columns.map((column) => offence(column, isMissing(typed(column)), missing(column), check.minRatio));
    case 'not_zero':
      return check.columns.map((column) =>
        offence(column, `${isMissing(typed(column))} OR ${quoteName(column)} = 0`, `zero${isFloat(column) ? ',' : ' or'} ${missing(column)}`, check.minRatio),
      );
    case 'accepted_range': {
      const { column, min, max } = check;
      const tests = [...(min === undefined ? [] : [`${quoteName(column)} < ${min}`]), ...(max === undefined ? [] : [`${quoteName(column)} > ${max}`])];
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
