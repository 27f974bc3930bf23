// Checks of the in-memory warehouse: each type over plain rows, saying what the real ones say.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { CheckJob, CheckResult, Finding, KeyedCheck, WarehouseCheck } from '@floodgate/core/ports/warehouse.ts';

export type CheckEnvironment = {
  /** Rows of the named function over the rows under check. */
  readonly run: (sql: string) => readonly JsonObject[];
  readonly condition: (where: string) => (row: JsonObject) => boolean;
};

type Judgement = { readonly message: string; readonly offending: number; readonly examples: readonly JsonObject[] };

const maxExamples = 5;
const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;
const pick = (row: JsonObject, names: readonly string[]): JsonObject => Object.fromEntries(names.map((name) => [name, row[name] ?? null]));
/** NULL, or NaN, which says as little. */
const isMissing = (row: JsonObject, name: string): boolean => (row[name] ?? null) === null || Number.isNaN(row[name]);
const nameKey = (key: JsonObject): string =>
  Object.entries(key)
    .map(([name, value]) => `${name.replace(/_id$/, '')} ${String(value)}`)
    .join(', ');

const duplicates = (rows: readonly JsonObject[], columns: readonly string[]): readonly Judgement[] => {
  const groups = Map.groupBy(rows, (row) => JSON.stringify(columns.map((name) => row[name] ?? null)));
  const shared = [...groups.values()].filter((group) => group.length > 1);
  if (shared.length === 0) return [];
  const offending = shared.reduce((sum, group) => sum + group.length, 0);
  const examples = shared.slice(0, maxExamples).map((group) => ({ ...pick(group[0] as JsonObject, columns), rows: group.length }));
  return [{ message: `${offending} rows share ${shared.length === 1 ? 'a key' : `${shared.length} keys`}`, offending, examples }];
};

type Rule = {
  readonly column: string;
  readonly words: string;
  readonly minRatio: number;
  readonly where: string | undefined;
  readonly offends: (row: JsonObject) => boolean;
};

const outside = (value: unknown, min: number | undefined, max: number | undefined): boolean =>
  typeof value === 'number' && (Number.isNaN(value) || (min !== undefined && value < min) || (max !== undefined && value > max));

const rulesOf = ({ target }: CheckJob, check: WarehouseCheck): readonly Rule[] => {
  const isFloat = (column: string): boolean => target.columns.some(({ name, type }) => name === column && type === 'FLOAT64');
  const missing = (column: string): string => (isFloat(column) ? 'NULL or NaN' : 'NULL');
  const where = 'where' in check ? check.where : undefined;
  switch (check.type) {
    case 'required':
      return check.columns.map((column) => ({ column, words: missing(column), minRatio: 1, where, offends: (row) => isMissing(row, column) }));
    case 'not_null':
      return check.columns.map((column) => ({ column, words: missing(column), minRatio: check.minRatio, where, offends: (row) => isMissing(row, column) }));
    case 'not_zero':
      return check.columns.map((column) => ({
        column,
        words: `zero${isFloat(column) ? ',' : ' or'} ${missing(column)}`,
        minRatio: check.minRatio,
        where,
        offends: (row) => isMissing(row, column) || row[column] === 0,
      }));
    case 'accepted_range': {
      const { column, min, max } = check;
      const words = max === undefined ? `below ${min}` : min === undefined ? `above ${max}` : `outside ${min} to ${max}`;
      return [{ column, words, minRatio: 1, where, offends: (row) => outside(row[column], min, max) }];
    }
    default:
      return [];
  }
};

const judgeRule = (job: CheckJob, environment: CheckEnvironment, all: readonly JsonObject[], rule: Rule): readonly Judgement[] => {
  const rows = rule.where === undefined ? all : all.filter(environment.condition(rule.where));
  const bad = rows.filter(rule.offends);
  if (bad.length === 0 || rows.length - bad.length >= rows.length * rule.minRatio) return [];
  const shown = [...new Set([...job.target.key.filter((name) => name !== job.target.partitionColumn), rule.column])];
  const tolerance = rule.minRatio === 1 ? '' : ` (at most ${Math.floor((1 - rule.minRatio) * 10_000 + 1e-9) / 100} % may be)`;
  return [
    {
      message: `${rule.column} ${rule.words} on ${bad.length} of ${counted(rows.length, 'row', 'rows')}${tolerance}`,
      offending: bad.length,
      examples: bad.slice(0, maxExamples).map((row) => pick(row, shown)),
    },
  ];
};

const judgeCount = (found: number, expected: number): readonly Judgement[] =>
  found === expected ? [] : [{ message: `${counted(found, 'row', 'rows')}, expected ${expected}`, offending: Math.abs(found - expected), examples: [] }];

const judgeKeys = (rows: readonly JsonObject[], columns: readonly string[], expected: readonly JsonObject[]): readonly Judgement[] => {
  const keyOf = (row: JsonObject): string => JSON.stringify(columns.map((name) => row[name] ?? null));
  const there = new Set(rows.map(keyOf));
  const missing = expected.filter((row) => !there.has(keyOf(row))).map((row) => pick(row, columns));
  if (missing.length === 0) return [];
  const named = missing.slice(0, 2).map(nameKey);
  const words = missing.length > 2 ? `${named.join('; ')} and ${missing.length - 2} more` : named.join(' and ');
  return [
    { message: `${words} missing (${missing.length} of ${expected.length} expected)`, offending: missing.length, examples: missing.slice(0, maxExamples) },
  ];
};

/** One check over all dates: findings, and what it expected in all. */
const judge = (
  job: CheckJob,
  { id, check, exempt }: KeyedCheck,
  rowsOf: (date: PartitionDate) => readonly JsonObject[],
  environment: CheckEnvironment,
): { readonly findings: readonly Finding[]; readonly expected: ReadonlyMap<PartitionDate, number> } => {
  const yielded = 'sql' in check ? environment.run(check.sql) : [];
  const findings: Finding[] = [];
  const demanded = new Map<PartitionDate, number>();
  for (const date of job.dates) {
    if (exempt?.has(date) === true) continue;
    const rows = rowsOf(date);
    const own = yielded.filter((row) => row['date'] === date);
    let found: readonly Judgement[] = [];
    if (check.type === 'unique_key') found = duplicates(rows, check.columns);
    else if (check.type === 'rows' || check.type === 'row_count') {
      const expected = check.type === 'rows' ? (check.expected.get(date) ?? 0) : own.reduce((sum, row) => sum + Number(row['expected']), 0);
      demanded.set(date, expected);
      found = judgeCount(rows.length, expected);
    } else if (check.type === 'expected_keys') {
      demanded.set(date, own.length);
      found = judgeKeys(rows, check.columns, own);
    } else if (check.type === 'sql') {
      const { date: _date, ...first } = own[0] ?? {};
      if (own.length > 0)
        found = [
          {
            message: `${check.name}: ${own.length === 1 ? '1 row offends' : `${own.length} rows offend`}, e.g. ${nameKey(first)}`,
            offending: own.length,
            examples: own.slice(0, maxExamples),
          },
        ];
    } else found = rulesOf(job, check).flatMap((rule) => judgeRule(job, environment, rows, rule));
    for (const judgement of found) findings.push({ checkId: id, date, ...judgement });
  }
  return { findings, expected: demanded };
};

export const judgeAll = (job: CheckJob, rowsOf: (date: PartitionDate) => readonly JsonObject[], environment: CheckEnvironment): CheckResult => {
  const judged = job.checks.map((keyed) => ({ id: keyed.id, ...judge(job, keyed, rowsOf, environment) }));
  const sum = (dates: ReadonlyMap<PartitionDate, number>): number => [...dates.values()].reduce((all, each) => all + each, 0);
  return {
    findings: judged.flatMap(({ findings }) => findings),
    expected: new Map(judged.map(({ id, expected }) => [id, sum(expected)])),
    expectedOf: new Map(judged.map(({ id, expected }) => [id, expected])),
    rowsOf: new Map(job.dates.map((date) => [date, rowsOf(date).length])),
  };
};
