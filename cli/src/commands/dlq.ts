// floodgate dlq: tasks that were given up, with their causes; replay puts them back to work.
import { listDeadLetters, replayDeadLetters, type DeadLetterFilter } from '@floodgate/core/app/operate.ts';
import type { DeadLetterDocument } from '@floodgate/core/contracts/documents.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { addWait, carryOn, type WaitFlags } from '../carry-on.ts';
import { addHome, addJson, addServices, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { withoutCommitted } from '../committed-since.ts';
import { renderCommitted, renderDeadLetter, renderDeadLetters } from '../render/dead-letters.ts';
import { plural } from '../render/numbers.ts';
import { currentUser } from '../selection-flags.ts';
import type { Session } from '../session.ts';
import { describeRetry } from '../describe-retry.ts';

type FilterFlags = ConfigFlags & { readonly cause?: string; readonly backfill?: string; readonly processor?: string; readonly all?: boolean };
type ReplayFlags = FilterFlags & WaitFlags & { readonly limit?: string };

const filterOf = (ids: readonly string[], flags: FilterFlags): DeadLetterFilter => ({
  ...(ids.length === 0 ? {} : { ids: new Set(ids) }),
  ...(flags.cause === undefined ? {} : { causeGroup: flags.cause }),
  ...(flags.backfill === undefined ? {} : { backfillId: flags.backfill }),
  ...(flags.processor === undefined ? {} : { processorId: flags.processor }),
});

const asJson = (entry: DeadLetterDocument) => ({
  id: entry.deadLetterId,
  kind: entry.kind,
  state: entry.state,
  backfillId: entry.backfillId,
  processor: entry.processorId,
  date: entry.date,
  cause: entry.failure.code,
  causeGroup: entry.causeGroup,
  message: entry.failure.message,
  attempts: entry.attempts,
  openedAt: new Date(entry.openedAt).toISOString(),
});

const list = async (session: Session, flags: FilterFlags): Promise<ExitCode> => {
  const { print, clock } = session;
  await using stack = await (await session.backend()).openStore();
  const entries = await listDeadLetters(stack.deps.store, flags.all === true ? ['open', 'replaying', 'closed'] : ['open', 'replaying'], filterOf([], flags));
  const { left, committed } =
    flags.all === true
      ? { left: entries, committed: 0 }
      : await withoutCommitted(stack.deps.store, entries, ({ kind, state, pipelineId, processorId, date, openedAt }) =>
          kind === 'task' && state === 'open' ? { pipelineId, processorId, date, at: openedAt } : undefined,
        );
  if (print.json) print.document(left.map(asJson));
  else print.note([...renderDeadLetters(left, clock.now(), print.style, session.flags), ...renderCommitted(committed, print.style)].join('\n'));
  return exitCodes.done;
};

const show = async (session: Session, id: string): Promise<ExitCode> => {
  const { print } = session;
  await using stack = await (await session.backend()).openStore();
  const entries = await listDeadLetters(stack.deps.store, ['open', 'replaying', 'closed']);
  const hits = entries.filter(({ deadLetterId }) => deadLetterId === id || deadLetterId.startsWith(id));
  const [entry] = hits;
  if (entry === undefined) throw new FloodgateError('unknown_dead_letter', `there is no dead letter "${id}"`, { hint: 'npx floodgate dlq list shows them' });
  if (hits.length > 1)
    throw new FloodgateError(
      'unknown_dead_letter',
      `"${id}" could be ${hits
        .slice(0, 3)
        .map(({ deadLetterId }) => deadLetterId)
        .join(' or ')}`,
    );
  if (print.json) print.document({ ...asJson(entry), hint: entry.failure.hint ?? '', data: entry.message });
  else print.note(renderDeadLetter(entry, print.style, session.flags).join('\n'));
  return exitCodes.done;
};

const limitOf = (text: string | undefined): number => {
  if (text === undefined) return Number.MAX_SAFE_INTEGER;
  if (!/^[1-9]\d*$/.test(text)) throw new FloodgateError('usage', `--limit: expected a whole number of 1 or more, found "${text}"`);
  return Number(text);
};

const replay = async (session: Session, ids: readonly string[], flags: ReplayFlags): Promise<ExitCode> => {
  const limit = limitOf(flags.limit);
  if (ids.length === 0 && flags.all !== true && flags.cause === undefined && flags.backfill === undefined && flags.processor === undefined) {
    throw new FloodgateError('usage', 'expected ids of dead letters, or a filter', {
      hint: '--all replays everything; --cause, --backfill and --processor narrow it down',
    });
  }
  const { replayed, backfills, messagesLeft } = await (async () => {
    await using stack = await (await session.backend()).openStore();
    return await replayDeadLetters(stack.deps, filterOf(ids, flags), limit, currentUser());
  })();
  const { print } = session;
  for (const { backfillId, result } of backfills) if (result.outcome !== 'retrying') print.note(describeRetry(backfillId, result));
  if (messagesLeft > 0) print.note(`${plural(messagesLeft, 'malformed message')} can't be replayed: they are published again by who made them.`);
  print.note(replayed === 0 ? 'Nothing was replayed.' : `${plural(replayed, 'date')} replayed.`);
  const going = [...new Set(backfills.filter(({ result }) => result.outcome === 'retrying').map(({ backfillId }) => backfillId))];
  if (going.length === 0) {
    if (print.json) print.document({ replayed, backfills: [] });
    return exitCodes.done;
  }
  return carryOn(session, going, 'dlq replay', flags);
};

export const registerDlq: RegisterCommand = (program, run) => {
  const dlq = program.command('dlq').summary('dead letters: list, show, replay').description('Tasks that were given up, with their causes.');
  const listCommand = dlq
    .command('list')
    .description('Dead letters by cause.')
    .option('--backfill <id>', 'only of this backfill')
    .option('--processor <name>', 'only of this processor')
    .option('--cause <group>', 'only of this cause group')
    .option('--all', 'closed ones too, and those whose dates were committed since');
  addJson(addHome(listCommand)).action((flags: FilterFlags) => run(flags, (session) => list(session, flags)));
  const showCommand = dlq.command('show').argument('<id>', 'an id, or its beginning').description('One dead letter with everything that is known of it.');
  addJson(addHome(showCommand)).action((id: string, flags: ConfigFlags) => run(flags, (session) => show(session, id)));
  const replayCommand = dlq
    .command('replay')
    .argument('[ids...]', 'dead letters; or a filter')
    .description('Puts dead letters back to work; each is closed once its task has succeeded.')
    .option('--backfill <id>', 'those of this backfill')
    .option('--processor <name>', 'those of this processor')
    .option('--cause <group>', 'those of this cause group')
    .option('--all', 'all of them')
    .option('--limit <n>', 'at most so many, oldest first');
  addJson(addServices(addWait(replayCommand))).action((ids: readonly string[], flags: ReplayFlags) => run(flags, (session) => replay(session, ids, flags)));
};
