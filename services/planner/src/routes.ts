// The planner over HTTP: ask for a backfill, look at backfills. A request is decided in the call, so that its sender learns
// at once what was decided and why; by message he would have to look.
import { acceptRequest, type AcceptDeps, type PlanSummary } from '@floodgate/core/app/accept-request.ts';
import { listBackfills, readBackfillStatus } from '@floodgate/core/app/read-status.ts';
import { parseRequest } from '@floodgate/core/contracts/parse-request.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { statusOfError } from '@floodgate/http/error-response.ts';
import { Router, type Request, type Response } from '@floodgate/http/router.ts';

export type PlannerRoutesDeps = {
  readonly accept: AcceptDeps;
  /** A plan as JSON, for dry runs. */
  readonly describePlan: (summary: PlanSummary) => unknown;
  /** Told of what was accepted here. */
  readonly onAccepted?: (backfillId: string) => void;
};

const isDryRun = (request: Request): boolean => {
  const { dryRun } = request.query;
  if (dryRun === undefined || dryRun === 'false') return false;
  if (dryRun === 'true' || dryRun === '') return true;
  throw new FloodgateError('invalid_request', `dryRun: expected true or false, found "${String(dryRun)}"`);
};

export const createPlannerRoutes = ({ accept, describePlan, onAccepted }: PlannerRoutesDeps): Router => {
  const router = Router();

  router.post('/v1/backfills', async (request: Request, response: Response) => {
    const parsed = parseRequest(request.body);
    if (!parsed.ok) {
      response
        .status(400)
        .json({ error: { code: 'invalid_request', message: `${parsed.problems.length} things are wrong with the request`, problems: parsed.problems } });
      return;
    }
    const dryRun = isDryRun(request);
    const idempotencyKey = parsed.request.idempotencyKey ?? request.get('idempotency-key') ?? `http#${accept.ids.newId()}`;
    // Not tied to the connection: a decision that was begun is made, whoever still waits for it.
    const decided = await acceptRequest(
      accept,
      { request: parsed.request, idempotencyKey, traceparent: request.get('traceparent') ?? '', dryRun },
      new AbortController().signal,
    );
    switch (decided.outcome) {
      case 'accepted':
        onAccepted?.(decided.backfillId);
        response.status(202).location(`/v1/backfills/${decided.backfillId}`).json({ outcome: 'accepted', backfillId: decided.backfillId });
        return;
      case 'planned':
        response.json({ outcome: 'planned', plan: describePlan(decided.summary) });
        return;
      case 'rejected':
        response.status(statusOfError(decided.failure.code)).json({ error: decided.failure, conflictsWith: decided.conflictsWith });
    }
  });

  router.get('/v1/backfills', async (_: Request, response: Response) => {
    const backfills = await listBackfills(accept.store);
    response.json({
      backfills: backfills.map(({ backfillId, pipelineId, state, tasks, createdAt, endedAt, requestedBy, reason }) => ({
        backfillId,
        pipelineId,
        state,
        tasks,
        createdAt,
        endedAt,
        requestedBy,
        reason,
      })),
    });
  });

  router.get('/v1/backfills/:id', async (request: Request<{ id: string }>, response: Response) => {
    const status = await readBackfillStatus(accept.store, request.params.id);
    if (status === undefined) throw new FloodgateError('unknown_backfill', `no backfill ${request.params.id}`);
    const { backfill, control, gates, counts } = status;
    response.json({
      backfill,
      paused: control.paused,
      cancelled: control.cancelled,
      counts,
      gates: gates.map(({ phase, state, gate }) => ({ phase, state, summary: gate?.summary ?? '', repair: gate?.repair ?? '' })),
    });
  });

  return router;
};
