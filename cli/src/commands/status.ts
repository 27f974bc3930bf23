// floodgate status: all backfills, or one of them, or its dates as a matrix. Reads the store only.
import { readHeldUp } from '@floodgate/core/app/read-held-up.ts';
import { listBackfills, readBackfillStatus } from '@floodgate/core/app/read-status.ts';
import { addHome, addJson, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { findBackfill } from '../find-backfill.ts';
import { readOutput } from '../follow.ts';
import { renderMatrix } from '../render/matrix.ts';
import { renderHeldUp } from '../render/progress.ts';
import { renderBackfill, renderBackfillList } from '../render/status.ts';
import type { Session } from '../session.ts';

type StatusFlags = ConfigFlags & { readonly matrix?: boolean };

const list = async (session: Session): Promise<ExitCode> => {
  const { print, clock } = session;
  await using stack = await (await session.backend()).openStore();
  const backfills = await listBackfills(stack.deps.store);
  if (print.json) {
    print.document(
      backfills.map(({ backfillId, pipelineId, state, tasks, createdAt, endedAt, requestedBy, reason }) => ({
        backfillId,
        pipeline: pipelineId,
        state,
        totalTasks: Object.values(tasks).reduce((sum, count) => sum + count, 0),
        createdAt: new Date(createdAt).toISOString(),
        endedAt: endedAt === null || state === 'active' ? null : new Date(endedAt).toISOString(),
        requestedBy,
        reason,
      })),
    );
  } else
    print.note(
      backfills.length === 0 ? 'No backfills yet. Begin with npx floodgate backfill.' : renderBackfillList(backfills, clock.now(), print.style).join('\n'),
    );
  return exitCodes.done;
};

const one = async (session: Session, name: string | undefined, flags: StatusFlags): Promise<ExitCode> => {
  const { print, clock } = session;
  const backend = await session.backend();
  await using stack = await backend.openStore();
  const { store } = stack.deps;
  const { backfillId } = await findBackfill(store, name);
  if (print.json) {
    print.document(await readOutput(session, backend.places, store, stack.plans, backfillId));
    return exitCodes.done;
  }
  const status = await readBackfillStatus(store, backfillId);
  if (status === undefined) return exitCodes.usage;
  const served = (await backend.findServer()) !== undefined;
  print.note(renderBackfill(status, { now: clock.now(), served, flags: session.flags }, print.style).join('\n'));
  for (const heldUp of status.backfill.state === 'active' ? await readHeldUp(store, backfillId) : [])
    print.note(renderHeldUp(heldUp, print.style, session.flags).join('\n'));
  if (flags.matrix === true) print.note(`\n${renderMatrix(status.processors, print.style, print.width).join('\n')}`);
  return exitCodes.done;
};

export const registerStatus: RegisterCommand = (program, run) => {
  const command = program
    .command('status')
    .argument('[backfill]', 'an id, or its beginning; without it, all are listed')
    .summary('list backfills, or look at one')
    .description('Lists the backfills of this home or deployment, or shows one: its phases, gates and counts.')
    .option('--matrix', 'one cell per date and processor');
  addJson(addHome(command)).action((name: string | undefined, flags: StatusFlags) =>
    run(flags, (session) => (name === undefined && flags.matrix !== true ? list(session) : one(session, name, flags))),
  );
};
