// The flags that say what to backfill, alike in every command that takes them, and the request that they make.
import { userInfo } from 'node:os';
import { parseRequest } from '@floodgate/core/contracts/parse-request.ts';
import { gateModes, reprocessModes, type BackfillRequest } from '@floodgate/core/contracts/request.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { Option, type Command } from 'commander';

export type SelectionFlags = {
  readonly start?: string;
  readonly end?: string;
  readonly dates?: readonly string[];
  readonly exclude?: readonly string[];
  readonly phases?: string;
  readonly processors?: readonly string[];
  readonly reprocess?: string;
  readonly gate?: string;
  readonly maxInFlight?: string;
  readonly datesPerTask?: string;
  readonly priority?: string;
  readonly reason?: string;
  readonly requestedBy?: string;
  readonly idempotencyKey?: string;
};

export const splitList = (text: string): readonly string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** Lists may be written with commas, or by giving the flag again. */
const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), ...splitList(value)];

/** What is selected; `addSelection` adds how it is to be computed. */
export const addPartitions = (command: Command): Command =>
  command
    .optionsGroup('Selection (default: everything that the pipeline’s calendar has):')
    .option('--start <date>', 'first date, YYYY-MM-DD')
    .option('--end <date>', 'last date, included')
    .addOption(new Option('--dates <list>', 'single dates, or ranges as 2023-10-24..2023-10-30').argParser(collect))
    .addOption(new Option('--exclude <list>', 'dates or ranges to leave out').argParser(collect))
    .option('--phases <phases>', 'e.g. 3, 2..3 or 2,3')
    .addOption(new Option('--processors <list>', 'names; "x+" adds everything downstream, "+x" everything upstream').argParser(collect));

export const addSelection = (command: Command): Command =>
  addPartitions(command)
    .option('--reprocess <mode>', `${reprocessModes.join(', ')} (default: missing)`)
    .optionsGroup('How:')
    .option('--gate <mode>', `${gateModes.join(' or ')}: whether a phase waits for the gate before it (default: phase)`)
    .option('--max-in-flight <n>', 'dates with the workers at once')
    .option('--dates-per-task <n>', 'dates that travel together, or auto')
    .option('--priority <n>', '-10 to 10; higher goes first (default: 0)')
    .option('--reason <text>', 'kept with the backfill')
    .option('--requested-by <name>', 'default: the user who runs the command')
    .option('--idempotency-key <key>', 'the same key is decided once');

const rangeIn = (text: string): { readonly start: string; readonly end: string } | undefined => {
  const match = /^(.+)\.\.(.+)$/.exec(text);
  return match === null ? undefined : { start: (match[1] ?? '').trim(), end: (match[2] ?? '').trim() };
};

const numberIn = (text: string): number | string => (/^-?\d+$/.test(text) ? Number(text) : text);

/** Names of the request's fields as people gave them. */
const flagOf: readonly (readonly [pattern: RegExp, flag: string])[] = [
  [/^range\[\d+\]\.(start|end):/, '--dates:'],
  [/^range\[\d+\]:/, '--dates:'],
  [/^range\.start:/, '--start:'],
  [/^range\.end:/, '--end:'],
  [/^range: the range ends/, '--start, --end: the range ends'],
  [/^range:/, '--start, --end:'],
  [/^(dates|exclude|processors)(\[\d+\])?(\.\w+)?:/, '--$1:'],
  [/^limits\.maxInFlight:/, '--max-in-flight:'],
  [/^limits\.datesPerTask:/, '--dates-per-task:'],
  [/^requestedBy:/, '--requested-by:'],
  [/^idempotencyKey:/, '--idempotency-key:'],
  [/^(phases|reprocess|gate|priority|reason):/, '--$1:'],
];

const asFlag = (problem: string): string => {
  for (const [pattern, flag] of flagOf) if (pattern.test(problem)) return problem.replace(pattern, flag);
  return problem;
};

export const currentUser = (): string => {
  try {
    return userInfo().username;
  } catch {
    return ''; // a container may run as a user without an entry
  }
};

/** Throws FloodgateError `invalid_request` with all problems. */
export const requestOf = (flags: SelectionFlags, pipelineId: string): BackfillRequest => {
  const problems: string[] = [];
  if ((flags.start === undefined) !== (flags.end === undefined)) {
    const [there, missing] = flags.start === undefined ? ['--end', '--start'] : ['--start', '--end'];
    problems.push(`${there} is given and ${missing} is not: expected both, or neither for the whole calendar`);
  }
  const ranges = (flags.dates ?? []).flatMap((text) => rangeIn(text) ?? []);
  const dates = (flags.dates ?? []).filter((text) => rangeIn(text) === undefined);
  // A range of its own is not put in a list, so that problems name --start and --end.
  const own = flags.start !== undefined && flags.end !== undefined ? { start: flags.start, end: flags.end } : undefined;
  const range = ranges.length === 0 ? own : [...(own === undefined ? [] : [own]), ...ranges];
  const limits = {
    ...(flags.maxInFlight === undefined ? {} : { maxInFlight: numberIn(flags.maxInFlight) }),
    ...(flags.datesPerTask === undefined ? {} : { datesPerTask: numberIn(flags.datesPerTask) }),
  };
  const parsed = parseRequest({
    pipeline: pipelineId,
    ...(range === undefined ? {} : { range }),
    ...(dates.length === 0 ? {} : { dates }),
    ...(flags.exclude === undefined ? {} : { exclude: flags.exclude.map((text) => rangeIn(text) ?? text) }),
    ...(flags.phases === undefined ? {} : { phases: flags.phases }),
    ...(flags.processors === undefined ? {} : { processors: flags.processors }),
    ...(flags.reprocess === undefined ? {} : { reprocess: flags.reprocess }),
    ...(flags.gate === undefined ? {} : { gate: flags.gate }),
    ...(flags.priority === undefined ? {} : { priority: numberIn(flags.priority) }),
    ...(flags.reason === undefined ? {} : { reason: flags.reason }),
    ...(flags.idempotencyKey === undefined ? {} : { idempotencyKey: flags.idempotencyKey }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    requestedBy: flags.requestedBy ?? currentUser(),
  });
  if (!parsed.ok) problems.push(...parsed.problems.map(asFlag));
  if (!parsed.ok || problems.length > 0) {
    throw new FloodgateError(
      'invalid_request',
      problems.length === 1
        ? (problems[0] ?? '')
        : `${problems.length} things are wrong with the selection:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
  }
  return parsed.request;
};

/** Whether two requests ask for the same partitions in the same way: limits, reason and requester don't count. */
export const isSameSelection = (a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean => {
  const pick = (request: Readonly<Record<string, unknown>>): string =>
    JSON.stringify(['pipeline', 'range', 'dates', 'exclude', 'phases', 'processors', 'reprocess', 'gate'].map((key) => request[key] ?? null));
  return pick(a) === pick(b);
};
