// What a request selects: processors (by phases, names, and the graph operators `+x`, `x+`) and dates.
import { FloodgateError } from './errors.ts';
import type { Calendar } from './calendar.ts';
import { nearestName } from './nearest-name.ts';
import { datesBetween, type PartitionDate } from './partition-date.ts';
import type { Pipeline, Processor } from './pipeline.ts';

const upstreamsOf = (pipeline: Pipeline, processor: Processor): readonly Processor[] =>
  processor.upstreams.flatMap(({ table }) => pipeline.processors.filter((other) => other.table === table));

/** Optional ones are not needed, so that `+x` doesn't ask for them. */
const neededUpstreamsOf = (pipeline: Pipeline, processor: Processor): readonly Processor[] =>
  upstreamsOf(pipeline, { ...processor, upstreams: processor.upstreams.filter(({ optional }) => !optional) });

const closure = (start: Processor, next: (processor: Processor) => readonly Processor[]): ReadonlySet<Processor> => {
  const seen = new Set([start]);
  for (const processor of seen) for (const other of next(processor)) seen.add(other);
  return seen;
};

const didYouMean = (name: string, computed: readonly Processor[]): string => {
  const near = nearestName(
    name,
    computed.flatMap(({ id, table }) => [id, table]),
  );
  const known = computed.map(({ id }) => id).join(', ');
  return near === undefined ? `known are ${known}` : `did you mean ${near}? Known are ${known}`;
};

/** Reads `3`, `2..3`, `2,3` or numbers; throws FloodgateError `unknown_phase` where a phase doesn't exist. */
export const parsePhases = (input: string | number | readonly number[], pipeline: Pipeline): ReadonlySet<number> => {
  const known = pipeline.phases.map(({ number }) => number);
  const wanted = new Set<number>();
  const parts = typeof input === 'string' ? input.split(',').map((part) => part.trim()) : [input].flat().map(String);
  for (const part of parts) {
    const match = /^(\d+)(?:\.\.(\d+))?$/.exec(part);
    if (match === null) throw new FloodgateError('unknown_phase', `phases: expected a number, a range or a list such as 3, 2..3 or 2,3; found "${part}"`);
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (first > last) throw new FloodgateError('unknown_phase', `phases: ${part} runs backwards; write ${last}..${first}`);
    const hit = known.filter((phase) => phase >= first && phase <= last);
    if (hit.length === 0) {
      throw new FloodgateError('unknown_phase', `phases: ${part} is no phase of pipeline ${pipeline.id}; it has ${known.join(', ')}`);
    }
    for (const phase of hit) wanted.add(phase);
  }
  return wanted;
};

/** Ids of the selected processors: those of the phases (without any named: of all but those on request), or those named, or where both are given those named within the phases. */
export const selectProcessors = (
  pipeline: Pipeline,
  request: { readonly phases?: string | number | readonly number[] | undefined; readonly processors?: readonly string[] | undefined },
): ReadonlySet<string> => {
  const computed = pipeline.processors.filter(({ kind }) => kind !== 'external');
  const phases = request.phases === undefined ? undefined : parsePhases(request.phases, pipeline);
  const inPhases = computed.filter(({ phase }) => phases?.has(phase) ?? true);
  if (request.processors === undefined) {
    const isAsked = ({ phase }: Processor): boolean => phases !== undefined || pipeline.phases.find(({ number }) => number === phase)?.onRequest !== true;
    return new Set(inPhases.filter(isAsked).map(({ id }) => id));
  }
  const named = new Set<Processor>();
  for (const text of request.processors) {
    const match = /^(\+?)([^+]*)(\+?)$/.exec(text);
    const processor = computed.find(({ id, table }) => id === match?.[2] || table === match?.[2]);
    if (match === null || processor === undefined) {
      if (pipeline.processors.some(({ id, table, kind }) => kind === 'external' && (id === match?.[2] || table === match?.[2]))) {
        const ids = computed.map(({ id }) => id).join(', ');
        throw new FloodgateError(
          'unknown_processor',
          `processors: "${text}" is an external table of pipeline ${pipeline.id}, which others fill; to compute what reads it, name one of ${ids}`,
        );
      }
      throw new FloodgateError(
        'unknown_processor',
        `processors: "${text}" is no processor of pipeline ${pipeline.id}; ${didYouMean(match?.[2] ?? text, computed)}`,
      );
    }
    named.add(processor);
    if (match[1] === '+') for (const other of closure(processor, (at) => neededUpstreamsOf(pipeline, at))) named.add(other);
    if (match[3] === '+')
      for (const other of closure(processor, (at) => computed.filter((below) => upstreamsOf(pipeline, below).includes(at)))) named.add(other);
  }
  const ids = new Set([...named].filter((processor) => inPhases.includes(processor)).map(({ id }) => id));
  if (ids.size === 0) throw new FloodgateError('empty_selection', `processors ${request.processors.join(', ')} lie outside the phases that were asked for`);
  return ids;
};

export type DateSelection = {
  readonly range?:
    | { readonly start: PartitionDate; readonly end: PartitionDate }
    | readonly { readonly start: PartitionDate; readonly end: PartitionDate }[]
    | undefined;
  readonly dates?: readonly PartitionDate[] | undefined;
  readonly exclude: readonly (PartitionDate | { readonly start: PartitionDate; readonly end: PartitionDate })[];
};

export type SelectedDates = {
  readonly wanted: ReadonlySet<PartitionDate>;
  readonly excluded: readonly PartitionDate[];
  readonly notInCalendar: readonly PartitionDate[];
};

/** Dates of the calendar that a request selects, with those left out. No range and no dates selects the whole calendar. */
export const selectDates = (calendar: Calendar, request: DateSelection): SelectedDates => {
  const ranges = [request.range ?? []].flat();
  const asked = new Set([...ranges.flatMap(({ start, end }) => datesBetween(start, end)), ...(request.dates ?? [])]);
  if (ranges.length === 0 && request.dates === undefined) for (const { date } of calendar.dates) asked.add(date);
  const excludedDates = new Set(request.exclude.flatMap((entry) => (typeof entry === 'string' ? [entry] : datesBetween(entry.start, entry.end))));
  const sorted = [...asked].sort();
  const [wanted, excluded, notInCalendar]: [PartitionDate[], PartitionDate[], PartitionDate[]] = [[], [], []];
  for (const date of sorted) {
    if (!calendar.indexOf.has(date)) notInCalendar.push(date);
    else if (excludedDates.has(date)) excluded.push(date);
    else wanted.push(date);
  }
  if (wanted.length === 0) {
    const [first, last] = [calendar.dates[0]?.date, calendar.dates.at(-1)?.date];
    if (first === undefined) throw new FloodgateError('empty_selection', 'the selection holds no date: the calendar is empty');
    const found = `${asked.size} dates asked for, ${notInCalendar.length} not in the calendar, ${excluded.length} excluded`;
    throw new FloodgateError(
      'empty_selection',
      `the selection holds no date of the calendar: ${found}; the calendar goes from ${first} to ${last} with ${calendar.dates.length} dates`,
    );
  }
  return { wanted: new Set(wanted), excluded, notInCalendar };
};
