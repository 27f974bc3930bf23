// Errors as Google's JSON has them: https://docs.cloud.google.com/bigquery/docs/error-messages
import { BigQueryProblem, type ErrorProto } from '../problem.ts';

const statusNames: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ALREADY_EXISTS',
  412: 'FAILED_PRECONDITION',
  413: 'INVALID_ARGUMENT',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  503: 'UNAVAILABLE',
};

export type ErrorAnswer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

const answer = (status: number, { reason, message, location }: { reason: string; message: string; location?: string | undefined }): ErrorAnswer => ({
  status,
  body: {
    error: {
      code: status,
      message,
      errors: [{ message, domain: 'global', reason, ...(location === undefined ? {} : { location, locationType: 'parameter' }) }],
      status: statusNames[status] ?? 'UNKNOWN',
    },
  },
});

const answerProblem = (problem: BigQueryProblem): ErrorAnswer => {
  // `stopped` is a job's outcome, which has no status of its own: a call for its rows is a bad request. An error of the SQL
  // lies in the parameter `q` here and in `query` in a job's status.
  const { httpStatus, reason, message, location } = problem;
  return answer(httpStatus < 400 ? 400 : httpStatus, { reason, message, location: location === 'query' ? 'q' : location });
};

export const toProblem = (error: ErrorProto): BigQueryProblem => new BigQueryProblem(error.reason, error.message, error.location);

/** Whatever was thrown. What no one expected is `internalError`, with its text: this is a server for tests. */
export const answerError = (error: unknown): ErrorAnswer => {
  if (error instanceof BigQueryProblem) return answerProblem(error);
  if (error instanceof Error) {
    const { status, type } = error as Error & { status?: unknown; type?: unknown };
    if (type === 'entity.too.large') return answer(413, { reason: 'requestTooLarge', message: 'Request payload size exceeds the limit.' });
    if (status === 400) return answer(400, { reason: 'parseError', message: `Parse Error: ${error.message}` });
  }
  return answer(500, {
    reason: 'internalError',
    message: `An internal error occurred in the emulator: ${error instanceof Error ? error.message : String(error)}`,
  });
};
