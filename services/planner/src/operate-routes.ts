// The planner over HTTP, for operators: pause, resume, cancel, retry and approve a backfill; dead letters and their replay. Who may
// is decided in front of it (IAM, IAP); `by` in the body is who it was, for the audit log.
import {
  approveGate,
  controlBackfill,
  listDeadLetters,
  replayDeadLetters,
  retryTasks,
  type ApproveOutcome,
  type RetryOutcome,
} from '@floodgate/core/app/operate.ts';
import type { StoreDeps } from '@floodgate/core/app/deps.ts';
import { deadLetterSchema } from '@floodgate/core/contracts/documents.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { partitionDate } from '@floodgate/core/domain/partition-date.ts';
import { Router, type Request, type Response } from '@floodgate/http/router.ts';
import * as z from 'zod';

const by = z.string().trim().min(1).max(200).default('http');
const date = z.iso.date().transform(partitionDate);
const setOf = <Value extends z.ZodType>(value: Value) =>
  z
    .array(value)
    .min(1)
    .transform((values) => new Set(values));

const controlBody = z.strictObject({ by });
const retryBody = z.strictObject({
  by,
  processors: setOf(z.string()).exactOptional(),
  dates: setOf(date).exactOptional(),
  states: z
    .array(z.enum(['failed', 'quarantined']))
    .min(1)
    .default(['failed', 'quarantined']),
});
const approveBody = z.strictObject({ by, phase: z.int().min(0) });
const letterFilter = {
  ids: setOf(z.string()).exactOptional(),
  causeGroup: z.string().exactOptional(),
  backfillId: z.string().exactOptional(),
  processorId: z.string().exactOptional(),
};
const replayBody = z.strictObject({ by, limit: z.int().min(1).max(100_000).default(1_000), ...letterFilter });
const letterQuery = z.strictObject({
  ids: z
    .string()
    .transform((text) => new Set(text.split(',')))
    .exactOptional(),
  causeGroup: letterFilter.causeGroup,
  backfillId: letterFilter.backfillId,
  processorId: letterFilter.processorId,
  state: deadLetterSchema.shape.state.default('open'),
});

/** Throws FloodgateError `invalid_request`. Nothing in a body is `{}`. */
const parse = <Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  throw new FloodgateError('invalid_request', z.prettifyError(parsed.error));
};

/** What can't be done now is an error of the caller's; what needed no doing is none. */
const refuse = <Outcome extends RetryOutcome | ApproveOutcome>(backfillId: string, outcome: Outcome): Outcome => {
  if (outcome.outcome === 'overlap')
    throw new FloodgateError('overlap', `backfill ${outcome.backfillId} is computing dates that ${backfillId} has yet to do`, { hint: 'wait for it' });
  if (outcome.outcome === 'cancelled') throw new FloodgateError('conflict', `backfill ${backfillId} is cancelled`, { hint: 'ask for a new one' });
  if (outcome.outcome === 'not_held')
    throw new FloodgateError('conflict', `the gate is ${outcome.state}, not held`, { hint: 'only a held gate can be approved' });
  return outcome;
};

export const createOperateRoutes = (deps: StoreDeps): Router => {
  const router = Router();

  for (const action of ['pause', 'resume', 'cancel'] as const) {
    router.post(`/v1/backfills/:id/${action}`, async (request: Request<{ id: string }>, response: Response) => {
      const { id } = request.params;
      const outcome = await controlBackfill(deps, id, action, parse(controlBody, request.body).by);
      if (outcome.outcome === 'over') throw new FloodgateError('conflict', `backfill ${id} is ${outcome.state}: there is nothing to ${action}`);
      response.json({ backfillId: id, ...outcome });
    });
  }

  router.post('/v1/backfills/:id/retry', async (request: Request<{ id: string }>, response: Response) => {
    const { id } = request.params;
    const { by: who, ...filter } = parse(retryBody, request.body);
    response.json({ backfillId: id, ...refuse(id, await retryTasks(deps, id, filter, who)) });
  });

  router.post('/v1/backfills/:id/approve', async (request: Request<{ id: string }>, response: Response) => {
    const { id } = request.params;
    const { by: who, phase } = parse(approveBody, request.body);
    response.json({ backfillId: id, phase, ...refuse(id, await approveGate(deps, id, phase, who)) });
  });

  router.get('/v1/dead-letters', async (request: Request, response: Response) => {
    const { state, ...filter } = parse(letterQuery, request.query);
    response.json({ deadLetters: await listDeadLetters(deps.store, [state], filter) });
  });

  router.post('/v1/dead-letters/replay', async (request: Request, response: Response) => {
    const { by: who, limit, ...filter } = parse(replayBody, request.body);
    response.json(await replayDeadLetters(deps, filter, limit, who));
  });

  return router;
};
