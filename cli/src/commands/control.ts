// floodgate pause, resume, cancel. They change the store, which the running process heeds at once; pause needs nothing else,
// resume and cancel need services, which run here where no process does.
import { controlBackfill, type ControlAction } from '@floodgate/core/app/operate.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { addWait, carryOn, type WaitFlags } from '../carry-on.ts';
import { addHome, addJson, addServices, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { findBackfill } from '../find-backfill.ts';
import { currentUser } from '../selection-flags.ts';
import type { Session } from '../session.ts';

const done: Readonly<Record<ControlAction, string>> = {
  pause: 'paused: nothing new begins',
  resume: 'resumed',
  cancel: 'is being cancelled: nothing new begins',
};

/** Applies it and says what it did; undefined where there is nothing left to do. */
const apply = async (session: Session, name: string | undefined, action: ControlAction): Promise<string | undefined> => {
  const { print } = session;
  await using stack = await (await session.backend()).openStore();
  const backfill = await findBackfill(stack.deps.store, name);
  const { backfillId } = backfill;
  const outcome = await controlBackfill(stack.deps, backfillId, action, currentUser());
  switch (outcome.outcome) {
    case 'done':
      print.note(`${print.style.bold(backfillId)} ${done[action]}.`);
      return backfillId;
    case 'already':
      if (backfill.state !== 'active') return undefined;
      // An interrupted backfill is resumed without ever having been paused.
      if (action !== 'resume') print.note(`${backfillId} is ${action === 'pause' ? 'paused' : 'being cancelled'} already.`);
      return backfillId;
    case 'over': {
      const hint =
        outcome.state === 'blocked'
          ? `npx floodgate retry ${backfillId} tries again what did not succeed; npx floodgate explain ${backfillId} says why`
          : undefined;
      throw new FloodgateError('usage', `backfill ${backfillId} is ${outcome.state}: there is nothing to ${action}`, hint === undefined ? {} : { hint });
    }
  }
};

const pause = async (session: Session, name: string | undefined): Promise<ExitCode> => {
  const backfillId = await apply(session, name, 'pause');
  if (session.print.json) session.print.document({ backfillId: backfillId ?? null, paused: true });
  else session.print.note(`Go on with: ${session.print.style.paint('cyan', `npx floodgate resume ${backfillId ?? ''}${session.flags}`)}`);
  return exitCodes.done;
};

const resumeOrCancel = async (session: Session, name: string | undefined, action: 'resume' | 'cancel', flags: WaitFlags): Promise<ExitCode> => {
  const backfillId = await apply(session, name, action);
  if (backfillId === undefined) {
    session.print.note('It is cancelled already.');
    return exitCodes.done;
  }
  const exitCode = await carryOn(session, [backfillId], action, flags);
  // Cancelled is what was asked for here.
  return action === 'cancel' && exitCode === exitCodes.unknown && !session.interrupted.aborted ? exitCodes.done : exitCode;
};

const argument = ['[backfill]', 'an id, or its beginning (default: the active one, else the latest)'] as const;

export const registerControl: RegisterCommand = (program, run) => {
  const pauseCommand = program
    .command('pause')
    .argument(...argument)
    .summary('let nothing new begin')
    .description('What is with the workers is finished; nothing new begins until floodgate resume.');
  addJson(addHome(pauseCommand)).action((name: string | undefined, flags: ConfigFlags) => run(flags, (session) => pause(session, name)));
  const resumeCommand = program
    .command('resume')
    .argument(...argument)
    .summary('go on with a paused or interrupted backfill')
    .description('Goes on with a backfill that was paused, or whose process ended. Runs here where no process runs on the home.');
  addJson(addServices(addWait(resumeCommand))).action((name: string | undefined, flags: ConfigFlags & WaitFlags) =>
    run(flags, (session) => resumeOrCancel(session, name, 'resume', flags)),
  );
  const cancelCommand = program
    .command('cancel')
    .argument(...argument)
    .summary('end a backfill for good')
    .description('What is committed stays; nothing else is computed.');
  addJson(addServices(addWait(cancelCommand))).action((name: string | undefined, flags: ConfigFlags & WaitFlags) =>
    run(flags, (session) => resumeOrCancel(session, name, 'cancel', flags)),
  );
};
