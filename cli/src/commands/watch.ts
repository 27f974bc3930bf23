// floodgate watch: follows a backfill that another process works on, to its end; its exit code is the backfill's.
import { addJson, addPipeline, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import { findBackfill } from '../find-backfill.ts';
import { finish } from '../finish.ts';
import { watch } from '../follow.ts';
import type { ExitCode } from '../exit-codes.ts';
import { loadTables } from '../load-tables.ts';
import type { Session } from '../session.ts';

const watchCommand = async (session: Session, name: string | undefined): Promise<ExitCode> => {
  const { print } = session;
  const backend = await session.backend();
  const backfill = await (async () => {
    await using stack = await backend.openStore();
    return await findBackfill(stack.deps.store, name);
  })();
  if (backfill.state === 'active' && (await backend.findServer()) === undefined) {
    print.error(
      `${print.errorStyle.paint('yellow', 'note:')} no process works on ${backfill.backfillId}; to go on with it: npx floodgate resume ${backfill.backfillId}${session.flags}`,
    );
  }
  const { output } = await watch(session, backend, backfill.backfillId, false);
  return finish(session, { output, servedBy: await backend.findServer() }, await loadTables(session, output.pipeline));
};

export const registerWatch: RegisterCommand = (program, run) => {
  const command = program
    .command('watch')
    .argument('[backfill]', 'an id, or its beginning (default: the active one)')
    .summary('follow a backfill to its end')
    .description('Follows a backfill that another process works on. Exits as the backfill does.');
  addJson(addPipeline(command)).action((name: string | undefined, flags: ConfigFlags) => run(flags, (session) => watchCommand(session, name)));
};
