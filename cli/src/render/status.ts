// Backfills in a list, and one of them in detail.
import type { BackfillStatus } from '@floodgate/core/app/read-status.ts';
import type { BackfillDocument, BackfillState } from '@floodgate/core/contracts/documents.ts';
import { formatAge, formatCount, formatDuration, formatInstant } from './numbers.ts';
import { renderBar, renderGate, tallyOf } from './progress.ts';
import { truncate, type Colour, type Style } from './style.ts';
import { renderTable } from './table.ts';

const colours: Readonly<Record<BackfillState, Colour>> = { active: 'cyan', blocked: 'red', completed: 'green', cancelled: 'yellow' };

const total = (tasks: Readonly<Record<string, number>>): number => Object.values(tasks).reduce((sum, count) => sum + count, 0);

/** What a person asked for, in short: `2023-10-24..2023-11-05, phases 2..3, all`. */
export const describeRequest = (request: Readonly<Record<string, unknown>>): string => {
  const ranges = [request['range'] ?? []].flat() as unknown as readonly { readonly start: string; readonly end: string }[];
  const dates = (request['dates'] ?? []) as readonly string[];
  const processors = (request['processors'] ?? []) as readonly string[];
  const { phases, reprocess, gate } = request as { readonly phases?: unknown; readonly reprocess?: unknown; readonly gate?: unknown };
  const span = [
    ...ranges.map(({ start, end }) => `${start}..${end}`),
    ...(dates.length > 3 ? [`${dates[0] ?? ''} and ${dates.length - 1} more dates`] : dates),
  ];
  return [
    ...(span.length === 0 ? ['all dates'] : span),
    ...(phases === undefined ? [] : [`phases ${Array.isArray(phases) ? phases.join(',') : String(phases)}`]),
    ...(processors.length === 0 ? [] : [processors.join(',')]),
    ...(reprocess === 'missing' || reprocess === undefined ? [] : [`reprocess ${String(reprocess)}`]),
    ...(gate === 'window' ? ['gate window'] : []),
  ].join(', ');
};

export const renderBackfillList = (backfills: readonly BackfillDocument[], now: number, style: Style): readonly string[] =>
  renderTable(
    [
      { title: 'backfill' },
      { title: 'state' },
      { title: 'dates', align: 'right' },
      { title: 'begun' },
      { title: 'took', align: 'right' },
      { title: 'by' },
      { title: 'request' },
    ],
    backfills.map(({ backfillId, state, tasks, createdAt, endedAt, requestedBy, request, reason }) => [
      style.bold(backfillId),
      style.paint(colours[state], state),
      formatCount(total(tasks)),
      formatAge(now - createdAt),
      endedAt === null || state === 'active' ? '' : formatDuration(endedAt - createdAt),
      requestedBy,
      style.dim(truncate(`${describeRequest(request)}${reason === '' ? '' : ` (${reason})`}`, 70)),
    ]),
    style,
  );

export const renderBackfill = (
  status: BackfillStatus,
  context: { readonly now: number; readonly served: boolean; readonly flags: string },
  style: Style,
): readonly string[] => {
  const { backfill, control, gates, processors, counts } = status;
  const { backfillId, state, createdAt, endedAt, requestedBy, reason, request, planHash } = backfill;
  const label = (name: string, text: string): readonly string[] => (text === '' ? [] : [`  ${style.dim(name.padEnd(10))}${text}`]);
  const names = Math.max(12, ...processors.map(({ processorId }) => processorId.length));
  const idle = state === 'active' && !context.served;
  const condition =
    control.cancelled && state === 'active'
      ? ' (being cancelled)'
      : control.paused && state === 'active'
        ? ` (paused by ${control.by || 'somebody'})`
        : idle
          ? ' (no process works on it)'
          : '';
  const bars = gates.flatMap(({ phase, state: gate, gate: document }) => [
    `  ${style.bold(`phase ${phase}`)}  ${renderGate(gate, style)}`,
    ...processors
      .filter((processor) => processor.phase === phase && processor.dates.length > 0)
      .map(({ processorId, states }) => {
        const tally = tallyOf(states);
        const bad = tally.bad > 0 ? style.paint('red', `  ${formatCount(tally.bad)} did not succeed`) : '';
        return `    ${processorId.padEnd(names)}  ${renderBar(tally, 30, style)}  ${formatCount(tally.good + tally.bad)}/${formatCount(tally.total)}${bad}`;
      }),
    ...(document === undefined || document.summary === '' || gate === 'open' ? [] : [style.dim(`    ${document.summary}`)]),
  ]);
  const shown = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${formatCount(count)} ${name === 'unreleased' ? 'not begun' : name}`);
  const next =
    state === 'active' && control.paused
      ? [`npx floodgate resume ${backfillId}`, 'go on']
      : idle
        ? [`npx floodgate resume ${backfillId}`, 'go on where it stopped']
        : state === 'active'
          ? [`npx floodgate watch ${backfillId}`, 'follow it']
          : state === 'blocked'
            ? [`npx floodgate explain ${backfillId}`, 'why, and what to do']
            : undefined;
  return [
    `${style.bold(backfillId)}  ${style.paint(colours[state], state)}${style.paint('yellow', condition)}`,
    ...label('request', describeRequest(request)),
    ...label('reason', reason),
    ...label('by', requestedBy),
    ...label(
      'begun',
      `${formatInstant(createdAt)}, ${formatAge(context.now - createdAt)}${endedAt === null || state === 'active' ? '' : `; took ${formatDuration(endedAt - createdAt)}`}`,
    ),
    ...label('plan', planHash),
    ...label('dates', shown.join(', ')),
    '',
    ...bars,
    ...(next === undefined ? [] : ['', `  ${style.paint('cyan', `${next[0] ?? ''}${context.flags}`)}  ${style.dim(next[1] ?? '')}`]),
  ];
};
