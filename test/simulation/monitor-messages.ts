// Checks on messages: each announces what the very transaction that wrote it has made true, what has to be announced is, and
// nothing is published that was not written first. And on what people read: dead letters and progress.
import type { DeadLetterDocument } from '@floodgate/core/contracts/documents.ts';
import type { TransitionName } from '@floodgate/core/domain/task-state.ts';
import type { OutgoingMessage } from '@floodgate/core/ports/message-bus.ts';
import type { Known } from './monitor-known.ts';
import type { Applied, Report, Sent, TaskWatch } from './monitor-watches.ts';
import { nameOf } from './monitor-plans.ts';
import { aboutTask } from './monitor-tasks.ts';
import { goodStates } from './monitor-transitions.ts';

type DispatchData = { readonly dispatchId: string; readonly tasks: readonly { readonly path: string; readonly epoch: number }[] };

/** What a message says of its own transaction that isn't so; undefined where all is true. */
const findLie = (known: Known, applied: Applied, { type, data }: Sent): string | undefined => {
  const { backfillId, phase, state, table } = data as { readonly backfillId: string; readonly phase: number; readonly state: string; readonly table: string };
  const gateIs = (wanted: string): string | undefined => {
    const gate = applied.gates.find(({ watch, after }) => watch.id === backfillId && after?.phase === phase);
    return gate?.after?.state === wanted
      ? undefined
      : `the gate of phase ${phase} of ${backfillId} ${gate === undefined ? 'was not written with it' : `is ${gate.after?.state ?? 'gone'}`}`;
  };
  switch (type) {
    case 'floodgate.phase.completed':
      return gateIs('open');
    case 'floodgate.phase.held':
      return gateIs('held');
    case 'floodgate.phase.blocked':
      return gateIs('blocked');
    case 'floodgate.backfill.ended': {
      const ended = applied.backfills.find(({ watch }) => watch.id === backfillId);
      return ended?.after?.state === state && ended.before?.state === 'active' ? undefined : `${backfillId} was not made ${state} with it`;
    }
    case 'floodgate.tasks.dispatched': {
      const { dispatchId, tasks } = data as unknown as DispatchData;
      const stray = tasks.find(
        ({ path, epoch }) =>
          !applied.moves.some(
            ({ watch, after }) => watch.path === path && after.state === 'queued' && after.epoch === epoch && after.dispatchId === dispatchId,
          ),
      );
      return stray === undefined ? undefined : `${stray.path} was not queued with it at epoch ${stray.epoch} under ${dispatchId}`;
    }
    case 'floodgate.tasks.ended': {
      const phases = (data as { readonly phases?: readonly number[] }).phases ?? [];
      const backfill = known.backfills.get(backfillId);
      if (known.expired.has(backfillId)) return undefined;
      return backfill !== undefined && phases.every((own) => backfill.doc.phases.includes(own))
        ? undefined
        : `${backfillId} has no phases ${phases.join(', ')}`;
    }
    case 'floodgate.backfill.moved':
      // What a closed backfill has left behind is cleared away after it has expired.
      return known.backfills.has(backfillId) || known.expired.has(backfillId) ? undefined : `there is no backfill ${backfillId}`;
    case 'floodgate.lane.rung':
      return [...known.tasks.values()].some(({ doc }) => doc.table === table) ? undefined : `no task writes ${table}`;
    default:
      return 'nobody in the system writes such a message';
  }
};

/** (6) A message is only ever written for a committed fact: in the transaction that makes it one. */
const tellsTheTruth = (known: Known, applied: Applied, report: Report): void => {
  for (const sent of applied.sent) {
    const lie = findLie(known, applied, sent);
    if (lie !== undefined) report('6', `${applied.process} wrote ${sent.type} ${sent.id}, but ${lie}`, aboutMessage(sent));
  }
};

const aboutMessage = ({ data }: Sent): readonly string[] => [data['backfillId'], data['table']].filter((key) => typeof key === 'string');

/** What must be said with a transition, so that somebody looks: any of these. */
const announced: Readonly<Partial<Record<TransitionName, 'dispatch' | 'lane' | 'ended' | 'moved'>>> = {
  release: 'dispatch',
  release_again: 'dispatch',
  stage: 'lane',
  accept: 'lane',
  find_fresh: 'ended',
  quarantine: 'ended',
  fail: 'ended',
  commit: 'ended',
  commit_unchanged: 'ended',
  supersede: 'ended',
  fail_commit: 'ended',
  reject: 'ended',
  hold: 'moved',
  put_back: 'moved',
  lose_staging: 'moved',
  recover_running: 'moved',
  recover_queued: 'moved',
  retry_failed: 'moved',
  retry_quarantined: 'moved',
};

/** (6) A committed fact is announced in its own transaction: said afterwards, a crash in between would leave it unsaid for ever. */
const saysWhatHappened = (applied: Applied, report: Report): void => {
  if (applied.moves.length > 0) {
    const said = new Set(applied.sent.flatMap(keysOf));
    for (const move of applied.moves) {
      const { watch, after, names } = move;
      const name = names.at(-1);
      const kind = name === undefined ? undefined : announced[name];
      if (kind === undefined) continue;
      const ended = `ended|${after.backfillId}|${after.phase}`;
      const isSaid =
        kind === 'dispatch'
          ? said.has(`dispatch|${watch.path}|${after.epoch}`)
          : kind === 'lane'
            ? said.has(`lane|${after.table}`)
            : kind === 'ended'
              ? said.has(ended)
              : said.has(ended) || said.has(`moved|${after.backfillId}`);
      if (!isSaid) report('6', `${applied.process} made ${nameOf(after)} ${after.state} (${name ?? ''}) and told nobody`, aboutTask(move));
    }
  }
  const types = { open: 'floodgate.phase.completed', held: 'floodgate.phase.held', blocked: 'floodgate.phase.blocked' } as const;
  for (const { watch, after } of applied.gates) {
    if (after === undefined || after.state === 'waiting') continue;
    const type = types[after.state];
    if (!applied.sent.some((sent) => sent.type === type && sent.data['backfillId'] === watch.id && sent.data['phase'] === after.phase))
      report('6', `${applied.process} left the gate of phase ${after.phase} of ${watch.id} ${after.state} and wrote no ${type}`, [
        `${watch.id}/${after.phase}`,
      ]);
  }
  for (const { watch, before, after } of applied.backfills) {
    if (before?.state !== 'active' || after === undefined || after.state === 'active') continue;
    if (!applied.sent.some(({ type, data }) => type === 'floodgate.backfill.ended' && data['backfillId'] === watch.id))
      report('6', `${applied.process} left ${watch.id} ${after.state} and wrote no floodgate.backfill.ended`, [watch.id]);
  }
};

const keysOf = ({ type, data }: Sent): readonly string[] => {
  switch (type) {
    case 'floodgate.tasks.dispatched':
      return (data as unknown as DispatchData).tasks.map(({ path, epoch }) => `dispatch|${path}|${epoch}`);
    case 'floodgate.lane.rung':
      return [`lane|${String(data['table'])}`];
    case 'floodgate.backfill.moved':
      return [`moved|${String(data['backfillId'])}`];
    case 'floodgate.tasks.ended':
      return (data['phases'] as readonly number[]).map((phase) => `ended|${String(data['backfillId'])}|${phase}`);
    default:
      return [];
  }
};

/** (6) What was written to be sent is taken away only after the bus has taken it. */
const removedOnlyOnceSent = ({ removed, process }: Applied, report: Report): void => {
  for (const sent of removed)
    if (sent.published === 0) report('6', `${process} deleted ${sent.type} ${sent.id} from the outbox before it was published`, aboutMessage(sent));
};

/** (6) Nothing is published that no transaction has written, nor with another text: requests come from outside. */
export const checkPublish = (known: Known, process: string, messages: readonly OutgoingMessage[], report: Report): void => {
  for (const { topic, attributes, data } of messages) {
    if (topic === 'floodgate-backfill-requests') continue;
    const { id = '', type = '' } = attributes;
    const sent = known.outbox.get(id);
    if (sent === undefined) {
      report('6', `${process} published ${type} ${id}, which no transaction has written`, []);
      continue;
    }
    sent.published += 1;
    const { document } = sent;
    if (document.topic !== topic || document.data !== data || sent.type !== type)
      report('6', `${process} published ${type} ${id} other than it was written as ${sent.type}: ${data}`, aboutMessage(sent));
  }
};

export const checkMessages = (known: Known, applied: Applied, report: Report): void => {
  if (applied.sent.length > 0) tellsTheTruth(known, applied, report);
  saysWhatHappened(applied, report);
  if (applied.removed.length > 0) removedOnlyOnceSent(applied, report);
};

/** What the state of a task demands of its dead letter; undefined where it demands nothing. */
const lettersOf = ({ doc }: TaskWatch): readonly (DeadLetterDocument['state'] | undefined)[] =>
  doc.state === 'failed' ? ['open'] : goodStates.has(doc.state) ? [undefined, 'closed'] : [undefined, 'replaying', 'closed'];

/** (7) A failed task has an open dead letter, one that is tried again none, and a letter is closed only when its task is good. */
export const checkLetters = (known: Known, applied: Applied, report: Report): void => {
  const touched = new Set(applied.moves.map(({ watch }) => watch));
  for (const { before, after } of applied.letters) {
    const letter = after ?? before;
    if (letter?.kind !== 'task') continue;
    const watch = known.backfills.get(letter.backfillId)?.tasks.get(`${letter.processorId}|${letter.date}`);
    if (watch !== undefined) touched.add(watch);
    if (after?.state === 'closed' && before?.state !== 'closed' && (watch === undefined || !goodStates.has(watch.doc.state)))
      report('7', `${applied.process} closed the dead letter ${letter.deadLetterId}, whose task is ${watch?.doc.state ?? 'gone'}`, [
        letter.backfillId,
        `${letter.processorId}|${letter.date}`,
      ]);
  }
  for (const watch of touched) {
    const letter = known.letterOf(watch);
    if (!lettersOf(watch).includes(letter?.state))
      report(
        '7',
        `after ${applied.process} ${nameOf(watch.doc)} is ${watch.doc.state} and its dead letter ${letter === undefined ? 'does not exist' : `is ${letter.state}`}`,
        aboutTask({ watch }),
      );
  }
};

/** (3) Packed progress shows, per date, the state that a revision of the task really had, and never an earlier one than before. */
export const checkProgress = ({ progress, process }: Applied, report: Report): void => {
  for (const { before, after, watch } of progress) {
    if (after === undefined) continue;
    for (const [index, date] of after.dates.entries()) {
      const [revision, code, was] = [after.revisions[index] ?? 0, after.states[index], before?.revisions[index] ?? 0];
      const task = watch.tasks.get(`${after.processorId}|${date}`);
      const expected = revision === 0 ? '.' : task?.codes[revision];
      if (revision < was || code !== expected)
        report(
          '3',
          `${process} shows ${after.processorId} ${date} of ${watch.id} as "${code ?? ''}" at revision ${revision}, expected "${expected ?? 'no such revision'}" at ${was} or later`,
          [watch.id, `${after.processorId}|${date}`],
        );
    }
  }
};
