// Words and calls that all parts of resources*.ts share: what was made, what differs, and how Google's clients say "not there",
// "there already" and "you may not".

/** Something that is not as Floodgate needs it. */
export type Difference = {
  /** e.g. `subscription floodgate-worker-tasks`. */
  readonly resource: string;
  /** What is expected and what was found. */
  readonly problem: string;
  /** What to do. */
  readonly hint: string;
};

export type EnsuredResource = { readonly resource: string; readonly outcome: 'created' | 'exists' };

export const callOutcomes = ['missing', 'exists', 'denied', 'unauthenticated', 'unsupported', 'failed'] as const;
export type CallOutcome = (typeof callOutcomes)[number];

/** gRPC's codes (Pub/Sub, Firestore) are below 17, HTTP's (BigQuery, Cloud Storage) above 99, so one table holds both. */
const outcomeOfCode: Readonly<Record<string, CallOutcome>> = {
  5: 'missing',
  6: 'exists',
  7: 'denied',
  12: 'unsupported',
  16: 'unauthenticated',
  401: 'unauthenticated',
  403: 'denied',
  404: 'missing',
  409: 'exists',
  501: 'unsupported',
};

export const outcomeOfError = (error: unknown): CallOutcome => {
  if (typeof error !== 'object' || error === null || !('code' in error)) return 'failed';
  return outcomeOfCode[String(error.code)] ?? 'failed';
};

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';

/** Longer than any of these calls takes, the creation of a dataset included. */
const callTimeoutMs = 30_000;

/**
 * None of the clients can be told to give up: the answer is no longer waited for when the signal aborts or the time is over.
 * What was asked for may then still happen; each of these calls can be made again.
 */
export const bounded = async <Answer>(call: Promise<Answer>, signal: AbortSignal): Promise<Answer> => {
  signal.throwIfAborted();
  const either = AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]);
  let giveUp: (() => void) | undefined;
  try {
    return await Promise.race([
      call,
      new Promise<never>((_, reject) => {
        giveUp = () => reject(either.reason);
        either.addEventListener('abort', giveUp);
      }),
    ]);
  } finally {
    if (giveUp !== undefined) either.removeEventListener('abort', giveUp);
    // Where nobody waits for it any more, its failure is nobody's.
    call.catch(() => undefined);
  }
};

/** Creates; somebody else may have been quicker, which is as good. */
export const ensure = async (resource: string, create: () => Promise<unknown>, signal: AbortSignal): Promise<EnsuredResource> => {
  try {
    await bounded(create(), signal);
    return { resource, outcome: 'created' };
  } catch (error) {
    if (outcomeOfError(error) === 'exists') return { resource, outcome: 'exists' };
    throw error;
  }
};

/**
 * What `look` finds, or that it could not look: one resource that can't be read hides nothing about the others. Throws only
 * where the signal is aborted.
 */
export const inspect = async (
  resource: string,
  advice: { readonly missing: string; readonly denied: string },
  look: () => Promise<readonly Omit<Difference, 'resource'>[]>,
  signal: AbortSignal,
): Promise<readonly Difference[]> => {
  try {
    return (await look()).map((difference) => ({ resource, ...difference }));
  } catch (error) {
    signal.throwIfAborted();
    const outcome = outcomeOfError(error);
    if (outcome === 'missing') return [{ resource, problem: 'is not there', hint: advice.missing }];
    if (outcome === 'denied') return [{ resource, problem: `may not be looked at: ${messageOf(error)}`, hint: advice.denied }];
    if (outcome === 'unauthenticated')
      return [
        {
          resource,
          problem: `refuses these credentials: ${messageOf(error)}`,
          hint: 'gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS',
        },
      ];
    return [{ resource, problem: `could not be looked at: ${messageOf(error)}`, hint: 'is the service within reach, and is its API enabled in the project?' }];
  }
};
