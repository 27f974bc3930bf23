// Dead letters, grouped by cause: a fault makes hundreds of them, and one line says what it was.
import type { DeadLetterDocument } from '@floodgate/core/contracts/documents.ts';
import { formatAge, formatDates, formatInstant, plural } from './numbers.ts';
import type { Style } from './style.ts';

/** Those that the list leaves out. */
export const renderCommitted = (count: number, style: Style): readonly string[] =>
  count === 0
    ? []
    : [style.dim(`  ${plural(count, 'date')} that had stopped ${count === 1 ? 'was' : 'were'} committed since by a later backfill; --all lists them too`)];

export const renderDeadLetters = (entries: readonly DeadLetterDocument[], now: number, style: Style, flags: string): readonly string[] => {
  if (entries.length === 0) return [`${style.paint('green', style.signs.ok)} No dead letters.`];
  const groups = Map.groupBy(entries, ({ causeGroup, processorId, backfillId }) => `${backfillId}|${processorId}|${causeGroup}`);
  const lines = [...groups.values()]
    .sort((a, b) => b.length - a.length)
    .flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const { kind, processorId, backfillId, failure, causeGroup, openedAt, deadLetterId, state } = first;
      const what = kind === 'message' ? plural(group.length, 'malformed message') : `${processorId}: ${plural(group.length, 'date')}`;
      return [
        `  ${style.paint('red', style.signs.fail)} ${style.bold(what)} (${failure.code})${backfillId === '' ? '' : ` in ${backfillId}`}  ${style.dim(`${formatAge(now - openedAt)}${state === 'open' ? '' : `, ${state}`}`)}`,
        `      ${failure.message}`,
        ...(failure.hint === undefined ? [] : [style.dim(`      ${failure.hint}`)]),
        ...(kind === 'task'
          ? [
              style.dim(`      ${formatDates(group.map(({ date }) => date))}`),
              `      ${style.paint('cyan', `npx floodgate dlq replay --cause ${causeGroup}${flags}`)}`,
            ]
          : [`      ${style.paint('cyan', `npx floodgate dlq show ${deadLetterId}${flags}`)}`]),
      ];
    });
  return [style.bold(`${plural(entries.length, 'dead letter')} of ${plural(groups.size, 'cause')}`), ...lines];
};

export const renderDeadLetter = (entry: DeadLetterDocument, style: Style, flags: string): readonly string[] => {
  const { deadLetterId, kind, state, backfillId, processorId, date, failure, causeGroup, attempts, openedAt, closedAt, message, traceparent } = entry;
  const line = (name: string, text: string): readonly string[] => (text === '' ? [] : [`  ${style.dim(name.padEnd(10))}${text}`]);
  return [
    `${style.bold(deadLetterId)}  ${state}`,
    ...line('what', kind === 'message' ? 'a malformed message' : `${processorId} ${date}`),
    ...line('backfill', backfillId),
    ...line('cause', `${failure.code}: ${failure.message}`),
    ...line('advice', failure.hint ?? ''),
    ...line('group', causeGroup),
    ...line('attempts', String(attempts)),
    ...line('opened', formatInstant(openedAt)),
    ...line('closed', closedAt === null ? '' : formatInstant(closedAt)),
    ...line('trace', traceparent),
    ...(message === null
      ? []
      : ['', style.bold('Message'), ...Object.entries(message.attributes).map(([name, value]) => `  ${name}: ${value}`), `  ${message.data}`]),
    ...(kind === 'task' && state === 'open' ? ['', `  ${style.paint('cyan', `npx floodgate dlq replay ${deadLetterId}${flags}`)}`] : []),
  ];
};
