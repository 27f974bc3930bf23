// The plan of a request, without making it a backfill: asked of the process that runs on the home, or made here.
import { acceptRequest } from '@floodgate/core/app/accept-request.ts';
import type { BackfillRequest } from '@floodgate/core/contracts/request.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { callHttp } from '@floodgate/http/http-client.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import type { PlanOutput } from './output-schema.ts';
import { planOutputOf } from './plan-output.ts';
import { reachHome } from './reach-home.ts';
import { renderPlan } from './render/plan.ts';
import type { Session } from './session.ts';

/** Throws FloodgateError `overlap`. */
export const makePlan = async (session: Session, request: BackfillRequest): Promise<PlanOutput> => {
  const reach = await reachHome(session);
  if (reach.kind === 'remote') {
    const { body } = await callHttp(reach.target, 'POST', '/v1/backfills?dryRun=true', request, session.interrupted);
    return (body as { readonly plan: PlanOutput }).plan;
  }
  await using stack = reach.stack;
  const decided = await acceptRequest(stack.plannerDeps, { request, idempotencyKey: '', traceparent: '', dryRun: true }, session.interrupted);
  if (decided.outcome === 'planned') return planOutputOf(decided.summary);
  const { failure } = decided.outcome === 'rejected' ? decided : { failure: { code: 'internal', message: 'a dry run was accepted' } };
  throw new FloodgateError(failure.code, failure.message, 'hint' in failure && failure.hint !== undefined ? { hint: failure.hint } : {});
};

export const planInto = async (session: Session, request: BackfillRequest): Promise<ExitCode> => {
  const { print } = session;
  const plan = await makePlan(session, request);
  if (print.json) print.document(plan);
  else print.note(renderPlan(plan, print.style).join('\n'));
  return exitCodes.done;
};
