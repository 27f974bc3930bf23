// How a request becomes a backfill on a home: asked of the process that runs there, or decided here. Where an interrupted
// backfill already covers the request, that one goes on.
import { acceptRequest } from '@floodgate/core/app/accept-request.ts';
import { listBackfills } from '@floodgate/core/app/read-status.ts';
import { controlPath, controlSchema, parseDocument } from '@floodgate/core/contracts/documents.ts';
import type { BackfillRequest } from '@floodgate/core/contracts/request.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { callHttp } from '@floodgate/http/http-client.ts';
import type { EmbeddedStack } from './embedded-stack.ts';
import type { BackfillOutput } from './output-schema.ts';
import type { Submit, Submitted } from './run-to-end.ts';
import { isSameSelection } from './selection-flags.ts';
import type { Session } from './session.ts';

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

export const submitRequest = (
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
