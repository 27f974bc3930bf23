// What is taken from the statement as Google's analyzer resolved it (AnyResolvedStatementProto): its kind, its columns, and
// the tables that it reads and writes.
import { BigQueryProblem, notImplemented } from '../problem.ts';
import type { StatementKind } from '../statement.ts';
import type { Column } from '../types.ts';
import { fromProtoType } from './proto-type.ts';
import type { ProtoType } from './proto-type.ts';

type Json = Readonly<Record<string, unknown>>;
const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);

export type ResolvedStatement = {
  readonly kind: StatementKind;
  readonly columns: readonly Column[];
  /** Full names, as the catalog has them. */
  readonly reads: readonly string[];
  /** A full name for DML, the path of the statement for DDL. */
  readonly target?: { readonly fullName: string } | { readonly path: readonly string[] };
};

const kindOfNode: Readonly<Record<string, StatementKind>> = {
  resolvedQueryStmtNode: 'SELECT',
  resolvedInsertStmtNode: 'INSERT',
  resolvedUpdateStmtNode: 'UPDATE',
  resolvedDeleteStmtNode: 'DELETE',
  resolvedMergeStmtNode: 'MERGE',
  resolvedTruncateStmtNode: 'TRUNCATE_TABLE',
  resolvedCreateTableStmtNode: 'CREATE_TABLE',
  resolvedCreateTableAsSelectStmtNode: 'CREATE_TABLE_AS_SELECT',
  resolvedCreateSchemaStmtNode: 'CREATE_SCHEMA',
  resolvedBeginStmtNode: 'BEGIN_TRANSACTION',
  resolvedCommitStmtNode: 'COMMIT_TRANSACTION',
  resolvedRollbackStmtNode: 'ROLLBACK_TRANSACTION',
  resolvedAssertStmtNode: 'ASSERT',
};

export function readResolvedStatement(resolved: Json): ResolvedStatement {
  const { name, node, ancestors } = unwrap(resolved);
  const kind = name === 'resolvedDropStmtNode' ? dropKind(node) : kindOfNode[name];
  if (kind === undefined) throw notSupported(name);
  const reads = tablesRead(node, kind);
  switch (kind) {
    case 'SELECT':
      if (node['isValueTable'] === true) throw notImplemented('SELECT AS STRUCT and SELECT AS VALUE as the whole statement');
      return { kind, columns: columnsOf(node, ''), reads };
    case 'CREATE_TABLE':
    case 'CREATE_TABLE_AS_SELECT':
    case 'CREATE_SCHEMA':
      return { kind, columns: kind === 'CREATE_TABLE_AS_SELECT' ? columnsOf(node, 'CREATE TABLE') : [], reads, target: { path: createPath(ancestors, node) } };
    case 'DROP_TABLE':
    case 'DROP_SCHEMA':
      return { kind, columns: [], reads, target: { path: node['namePath'] as readonly string[] } };
    case 'BEGIN_TRANSACTION':
    case 'COMMIT_TRANSACTION':
    case 'ROLLBACK_TRANSACTION':
    case 'ASSERT':
      return { kind, columns: [], reads };
    default:
      return { kind, columns: [], reads, target: { fullName: tableOf(node['tableScan']) } };
  }
}

/** The protocol wraps a statement in one message per base class: `resolvedCreateStatementNode.resolvedCreateTableStmtBaseNode…`. */
function unwrap(resolved: Json): { name: string; node: Json; ancestors: readonly Json[] } {
  const wrapper = /^resolved(?:Create|Alter)(?:Statement|\w+StmtBase|ObjectStmt)Node$/u;
  let node = resolved;
  for (;;) {
    const name = Object.keys(node).find((key) => key.endsWith('Node') && isJson(node[key]));
    if (name === undefined) throw new BigQueryProblem('internalError', "Google's analyzer answered without a statement");
    node = node[name] as Json;
    if (!wrapper.test(name)) return { name, node, ancestors: parentsOf(node) };
  }
}

function parentsOf(node: Json): readonly Json[] {
  const parents: Json[] = [];
  for (let parent = node['parent']; isJson(parent); parent = parent['parent']) parents.push(parent);
  return parents;
}

function createPath(parents: readonly Json[], node: Json): readonly string[] {
  const statement = [node, ...parents].find((parent) => Array.isArray(parent['namePath']) && parent['namePath'].length > 0);
  const scope = statement?.['createScope'];
  if (scope !== undefined && scope !== 'CREATE_DEFAULT_SCOPE') throw notImplemented('temporary tables');
  return (statement?.['namePath'] ?? []) as readonly string[];
}

function dropKind(node: Json): StatementKind {
  if (node['objectType'] === 'TABLE') return 'DROP_TABLE';
  if (node['objectType'] === 'SCHEMA') return 'DROP_SCHEMA';
  throw notImplemented(`DROP ${String(node['objectType'])}`);
}

/** Statements of other products of Google's, in BigQuery's words. */
const notSupported = (node: string): BigQueryProblem =>
  new BigQueryProblem('invalidQuery', `Statement not supported: ${node.replace(/^resolved/u, '').replace(/StmtNode$/u, '')}Statement`, 'query');

/** Names that the statement does not give (`$col1`) are empty. */
function columnsOf(node: Json, statement: string): readonly Column[] {
  const list = (node['outputColumnList'] ?? []) as readonly { readonly name?: string; readonly column: { readonly type: ProtoType } }[];
  const columns = list.map(({ name = '', column }) => ({ name: name.startsWith('$') ? '' : name, type: fromProtoType(column.type, `column ${name}`) }));
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (name !== '' && seen.has(name.toLowerCase())) {
      const message = statement === '' ? 'Duplicate column names in the result are not supported.' : `${statement} has columns with duplicate names.`;
      throw new BigQueryProblem('invalidQuery', `${message} Found duplicate(s): ${name}`, 'query');
    }
    seen.add(name.toLowerCase());
  }
  return columns;
}

/** What UPDATE, DELETE and MERGE change they read as well; where INSERT and TRUNCATE name a table, nothing of it is read. */
function tablesRead(statement: Json, kind: StatementKind): readonly string[] {
  const reads = new Set<string>();
  if (kind === 'UPDATE' || kind === 'DELETE' || kind === 'MERGE') reads.add(tableOf(statement['tableScan']));
  const left: unknown[] = [statement];
  while (left.length > 0) {
    const value = left.pop();
    if (Array.isArray(value)) for (const item of value) left.push(item);
    else if (isJson(value)) {
      for (const [key, inner] of Object.entries(value)) {
        if (key === 'resolvedTableScanNode' && isJson(inner)) reads.add(tableOf(inner));
        if (typeof inner === 'object') left.push(inner);
      }
    }
  }
  return [...reads].toSorted();
}

const tableOf = (scan: unknown): string => (scan as { readonly table: { readonly fullName?: string; readonly name: string } }).table.fullName ?? '';
