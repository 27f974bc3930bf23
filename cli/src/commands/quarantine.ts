// floodgate quarantine: rows that failed an audit. The target is untouched; a person looks, and accepts or rejects.
import { parseDocument, taskPath, taskSchema, type TaskDocument } from '@floodgate/core/contracts/documents.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { StoreReader } from '@floodgate/core/ports/status-store.ts';
import { addWait, carryOn, type WaitFlags } from '../carry-on.ts';
import { addHome, addJson, addPipeline, addServices, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { findBackfill } from '../find-backfill.ts';
import { readDate } from '../read-date.ts';
import { withoutCommitted } from '../committed-since.ts';
import { renderCommitted } from '../render/dead-letters.ts';
import { renderQuarantine, renderQuarantined } from '../render/quarantine.ts';
import { currentUser } from '../selection-flags.ts';
import type { Session } from '../session.ts';

type PartitionFlags = ConfigFlags & { readonly backfill?: string; readonly rows?: string; readonly all?: boolean };
type DecideFlags = PartitionFlags & WaitFlags & { readonly reason?: string };

const readQuarantined = async (store: StoreReader): Promise<readonly TaskDocument[]> => {
  const documents = await store.query({ group: 'tasks', where: [{ field: 'state', op: '==', value: 'quarantined' }] });
  return documents
    .map((document) => parseDocument(taskSchema, document))
    .sort((a, b) => (a.processorId === b.processorId ? (a.date < b.date ? -1 : 1) : a.processorId < b.processorId ? -1 : 1));
};

const list = async (session: Session, flags: PartitionFlags): Promise<ExitCode> => {
  const { print } = session;
  await using stack = await (await session.backend()).openStore();
  const { store } = stack.deps;
  const only = flags.backfill === undefined ? undefined : (await findBackfill(store, flags.backfill)).backfillId;
  const all = (await readQuarantined(store)).filter(({ backfillId }) => only === undefined || backfillId === only);
  const { left: tasks, committed } =
    flags.all === true
      ? { left: all, committed: 0 }
      : await withoutCommitted(store, all, ({ pipelineId, processorId, date, endedAt }) => ({ pipelineId, processorId, date, at: endedAt ?? 0 }));
  if (print.json)
    print.document(
      tasks.map(({ backfillId, processorId, date, staged, evidence }) => ({ backfillId, processor: processorId, date, rows: staged?.rows ?? 0, evidence })),
    );
  else print.note([...renderQuarantined(tasks, print.style, session.flags), ...renderCommitted(committed, print.style)].join('\n'));
  return exitCodes.done;
};

/** The quarantined date that is meant: where no backfill is named, that of the only or the newest one that has it. */
const findQuarantined = async (session: Session, processorId: string, date: PartitionDate, name: string | undefined): Promise<TaskDocument> => {
  await using stack = await (await session.backend()).openStore();
  const { store } = stack.deps;
  if (name !== undefined) {
    const { backfillId } = await findBackfill(store, name);
    const document = await store.get(taskPath(backfillId, processorId, date));
    const task = document === undefined ? undefined : parseDocument(taskSchema, document);
    if (task?.state === 'quarantined') return task;
    throw new FloodgateError('usage', `${processorId} ${date} is not quarantined in ${backfillId}${task === undefined ? '' : `: it is ${task.state}`}`, {
      hint: 'npx floodgate quarantine list shows what is',
    });
  }
  const hits = (await readQuarantined(store)).filter((task) => task.processorId === processorId && task.date === date);
  const newest = hits.toSorted((a, b) => b.sequence - a.sequence)[0];
  if (newest === undefined)
    throw new FloodgateError('usage', `${processorId} ${date} is not quarantined`, { hint: 'npx floodgate quarantine list shows what is' });
  return newest;
};

const show = async (session: Session, processorId: string, dateText: string, flags: PartitionFlags): Promise<ExitCode> => {
  const { print } = session;
  const date = readDate(dateText);
  const rows = flags.rows ?? '5';
  if (!/^\d+$/.test(rows) || Number(rows) > 100_000) throw new FloodgateError('usage', `--rows: expected a whole number up to 100000, found "${rows}"`);
  const task = await findQuarantined(session, processorId, date, flags.backfill);
  const staged = await (
    await session.backend()
  ).withWarehouse((actions) => actions.stagedRows({ backfillId: task.backfillId, processorId, date, maxRows: Number(rows) }, session.interrupted));
  if (print.json) print.document({ backfillId: task.backfillId, processor: processorId, date, evidence: task.evidence, rows: staged.rows });
  else print.note(renderQuarantine(task, staged, print.style, print.width, session.flags).join('\n'));
  return exitCodes.done;
};

const decide = async (session: Session, decision: 'accept' | 'reject', processorId: string, dateText: string, flags: DecideFlags): Promise<ExitCode> => {
  const { print } = session;
  const date = readDate(dateText);
  const { backfillId } = await findQuarantined(session, processorId, date, flags.backfill);
  const input = { backfillId, processorId, date, decision, by: currentUser(), reason: flags.reason ?? '' };
  const outcome = await (await session.backend()).withWarehouse((actions) => actions.decideQuarantine(input, session.interrupted));
  const what = `${processorId} ${date} of ${backfillId}`;
  switch (outcome.outcome) {
    case 'accepted':
      print.note(`${what} is accepted: its rows are committed as they are.`);
      return carryOn(session, [backfillId], 'quarantine accept', flags);
    case 'computed_anew':
      print.note(`${what}: its inputs or code, or the committed rows, have changed since, so it is computed anew instead.`);
      return carryOn(session, [backfillId], 'quarantine accept', flags);
    case 'rejected':
      if (print.json) print.document({ backfillId, processor: processorId, date, decision });
      print.note(
        `${what} is rejected: it stands in the dead letters. ${print.style.dim(`npx floodgate retry ${backfillId}${session.flags} computes it anew`)}`,
      );
      return exitCodes.done;
    case 'refused':
      throw new FloodgateError('usage', `${what} can't be accepted by anybody: ${outcome.why}`, {
        hint: `mend the cause, then npx floodgate retry ${backfillId}${session.flags}`,
      });
    case 'overlap':
      throw new FloodgateError('overlap', `backfill ${outcome.backfillId} is computing this date`, {
        hint: `wait for it: npx floodgate watch ${outcome.backfillId}${session.flags}`,
      });
    case 'not_quarantined':
      throw new FloodgateError('usage', `${what} is not quarantined any more`, {
        hint: `npx floodgate explain ${backfillId} ${processorId} ${date}${session.flags}`,
      });
  }
};

export const registerQuarantine: RegisterCommand = (program, run) => {
  const quarantine = program
    .command('quarantine')
    .summary('rows that failed an audit: list, show, accept, reject')
    .description('Dates whose rows failed an audit. The tables still hold what they held before.');
  const listCommand = quarantine
    .command('list')
    .description('Quarantined dates, with the evidence.')
    .option('--backfill <id>', 'only of this backfill')
    .option('--all', 'also those that were committed since');
  addJson(addHome(listCommand)).action((flags: PartitionFlags) => run(flags, (session) => list(session, flags)));
  const showCommand = quarantine
    .command('show')
    .argument('<processor>')
    .argument('<date>')
    .description('The evidence, and the rows.')
    .option('--backfill <id>', 'default: the newest that has it')
    .option('--rows <n>', 'rows that are shown (default: 5)');
  addJson(addPipeline(showCommand)).action((processorId: string, date: string, flags: PartitionFlags) =>
    run(flags, (session) => show(session, processorId, date, flags)),
  );
  for (const decision of ['accept', 'reject'] as const) {
    const command = quarantine
      .command(decision)
      .argument('<processor>')
      .argument('<date>')
      .description(
        decision === 'accept'
          ? 'Commits the rows as they are. Duplicate or missing keys can’t be accepted.'
          : 'Gives them up: the date fails, and stands in the dead letters.',
      )
      .option('--backfill <id>', 'default: the newest that has it')
      .option('--reason <text>', 'kept in the audit log');
    addJson(addServices(addWait(command))).action((processorId: string, date: string, flags: DecideFlags) =>
      run(flags, (session) => decide(session, decision, processorId, date, flags)),
    );
  }
};
