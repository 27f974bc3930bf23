// After a change of the store that gives a backfill something to do: where services run elsewhere, they have heard of it;
// where none do, the services run here until the backfill is over, unless the user wants to go on later.
import type { Command } from 'commander';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import { finish } from './finish.ts';
import { loadTables } from './load-tables.ts';
import { plural } from './render/numbers.ts';
import type { Session } from './session.ts';

export type WaitFlags = { readonly wait?: boolean };

export const addWait = (command: Command): Command => command.option('--no-wait', 'only note it; a later floodgate resume or up does the work');

export const carryOn = async (session: Session, backfillIds: readonly string[], command: string, flags: WaitFlags): Promise<ExitCode> => {
  const { print } = session;
  const backend = await session.backend();
  const holder = await backend.findServer();
  const [first] = backfillIds;
  if (first === undefined) return exitCodes.done;
  if (holder !== undefined) {
    if (print.json) print.document({ backfills: backfillIds, servedBy: holder });
    else print.note(`${holder} goes on with it. Follow: ${print.style.paint('cyan', `npx floodgate watch ${first}${session.flags}`)}`);
    return exitCodes.done;
  }
  if (flags.wait === false) {
    if (print.json) print.document({ backfills: backfillIds, servedBy: null });
    else print.note(`Nothing runs on this home now; to go on: ${print.style.paint('cyan', `npx floodgate resume ${first}${session.flags}`)}`);
    return exitCodes.done;
  }
  let worst: ExitCode = exitCodes.done;
  for (const [index, backfillId] of backfillIds.entries()) {
    const outcome = await backend.goOn(backfillId, command);
    const exitCode = finish(session, outcome, await loadTables(session, outcome.output.pipeline));
    // What failed is told before what is held: 1 wins over 3, and both over 0.
    if (worst === exitCodes.done || exitCode === exitCodes.failed) worst = exitCode;
    if (session.interrupted.aborted) break;
    const left = backfillIds.length - index - 1;
    if (left > 0 && !print.json) print.note(`\n${plural(left, 'backfill')} to go`);
  }
  return worst;
};
