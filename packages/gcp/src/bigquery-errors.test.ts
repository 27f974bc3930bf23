// Answers as BigQuery documents them: https://cloud.google.com/bigquery/docs/error-messages,
// https://cloud.google.com/bigquery/docs/troubleshoot-queries, https://cloud.google.com/bigquery/docs/troubleshoot-quotas.
import { expect, test } from 'vitest';
import { WarehouseError, type WarehouseErrorCode } from '@floodgate/core/ports/warehouse.ts';
import {
  BigQueryJobError,
  classifyBigQueryFailure,
  isDuplicate,
  isNotFound,
  isPreconditionFailed,
  isTransient,
  toWarehouseError,
  type Failure,
} from './bigquery-errors.ts';

const said: readonly (readonly [Failure, WarehouseErrorCode])[] = [
  [
    { status: 403, reason: 'accessDenied', message: 'Access Denied: Project p: User does not have bigquery.jobs.create permission in project p.' },
    'permission_denied',
  ],
  [{ status: 403, reason: 'billingNotEnabled', message: 'Billing has not been enabled for this project.' }, 'permission_denied'],
  [{ status: 401, reason: 'authError', message: 'Invalid Credentials' }, 'permission_denied'],
  [{ message: 'Could not load the default credentials. Browse to https://cloud.google.com/docs/authentication' }, 'permission_denied'],
  [{ status: 503, reason: 'backendError', message: 'Error encountered during execution. Retrying may solve the problem.' }, 'unavailable'],
  [{ status: 500, reason: 'internalError', message: 'An internal error occurred and the request could not be completed.' }, 'unavailable'],
  [{ reason: 'jobInternalError', message: 'The job encountered an internal error during execution and was unable to complete successfully.' }, 'unavailable'],
  [{ reason: 'tableUnavailable', message: 'Something went wrong with the table you queried. Contact the table owner for assistance.' }, 'unavailable'],
  [{ status: 502, message: '<html>Bad Gateway</html>' }, 'unavailable'],
  [{ network: 'ECONNRESET', message: 'read ECONNRESET' }, 'unavailable'],
  [
    { status: 400, reason: 'bytesBilledLimitExceeded', message: 'Query exceeded limit for bytes billed: 10485760. 20971520 or higher required.' },
    'cost_limit_exceeded',
  ],
  [
    {
      status: 403,
      reason: 'quotaExceeded',
      message: 'Custom quota exceeded: Your usage exceeded the custom quota for QueryUsagePerDay, which is set by your administrator.',
    },
    'cost_limit_exceeded',
  ],
  [{ status: 403, reason: 'quotaExceeded', message: 'Quota exceeded: Your project exceeded quota for free query bytes scanned.' }, 'quota_exceeded'],
  [
    { reason: 'quotaExceeded', message: 'Quota exceeded: Your table exceeded quota for Number of partition modifications to a column partitioned table' },
    'quota_exceeded',
  ],
  [
    {
      reason: 'resourcesExceeded',
      message: 'Resources exceeded during query execution: Too many DML statements outstanding against table p:nba.games, limit is 20.',
    },
    'rate_limited',
  ],
  [{ reason: 'quotaExceeded', message: 'Too many DML statements outstanding against table p:nba.games, limit is 20.' }, 'rate_limited'],
  [{ reason: 'rateLimitExceeded', message: 'Exceeded rate limits: too many table dml insert operations for this table.' }, 'rate_limited'],
  [{ reason: 'jobRateLimitExceeded', message: 'Job exceeded rate limits: Your table exceeded quota for table update operations.' }, 'rate_limited'],
  [{ status: 403, reason: 'rateLimitExceeded', message: 'Exceeded rate limits: too many concurrent queries for this project_and_region.' }, 'rate_limited'],
  [{ status: 429, message: 'Too Many Requests' }, 'rate_limited'],
  [
    { reason: 'resourcesExceeded', message: 'Resources exceeded during query execution: The query could not be executed in the allotted memory.' },
    'out_of_memory',
  ],
  [
    { status: 403, reason: 'responseTooLarge', message: 'Response too large to return. Consider specifying a destination table in your job configuration.' },
    'out_of_memory',
  ],
  [{ reason: 'stopped', message: 'Job execution was cancelled: User requested cancellation' }, 'cancelled'],
  [{ reason: 'timeout', message: 'Operation timed out after 6.0 hours. Consider reducing the amount of work performed by your operation' }, 'timeout'],
  [
    { reason: 'invalidQuery', message: 'Transaction is aborted due to concurrent update against table p:nba._floodgate_commits_games. Transaction ID: 1' },
    'transaction_conflict',
  ],
  [{ reason: 'invalidQuery', message: 'Could not serialize access to table p:nba.games due to concurrent update' }, 'transaction_conflict'],
  [
    { reason: 'invalidQuery', message: 'UPDATE or DELETE statement over table nba.games would affect rows in the streaming buffer, which is not supported' },
    'streaming_buffer',
  ],
  [{ reason: 'invalid', message: 'Cannot read and write in different locations: source: EU, destination: US' }, 'location_mismatch'],
  [{ reason: 'notFound', message: 'Not found: Table p:nba.nope was not found in location EU' }, 'invalid_sql'],
  [{ status: 404, reason: 'notFound', message: 'Not found: Dataset p:nope' }, 'invalid_sql'],
  [{ status: 400, reason: 'invalidQuery', message: 'Syntax error: Unexpected identifier "SELEC" at [1:1]' }, 'invalid_sql'],
  [{ status: 400, reason: 'invalidQuery', message: 'Unrecognized name: nope at [1:8]' }, 'invalid_sql'],
  [{ status: 400, reason: 'invalidQuery', message: 'No matching signature for operator + for argument types: STRING, INT64.' }, 'invalid_sql'],
  [{ reason: 'invalidQuery', message: 'division by zero: 1 / 0' }, 'data_error'],
  [{ reason: 'invalidQuery', message: 'Bad int64 value: xy' }, 'data_error'],
  [{ reason: 'invalidQuery', message: 'Bad double value: abc' }, 'data_error'],
  [{ reason: 'invalidQuery', message: "Invalid date: '2024-02-30'" }, 'data_error'],
  [{ reason: 'invalidQuery', message: 'Failed to parse input string "2024-13-01"' }, 'data_error'],
  [{ reason: 'invalidQuery', message: 'int64 overflow: 9223372036854775807 + 1' }, 'data_error'],
  [{ reason: 'invalidQuery', message: 'Array index 7 is out of bounds' }, 'data_error'],
  [{ reason: 'invalidQuery', message: 'Scalar subquery produced more than one element' }, 'data_error'],
  [{ reason: 'invalidQuery', message: 'UPDATE/MERGE must match at most one source row for each target row' }, 'data_error'],
  [{ reason: 'invalidQuery', message: 'Required field game_id cannot be null' }, 'data_error'],
  [{ reason: 'invalidQuery', message: 'Query error: floodgate: lane_fenced at [4:1]' }, 'lane_fenced'],
  [{ reason: 'invalidQuery', message: 'Query error: floodgate: log_moved at [5:1]' }, 'transaction_conflict'],
  [{ reason: 'invalidQuery', message: 'Query error: floodgate: staged_rows at [6:1]' }, 'contract_broken'],
  [{ message: 'something that nobody has seen' }, 'unknown'],
];

test.each(said)('%j is %s', (failure, code) => {
  expect(classifyBigQueryFailure(failure)).toBe(code);
});

test.each([
  [Object.assign(new Error('invalid_grant'), { status: 400, code: '400' }), 'permission_denied', false],
  [Object.assign(new Error('Request failed with status code 403'), { status: 403, code: 'ERR_BAD_REQUEST' }), 'permission_denied', false],
  [Object.assign(new Error('Request failed with status code 503'), { status: 503, code: '503' }), 'unavailable', true],
  [Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), 'unavailable', true],
])('of a token that was not given (%s) the status counts, not the text of its code', (error, code, transient) => {
  expect(toWarehouseError(error)).toMatchObject({ code });
  expect(isTransient(error)).toBe(transient);
});

test('what a statement that was analyzed before complains of lies in its data', () => {
  const failure = { reason: 'invalidQuery', message: 'something about a value that is in no table of ours' };
  expect(classifyBigQueryFailure(failure)).toBe('invalid_sql');
  expect(classifyBigQueryFailure(failure, true)).toBe('data_error');
  expect(classifyBigQueryFailure({ reason: 'notFound', message: 'Not found: Table p:nba.gone' }, true)).toBe('invalid_sql');
});

const httpError = (code: number, reason: string): Error =>
  Object.assign(new Error(`Multiple errors: ${reason}`), { code, errors: [{ reason, message: `because of ${reason}` }] });

test('only what may succeed when it is sent again is transient, and what a job ended with never is', () => {
  expect(
    [
      httpError(503, 'backendError'),
      httpError(429, ''),
      httpError(403, 'rateLimitExceeded'),
      Object.assign(new Error('x'), { code: 'ECONNRESET' }),
      new Error('socket hang up'),
    ].map(isTransient),
  ).toEqual([true, true, true, true, true]);
  expect(
    [
      httpError(400, 'invalidQuery'),
      httpError(403, 'quotaExceeded'),
      httpError(409, 'duplicate'),
      new BigQueryJobError('j', { reason: 'backendError', message: 'x' }, false),
      new TypeError('of ours'),
    ].map(isTransient),
  ).toEqual([false, false, false, false, false]);
});

test('an error keeps the words of BigQuery and its cause; what it was is found through ours', () => {
  const cause = httpError(404, 'notFound');
  const ours = toWarehouseError(cause);
  expect(ours).toMatchObject({ code: 'invalid_sql', message: 'because of notFound', cause });
  expect([isNotFound(ours), isNotFound(cause), isDuplicate(ours), isPreconditionFailed(ours)]).toEqual([true, true, false, false]);
  expect(isNotFound(toWarehouseError(new BigQueryJobError('j', { reason: 'notFound', message: 'Not found: Table p:d.t' }, true)))).toBe(true);
  const fenced = new WarehouseError('lane_fenced', 'over');
  expect(toWarehouseError(fenced)).toBe(fenced);
});
