// floodgate backfill: plans a request, does it, and says what came of it. Where something else runs on the home, it is asked
// to do it; where an interrupted backfill already covers the request, that one goes on.
import { acceptRequest } from '@floodgate/core/app/accept-request.ts';
import { listBackfills } from '@floodgate/core/app/read-status.ts';
import { controlPath, controlSchema, parseDocument } from '@floodgate/core/contracts/documents.ts';
import type { BackfillRequest } from '@floodgate/core/contracts/request.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { callHttp } from '@floodgate/http/http-client.ts';
import { addJson, addServices, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import type { EmbeddedStack } from '../embedded-stack.ts';
import type { ExitCode } from '../exit-codes.ts';
import { finish } from '../finish.ts';
import { makePlan, planInto } from '../make-plan.ts';
import type { BackfillOutput } from '../output-schema.ts';
import { prepareData } from '../prepare-data.ts';
import { loadPipeline } from '../reach-home.ts';
import { runToEnd, type RunOutcome, type Submit, type Submitted } from '../run-to-end.ts';
import { addSelection, isSameSelection, requestOf, type SelectionFlags } from '../selection-flags.ts';
import type { Session } from '../session.ts';

export type BackfillFlags = ConfigFlags & SelectionFlags & { readonly dryRun?: boolean; readonly plan?: string };

export const tablesOf = (pipeline: Pipeline): ReadonlyMap<string, string> => new Map(pipeline.processors.map(({ id, table }) => [id, table]));

const isPaused = async (stack: EmbeddedStack, backfillId: string): Promise<boolean> => {
  const document = await stack.engine.store.get(controlPath(backfillId));
  return document !== undefined && parseDocument(controlSchema, document).paused;
};

/** Nothing else runs on this home, so an active backfill is one that was interrupted. */
const goOnWith = async (session: Session, stack: EmbeddedStack, backfillId: string): Promise<Submitted> => {
  if (await isPaused(stack, backfillId)) {
    throw new FloodgateError('backfill_paused', `backfill ${backfillId} already covers these dates, and it is paused`, {
      hint: `npx floodgate resume ${backfillId}${session.flags}`,
    });
  }
  session.print.note(`Backfill ${session.print.style.bold(backfillId)} was interrupted: going on with it.`);
  return { backfillId, resumed: true };
};

const accept = async (session: Session, stack: EmbeddedStack, request: BackfillRequest): Promise<Submitted & { readonly covers: 'all' | 'part' }> => {
  const active = (await listBackfills(stack.engine.store)).filter(({ state }) => state === 'active');
  const same = active.find((backfill) => isSameSelection(backfill.request, JSON.parse(JSON.stringify(request)) as Record<string, unknown>));
  if (same !== undefined) return { ...(await goOnWith(session, stack, same.backfillId)), covers: 'all' };
  const idempotencyKey = request.idempotencyKey ?? `cli#${stack.engine.ids.newId()}`;
  const decided = await acceptRequest(stack.plannerDeps, { request, idempotencyKey, traceparent: '', dryRun: false }, session.interrupted);
  if (decided.outcome === 'accepted') return { backfillId: decided.backfillId, resumed: false, covers: 'all' };
  if (decided.outcome === 'planned') throw new TypeError('a request that is no dry run was only planned');
  const { conflictsWith, failure } = decided;
  if (!active.some(({ backfillId }) => backfillId === conflictsWith))
    throw new FloodgateError(failure.code, failure.message, failure.hint === undefined ? {} : { hint: failure.hint });
  return { ...(await goOnWith(session, stack, conflictsWith)), covers: 'part' };
};

const submitRequest = (
  session: Session,
  request: BackfillRequest,
): { readonly submit: Submit; readonly andThen: (output: BackfillOutput, stack: EmbeddedStack) => Promise<Submitted | undefined> } => {
  let isPart = false;
  const own = async (stack: EmbeddedStack): Promise<Submitted> => {
    const { covers, ...submitted } = await accept(session, stack, request);
    isPart = covers === 'part';
    return submitted;
  };
  return {
    submit: {
      own,
      remote: async (target) => {
        const { body } = await callHttp(target, 'POST', '/v1/backfills', request, session.interrupted);
        return { backfillId: (body as { readonly backfillId: string }).backfillId, resumed: false };
      },
    },
    // The interrupted one asked for other dates too, or for fewer: with it out of the way the request itself is made.
    andThen: async ({ backfillId, state }, stack) => {
      if (!isPart || state !== 'completed') return undefined;
      session.print.note(`Backfill ${backfillId} is completed; now what else was asked for.`);
      return own(stack);
    },
  };
};

export const runBackfill = async (session: Session, request: BackfillRequest, command = 'backfill', dataFolder?: string): Promise<RunOutcome> => {
  const { submit, andThen } = submitRequest(session, request);
  return runToEnd(session, submit, { command, andThen, ...(dataFolder === undefined ? {} : { dataFolder }) });
};

const backfill = async (session: Session, flags: BackfillFlags): Promise<ExitCode> => {
  const request = requestOf(flags, session.config.pipelineId);
  const pipeline = await loadPipeline(session);
  await prepareData(session, pipeline);
  if (flags.dryRun === true) return planInto(session, request);
  if (flags.plan !== undefined) await checkPlan(session, request, flags.plan);
  return finish(session, await runBackfill(session, request), tablesOf(pipeline));
};

/** The plan as it would be made now must be the one that was looked at. */
const checkPlan = async (session: Session, request: BackfillRequest, hash: string): Promise<void> => {
  const { planHash } = await makePlan(session, request);
  if (planHash === hash) return;
  throw new FloodgateError('plan_changed', `the plan is ${planHash} now, not ${hash}: pipeline, calendar, sources or ledger have changed since`, {
    hint: `look at it again: npx floodgate plan with the same flags${session.flags}`,
  });
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
    .option('--plan <hash>', 'refuse where the plan is not this one any more');
  addJson(addServices(command)).action((flags: BackfillFlags) => run(flags, (session) => backfill(session, flags)));
};
