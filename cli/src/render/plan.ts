// A plan as a table: what would be done, why, what is left out, and what it will cost.
import type { PlanOutput } from '../output-schema.ts';
import { formatBytes, formatCount, formatDuration, plural } from './numbers.ts';
import type { Style } from './style.ts';
import { renderLeftOut, renderWarnings } from './summary.ts';
import { renderTable } from './table.ts';

const byReason = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([reason, count]) => `${formatCount(count)} ${reason}`)
    .join(', ');

const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

export const renderPlan = (plan: PlanOutput, style: Style): readonly string[] => {
  const { pipeline, dates, processors, totalTasks, planHash } = plan;
  const span = dates.wanted === 1 ? dates.first : `${dates.first} to ${dates.last}, ${formatCount(dates.wanted)} dates of the calendar`;
  const known = (value: number | null, format: (value: number) => string): string => (value === null ? style.dim('?') : format(value));
  const rows = processors.map(({ processor, phase, tasks, leftOut, rows: estimated, seconds }) => [
    String(phase),
    processor,
    total(tasks) === 0 ? style.dim('0') : style.bold(formatCount(total(tasks))),
    byReason(tasks) || style.dim('nothing to do'),
    style.dim(byReason(leftOut)),
    total(tasks) === 0 ? '' : known(estimated, (value) => `~${formatCount(value)}`),
    total(tasks) === 0 ? '' : known(seconds, (value) => `~${formatDuration(value * 1_000)}`),
  ]);
  const leftOut: Record<string, number> = {};
  for (const processor of processors) for (const [reason, count] of Object.entries(processor.leftOut)) leftOut[reason] = (leftOut[reason] ?? 0) + count;
  if (dates.excluded > 0) leftOut['excluded'] = dates.excluded;
  if (dates.notInCalendar > 0) leftOut['not_in_calendar'] = dates.notInCalendar;
  const bytes = processors.reduce((sum, each) => sum + (each.bytes ?? 0), 0);
  return [
    `${style.bold(`Plan for ${pipeline}`)}  ${span}`,
    '',
    ...renderTable(
      [
        { title: 'phase' },
        { title: 'processor' },
        { title: 'tasks', align: 'right' },
        { title: 'why' },
        { title: 'left out' },
        { title: 'rows', align: 'right' },
        { title: 'compute', align: 'right' },
      ],
      rows,
      style,
    ),
    ...renderLeftOut(leftOut, style),
    ...renderWarnings(plan.warnings, style),
    '',
    totalTasks === 0
      ? style.bold('Nothing to do.')
      : `${style.bold(plural(totalTasks, 'task'))}${bytes > 0 ? `, ${formatBytes(bytes)} to read` : ''}, gates after ${plan.phases.length === 1 ? 'phase' : 'phases'} ${plan.phases.join(', ')}`,
    style.dim(`plan ${planHash}`),
  ];
};
