// The plan of a request, without making it a backfill.
import { acceptRequest, type AcceptDeps } from '@floodgate/core/app/accept-request.ts';
import type { BackfillRequest } from '@floodgate/core/contracts/request.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Backend } from './backend.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import type { PlanOutput } from './output-schema.ts';
import { planOutputOf } from './plan-output.ts';
import { renderPlan } from './render/plan.ts';
import type { Session } from './session.ts';

/** Makes it in this process. Throws FloodgateError `overlap`. */
export const makePlanHere = async (deps: AcceptDeps, request: BackfillRequest, signal: AbortSignal): Promise<PlanOutput> => {
  const decided = await acceptRequest(deps, { request, idempotencyKey: '', traceparent: '', dryRun: true }, signal);
  if (decided.outcome === 'planned') return planOutputOf(decided.summary);
  const { failure } = decided.outcome === 'rejected' ? decided : { failure: { code: 'internal', message: 'a dry run was accepted' } };
  throw new FloodgateError(failure.code, failure.message, 'hint' in failure && failure.hint !== undefined ? { hint: failure.hint } : {});
};

export const planInto = async (session: Session, backend: Backend, request: BackfillRequest): Promise<ExitCode> => {
  const { print } = session;
  const plan = await backend.makePlan(request);
  if (print.json) print.document(plan);
  else print.note(renderPlan(plan, print.style).join('\n'));
  return exitCodes.done;
};

/** The plan as it is now must be the one that was looked at. */
export const refuseOtherPlan = (session: Session, planHash: string, wanted: string): void => {
  if (planHash === wanted) return;
  throw new FloodgateError('plan_changed', `the plan is ${planHash} now, not ${wanted}: pipeline, calendar, sources or ledger have changed since`, {
    hint: `look at it again: npx floodgate plan with the same flags${session.flags}`,
  });
};
