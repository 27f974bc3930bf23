// Tells how two DuckDB tables differ, cell by cell, in a form that a test can assert and a person can read. It trusts
// neither side: duplicate keys are counted before rows are paired, and columns that were not compared are named.
import type { DuckDBConnection } from '@duckdb/node-api';

export type Example = { readonly key: Record<string, unknown>; readonly actual: unknown; readonly expected: unknown };

export type ColumnDifference = {
  readonly column: string;
  /** Paired rows whose values differ. */
  readonly rows: number;
  /** Three of them at most. */
  readonly examples: readonly Example[];
};

export type RowDifference = { readonly rows: number; readonly examples: readonly Record<string, unknown>[] };

export type Comparison = {
  readonly rows: { readonly actual: number; readonly expected: number };
  /** Rows of the expected table without a partner of the same key. */
  readonly missing: RowDifference;
  /** Rows of the actual table without a partner of the same key. */
  readonly extra: RowDifference;
  /** Keys that stand more than once; each is a defect of its own, and its rows are paired with all of the other side. */
  readonly duplicateKeys: { readonly actual: number; readonly expected: number };
  readonly compared: readonly string[];
  readonly differences: readonly ColumnDifference[];
  readonly onlyActual: readonly string[];
  readonly onlyExpected: readonly string[];
};

/** Sums of the same numbers in another order differ in the last bits; anything more is a difference. */
const relativeTolerance = 1e-9;

type Kind = 'integer' | 'real' | 'instant' | 'text' | 'other';

const kindOf = (type: string): Kind => {
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(type)) return 'integer';
  if (/^(DOUBLE|FLOAT|DECIMAL\(.*\))$/.test(type)) return 'real';
  if (type.startsWith('TIMESTAMP')) return 'instant';
  return type === 'VARCHAR' ? 'text' : 'other';
};

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** True where the two values differ. Kinds that nothing sensible compares differ wherever one of them is not NULL. */
const differs = (column: string, actualType: string, expectedType: string): string => {
  const a = `a.${identifier(column)}`;
  const e = `e.${identifier(column)}`;
  const kinds = new Set([kindOf(actualType), kindOf(expectedType)]);
  if (kinds.has('real') && [...kinds].every((kind) => kind === 'real' || kind === 'integer')) {
    const [x, y] = [`CAST(${a} AS DOUBLE)`, `CAST(${e} AS DOUBLE)`];
    // Infinity and NaN are near nothing but themselves, though DuckDB would find NaN <= NaN.
    const near = `isfinite(${x}) AND isfinite(${y}) AND abs(${x} - ${y}) <= ${relativeTolerance} * greatest(abs(${x}), abs(${y}))`;
    return `(${x} IS DISTINCT FROM ${y} AND NOT coalesce(${near}, false))`;
  }
  if (kinds.size === 1 && kinds.has('instant')) return `epoch_us(${a}) IS DISTINCT FROM epoch_us(${e})`;
  if ((kinds.size === 1 && !kinds.has('other')) || actualType === expectedType) return `${a} IS DISTINCT FROM ${e}`;
  return `(${a} IS NOT NULL OR ${e} IS NOT NULL)`;
};

type Rows = readonly Record<string, unknown>[];

const createQuery =
  (connection: DuckDBConnection) =>
  async (sql: string): Promise<Rows> =>
    (await connection.runAndReadAll(sql)).getRowObjectsJson();

const columnTypes = async (query: (sql: string) => Promise<Rows>, table: string): Promise<Map<string, string>> =>
  new Map((await query(`DESCRIBE ${table}`)).map((row) => [String(row['column_name']), String(row['column_type'])]));

/**
 * Compares all columns that both tables declare, or those of `columns` alone, over rows paired by `key` (NULL equals
 * NULL). Tables are named `schema.table`, or by a parenthesised SELECT. A key column that one side lacks throws.
 */
export const compareTables = async (
  connection: DuckDBConnection,
  actualTable: string,
  expectedTable: string,
  columns: readonly string[] | 'shared',
  key: readonly string[],
): Promise<Comparison> => {
  const query = createQuery(connection);
  const actualTypes = await columnTypes(query, actualTable);
  const expectedTypes = await columnTypes(query, expectedTable);
  for (const column of [...key, ...(columns === 'shared' ? [] : columns)]) {
    if (!actualTypes.has(column) || !expectedTypes.has(column)) {
      throw new Error(`column ${column} is missing in ${actualTypes.has(column) ? expectedTable : actualTable}`);
    }
  }
  const compared = columns === 'shared' ? [...expectedTypes.keys()].filter((column) => actualTypes.has(column)) : columns;

  const keyList = key.map(identifier).join(', ');
  const pairing = key.map((column) => `a.${identifier(column)} IS NOT DISTINCT FROM e.${identifier(column)}`).join(' AND ');
  const pairs = `${actualTable} AS a JOIN ${expectedTable} AS e ON ${pairing}`;
  const tests = compared.map((column) => ({ column, sql: differs(column, actualTypes.get(column) ?? '', expectedTypes.get(column) ?? '') }));

  const count = async (sql: string): Promise<number> => Number((await query(`SELECT count(*) AS n FROM ${sql}`))[0]?.['n']);
  const without = async (table: string, other: string): Promise<RowDifference> => {
    const unpaired = `${table} AS a ANTI JOIN ${other} AS e ON ${pairing}`;
    return { rows: await count(unpaired), examples: await query(`SELECT ${keyList} FROM ${unpaired} ORDER BY ALL LIMIT 3`) };
  };
  const duplicates = (table: string): Promise<number> => count(`(SELECT 1 FROM ${table} AS t GROUP BY ${keyList} HAVING count(*) > 1)`);

  const [counts = {}] = await query(`SELECT ${tests.map(({ sql }, index) => `count(*) FILTER (WHERE ${sql}) AS c${index}`).join(', ')} FROM ${pairs}`);
  const differences: ColumnDifference[] = [];
  for (const [index, { column, sql }] of tests.entries()) {
    const rows = Number(counts[`c${index}`]);
    if (rows === 0) continue;
    const found = await query(
      `SELECT ${key.map((name) => `e.${identifier(name)}`).join(', ')}, a.${identifier(column)} AS _actual, e.${identifier(column)} AS _expected
       FROM ${pairs} WHERE ${sql} ORDER BY ${key.map((name) => `e.${identifier(name)}`).join(', ')} LIMIT 3`,
    );
    differences.push({
      column,
      rows,
      examples: found.map(({ _actual: actual, _expected: expected, ...rest }) => ({ key: rest, actual, expected })),
    });
  }
  return {
    rows: { actual: await count(actualTable), expected: await count(expectedTable) },
    missing: await without(expectedTable, actualTable),
    extra: await without(actualTable, expectedTable),
    duplicateKeys: { actual: await duplicates(actualTable), expected: await duplicates(expectedTable) },
    compared,
    differences,
    onlyActual: [...actualTypes.keys()].filter((column) => !expectedTypes.has(column)),
    onlyExpected: [...expectedTypes.keys()].filter((column) => !actualTypes.has(column)),
  };
};

/** Lines for people, one a finding; empty exactly when rows, keys and compared cells are equal. */
export const describeDifferences = (comparison: Comparison): readonly string[] => [
  ...(comparison.missing.rows > 0 ? [`${comparison.missing.rows} rows missing, e.g. ${JSON.stringify(comparison.missing.examples)}`] : []),
  ...(comparison.extra.rows > 0 ? [`${comparison.extra.rows} rows too many, e.g. ${JSON.stringify(comparison.extra.examples)}`] : []),
  ...(comparison.duplicateKeys.actual > 0 ? [`${comparison.duplicateKeys.actual} keys stand more than once`] : []),
  ...(comparison.duplicateKeys.expected > 0 ? [`${comparison.duplicateKeys.expected} keys stand more than once in the oracle`] : []),
  ...comparison.differences.map(({ column, rows, examples }) => `${column}: ${rows} rows differ, e.g. ${JSON.stringify(examples)}`),
];
