/** The whole corpus by topic, and the parameters that its statements are given. */
import { AGGREGATE_CASES, WINDOW_CASES } from './aggregates.ts';
import { CAST_CASES, CAST_ERRORS } from './casts.ts';
import { DATE_CASES } from './dates.ts';
import { FUNCTION_CASES } from './functions.ts';
import { NAME_CASES } from './names.ts';
import { JSON_CASES, NEWER_CASES, NUMERIC_CASES, TYPED_CASES } from './newer.ts';
import { OPERATOR_CASES, OPERATOR_ERRORS, OVERFLOW_ERRORS } from './operators.ts';
import { QUERY_CASES } from './queries.ts';

/** Statements whose rows must be the same in both engines. */
export const CORPUS: Readonly<Record<string, readonly string[]>> = {
  operators: OPERATOR_CASES,
  casts: CAST_CASES,
  functions: FUNCTION_CASES,
  dates: DATE_CASES,
  aggregates: AGGREGATE_CASES,
  windows: WINDOW_CASES,
  queries: QUERY_CASES,
  names: NAME_CASES,
  json: JSON_CASES,
  numeric: NUMERIC_CASES,
  newer: NEWER_CASES,
};

/** Statements that need the types of columns, and so translateStatement. */
export const TYPED_CORPUS: readonly string[] = TYPED_CASES;

/** Valid statements that both engines must fail to evaluate. */
export const FAILING_CORPUS: readonly string[] = [...OPERATOR_ERRORS, ...CAST_ERRORS];

/** Those that only a whole statement fails to evaluate, not a pipeline's SELECT. */
export const FAILING_STATEMENTS: readonly string[] = OVERFLOW_ERRORS;

export const CORPUS_PARAMETERS = {
  start_date: { type: 'DATE', value: '2024-01-10' },
  end_date: { type: 'DATE', value: '2024-01-20' },
} as const;
