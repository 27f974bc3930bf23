// Queries and indexes as SQL. Each declared index is a partial expression index ending in the path: a query that uses it up finds
// one collection's entries side by side, in path order. INDEXED BY says which one, since SQLite has no statistics to choose by.
import type { CheckedQuery, Scalar } from '@floodgate/core/ports/document-rules.ts';
import type { StoreIndex } from '@floodgate/core/contracts/store-indexes.ts';

export type SqlQuery = { readonly sql: string; readonly values: readonly Scalar[] };

export function indexName(index: StoreIndex): string {
  return ['documents_in', index.group, 'by', ...index.fields.map((field) => field.replaceAll('.', '__'))].join('_');
}

/** Names are checked by createIndexCatalog: letters, digits, underscores and dots only. */
export function indexStatement(index: StoreIndex): string {
  return `CREATE INDEX IF NOT EXISTS ${indexName(index)} ON documents (${[...index.fields.map(fieldExpression), 'path'].join(', ')}) WHERE grp = '${index.group}'`;
}

function fieldExpression(field: string): string {
  return `json_extract(data, '$.${field}')`;
}

export function queryStatement(query: CheckedQuery, columns: string): SqlQuery {
  const values: Scalar[] = [];
  const bind = (value: Scalar): string => {
    values.push(value);
    return '?';
  };
  const conditions: string[] = [];
  // A literal where an index is partial on it: SQLite can't prove a bound value equal to the index's.
  conditions.push(query.index === undefined ? `grp = ${bind(query.group)}` : `grp = '${query.group}'`);
  for (const { field, values: accepted } of query.equal) {
    conditions.push(
      accepted.length === 1 ? `${fieldExpression(field)} = ${bind(accepted[0]!)}` : `${fieldExpression(field)} IN (${accepted.map(bind).join(', ')})`,
    );
  }
  for (const { field, op, value } of query.ranges) {
    conditions.push(`${fieldExpression(field)} ${op} ${bind(value)}`);
    // SQLite sorts every number before every text; a range holds values of one type.
    if (typeof value === 'number' && op.startsWith('>')) conditions.push(`${fieldExpression(field)} < ''`);
    if (typeof value === 'string' && op.startsWith('<')) conditions.push(`${fieldExpression(field)} >= ''`);
  }
  if (query.orderBy !== undefined) conditions.push(`${fieldExpression(query.orderBy.field)} IS NOT NULL`);
  // '0' follows '/': exactly the paths below the collection (deeper ones of the same group can't be there: splitDocumentPath).
  if (query.collection !== undefined) conditions.push(`path > ${bind(`${query.collection}/`)} AND path < ${bind(`${query.collection}0`)}`);

  const order = query.orderBy === undefined ? 'path' : `${fieldExpression(query.orderBy.field)} ${query.orderBy.direction}, path`;
  const indexedBy = query.index === undefined ? 'documents_by_grp' : indexName(query.index);
  const limit = query.limit === undefined ? '' : ` LIMIT ${bind(query.limit)}`;
  return { sql: `SELECT ${columns} FROM documents INDEXED BY ${indexedBy} WHERE ${conditions.join(' AND ')} ORDER BY ${order}${limit}`, values };
}
