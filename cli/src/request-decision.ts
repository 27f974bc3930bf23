// Has a request decided by a planner that runs elsewhere: publishes it as anybody may, and waits for what the store says of
// its idempotency key. Invariant: whatever happens here, the request is decided once. It is in the bus from the moment at
// which publishing returns; publishing it again under its key, by this process or another, changes nothing.
import type { StoreDeps } from '@floodgate/core/app/deps.ts';
import {
  deadLetterPath,
  deadLetterSchema,
  decisionSchema,
  messageDeadLetterId,
  parseDocument,
  requestPath,
  type DecisionDocument,
} from '@floodgate/core/contracts/documents.ts';
import { createMessage } from '@floodgate/core/contracts/messages.ts';
import type { BackfillRequest } from '@floodgate/core/contracts/request.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { continueTrace } from '@floodgate/core/domain/trace.ts';
import type { OutgoingMessage } from '@floodgate/core/ports/message-bus.ts';
import type { Session } from './session.ts';

const pollMs = 1_000;
/** After this the user is told what may be wrong, while it goes on waiting. */
const worryMs = 20_000;

export type Decided = {
  readonly backfillId: string;
  /** It was decided before it was published here. */
  readonly wasKnown: boolean;
};

export type DecisionOptions = {
  /** Where the planner is that has to decide, e.g. `project p1`. */
  readonly place: string;
  readonly withinMs: number;
};

const readDecision = async ({ store }: StoreDeps, key: string): Promise<DecisionDocument | undefined> => {
  const document = await store.get(requestPath(key));
  return document === undefined ? undefined : parseDocument(decisionSchema, document);
};

/** Throws what the planner said where it refused. */
const backfillOf = ({ decision, backfillId, failure }: DecisionDocument): string => {
  if (decision === 'accepted') return backfillId;
  const { code, message, hint } = failure ?? { code: 'rejected', message: 'rejected before' };
  throw new FloodgateError(code, message, hint === undefined ? {} : { hint });
};

/** A planner of another build may not understand the request: then it stands in the dead letters. */
const refuseUnread = async ({ store }: StoreDeps, { attributes, data }: OutgoingMessage): Promise<void> => {
  const document = await store.get(deadLetterPath(messageDeadLetterId(attributes, data)));
  if (document === undefined) return;
  const { failure, deadLetterId } = parseDocument(deadLetterSchema, document);
  throw new FloodgateError('invalid_request', `the planner could not read the request: ${failure.message}`, {
    hint: `is it of the same version as this command? npx floodgate dlq show ${deadLetterId}`,
  });
};

/** The command that looks for the decision again: the same request under the same key is the same request. */
const againHint = (key: string): string => `the same command with --idempotency-key '${key}' asks for its decision again`;

const undecided = (key: string, { place, withinMs }: DecisionOptions): FloodgateError =>
  new FloodgateError(
    'no_decision',
    `no planner in ${place} has decided the request within ${withinMs / 1_000} s; it is not lost: it waits in the subscription floodgate-planner-requests`,
    {
      hint: `look whether a planner runs, what it logs, and whether the subscription is there: npx floodgate doctor\n${againHint(key)}`,
    },
  );

export const requestDecision = async (session: Session, deps: StoreDeps, request: BackfillRequest, options: DecisionOptions): Promise<Decided> => {
  const { print, clock, interrupted } = session;
  const key = request.idempotencyKey ?? `cli#${deps.ids.newId()}`;
  const before = await readDecision(deps, key);
  if (before !== undefined) return { backfillId: backfillOf(before), wasKnown: true };
  const message = createMessage(
    'floodgate.backfill.requested',
    { ...request, idempotencyKey: key },
    {
      id: deps.ids.newId(),
      source: deps.source,
      subject: request.pipeline,
      time: clock.now(),
      traceparent: continueTrace('', () => deps.ids.newId()),
    },
  );
  await deps.bus.publish([message], interrupted);
  print.note(print.style.dim(`Request published in ${options.place}; its decision is looked for every ${pollMs / 1_000} s.`));
  const since = clock.now();
  let isWorried = false;
  for (;;) {
    const decision = await readDecision(deps, key);
    if (decision !== undefined) return { backfillId: backfillOf(decision), wasKnown: false };
    await refuseUnread(deps, message);
    const waitedMs = clock.now() - since;
    if (waitedMs >= options.withinMs) throw undecided(key, options);
    if (waitedMs >= worryMs && !isWorried) {
      isWorried = true;
      print.note(print.style.dim('Nobody has decided it yet: the planner is busy with other requests, or none runs.'));
    }
    try {
      await clock.sleep(Math.min(pollMs, Math.max(options.withinMs - waitedMs, 1)), interrupted);
    } catch {
      throw new FloodgateError('interrupted', 'not waiting any more: the request was published, and will be decided', { hint: againHint(key) });
    }
  }
};
