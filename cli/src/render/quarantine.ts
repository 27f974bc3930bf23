// Quarantined dates with their evidence, and the rows of one of them.
import type { TaskDocument } from '@floodgate/core/contracts/documents.ts';
import type { QueryResult } from '@floodgate/core/ports/warehouse.ts';
import { withoutName } from './checks.ts';
import { plural } from './numbers.ts';
import { renderQueryResult } from './query-result.ts';
import type { Style } from './style.ts';

const maxListed = 30;

const blocking = (task: TaskDocument): TaskDocument['evidence'] => task.evidence.filter(({ severity }) => severity === 'block');

export const renderQuarantined = (tasks: readonly TaskDocument[], style: Style, flags: string): readonly string[] => {
  if (tasks.length === 0) return [`${style.paint('green', style.signs.ok)} Nothing is quarantined.`];
  const lines = tasks
    .slice(0, maxListed)
    .flatMap(({ processorId, date, backfillId, ...task }) => [
      `  ${style.paint('magenta', style.signs.fail)} ${style.bold(`${processorId} ${date}`)}  ${style.dim(`in ${backfillId}, ${plural(task.staged?.rows ?? 0, 'row')}`)}`,
      ...blocking({ processorId, date, backfillId, ...task }).map(({ check, message }) => `      ${check}: ${withoutName(check, message)}`),
    ]);
  const [first] = tasks;
  return [
    style.bold(plural(tasks.length, 'quarantined date')),
    ...lines,
    ...(tasks.length > maxListed ? [style.dim(`  and ${tasks.length - maxListed} more; --json lists all`)] : []),
    '',
    `  ${style.paint('cyan', `npx floodgate quarantine show ${first?.processorId ?? ''} ${first?.date ?? ''}${flags}`)}`,
  ];
};

export const renderQuarantine = (task: TaskDocument, rows: QueryResult, style: Style, width: number, flags: string): readonly string[] => {
  const { processorId, date, backfillId, evidence, staged } = task;
  const target = `${processorId} ${date} --backfill ${backfillId}${flags}`;
  return [
    `${style.bold(`${processorId} ${date}`)}  in backfill ${backfillId}, ${plural(staged?.rows ?? 0, 'row')}; the table still holds what it held before`,
    '',
    ...evidence.flatMap(({ check, severity, message, examples }) => [
      `  ${style.paint(severity === 'block' ? 'red' : 'yellow', severity === 'block' ? style.signs.fail : style.signs.warn)} ${style.bold(check)}: ${withoutName(check, message)}`,
      ...examples.slice(0, 5).map((example) => style.dim(`      ${JSON.stringify(example)}`)),
    ]),
    '',
    ...(rows.rows.length === 0 ? [style.dim('  there are no rows')] : renderQueryResult(rows, style, width)),
    '',
    `  ${style.paint('cyan', `npx floodgate quarantine accept ${target}`)}  ${style.dim('commit them as they are')}`,
    `  ${style.paint('cyan', `npx floodgate quarantine reject ${target}`)}  ${style.dim('give them up')}`,
    `  ${style.paint('cyan', `npx floodgate retry ${backfillId} --processors ${processorId} --dates ${date}${flags}`)}  ${style.dim('compute them anew, once the cause is mended')}`,
  ];
};
