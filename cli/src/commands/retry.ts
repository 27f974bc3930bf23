// floodgate retry and approve: what a person decides about a backfill that stopped.
import { approveGate, retryTasks } from '@floodgate/core/app/operate.ts';
import { readBackfillStatus } from '@floodgate/core/app/read-status.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { addWait, carryOn, type WaitFlags } from '../carry-on.ts';
import { addJson, addServices, type RegisterCommand } from '../command.ts';
import { describeRetry } from '../describe-retry.ts';
import type { ConfigFlags } from '../config.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { findBackfill } from '../find-backfill.ts';
import { readDate } from '../read-date.ts';
import { currentUser, splitList } from '../selection-flags.ts';
import type { Session } from '../session.ts';

type RetryFlags = ConfigFlags & WaitFlags & { readonly processors?: string; readonly dates?: string; readonly only?: string };

const statesOf = (only: string | undefined): readonly ('failed' | 'quarantined')[] => {
  if (only === undefined) return ['failed', 'quarantined'];
  if (only === 'failed' || only === 'quarantined') return [only];
  throw new FloodgateError('usage', `--only: expected failed or quarantined, found "${only}"`);
};

const retry = async (session: Session, name: string | undefined, flags: RetryFlags): Promise<ExitCode> => {
  const filter = {
    states: statesOf(flags.only),
    ...(flags.processors === undefined ? {} : { processors: new Set(splitList(flags.processors)) }),
    ...(flags.dates === undefined ? {} : { dates: new Set(splitList(flags.dates).map(readDate)) }),
  };
  const { backfillId, outcome } = await (async () => {
    await using stack = await (await session.backend()).openStore();
    const { backfillId } = await findBackfill(stack.deps.store, name);
    return { backfillId, outcome: await retryTasks(stack.deps, backfillId, filter, currentUser()) };
  })();
  session.print.note(describeRetry(backfillId, outcome));
  if (outcome.outcome !== 'retrying') {
    if (session.print.json) session.print.document({ backfillId, retried: 0 });
    return exitCodes.done;
  }
  return carryOn(session, [backfillId], 'retry', flags);
};

const approve = async (session: Session, name: string | undefined, phaseText: string | undefined, flags: WaitFlags): Promise<ExitCode> => {
  if (phaseText !== undefined && !/^\d+$/.test(phaseText)) throw new FloodgateError('usage', `--phase: expected the number of a phase, found "${phaseText}"`);
  const backfillId = await (async () => {
    await using stack = await (await session.backend()).openStore();
    const backfill = await findBackfill(stack.deps.store, name);
    const phase = phaseText === undefined ? await heldPhase(stack.deps.store, backfill) : Number(phaseText);
    const outcome = await approveGate(stack.deps, backfill.backfillId, phase, currentUser());
    if (outcome.outcome === 'not_held') {
      throw new FloodgateError('usage', `the gate of phase ${phase} of ${backfill.backfillId} is ${outcome.state}, not held`, {
        hint:
          outcome.state === 'blocked'
            ? `a check holds it, which no approval opens: npx floodgate explain ${backfill.backfillId}`
            : 'only a held gate can be approved',
      });
    }
    if (outcome.outcome === 'overlap') {
      throw new FloodgateError('overlap', `backfill ${outcome.backfillId} is computing dates that ${backfill.backfillId} has yet to do`, {
        hint: `wait for it (npx floodgate watch ${outcome.backfillId}), then approve again`,
      });
    }
    session.print.note(`The gate of phase ${phase} of ${backfill.backfillId} is approved by ${currentUser()}.`);
    return backfill.backfillId;
  })();
  return carryOn(session, [backfillId], 'approve', flags);
};

const heldPhase = async (store: Parameters<typeof findBackfill>[0], { backfillId, phases }: Awaited<ReturnType<typeof findBackfill>>): Promise<number> => {
  const held = (await readBackfillStatus(store, backfillId))?.gates.filter(({ state }) => state === 'held').map(({ phase }) => phase) ?? [];
  const [only] = held;
  if (held.length === 1 && only !== undefined) return only;
  throw new FloodgateError(
    'usage',
    held.length === 0 ? `no gate of ${backfillId} is held` : `several gates of ${backfillId} are held: name one with --phase ${held.join(' or ')}`,
    { hint: `phases of it: ${phases.join(', ')}` },
  );
};

export const registerRetry: RegisterCommand = (program, run) => {
  const retryCommand = program
    .command('retry')
    .argument('[backfill]', 'an id, or its beginning (default: the active one, else the latest)')
    .summary('try failed and quarantined dates again')
    .description('Puts failed and quarantined dates back to work with a fresh budget of attempts, and judges shut gates anew.')
    .option('--processors <list>', 'only these')
    .option('--dates <list>', 'only these')
    .option('--only <state>', 'failed or quarantined');
  addJson(addServices(addWait(retryCommand))).action((name: string | undefined, flags: RetryFlags) => run(flags, (session) => retry(session, name, flags)));
  const approveCommand = program
    .command('approve')
    .argument('[backfill]', 'an id, or its beginning (default: the active one, else the latest)')
    .summary('open a gate that is held for approval')
    .description('Opens a gate whose checks have passed and which waits for a person, and goes on with the next phase.')
    .option('--phase <n>', 'default: the one that is held');
  addJson(addServices(addWait(approveCommand))).action((name: string | undefined, flags: ConfigFlags & WaitFlags & { readonly phase?: string }) =>
    run(flags, (session) => approve(session, name, flags.phase, flags)),
  );
};
