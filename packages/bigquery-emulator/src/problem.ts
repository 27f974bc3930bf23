// What BigQuery answers where something is wrong: an HTTP status, a reason and a text. Whoever finds a problem throws one;
// the REST layer answers with it, a job that fails carries it in `status.errorResult`.
// https://docs.cloud.google.com/bigquery/docs/error-messages

/** Reason to HTTP status, as that page has them. */
const statusOf = {
  invalid: 400,
  invalidQuery: 400,
  required: 400,
  resourcesExceeded: 400,
  resourceInUse: 400,
  bytesBilledLimitExceeded: 400,
  tableUnavailable: 400,
  stopped: 200,
  notFound: 404,
  duplicate: 409,
  conditionNotMet: 412,
  rateLimitExceeded: 403,
  quotaExceeded: 403,
  accessDenied: 403,
  responseTooLarge: 403,
  backendError: 503,
  internalError: 500,
  jobInternalError: 400,
  /** Ours: BigQuery can do it, this server can't, and says so instead of guessing. */
  notImplemented: 501,
} as const;
export type Reason = keyof typeof statusOf;

/** One entry of `errors`, as it goes over the wire. */
export type ErrorProto = { readonly reason: Reason; readonly message: string; readonly location?: string; readonly domain?: string };

export class BigQueryProblem extends Error {
  override readonly name = 'BigQueryProblem';
  readonly reason: Reason;
  /** Where in the request or statement: `query`, `q`, a table. The position in the statement is in the text: ` at [1:8]`. */
  readonly location: string | undefined;

  constructor(reason: Reason, message: string, location?: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.location = location;
  }

  get httpStatus(): number {
    return statusOf[this.reason];
  }

  toProto(): ErrorProto {
    return { reason: this.reason, message: this.message, ...(this.location === undefined ? {} : { location: this.location }) };
  }
}

/** What the server doesn't know is refused by name. */
export const notImplemented = (what: string): BigQueryProblem =>
  new BigQueryProblem('notImplemented', `this emulator does not implement ${what}; BigQuery does`);
