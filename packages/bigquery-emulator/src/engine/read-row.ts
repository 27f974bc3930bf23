// Rows of a file on their way into a table, and the words for one that can't be read.
import type { DuckDBValue } from '@duckdb/node-api';
import { BigQueryProblem } from '../problem.ts';

/** A row as it was read, or why it can't be. `row` counts from 1 in its file. */
export type ReadRow = { readonly row: number; readonly values: readonly DuckDBValue[] } | { readonly row: number; readonly problem: BigQueryProblem };

export const badRecord = (file: string, row: number, message: string, errors: number): BigQueryProblem =>
  new BigQueryProblem(
    'invalid',
    `Error while reading data, error message: ${errors > 1 ? `too many errors (${errors}), giving up; ` : ''}${message} File: ${file}; Row: ${row}`,
    file,
  );
