// What `npm run simulate` can be asked. Everything wrong with a command line is told at once, each with what was expected.
import { parseArgs } from 'node:util';
import { nearestName } from '@floodgate/core/domain/nearest-name.ts';
import { allFaultKinds, type FaultKind } from './faults.ts';

export const usage = `Usage: npm run simulate -- [--seed N] [--runs M] [options]       runs the M seeds from N on
       npm run simulate -- --seed N --trace [options]            replays one run and tells its story

  --seed N              first seed, or the seed to trace (default 1)
  --runs M              how many runs (default 500)
  --workers K           how many at once (default: one per core)
  --fail-fast           starts no run after the first violation
  --demand-coverage     fails where a fault, crash point, transition, message or outcome was not exercised
  --without kind,kind   faults that never strike
  --trace               one run, twice; when it fails, with the fewest faults that still make it fail
  --all                 with --trace: every event
  --only kind#n,kind#n  with --trace: only these strikes, or none
  --json                one JSON document on standard output
  --help                this

Exit codes: 0 all well; 1 a violation; 2 usage; 3 no violation, but not all was exercised (--demand-coverage); 130 interrupted.`;

type Common = { readonly seed: number; readonly without: readonly FaultKind[]; readonly json: boolean };
export type BatchArguments = Common & {
  readonly mode: 'batch';
  readonly runs: number;
  readonly workers: number | undefined;
  readonly failFast: boolean;
  readonly demandCoverage: boolean;
};
export type TraceArguments = Common & { readonly mode: 'trace'; readonly all: boolean; readonly only: readonly string[] | undefined };
export type Arguments = BatchArguments | TraceArguments | { readonly mode: 'help' };
export type Parsed = { readonly ok: true; readonly value: Arguments } | { readonly ok: false; readonly problems: readonly string[] };

const flags = {
  seed: { type: 'string' },
  runs: { type: 'string' },
  workers: { type: 'string' },
  without: { type: 'string' },
  only: { type: 'string' },
  trace: { type: 'boolean' },
  all: { type: 'boolean' },
  'fail-fast': { type: 'boolean' },
  'demand-coverage': { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;
type Flag = keyof typeof flags;
const isFlag = (name: string): name is Flag => Object.hasOwn(flags, name);
const allFlags = Object.keys(flags).map((name) => `--${name}`);

/** Seeds are 32 bits wide: a larger one would repeat another. */
const highestSeed = 2 ** 32 - 1;
const batchOnly: readonly Flag[] = ['runs', 'workers', 'fail-fast', 'demand-coverage'];
const traceOnly: readonly Flag[] = ['all', 'only'];

export const parseArguments = (args: readonly string[]): Parsed => {
  const problems: string[] = [];
  const given = readFlags(args, problems);
  if (given.has('help')) return { ok: true, value: { mode: 'help' } };

  const integer = (flag: Flag, min: number, max: number): number | undefined => {
    const text = given.get(flag);
    if (text === undefined) return undefined;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    problems.push(`--${flag} expects an integer from ${min} to ${max}, found "${text}"`);
    return undefined;
  };
  const seed = integer('seed', 0, highestSeed) ?? 1;
  const without = readKinds(given.get('without'), problems);
  const common = { seed, without, json: given.has('json') };

  if (given.has('trace')) {
    for (const flag of batchOnly) if (given.has(flag)) problems.push(`--${flag} is for many runs, --trace for one: give either`);
    if (!given.has('seed')) problems.push('--trace needs --seed: the run to replay');
    const only = readStrikes(given.get('only'), problems);
    return problems.length > 0 ? { ok: false, problems } : { ok: true, value: { ...common, mode: 'trace', all: given.has('all'), only } };
  }
  for (const flag of traceOnly) if (given.has(flag)) problems.push(`--${flag} needs --trace`);
  const runs = integer('runs', 1, 10_000_000) ?? 500;
  const workers = integer('workers', 1, 512);
  if (seed + runs - 1 > highestSeed) problems.push(`--seed and --runs go beyond the last seed, ${highestSeed}`);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: { ...common, mode: 'batch', runs, workers, failFast: given.has('fail-fast'), demandCoverage: given.has('demand-coverage') } };
};

/** Values by flag; empty for those that take none. */
const readFlags = (args: readonly string[], problems: string[]): ReadonlyMap<Flag, string> => {
  const given = new Map<Flag, string>();
  // Not strict: that stops at the first problem, in words of its own.
  const { tokens } = parseArgs({ args: [...args], options: flags, strict: false, allowPositionals: true, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'positional') problems.push(`unexpected "${token.value}": everything is a flag; expected one of ${allFlags.join(', ')}`);
    if (token.kind !== 'option') continue;
    if (!isFlag(token.name)) {
      const near = nearestName(token.rawName, allFlags);
      problems.push(`unknown flag ${token.rawName}: ${near === undefined ? `expected one of ${allFlags.join(', ')}` : `did you mean ${near}?`}`);
      continue;
    }
    const takesValue = flags[token.name].type === 'string';
    // Without strictness a flag takes the next flag for its value.
    const isValue = token.value !== undefined && (token.inlineValue || !token.value.startsWith('--'));
    if (given.has(token.name)) problems.push(`--${token.name} is given twice`);
    if (takesValue && !isValue) {
      problems.push(`--${token.name} expects a value`);
      continue;
    }
    if (!takesValue && token.value !== undefined) problems.push(`--${token.name} takes no value, found "${token.value}"`);
    given.set(token.name, token.value ?? '');
  }
  return given;
};

const list = (text: string): readonly string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

const describeKind = (kind: string): string => {
  const near = nearestName(kind, allFaultKinds);
  return near === undefined ? `expected some of ${allFaultKinds.join(', ')}` : `did you mean ${near}?`;
};
const isKind = (kind: string): kind is FaultKind => (allFaultKinds as readonly string[]).includes(kind);

const readKinds = (text: string | undefined, problems: string[]): readonly FaultKind[] => {
  if (text === undefined) return [];
  const kinds = [...new Set(list(text))];
  if (kinds.length === 0) problems.push(`--without expects kinds of faults: ${describeKind('')}`);
  for (const kind of kinds) if (!isKind(kind)) problems.push(`--without: unknown kind of fault "${kind}": ${describeKind(kind)}`);
  return kinds.filter(isKind);
};

const readStrikes = (text: string | undefined, problems: string[]): readonly string[] | undefined => {
  if (text === undefined) return undefined;
  if (text.trim() === 'none') return [];
  const names = [...new Set(list(text))];
  if (names.length === 0) problems.push('--only expects strikes as kind#number, or none');
  for (const name of names) {
    const [, kind = ''] = /^(\w+)#[1-9]\d*$/.exec(name) ?? [];
    if (kind === '') problems.push(`--only expects strikes as kind#number (crash#1,stall#2) or none, found "${name}"`);
    else if (!isKind(kind)) problems.push(`--only: unknown kind of fault "${kind}": ${describeKind(kind)}`);
  }
  return names;
};
