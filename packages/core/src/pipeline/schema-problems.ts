// Turns what zod found into sentences. zod says which rule was broken; people also need what stands there now, where,
// and what to write instead.
import type * as z from 'zod';
import { nearestName } from '../domain/nearest-name.ts';
import { knownKeys } from './pipeline-json-schema.ts';
import { listNames, type Problem } from './problem.ts';
import { pipelineFile, type Path, type Place, type YamlDocument } from './yaml-document.ts';

type Issue = z.core.$ZodIssue;
type Sentence = {
  readonly message: string;
  readonly fix: string;
  readonly path: Path;
  readonly atKey?: boolean;
  readonly meant?: Path;
  readonly missing?: boolean;
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((inner, part) => (typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[part] : undefined), value);

export const formatPath = (path: Path): string =>
  path.length === 0
    ? pipelineFile
    : path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`), '');

export const describeValue = (value: unknown): string => {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) {
    if (value.length === 0) return 'an empty list';
    return value.length <= 4 && value.every((item) => typeof item !== 'object') ? `the list [${value.join(', ')}]` : 'a list';
  }
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty map' : `a map with the keys ${listNames(Object.keys(value), 6)}`;
  const text = String(value);
  return typeof value === 'string' ? `"${text.length > 60 ? `${text.slice(0, 57)}...` : text}"` : text;
};

const typeWords: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys and values',
  record: 'a map of names and values',
};

// What to write where a required key is missing: an example tells more than the name of a type.
const examples: Readonly<Record<string, string>> = {
  name: 'name: my_pipeline',
  phase: 'phase: 1',
  kind: 'kind: sql',
  table: 'table: nba_silver.player_games',
  partition_column: 'partition_column: game_date',
  key: 'key: [game_date, game_id]',
  columns: 'columns: {game_date: DATE, game_id: STRING}',
  window: 'window: [0d, 0d]',
  first: 'first: 2022-07-01',
  last: 'last: 2022-09-30',
  column: 'column: points',
  seasons: 'seasons: [2021-22]',
  reason: 'reason: the source begins later',
  check: 'check: {not_null: {columns: [points]}}',
  files: 'files: games_*.parquet',
  date_column: 'date_column: game_date',
  type: 'type: STRING',
  sql: 'sql: checks/expected.sql',
  query: 'query: checks/offending.sql',
  reads: 'reads: [source.games]',
  calendar: 'calendar: {sql: calendar.sql, reads: [source.games]}',
  phases: 'phases: {1: {name: load}}',
  processors: 'processors: with one entry for each table',
};

// The same key may need another example further inside.
const exampleFor = (path: Path): string => {
  const key = String(path[path.length - 1] ?? '');
  if (key === 'name' && path[0] === 'phases') return 'name: load';
  if (key === 'name' && path.length > 1) return 'name: no_orphans';
  if (key === 'columns' && path.length > 3) return 'columns: [points]';
  return examples[key] ?? `${key}: ...`;
};

const typeAliases: ReadonlyMap<string, string> = new Map(
  Object.entries({
    integer: 'INT64',
    int: 'INT64',
    bigint: 'INT64',
    varchar: 'STRING',
    text: 'STRING',
    char: 'STRING',
    double: 'FLOAT64',
    float: 'FLOAT64',
    real: 'FLOAT64',
    boolean: 'BOOL',
    decimal: 'NUMERIC',
    datetime: 'TIMESTAMP',
    blob: 'BYTES',
    binary: 'BYTES',
  }),
);

const ours = (message: string): boolean => message.startsWith('expected') || message.startsWith('"');
const withFound = (message: string, value: unknown): string =>
  message.includes('found') || message.startsWith('"') ? message : `${message}, found ${describeValue(value)}`;

const sayLimit = (issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): string => {
  const limit = issue.code === 'too_small' ? issue.minimum : issue.maximum;
  const word = issue.code === 'too_small' ? (issue.inclusive === false ? 'more than' : 'at least') : issue.inclusive === false ? 'less than' : 'at most';
  if (issue.origin === 'array' || issue.origin === 'set') return `a list with ${word} ${limit} ${String(limit) === '1' ? 'entry' : 'entries'}`;
  if (issue.origin === 'string') return limit === 1 ? 'a text that is not empty' : `a text of ${word} ${limit} characters`;
  return `a number of ${word} ${limit}`;
};

const sayMissing = (path: Path): Sentence => {
  const key = String(path[path.length - 1] ?? '');
  const around = formatPath(path.slice(0, -1));
  return { path, message: `expected the key "${key}" in ${around}, found none`, fix: `add "${exampleFor(path)}"`, missing: true };
};

const sayLimitFix = (issue: Extract<Issue, { code: 'too_small' | 'too_big' }>, value: unknown): string => {
  if (issue.origin === 'array') return 'add at least one';
  // 95 for 95 %, where a share is asked for.
  if (issue.code === 'too_big' && issue.maximum === 1 && typeof value === 'number' && value <= 100) return `write a share between 0 and 1: ${value / 100}`;
  return `write ${sayLimit(issue)}`;
};

const sayType = (issue: Extract<Issue, { code: 'invalid_type' }>, value: unknown, path: Path): Sentence => {
  const where = formatPath(path);
  const wanted = typeWords[issue.expected] ?? issue.expected;
  const message = `expected ${wanted} for ${where}, found ${describeValue(value)}`;
  if (issue.expected === 'string' && (typeof value === 'number' || typeof value === 'boolean'))
    return { path, message, fix: `put quotes round it: "${value}"` };
  if (issue.expected === 'array' && typeof value === 'string') return { path, message, fix: `write it as a list: [${value}]` };
  return { path, message, fix: `write ${wanted}` };
};

const sayChoice = (values: readonly unknown[], value: unknown, path: Path): Sentence => {
  const names = values.map(String);
  const nearest = typeof value === 'string' ? nearestName(value, names) : undefined;
  return {
    path,
    message: `expected one of ${names.join(', ')} for ${formatPath(path)}, found ${describeValue(value)}`,
    fix: nearest === undefined ? `choose one of them` : `write "${nearest}"`,
  };
};

const sayUnknownKey = (key: string, path: Path): Sentence => {
  const known = knownKeys(path);
  const nearest = nearestName(key, known);
  return {
    path: [...path, key],
    atKey: true,
    ...(nearest === undefined ? {} : { meant: [...path, nearest] }),
    message: `expected a known key in ${formatPath(path)}, found "${key}"`,
    fix: nearest === undefined ? `remove it; the keys known here are ${listNames(known, 30)}` : `write "${nearest}"`,
  };
};

const sayBadName = (issue: Extract<Issue, { code: 'invalid_key' }>, path: Path): Sentence => {
  const name = String(path[path.length - 1] ?? '');
  const rule = issue.issues[0]?.message ?? 'expected another name';
  const snake = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9_.]+/g, '_')
    .replace(/^[^a-z]+/, '');
  return {
    path,
    atKey: true,
    message: `${rule}, found the name "${name}" in ${formatPath(path.slice(0, -1))}`,
    fix: /^[a-z]/.test(snake) && snake !== name && !rule.includes('phase') ? `rename it, e.g. to "${snake}"` : 'rename it',
  };
};

/** All branches of a union, those of unions inside it included. */
const branchesOf = (issue: Extract<Issue, { code: 'invalid_union' }>): readonly (readonly Issue[])[] =>
  issue.errors.flatMap((branch) => {
    const [only] = branch;
    return branch.length === 1 && only?.code === 'invalid_union' && only.path.length === 0 && !ours(only.message) ? branchesOf(only) : [branch];
  });

const isRootMismatch = (issue: Issue): boolean => issue.path.length === 0 && issue.code !== 'unrecognized_keys';
// A key that is missing or unknown right at the top says that another branch was meant; a mistake further down does not.
const distance = (branch: readonly Issue[]): number =>
  branch.reduce((sum, issue) => sum + (issue.path.length === 0 || (issue.path.length === 1 && issue.code === 'invalid_type') ? 10 : 1), 0);

const sayUnion = (issue: Extract<Issue, { code: 'invalid_union' }>, value: unknown, path: Path, root: unknown): readonly Sentence[] => {
  if (ours(issue.message)) return [{ path, message: withFound(issue.message, value), fix: 'write one of these forms' }];
  const branches = branchesOf(issue);
  const inside = branches.filter((branch) => !branch.some(isRootMismatch)).sort((a, b) => distance(a) - distance(b));
  const [best, second] = inside;
  if (best !== undefined && (second === undefined || distance(best) < distance(second))) return best.flatMap((each) => sayIssue(each, path, root));
  if (best !== undefined && isRecord(value)) {
    const known = knownKeys(path);
    const unknown = Object.keys(value).filter((key) => !known.includes(key));
    if (unknown.length > 0) return unknown.map((key) => sayUnknownKey(key, path));
    const kinds = known.filter((key) => key !== 'severity');
    return [
      {
        path,
        message: `expected exactly one of ${listNames(kinds)} in ${formatPath(path)}, found ${describeValue(value)}`,
        fix: Object.keys(value).length > 1 ? 'begin a new entry of the list for each' : 'add one of them',
      },
    ];
  }
  const roots = branches.flatMap((branch) => branch.filter(isRootMismatch));
  const custom = roots.find((each) => ours(each.message));
  if (custom !== undefined) return sayIssue(custom, path, root);
  const words = roots.flatMap((each) =>
    each.code === 'invalid_type'
      ? [typeWords[each.expected] ?? each.expected]
      : each.code === 'invalid_value'
        ? each.values.map((one) => `"${String(one)}"`)
        : [],
  );
  const wanted = [...new Set(words)];
  return [
    {
      path,
      message: `expected ${wanted.join(' or ')} for ${formatPath(path)}, found ${describeValue(value)}`,
      fix: `write ${wanted.length === 1 ? wanted[0] : 'one of these'}`,
    },
  ];
};

const sayIssue = (issue: Issue, base: Path, root: unknown): readonly Sentence[] => {
  const path: Path = [...base, ...(issue.path as Path)];
  const value = valueAt(root, path);
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => sayUnknownKey(key, path));
  if (issue.code === 'invalid_key') return [sayBadName(issue, path)];
  if (value === undefined && path.length > 0) return [sayMissing(path)];
  if (issue.code === 'invalid_type' && !ours(issue.message)) return [sayType(issue, value, path)];
  if (issue.code === 'invalid_union') return sayUnion(issue, value, path, root);
  if (issue.code === 'invalid_value') {
    if (!ours(issue.message)) return [sayChoice(issue.values, value, path)];
    const nearest = typeof value === 'string' ? (typeAliases.get(value.toLowerCase()) ?? nearestName(value, issue.values.map(String))) : undefined;
    return [{ path, message: withFound(issue.message, value), fix: nearest === undefined ? 'write one of these types' : `write "${nearest}"` }];
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    return [{ path, message: `expected ${sayLimit(issue)} for ${formatPath(path)}, found ${describeValue(value)}`, fix: sayLimitFix(issue, value) }];
  }
  return [{ path, message: withFound(issue.message, value), fix: sayFormat(issue.message, value) }];
};

const sayFormat = (message: string, value: unknown): string => {
  if (message.includes('window')) return 'write one of these forms; a window never ends after the date itself, and a number of days has a "d" behind it';
  if (message.includes('dataset.table') && typeof value === 'string' && !value.includes('.')) return 'put the dataset and a dot in front';
  if (typeof value === 'string' && /[A-Z]/.test(value) && message.includes('lower')) return `write "${value.toLowerCase()}"`;
  return message.startsWith('"') || message.includes('YYYY') ? 'write a date that exists, as YYYY-MM-DD' : 'write it in this form';
};

/** Every issue of a failed parse as problems with their places. */
export const explainIssues = (issues: readonly Issue[], document: YamlDocument): readonly Problem[] => {
  const sentences = issues.flatMap((issue) => sayIssue(issue, [], document.value));
  // A misspelt key is also a missing one; one problem is enough for it.
  const meant = new Set(sentences.flatMap((sentence) => (sentence.meant === undefined ? [] : [formatPath(sentence.meant)])));
  return sentences
    .filter(({ missing, path }) => missing !== true || !meant.has(formatPath(path)))
    .map(({ message, fix, path, atKey }): Problem => {
      const place: Place = atKey === true ? document.placeOfKey(path) : document.placeOf(path);
      return { ...place, path: formatPath(path), message, fix, severity: 'error' };
    });
};
