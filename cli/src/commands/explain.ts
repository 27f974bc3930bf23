// floodgate explain: why dates wait or failed, and what to do; or the story of one date.
import { explainPartition, explainWaiting } from '@floodgate/core/app/explain.ts';
import { listBackfills } from '@floodgate/core/app/read-status.ts';
import { taskPath } from '@floodgate/core/contracts/documents.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { nearestName } from '@floodgate/core/domain/nearest-name.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { StoreReader } from '@floodgate/core/ports/status-store.ts';
import { addHome, addJson, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import type { StoreStack } from '../backend.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { chooseBackfill, findBackfill } from '../find-backfill.ts';
import { readOutput } from '../follow.ts';
import { readDate } from '../read-date.ts';
import { describeReason, renderExplanation, renderWaiting } from '../render/explain.ts';
import type { Session } from '../session.ts';

type Asked = { readonly backfill: string | undefined; readonly processorId?: string; readonly date?: PartitionDate };

/** `[backfill] [processor date]`, in any of the four ways to leave something out. */
export const parseExplainArguments = (words: readonly string[]): Asked => {
  const [first, second, third] = words;
  if (words.length > 3) throw new FloodgateError('usage', `expected at most a backfill, a processor and a date, found ${words.length} words`);
  if (first === undefined || second === undefined) return { backfill: first };
  if (third === undefined) return { backfill: undefined, processorId: first, date: readDate(second) };
  return { backfill: first, processorId: second, date: readDate(third) };
};

/** The named backfill, else the newest that works or has worked on this date, else the one that other commands would take. */
const findBackfillOf = async (store: StoreReader, name: string | undefined, processorId: string, date: PartitionDate): Promise<string> => {
  const backfills = await listBackfills(store);
  if (name !== undefined) return chooseBackfill(backfills, name).backfillId;
  const tasks = await store.getMany(backfills.map(({ backfillId }) => taskPath(backfillId, processorId, date)));
  const newest = tasks.findIndex((task) => task !== undefined);
  const active = backfills.find(({ state, tasks: planned }) => state === 'active' && Object.hasOwn(planned, processorId));
  return (active ?? backfills[newest] ?? chooseBackfill(backfills, undefined)).backfillId;
};

const explainOne = async (session: Session, stack: StoreStack, backfillId: string, processorId: string, date: PartitionDate): Promise<ExitCode> => {
  const { print, clock } = session;
  const { store } = stack.deps;
  const { tasks } = await findBackfill(store, backfillId);
  if (!Object.hasOwn(tasks, processorId)) {
    const near = nearestName(processorId, Object.keys(tasks));
    throw new FloodgateError(
      'unknown_processor',
      `backfill ${backfillId} has no processor "${processorId}"; ${near === undefined ? `it has ${Object.keys(tasks).join(', ')}` : `did you mean ${near}?`}`,
    );
  }
  const explanation = await explainPartition({ store, plans: stack.plans, now: clock.now() }, backfillId, processorId, date);
  if (explanation === undefined) throw new FloodgateError('unknown_backfill', `there is no backfill ${backfillId}`);
  if (print.json)
    print.document({
      ...explanation,
      task: explanation.task ?? null,
      reasons: explanation.reasons.map((reason) => ({ kind: reason.kind, text: describeReason(reason) })),
    });
  else print.note(renderExplanation(explanation, print.style, session.flags).join('\n'));
  return exitCodes.done;
};

const explain = async (session: Session, words: readonly string[]): Promise<ExitCode> => {
  const { print, clock } = session;
  const asked = parseExplainArguments(words);
  const backend = await session.backend();
  await using stack = await backend.openStore();
  const { store } = stack.deps;
  if (asked.processorId !== undefined && asked.date !== undefined) {
    const about = await findBackfillOf(store, asked.backfill, asked.processorId, asked.date);
    return await explainOne(session, stack, about, asked.processorId, asked.date);
  }
  const { backfillId } = await findBackfill(store, asked.backfill);
  const output = await readOutput(session, backend.places, store, stack.plans, backfillId);
  const waiting = await explainWaiting({ store, plans: stack.plans, now: clock.now() }, backfillId);
  const served = (await backend.findServer()) !== undefined;
  if (print.json) print.document({ backfillId, state: output.state, paused: output.paused, served, waiting, failures: output.failures, gates: output.gates });
  else print.note(renderWaiting(output, waiting, served, print.style, session.flags).join('\n'));
  return exitCodes.done;
};

export const registerExplain: RegisterCommand = (program, run) => {
  const command = program
    .command('explain')
    .argument('[words...]', '[backfill] [processor date]')
    .usage('[backfill] [processor date] [options]')
    .summary('why dates wait or failed, and what to do')
    .description(
      'Without a date: groups of dates that wait or failed, why, and what to do. With a processor and a date: its story.\nWithout a backfill: the active one, else the latest.',
    );
  addJson(addHome(command)).action((words: readonly string[], flags: ConfigFlags) => run(flags, (session) => explain(session, words)));
};
