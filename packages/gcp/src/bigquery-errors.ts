// Which of our codes an answer of BigQuery has: one pure function over HTTP status, reason and, where the reason says too
// little, the text. Reasons and their HTTP statuses: https://docs.cloud.google.com/bigquery/docs/error-messages
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { WarehouseError, type WarehouseErrorCode } from '@floodgate/core/ports/warehouse.ts';

/** What there is of an answer: `status` of HTTP where there was one, the words of the network where there was none. */
export type Failure = { readonly status?: number; readonly reason?: string; readonly network?: string; readonly message: string };

type Proto = { readonly reason?: string; readonly message?: string; readonly location?: string };
/** `status`: of those that Google's authentication throws, whose `code` is text. */
type ClientError = {
  readonly code?: number | string;
  readonly status?: number;
  readonly errors?: readonly Proto[];
  readonly message?: string;
  readonly type?: string;
};

export class BigQueryJobError extends Error {
  override readonly name = 'BigQueryJobError';
  readonly reason: string | undefined;
  readonly jobId: string;
  /** The statement had been analyzed before it ran, so what is wrong now lies in the data. */
  readonly analyzed: boolean;
  constructor(jobId: string, proto: Proto, analyzed: boolean) {
    super(proto.message ?? 'the job failed and does not say why');
    this.reason = proto.reason;
    this.jobId = jobId;
    this.analyzed = analyzed;
  }
}

/** The client's own error texts repeat every message after a heading. */
const firstMessage = ({ errors, message }: ClientError): string => errors?.[0]?.message ?? message ?? '';

export const readFailure = (error: unknown): Failure => {
  if (error instanceof BigQueryJobError) return { message: error.message, ...(error.reason === undefined ? {} : { reason: error.reason }) };
  const client = (error ?? {}) as ClientError;
  const message = firstMessage(client) || String(error);
  const reason = client.errors?.[0]?.reason;
  const status = typeof client.code === 'number' ? client.code : client.status;
  if (typeof status === 'number') return { status, message, ...(reason === undefined ? {} : { reason }) };
  if (typeof client.code === 'string' || client.type === 'system' || client.type === 'request-timeout')
    return { network: String(client.code ?? client.type), message };
  return { message, ...(reason === undefined ? {} : { reason }) };
};

type Rule = readonly [of: { readonly reason?: RegExp; readonly status?: readonly number[]; readonly text?: RegExp }, code: WarehouseErrorCode];

/** Errors of values, which GoogleSQL reports while a query runs, under the same reason as a statement that is wrong. */
const dataErrors =
  /division by zero|\boverflow\b|underflow|out of range|out of bounds|Bad (int64|double|bool|numeric|date|datetime|time|timestamp|base64) value|Bad (boolean|floating point|integer)|Could not (cast|parse|convert)|Failed to parse|Error parsing|Invalid (date|time|timestamp|datetime|numeric|NUMERIC|INT64|FLOAT64|BOOL|hex|base64|JSON|UTF-8|UTF8)|cannot (be )?cast|Scalar subquery (produced|returned) more than one|more than one element|must match at most one source row|Cannot access array element|ARRAY cannot have a null element|NULL (element|value)|cannot be null|Required field|non-finite|Floating point error|Illegal conversion|Malformed|regular expression|Assertion failed|^Query error: /i;

/** In order: the first that matches decides. */
const rules: readonly Rule[] = [
  [{ reason: /^stopped$/ }, 'cancelled'],
  [{ text: /Job execution was cancelled|User requested cancellation|Job cancelled/i }, 'cancelled'],
  [{ text: /floodgate: lane_fenced/ }, 'lane_fenced'],
  [{ text: /floodgate: log_moved|floodgate: rows_differ/ }, 'transaction_conflict'],
  [{ text: /floodgate: staged_rows/ }, 'contract_broken'],
  [
    { text: /aborted due to concurrent (update|transaction)|Could not serialize access to table|conflicting concurrent|Transaction .*(was )?aborted/i },
    'transaction_conflict',
  ],
  [{ text: /streaming buffer/i }, 'streaming_buffer'],
  [{ reason: /^bytesBilledLimitExceeded$/ }, 'cost_limit_exceeded'],
  [{ text: /Query exceeded limit for bytes billed|bytes billed limit|Custom quota exceeded/i }, 'cost_limit_exceeded'],
  // Also with the reasons quotaExceeded and resourcesExceeded: too many at once, not too much of something.
  [{ text: /Too many DML statements outstanding|too many (table )?(dml|update) operations|too many .*concurrent|rate limit/i }, 'rate_limited'],
  [{ reason: /^(rateLimitExceeded|jobRateLimitExceeded|userRateLimitExceeded|concurrentRateLimitExceeded)$/ }, 'rate_limited'],
  [{ status: [429] }, 'rate_limited'],
  [{ reason: /^(quotaExceeded|billingTierLimitExceeded|dailyLimitExceeded)$/ }, 'quota_exceeded'],
  [{ text: /Quota exceeded/i }, 'quota_exceeded'],
  [{ reason: /^(accessDenied|billingNotEnabled|forbidden|authError|authenticationRequired|blocked|insufficientPermissions)$/ }, 'permission_denied'],
  [{ status: [401] }, 'permission_denied'],
  [{ text: /Could not load the default credentials|invalid_grant|Could not refresh access token/i }, 'permission_denied'],
  // "was not found in location EU" is what BigQuery says of any table that is not there.
  [{ text: /Cannot read and write in different locations|location .* (does not match|mismatch)/i }, 'location_mismatch'],
  [{ reason: /^(responseTooLarge|resourcesExceeded)$/ }, 'out_of_memory'],
  [{ reason: /^timeout$/ }, 'timeout'],
  [{ text: /Job timed out|exceeded .*timeout|Operation timed out|jobTimeoutMs|deadline exceeded/i }, 'timeout'],
  [{ reason: /^(backendError|internalError|jobBackendError|jobInternalError|tableUnavailable|badGateway|transient)$/ }, 'unavailable'],
  [{ status: [408, 500, 502, 503, 504] }, 'unavailable'],
  [{ reason: /^(notFound)$/ }, 'invalid_sql'],
  [{ status: [404] }, 'invalid_sql'],
  [{ reason: /^(invalidQuery|invalid)$/, text: dataErrors }, 'data_error'],
  [{ reason: /^(invalidQuery|required|duplicate|notImplemented|resourceInUse)$/ }, 'invalid_sql'],
  [{ reason: /^invalid$/, text: /Incorrect|schema|mismatch/i }, 'schema_mismatch'],
  [{ reason: /^invalid$/ }, 'invalid_sql'],
  [{ status: [403] }, 'permission_denied'],
  [{ status: [400] }, 'invalid_sql'],
];

const hints: Partial<Record<WarehouseErrorCode, string>> = {
  cost_limit_exceeded: 'compute fewer dates at once, restrict the partition column, or raise the limit of bytes billed',
  permission_denied: 'the service account needs roles/bigquery.jobUser on the project and roles/bigquery.dataEditor on the datasets',
  location_mismatch: 'datasets, staging and jobs must lie in one location: set it to that of the datasets',
  streaming_buffer: 'rows that were streamed in cannot be changed for up to 90 minutes; it is tried again',
  transaction_conflict: 'somebody else wrote the same table; it is tried again',
  rate_limited: 'too much at once; it is tried again',
  quota_exceeded: 'a quota of the project is used up: wait for its next interval, or ask for more',
  out_of_memory: 'compute fewer dates at once',
};

const matches = ({ reason, status, text }: Rule[0], failure: Failure): boolean =>
  (reason === undefined || reason.test(failure.reason ?? '')) &&
  (status === undefined || status.includes(failure.status ?? 0)) &&
  (text === undefined || text.test(failure.message));

/** `analyzed`: the statement was accepted by a dry run before, so that a complaint about it is one about its data. */
export const classifyBigQueryFailure = (failure: Failure, analyzed = false): WarehouseErrorCode => {
  if (failure.network !== undefined) return 'unavailable';
  const code = rules.find(([of]) => matches(of, failure))?.[1] ?? 'unknown';
  return analyzed && code === 'invalid_sql' && failure.reason === 'invalidQuery' ? 'data_error' : code;
};

/** The same call again may succeed, and BigQuery has said nothing about a job. */
export const isTransient = (error: unknown): boolean => {
  if (error instanceof FloodgateError || error instanceof BigQueryJobError) return false;
  const failure = readFailure(error);
  if (failure.network !== undefined) return true;
  if (failure.status === undefined) return /socket hang up|fetch failed|network|ECONN|EAI_AGAIN|premature close/i.test(failure.message);
  return (
    [408, 429, 500, 502, 503, 504].includes(failure.status) ||
    (failure.status === 403 && /^(rateLimitExceeded|userRateLimitExceeded|backendError)$/.test(failure.reason ?? ''))
  );
};

export const isNotFound = (error: unknown): boolean => hasStatus(error, 404) || readFailure(causeOf(error)).reason === 'notFound';
export const isDuplicate = (error: unknown): boolean => hasStatus(error, 409);
export const isPreconditionFailed = (error: unknown): boolean => hasStatus(error, 412);

const causeOf = (error: unknown): unknown => (error instanceof FloodgateError && error.cause !== undefined ? error.cause : error);
const hasStatus = (error: unknown, status: number): boolean => readFailure(causeOf(error)).status === status;

/** Keeps BigQuery's words; an error that has a code already stays as it is. */
export const toWarehouseError = (error: unknown): FloodgateError => {
  if (error instanceof FloodgateError) return error;
  const failure = readFailure(error);
  // Without a word of HTTP or of the job: the connection broke, as the client's texts say it.
  const code =
    isTransient(error) && failure.status === undefined ? 'unavailable' : classifyBigQueryFailure(failure, error instanceof BigQueryJobError && error.analyzed);
  const hint = hints[code];
  return new WarehouseError(code, failure.message, hint === undefined ? { cause: error } : { cause: error, hint });
};
