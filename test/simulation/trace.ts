// The story of one run, for a person: its events in lines, all of them or those that have to do with the violation.
import { plural } from '@floodgate/cli/render/numbers.ts';
import type { Colour, Style } from '@floodgate/cli/render/style.ts';
import { faultKinds } from './faults.ts';
import type { RunResult, TraceEvent } from './result.ts';
import { wrapWords } from './summary-words.ts';

/** Where a violation names nothing, what came last before it is the best guess. */
const lastEvents = 30;
/** More lines than anybody reads; the first and the last of them tell most. */
const mostEvents = 250;

/** One date or one gate; all else (a backfill, a table) is what many events are about. */
const isSpecific = (key: string): boolean => key.includes('|') || key.includes('/');

const always: ReadonlySet<TraceEvent['what']> = new Set(['fault', 'process', 'operator', 'source', 'violation']);

/**
 * Whether an event is about what the violation is about: the same date or gate; or, where the event names none, the same table or
 * backfill. A neighbour's date in the same backfill is not.
 */
const isAbout = (event: TraceEvent, about: readonly string[]): boolean => {
  const specific = about.filter(isSpecific);
  const own = event.about.filter(isSpecific);
  return specific.length > 0 && own.length > 0 ? own.some((key) => specific.includes(key)) : event.about.some((key) => about.includes(key));
};

/** The events of a run that matter for its violation, in order; all of them where there is none. */
export const relevantEvents = ({ events, violation }: RunResult): readonly TraceEvent[] => {
  if (violation === undefined) return events;
  if (violation.about.length > 0) return events.filter((event) => always.has(event.what) || isAbout(event, violation.about));
  const last = new Set(events.slice(-lastEvents));
  return events.filter((event) => always.has(event.what) || last.has(event));
};

/** `1:02:03.450`: hours, minutes and seconds since the run began. */
export const formatElapsed = (ms: number): string => {
  const [whole, rest] = [Math.floor(ms / 1_000), Math.round(ms) % 1_000];
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${Math.floor(whole / 3_600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}.${String(rest).padStart(3, '0')}`;
};

const colours: Readonly<Partial<Record<TraceEvent['what'], Colour>>> = {
  fault: 'yellow',
  process: 'yellow',
  operator: 'magenta',
  source: 'magenta',
  violation: 'red',
};

type Repeated = { readonly event: TraceEvent; readonly times: number };

/** What happens again and again with nothing between is one line. */
const collapse = (events: readonly TraceEvent[]): readonly Repeated[] => {
  const lines: Repeated[] = [];
  for (const event of events) {
    const last = lines.at(-1);
    const isSame = last !== undefined && last.event.process === event.process && last.event.what === event.what && last.event.text === event.text;
    if (isSame) lines[lines.length - 1] = { event: last.event, times: last.times + 1 };
    else lines.push({ event, times: 1 });
  }
  return lines;
};

export type RenderOptions = { readonly style: Style; readonly width: number; /** Leaves nothing out. */ readonly isWhole?: boolean };

/** Time, process, what, and in words; the columns as wide as what stands in them. */
export const renderEvents = (events: readonly TraceEvent[], { style, width, isWhole = false }: RenderOptions): readonly string[] => {
  const rows = isWhole ? events.map((event) => ({ event, times: 1 })) : collapse(events);
  const half = mostEvents / 2;
  const isLong = !isWhole && rows.length > mostEvents;
  const shown = isLong ? [...rows.slice(0, half), ...rows.slice(-half)] : rows;
  const widest = (of: (event: TraceEvent) => string): number => Math.max(0, ...shown.map(({ event }) => of(event).length));
  const times = widest(({ at }) => formatElapsed(at));
  const processes = widest(({ process }) => process);
  const whats = widest(({ what }) => what);
  const indent = 2 + times + 2 + processes + 2 + whats + 2;
  const lines = shown.map(({ event, times: count }) => {
    const head = `  ${style.dim(formatElapsed(event.at).padStart(times))}  ${event.process.padEnd(processes)}  `;
    const body = wrapWords(count === 1 ? event.text : `${event.text} (${count} times)`, Math.max(width - indent, 30));
    const paint = (text: string): string => (colours[event.what] === undefined ? text : style.paint(colours[event.what] as Colour, text));
    return [`${head}${paint(`${event.what.padEnd(whats)}  ${body[0] ?? ''}`)}`, ...body.slice(1).map((line) => ' '.repeat(indent) + paint(line))].join('\n');
  });
  if (!isLong) return lines;
  return [
    ...lines.slice(0, half),
    style.dim(`  ${style.signs.more} ${plural(rows.length - mostEvents, 'event')} left out; --all shows them`),
    ...lines.slice(half),
  ];
};

/** The faults of a run, each with what its kind means. */
export const renderStrikes = ({ strikes }: RunResult, { style, width }: RenderOptions): readonly string[] => {
  const names = Math.max(0, ...strikes.map(({ kind, number }) => `${kind}#${number}`.length));
  const places = Math.max(0, ...strikes.map(({ where }) => where.length));
  return strikes.map(({ kind, number, where }) => {
    const line = `  ${style.paint('yellow', `${kind}#${number}`.padEnd(names))}  ${where.padEnd(places)}`;
    return 2 + names + 2 + places + 2 + faultKinds[kind].length <= width ? `${line}  ${style.dim(faultKinds[kind])}` : line.trimEnd();
  });
};

/** Where two runs of one seed part: the number of the first event that differs, and both events there; undefined where none does. */
export const firstDifference = (
  one: readonly TraceEvent[],
  other: readonly TraceEvent[],
): { readonly index: number; readonly one: TraceEvent | undefined; readonly other: TraceEvent | undefined } | undefined => {
  const key = (event: TraceEvent | undefined): string => JSON.stringify(event ?? null);
  const length = Math.max(one.length, other.length);
  for (let index = 0; index < length; index += 1) if (key(one[index]) !== key(other[index])) return { index, one: one[index], other: other[index] };
  return undefined;
};
