// Where Pub/Sub pushes messages to: POST /push/<subscription>. Who sent it is checked before a byte of the body is read; what the
// body becomes is the bus's matter, and its outcome becomes a status here. Invariant: only a status that means "acked" is
// answered to a message whose effect, or the reason why it has none, is in the store.
import type { Logger } from '@floodgate/core/ports/logger.ts';
import express, { Router } from 'express';

/** Whether a request comes from the Pub/Sub that was told to push here. */
export type PushVerifier = (
  authorization: string | undefined,
) => Promise<{ readonly ok: true } | { readonly ok: false; readonly status: number; readonly why: string }>;

export const pushOutcomes = ['acked', 'nacked', 'busy', 'late', 'malformed', 'unknown_subscription', 'stopping'] as const;
export type PushDelivery = {
  readonly outcome: (typeof pushOutcomes)[number];
  /** malformed: what is wrong with the body. */
  readonly problem?: string;
};

/**
 * Pub/Sub takes 102, 200, 201, 202 and 204 for an ack and everything else for a nack
 * (https://cloud.google.com/pubsub/docs/push#receive_push). A nack is no error of this server, but a status that says "later"
 * is the only way to say it.
 */
export const statusOfPush: Readonly<Record<PushDelivery['outcome'], number>> = {
  acked: 204,
  nacked: 503,
  // As many as this process takes at once are under way: Pub/Sub sends fewer.
  busy: 429,
  // Nobody waits for the answer any more.
  late: 504,
  // Recorded as a dead letter before: it would be as malformed the next time.
  malformed: 204,
  // The push subscription and the roles of this process don't fit; its messages wait until they do.
  unknown_subscription: 404,
  stopping: 503,
};

/** 503: tokens can't be verified for now. */
const codeOfRefusal: Readonly<Record<number, string>> = { 401: 'unauthenticated', 503: 'unavailable' };

export type PushRouterOptions = {
  readonly verify: PushVerifier;
  readonly deliver: (body: unknown, subscription: string) => Promise<PushDelivery>;
  /** Keeps a body that is no message, so that a person can look what sends it. Where it throws, the message comes again. */
  readonly recordMalformed: (text: string, subscription: string, problem: string) => Promise<void>;
  readonly logger: Logger;
};

/** A message of 10 MB, the most that Pub/Sub takes, in base64 and with its attributes. */
const maxBodyBytes = 15_000_000;

const parse = (text: string): { readonly body: unknown } | { readonly problem: string } => {
  try {
    return { body: JSON.parse(text) };
  } catch (error) {
    return { problem: `the body of the push is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
};

/** Reads its bodies itself: it must stand before the application's own parser. */
export const createPushRouter = ({ verify, deliver, recordMalformed, logger }: PushRouterOptions): Router => {
  const router = Router();
  const path = '/push/:subscription';
  router.post(path, async (request, response, next) => {
    const verdict = await verify(request.get('authorization'));
    if (verdict.ok) {
      next();
      return;
    }
    // Never a dead letter: whoever finds this address could fill the store with them.
    logger.warn({ subscription: request.params.subscription, status: verdict.status, why: verdict.why }, 'push refused');
    response.status(verdict.status).json({ error: { code: codeOfRefusal[verdict.status] ?? 'permission_denied', message: verdict.why } });
  });
  router.post(path, express.text({ type: () => true, limit: maxBodyBytes }), async (request, response) => {
    const { subscription } = request.params as { readonly subscription: string };
    const text = typeof request.body === 'string' ? request.body : '';
    const parsed = parse(text);
    const delivery: PushDelivery = 'body' in parsed ? await deliver(parsed.body, subscription) : { outcome: 'malformed', problem: parsed.problem };
    if (delivery.outcome === 'malformed') await recordMalformed(text, subscription, delivery.problem ?? 'not a message of Pub/Sub');
    if (delivery.outcome === 'unknown_subscription') {
      logger.error({ subscription }, 'push for a subscription that this process does not serve');
    }
    response.status(statusOfPush[delivery.outcome]).end();
  });
  return router;
};

/** What a backend that is pushed to has of all this; undefined: its messages are pulled. */
export type PushTarget = Pick<PushRouterOptions, 'verify' | 'deliver'>;

export const createPushRouters = (target: PushTarget | undefined, recordMalformed: PushRouterOptions['recordMalformed'], logger: Logger): readonly Router[] =>
  target === undefined ? [] : [createPushRouter({ ...target, recordMalformed, logger })];
