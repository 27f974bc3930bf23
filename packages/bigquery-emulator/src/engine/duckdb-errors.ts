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

/** DuckDB's words for what fails while it evaluates, and GoogleSQL's. */
const operators: Readonly<Record<string, string>> = { addition: '+', subtraction: '-', multiplication: '*' };
const wordings: readonly (readonly [RegExp, (...groups: readonly string[]) => string])[] = [
  [/^More than one row returned by a subquery/, () => 'Scalar subquery produced more than one element'],
  [
    /^Overflow in (\w+) of INT64 \((-?\d+) \S (-?\d+)\)/,
    (operation = '', left = '', right = '') => `int64 overflow: ${left} ${operators[operation] ?? ''} ${right}`,
  ],
  [/^Overflow (?:on abs\((-?\d+)\)|in negation of)/, (value) => (value === undefined ? 'int64 overflow' : `int64 overflow: -${value}`)],
  [/^Type INT128 with value -?\d+ can't be cast because the value is out of range for the destination type INT64/, () => 'int64 overflow'],
  [
    /^Type DOUBLE with value (\S+) can't be cast because the value is out of range for the destination type INT64/,
    (value = '') => `int64 out of range: ${value}`,
  ],
  [/^cannot take square root of a negative number/, () => 'Argument to SQRT cannot be negative'],
  [/^cannot take logarithm of (?:zero|a negative number)/, () => 'Floating point error in function: LN'],
  [
    /^Date out of range: (\d+)-(\d+)-(\d+)/,
    (year = '', month = '', day = '') => `Input calculates to invalid date: ${year.padStart(4, '0')}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`,
  ],
  [/^Could not parse string "(.*)" according to format specifier/, (text = '') => `Failed to parse input string "${text}"`],
];

const reworded = (message: string): string => {
  for (const [pattern, word] of wordings) {
    const match = pattern.exec(message);
    if (match !== null) return word(...match.slice(1));
  }
  return message;
};

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
    return new BigQueryProblem('invalidQuery', reworded(withoutKind(message)), 'query', { cause: error });
  return new BigQueryProblem('internalError', message, undefined, { cause: error });
};
