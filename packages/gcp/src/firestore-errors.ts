// What the codes of Firestore's answers mean to a status store: one table.
import { StoreError } from '@floodgate/core/ports/status-store.ts';
import type { StoreErrorCode } from '@floodgate/core/ports/status-store.ts';

/** gRPC's status codes, which are Firestore's. */
export const grpcCodes = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

export type FirestoreOperation = 'read' | 'commit';

export type FirestoreFailure = {
  /**
   * What to do: `retry_call`: nothing has happened and the same call may succeed. `run_again`: nothing was written, what the transaction
   * has read is outdated. `exists`: a document that was to be absent is there. `throw`: tell the caller.
   */
  readonly reaction: 'retry_call' | 'run_again' | 'exists' | 'throw';
  readonly error: StoreErrorCode;
  readonly hint?: string;
};

type Row = FirestoreFailure & {
  /** Undefined: any other. */
  readonly code: number | undefined;
  readonly operation?: FirestoreOperation;
  /** Where one code means several things. */
  readonly message?: RegExp;
};

const { cancelled, unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied } = grpcCodes;
const { resourceExhausted, failedPrecondition, aborted, internal, unavailable, unauthenticated } = grpcCodes;

/** The first row that fits decides. */
const rows: readonly Row[] = [
  {
    code: notFound,
    message: /database .* does not exist/i,
    reaction: 'throw',
    error: 'unavailable',
    hint: 'Create the database: gcloud firestore databases create --database=<name> --location=<location>',
  },
  // A message of one kind for the missing index and another for the index that is still being built; both carry a link.
  {
    code: failedPrecondition,
    operation: 'read',
    message: /index/i,
    reaction: 'throw',
    error: 'invalid',
    hint: 'Deploy the declared indexes (firestoreIndexes in packages/gcp/src/firestore-indexes.ts): firebase deploy --only firestore:indexes; a new one is built for minutes.',
  },
  { code: failedPrecondition, operation: 'read', reaction: 'throw', error: 'invalid' },
  // The conditions of a commit are the versions that its transaction has read.
  { code: failedPrecondition, operation: 'commit', reaction: 'run_again', error: 'conflict' },
  { code: notFound, operation: 'commit', reaction: 'run_again', error: 'conflict' },
  { code: alreadyExists, operation: 'commit', reaction: 'exists', error: 'already_exists' },
  // Contention: Firestore has given up this one in favour of another, and written nothing.
  { code: aborted, reaction: 'run_again', error: 'conflict' },
  // https://github.com/googleapis/nodejs-firestore: the service says INVALID_ARGUMENT of a transaction that it has forgotten.
  { code: invalidArgument, message: /transaction.*(expired|no longer valid|invalid transaction|closed)/is, reaction: 'run_again', error: 'conflict' },
  { code: invalidArgument, reaction: 'throw', error: 'invalid' },
  {
    code: permissionDenied,
    reaction: 'throw',
    error: 'unavailable',
    hint: "Give the service's account the role roles/datastore.user on the project, and enable firestore.googleapis.com.",
  },
  { code: unauthenticated, reaction: 'throw', error: 'unavailable', hint: 'Credentials are missing or expired: gcloud auth application-default login' },
  { code: resourceExhausted, operation: 'read', reaction: 'retry_call', error: 'unavailable', hint: 'A quota of Firestore is used up.' },
  { code: resourceExhausted, operation: 'commit', reaction: 'throw', error: 'unavailable', hint: 'A quota of Firestore is used up.' },
  ...[unavailable, deadlineExceeded, internal, unknown, cancelled].flatMap((code): Row[] => [
    { code, operation: 'read', reaction: 'retry_call', error: 'unavailable' },
    // The answer may be lost on its way back: the writes may have been applied, and are not sent again.
    { code, operation: 'commit', reaction: 'throw', error: 'unavailable', hint: 'The transaction may have been applied: read before you decide.' },
  ]),
  { code: undefined, reaction: 'throw', error: 'unavailable' },
];

export function readFailure(error: unknown, operation: FirestoreOperation): FirestoreFailure {
  const code = codeOf(error);
  const message = messageOf(error);
  const row = rows.find(
    (candidate) =>
      (candidate.code === undefined || candidate.code === code) &&
      (candidate.operation === undefined || candidate.operation === operation) &&
      (candidate.message === undefined || candidate.message.test(message)),
  )!;
  return { reaction: row.reaction, error: row.error, ...(row.hint === undefined ? {} : { hint: row.hint }) };
}

/** `doing`: what was tried, e.g. `read lanes/x`. */
export function toStoreError(error: unknown, operation: FirestoreOperation, doing: string): StoreError {
  if (error instanceof StoreError) return error;
  const failure = readFailure(error, operation);
  return new StoreError(failure.error, `Firestore did not ${doing}: ${messageOf(error)}`, {
    cause: error,
    ...(failure.hint === undefined ? {} : { hint: failure.hint }),
  });
}

function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
