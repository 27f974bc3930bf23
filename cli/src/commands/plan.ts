// floodgate plan: what a backfill would do, and why, without doing it.
import { addJson, addServices, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import { planInto } from '../make-plan.ts';
import { withSources } from '../refresh-sources.ts';
import { addSelection, requestOf, type SelectionFlags } from '../selection-flags.ts';

export const registerPlan: RegisterCommand = (program, run) => {
  const command = program
    .command('plan')
    .summary('show what a backfill would do, and why')
    .description('The plan of a backfill: tasks and why, dates left out and why, estimates. Nothing is started.');
  addSelection(command);
  addJson(addServices(command)).action((flags: ConfigFlags & SelectionFlags) =>
    run(flags, async (session) => {
      const request = await withSources(session, requestOf(flags, session.config.pipelineId));
      const backend = await session.backend();
      await backend.prepare(request);
      return planInto(session, backend, request);
    }),
  );
};
