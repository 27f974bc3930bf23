/** The one place that reads a table's name: `dataset.table`, quoted whole or in parts, or a CTE. */
import { nameOf, offsetOf } from './ast.ts';
import type { Body } from './ast.ts';
import { RefusedSql } from './problems.ts';

export interface TableName {
  /** undefined for a CTE. */
  readonly dataset: string | undefined;
  readonly table: string;
}

export function readTableName(body: Body, isCte: (name: string) => boolean): TableName {
  const parts = [nameOf(body['catalog']), nameOf(body['schema']), nameOf(body['name'])].flatMap((part) => (part === undefined ? [] : part.split('.')));
  const [first = '', second] = parts;
  if (parts.length === 1 && isCte(first)) return { dataset: undefined, table: first };
  if (parts.length === 2 && second !== undefined) return { dataset: first, table: second };
  const problem = parts.length === 1 ? 'is no CTE in sight and names no dataset: write dataset.table' : 'names a project: write dataset.table';
  throw new RefusedSql('table name', `the table ${parts.join('.')} ${problem}`, undefined, offsetOf(body));
}
