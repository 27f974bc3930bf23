// floodgate backfill: plans a request, does it, and says what came of it. Where something else runs on the home, or with a
// deployment, it is asked to do it; where an interrupted backfill already covers the request, that one goes on.
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { addJson, addServices, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import type { ExitCode } from '../exit-codes.ts';
import { finish } from '../finish.ts';
import { loadTables } from '../load-tables.ts';
import { planInto } from '../make-plan.ts';
import { withSources } from '../refresh-sources.ts';
import { addSelection, requestOf, type SelectionFlags } from '../selection-flags.ts';
import type { Session } from '../session.ts';

export type BackfillFlags = ConfigFlags &
  SelectionFlags & { readonly dryRun?: boolean; readonly plan?: string; readonly detach?: boolean; readonly decisionWithin?: string };

export const tablesOf = (pipeline: Pipeline): ReadonlyMap<string, string> => new Map(pipeline.processors.map(({ id, table }) => [id, table]));

const decisionWithinMs = (text: string | undefined): { readonly decisionWithinMs?: number } => {
  if (text === undefined) return {};
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1)
    throw new FloodgateError('usage', `--decision-within: expected a whole number of seconds, 1 or more, found "${text}"`);
  return { decisionWithinMs: Number(text) * 1_000 };
};

const backfill = async (session: Session, flags: BackfillFlags): Promise<ExitCode> => {
  const request = await withSources(session, requestOf(flags, session.config.pipelineId));
  const options = { command: 'backfill', ...(flags.plan === undefined ? {} : { plan: flags.plan }), ...decisionWithinMs(flags.decisionWithin) };
  const backend = await session.backend();
  await backend.prepare(request);
  if (flags.dryRun === true) return planInto(session, backend, request);
  const outcome = await backend.runBackfill(request, { ...options, detach: flags.detach ?? false });
  return finish(session, outcome, await loadTables(session, outcome.output.pipeline));
};

export const registerBackfill: RegisterCommand = (program, run) => {
  const command = program
    .command('backfill')
    .summary('compute what is missing, and check it')
    .description(
      'Plans the dates that are missing (or failed, stale, all: --reprocess), computes them, checks them, and opens each phase’s gate.\nWhere an interrupted backfill covers the same dates, it goes on with that one.',
    );
  addSelection(command)
    .option('--dry-run', 'only show the plan, like floodgate plan')
    .option('--plan <hash>', 'refuse where the plan is not this one any more')
    .option('--detach', 'with --backend gcp: return once it is accepted')
    .option('--decision-within <seconds>', 'with --backend gcp: how long to wait for the planner (default: 120)');
  addJson(addServices(command)).action((flags: BackfillFlags) => run(flags, (session) => backfill(session, flags)));
};
