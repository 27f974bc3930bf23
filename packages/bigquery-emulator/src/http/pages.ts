// Pages of rows and of lists. A token says where the next page begins, and stays good as long as what it pages through.
// Pages of rows end at 10 MB: https://docs.cloud.google.com/bigquery/docs/paging-results
import { formatTableId, type TableField, type TableId } from '../types.ts';
import type { Engine } from '../engine-contract.ts';
import { BigQueryProblem } from '../problem.ts';
import { invalid } from './read-json.ts';

const maxPageBytes = 10 * 2 ** 20;
const chunkRows = 5_000;

/** `of` ties a token to what it pages through. */
export const writePageToken = (of: string, startIndex: number): string => Buffer.from(JSON.stringify([of, startIndex])).toString('base64url');
export const readPageToken = (token: string, of: string): number => {
  try {
    const [name, startIndex] = JSON.parse(Buffer.from(token, 'base64url').toString()) as [unknown, unknown];
    if (name === of && Number.isSafeInteger(startIndex)) return startIndex as number;
  } catch {
    // Falls through: no token of ours.
  }
  throw invalid('Invalid page token', 'pageToken');
};

export type RowPage = {
  readonly fields: readonly TableField[];
  readonly totalRows: number;
  readonly rows: readonly { readonly f: readonly { readonly v: unknown }[] }[];
  readonly nextIndex?: number;
};

/** Rows of a table, from one index on, as many as were asked for and as fit. */
export const readRowPage = async (
  engine: Engine,
  table: TableId,
  page: {
    readonly startIndex: number;
    readonly maxResults: number | undefined;
    readonly fields?: readonly string[];
    readonly useInt64Timestamp: boolean;
    readonly limits: boolean;
  },
): Promise<RowPage> => {
  const { startIndex, maxResults = Number.POSITIVE_INFINITY, fields, useInt64Timestamp } = page;
  const rows: { readonly f: readonly { readonly v: unknown }[] }[] = [];
  let bytes = 0;
  for (;;) {
    const chunk = await engine.tables.read(table, {
      startIndex: startIndex + rows.length,
      maxRows: Math.min(chunkRows, maxResults - rows.length),
      useInt64Timestamp,
      ...(fields === undefined ? {} : { fields }),
    });
    for (const values of chunk.rows) {
      const row = { f: values.map((v) => ({ v })) };
      bytes += JSON.stringify(row).length;
      if (page.limits && rows.length > 0 && bytes > maxPageBytes)
        return { fields: chunk.fields, totalRows: chunk.totalRows, rows, nextIndex: startIndex + rows.length };
      rows.push(row);
    }
    const next = startIndex + rows.length;
    if (rows.length < maxResults && next < chunk.totalRows && chunk.rows.length > 0) continue;
    return { fields: chunk.fields, totalRows: chunk.totalRows, rows, ...(next < chunk.totalRows ? { nextIndex: next } : {}) };
  }
};

/** One page of a list that is at hand. */
export const pageOf = <Item>(
  items: readonly Item[],
  { of, pageToken, maxResults }: { readonly of: string; readonly pageToken: string | undefined; readonly maxResults: number | undefined },
): { readonly items: readonly Item[]; readonly nextPageToken?: string } => {
  const start = pageToken === undefined ? 0 : readPageToken(pageToken, of);
  const end = start + (maxResults === undefined || maxResults === 0 ? 50 : maxResults);
  return { items: items.slice(start, end), ...(end < items.length ? { nextPageToken: writePageToken(of, end) } : {}) };
};

export const tableNotFound = (table: TableId): BigQueryProblem => new BigQueryProblem('notFound', `Not found: Table ${formatTableId(table)}`);
