/**
 * The one place that reads a table's name: `dataset.table`, quoted whole or in parts, or a bare name. A bare name is a
 * CTE or a relation that whoever runs the statement provides (`staged` in an audit).
 */
import { nameOf, offsetOf } from './ast.ts';
import type { Body } from './ast.ts';
import { RefusedSql } from './problems.ts';

export interface TableName {
  /** undefined for a bare name. */
  readonly dataset: string | undefined;
  readonly table: string;
}

/** Its parts as they were written, quotes resolved. */
export function readTablePath(body: Body): readonly string[] {
  return [nameOf(body['catalog']), nameOf(body['schema']), nameOf(body['name'])].flatMap((part) => (part === undefined ? [] : part.split('.')));
}

export function readTableName(body: Body): TableName {
  const parts = readTablePath(body);
  const [first = '', second] = parts;
  if (parts.length === 1) return { dataset: undefined, table: first };
  if (parts.length === 2 && second !== undefined) return { dataset: first, table: second };
  throw new RefusedSql('table name', `the table ${parts.join('.')} names a project: write dataset.table`, undefined, offsetOf(body));
}
