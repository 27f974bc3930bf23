// Why something is as it is: groups of dates that wait or failed, and the story of one date.
import type { Explanation, Reason, WaitingGroup } from '@floodgate/core/app/explain.ts';
import { assertNever } from '@floodgate/core/domain/assert-never.ts';
import type { BackfillOutput } from '../output-schema.ts';
import { withoutName } from './checks.ts';
import { withFlags } from './commands.ts';
import { formatCount, formatDates, formatDuration, formatInstant, formatMoment, plural } from './numbers.ts';
import type { Style } from './style.ts';
import { reasonWords } from './summary.ts';

const taskReasonWords: Readonly<Record<string, string>> = {
  requested: 'the request asked for it, whatever is there',
  missing: 'it was never computed',
  failed: 'it had failed before',
  stale_code: 'the code that computes it has changed',
  stale_input: 'what it was computed from has changed',
  upstream_missing: 'something downstream needs it, and it was never computed',
  upstream_stale: 'something downstream needs it, and it was stale',
  upstream_planned: 'something in its window is computed anew, so its inputs may change',
};

export const describeReason = (reason: Reason): string => {
  switch (reason.kind) {
    case 'done':
      return `it is over: ${reason.state}`;
    case 'in_flight':
      return `it is being worked on: ${reason.state}`;
    case 'not_in_plan':
      return `it is not planned here: ${reasonWords[reason.reason] ?? reason.reason}`;
    case 'backoff':
      return `it is tried again at ${formatInstant(reason.until)}, after: ${reason.failure}`;
    case 'paused':
      return 'the backfill is paused';
    case 'cancelled':
      return 'the backfill is cancelled';
    case 'gate':
      return `the gate of phase ${reason.phase} is ${reason.gate?.state ?? 'waiting'}${reason.gate === undefined || reason.gate.summary === '' ? '' : `: ${reason.gate.summary}`}`;
    case 'upstream':
      return `it reads ${reason.processorId} (window ${reason.window}), of which ${plural(reason.dates.length, 'date')} ${reason.dates.length === 1 ? 'is' : 'are'} ${reason.state}: ${formatDates(reason.dates)}`;
    case 'admission':
      return 'it is its turn as soon as a worker is free';
    default:
      return assertNever(reason);
  }
};

export const renderExplanation = (explanation: Explanation, style: Style, flags: string): readonly string[] => {
  const { backfillId, processorId, date, task, plannedBecause, reasons } = explanation;
  const at = (name: string, instant: number | null): readonly string[] =>
    instant === null || instant === 0 ? [] : [`  ${style.dim(name.padEnd(10))}${formatMoment(instant)}`];
  const line = (name: string, text: string): readonly string[] => (text === '' ? [] : [`  ${style.dim(name.padEnd(10))}${text}`]);
  const story =
    task === undefined
      ? []
      : [
          ...line('state', style.bold(task.state)),
          ...line('attempts', task.attempt === 0 ? '' : String(task.attempt)),
          ...line('rows', task.rows === null ? '' : `${formatCount(task.rows)}${task.computeMs > 0 ? `, computed in ${formatDuration(task.computeMs)}` : ''}`),
          ...at('released', task.releasedAt),
          ...at('claimed', task.claimedAt),
          ...at('staged', task.stagedAt),
          ...at('ended', task.endedAt),
          ...line(
            'last error',
            task.failure === null ? '' : `${task.failure.code}: ${task.failure.message}${task.failure.hint === undefined ? '' : ` (${task.failure.hint})`}`,
          ),
        ];
  const evidence = (task?.evidence ?? []).flatMap(({ check, severity, message, examples }) => [
    `  ${style.paint(severity === 'block' ? 'red' : 'yellow', severity === 'block' ? style.signs.fail : style.signs.warn)} ${style.bold(check)}: ${withoutName(check, message)}`,
    ...examples.slice(0, 3).map((example) => style.dim(`      ${JSON.stringify(example)}`)),
  ]);
  const next =
    task?.state === 'failed'
      ? `npx floodgate retry ${backfillId} --processors ${processorId} --dates ${date}`
      : task?.state === 'quarantined'
        ? `npx floodgate quarantine show ${processorId} ${date} --backfill ${backfillId}`
        : undefined;
  return [
    `${style.bold(`${processorId} ${date}`)}  in backfill ${backfillId}`,
    ...line('planned', plannedBecause === '' ? '' : (taskReasonWords[plannedBecause] ?? plannedBecause)),
    ...story,
    '',
    ...reasons.map((reason) => `  ${style.signs.dot} ${describeReason(reason)}`),
    ...(evidence.length === 0 ? [] : ['', style.bold('Evidence'), ...evidence]),
    ...(next === undefined ? [] : ['', `  ${style.paint('cyan', `${next}${flags}`)}`]),
  ];
};

export const renderWaiting = (output: BackfillOutput, waiting: readonly WaitingGroup[], served: boolean, style: Style, flags: string): readonly string[] => {
  const { backfillId, state, paused, failures, gates } = output;
  const lines: string[] = [`${style.bold(backfillId)}  ${state}${paused ? ', paused' : state === 'active' && !served ? ', no process works on it' : ''}`];
  if (failures.length > 0) lines.push('', style.bold('Did not succeed'));
  for (const { state: how, processor, tasks, cause, message, hint, dates } of failures) {
    lines.push(
      `  ${style.paint('red', style.signs.fail)} ${processor}: ${plural(tasks, 'date')} ${how} (${style.bold(cause)})  ${style.dim(formatDates(dates))}`,
      `      ${message}`,
    );
    if (hint !== undefined) lines.push(style.dim(`      ${hint}`));
  }
  const shut = Object.entries(gates).filter(([, gate]) => gate.state === 'blocked' || gate.state === 'held');
  if (shut.length > 0) lines.push('', style.bold('Gates'));
  for (const [phase, gate] of shut) {
    lines.push(`  phase ${phase} is ${gate.state}${gate.state === 'held' ? `: ${gate.summary}` : ''}`);
    for (const { check, processor, outcome, message } of gate.checks)
      lines.push(
        `    ${style.paint('red', style.signs.fail)} ${processor} ${style.bold(check)}${outcome === 'could_not_tell' ? ' could not be evaluated' : ''}: ${message}`,
      );
  }
  if (waiting.length > 0 && state !== 'cancelled') {
    lines.push('', style.bold('Waiting'));
    // A shut gate makes all of the phases behind it wait, for the same reason: one line says it.
    for (const group of Map.groupBy(waiting, ({ why }) => why).values()) {
      const [first] = group;
      if (first === undefined) continue;
      const dates = [...new Set(group.flatMap((each) => each.dates))].sort();
      const total = group.reduce((sum, each) => sum + each.dates.length, 0);
      const names = group.map(({ processorId }) => processorId);
      const who = names.length <= 3 ? names.join(', ') : `${names.slice(0, 2).join(', ')} and ${names.length - 2} more processors`;
      lines.push(`  ${who}: ${plural(total, 'date')}, since ${first.why}  ${style.dim(formatDates(dates))}`);
    }
  }
  const next = [
    ...(state === 'active' && (paused || !served) ? [`npx floodgate resume ${backfillId}`] : []),
    ...(failures.some((failure) => failure.state === 'quarantined') ? ['npx floodgate quarantine list'] : []),
    ...(failures.length > 0 ? [`npx floodgate retry ${backfillId}`] : []),
    ...shut.flatMap(([phase, gate]) =>
      gate.state === 'held'
        ? [`npx floodgate approve ${backfillId} --phase ${phase}`]
        : gate.repair === '' || gate.repair.includes(' explain ') || gate.repair.includes(' retry ')
          ? []
          : [gate.repair],
    ),
  ];
  if (lines.length === 1) lines.push(state === 'completed' ? '  everything is done, and every gate is open' : '  nothing waits, and nothing failed');
  if (next.length > 0) lines.push('', style.bold('What to do'), ...[...new Set(next)].map((command) => `  ${style.paint('cyan', withFlags(command, flags))}`));
  return lines;
};
