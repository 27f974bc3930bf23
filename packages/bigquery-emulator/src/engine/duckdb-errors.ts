// What an error of DuckDB is to a caller of BigQuery: one pure function over its message, whose first words name the kind.
import { BigQueryProblem, notImplemented } from '../problem.ts';

/** Somebody else has changed what this unit of work would change. Never leaves the engine: whoever runs the unit tries it again or says so. */
export class WriteConflict extends Error {
  override readonly name = 'WriteConflict';
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const withoutKind = (message: string): string => message.replace(/^[A-Za-z ]+ Error: /, '').split('\n', 1)[0] as string;

/** What the translation's own macros refuse while they evaluate (packages/sql/src/prelude.ts): a gap of ours, where GoogleSQL has an answer. */
const gaps =
  /^(division of NUMERIC is not supported|AVG of NUMERIC is not supported|ROUND\(x, n\) of a NUMERIC column needs|the product of two NUMERIC columns needs|JSON: .* (is|are) not supported|TO_JSON_STRING of .* is not supported|FLOAT64 arithmetic that gives infinity is|the (spelling of the \w+|FLOAT64|INT64) '[^]*' is not supported)/i;

export const toProblem = (error: unknown): Error => {
  if (error instanceof BigQueryProblem || error instanceof WriteConflict) return error;
  const message = messageOf(error);
  if (message.startsWith('INTERRUPT Error')) return new BigQueryProblem('stopped', 'Job execution was cancelled: User requested cancellation');
  if (/write-write conflict|Transaction conflict|Conflict on (update|tuple deletion)|has been (altered|dropped)/i.test(message))
    return new WriteConflict(message, { cause: error });
  const required = /NOT NULL constraint failed: [^.]+\.(.+)$/m.exec(message)?.[1];
  if (required !== undefined) return new BigQueryProblem('invalidQuery', `Required field ${required} cannot be null`, 'query', { cause: error });
  if (/^Out of Memory Error|could not allocate/i.test(message))
    return new BigQueryProblem('resourcesExceeded', `Resources exceeded during query execution: ${withoutKind(message)}`, 'query', { cause: error });
  // The analyzer has accepted the statement, so this is a gap of the translation or of DuckDB, and said as one.
  if (/^(Parser|Binder|Catalog|Syntax|Not implemented|Parameter Not Allowed|Parameter Not Resolved|Dependency) Error/i.test(message))
    return notImplemented(`this statement (DuckDB: ${withoutKind(message)})`);
  if (gaps.test(withoutKind(message))) return notImplemented(`this value (${withoutKind(message)})`);
  if (/^(Conversion|Out of Range|Invalid Input|Invalid Type|Mismatch Type|Divide by Zero|Decimal|Constraint|Invalid) Error/i.test(message))
    return new BigQueryProblem('invalidQuery', withoutKind(message), 'query', { cause: error });
  return new BigQueryProblem('internalError', message, undefined, { cause: error });
};
