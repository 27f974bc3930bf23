// A backfill request as it came, checked: either the request, or everything that is wrong with it at once, each in a
// sentence that says where, what was expected and what was found, for the person who wrote it.
import type * as z from 'zod';
import { nearestName } from '../domain/nearest-name.ts';
import { dateRangeSchema } from './common.ts';
import { backfillRequestSchema, requestLimitsSchema, type BackfillRequest, type BackfillRequestInput } from './request.ts';

export type ParsedRequest = { readonly ok: true; readonly request: BackfillRequest } | { readonly ok: false; readonly problems: readonly string[] };

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

const range = '{"start": …, "end": …}';
const date = 'a date as YYYY-MM-DD';

/** What may stand at each path, `[]` for any entry of a list. */
const expectations: Readonly<Record<keyof BackfillRequestInput, string> & Record<string, string>> = {
  pipeline: 'the name of a pipeline',
  range: `${range}, or a list of them`,
  'range[]': range,
  'range.start': date,
  'range.end': date,
  'range[].start': date,
  'range[].end': date,
  dates: 'a list of dates as YYYY-MM-DD, with one at least',
  'dates[]': date,
  exclude: `a list of dates as YYYY-MM-DD or of ${range}`,
  'exclude[]': `${date}, or ${range}`,
  'exclude[].start': date,
  'exclude[].end': date,
  phases: 'a phase or several, such as 3, "2..3", "2,3" or [2, 3]',
  'phases[]': 'a whole number, 0 or more',
  processors: 'a list of names, with one at least',
  'processors[]': 'a name, "name+" or "+name"',
  reprocess: '"missing", "failed", "stale" or "all"',
  lookback: '"auto"',
  gate: '"phase" or "window"',
  limits: '{"maxInFlight": …, "datesPerTask": …}',
  'limits.maxInFlight': 'a whole number from 1 to 10000',
  'limits.datesPerTask': 'a whole number from 1 to 366, or "auto"',
  priority: 'a whole number from -10 to 10',
  reason: 'a text of at most 500 characters',
  requestedBy: 'a text of at most 200 characters',
  idempotencyKey: 'a text of 1 to 200 characters',
};

/** `range[]` for `["range", 2]`: the path without positions. */
const shapeOf = (path: Path): string =>
  path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[]` : text === '' ? String(part) : `${text}.${String(part)}`), '');

const formatPath = (path: Path): string =>
  path.length === 0
    ? 'request'
    : path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`), '');

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((inner, part) => (typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[part] : undefined), value);

const describe = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value);
    return keys.length === 0 ? '{}' : `a map with ${keys.length > 4 ? `${keys.length} keys` : keys.join(', ')}`;
  }
  if (typeof value !== 'string') return String(value);
  return value.length > 60 ? `a text of ${value.length} characters` : JSON.stringify(value);
};

const knownKeys = (path: Path): readonly string[] => {
  const schema = path.length === 0 ? backfillRequestSchema : path[0] === 'limits' ? requestLimitsSchema : dateRangeSchema;
  return Object.keys(schema.shape);
};

// Where people write dates in other systems.
const dateKeys = /^(start|end|from|to|since|until)(_?date)?$/i;

/** Keys with a likely meaning get a sentence each, the others one together with the list of known keys. */
const sayUnknownKeys = (keys: readonly string[], path: Path): readonly string[] => {
  const known = knownKeys(path);
  const where = formatPath(path);
  const [guessed, strange]: [string[], string[]] = [[], []];
  for (const key of keys) {
    const near = nearestName(key, known);
    if (near !== undefined) guessed.push(`${where}: unknown key "${key}"; did you mean "${near}"?`);
    else if (path.length === 0 && dateKeys.test(key)) guessed.push(`${where}: unknown key "${key}"; dates belong into "range": ${range}`);
    else strange.push(`"${key}"`);
  }
  if (strange.length === 0) return guessed;
  return [...guessed, `${where}: unknown ${strange.length === 1 ? 'key' : 'keys'} ${strange.join(', ')}; known are ${known.join(', ')}`];
};

const sayExpected = (path: Path, value: unknown, choices: readonly unknown[]): string => {
  const expected = path.length === 0 ? 'a map of keys and values' : (expectations[shapeOf(path)] ?? 'something else');
  const near = typeof value === 'string' ? nearestName(value, choices.map(String)) : undefined;
  return `${formatPath(path)}: expected ${expected}, found ${describe(value)}${near === undefined ? '' : `; did you mean "${near}"?`}`;
};

/** A value of another type altogether: this branch of a union was not meant. */
const isOtherType = (issue: Issue): boolean => issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');

const choicesOf = (issue: Issue): readonly unknown[] =>
  issue.code === 'invalid_value' ? issue.values : issue.code === 'invalid_union' ? issue.errors.flat().flatMap(choicesOf) : [];

const explain = (issue: Issue, base: Path, input: unknown): readonly string[] => {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') return sayUnknownKeys(issue.keys, path);
  if (issue.code === 'custom') return [`${formatPath(path)}: ${issue.message}`];
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.filter((branch) => !branch.some(isOtherType));
    const [only] = meant;
    if (meant.length === 1 && only !== undefined) return only.flatMap((inner) => explain(inner, path, input));
  }
  return [sayExpected(path, valueAt(input, path), choicesOf(issue))];
};

/** Reads a request as anybody may publish it. Never throws; on `ok: false` there is at least one problem. */
export const parseRequest = (input: unknown): ParsedRequest => {
  const parsed = backfillRequestSchema.safeParse(input);
  if (parsed.success) return { ok: true, request: parsed.data };
  return { ok: false, problems: [...new Set(parsed.error.issues.flatMap((issue) => explain(issue, [], input)))] };
};
