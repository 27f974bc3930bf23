/** INSERT, UPDATE, DELETE, MERGE and TRUNCATE: their structure, with the expressions inside as DuckDB SQL. */
import { allowKeys, isBody, isEmpty, nameOf, offsetOf, toList, toNode } from './ast.ts';
import type { Body, Json, Node } from './ast.ts';
import { printFromItems, printSource } from './print-from.ts';
import { quoteIdentifier } from './printed.ts';
import { RefusedSql } from './problems.ts';
import { relationOf } from './relations.ts';
import { readTablePath } from './table-names.ts';
import type { Assignment, MergeAction, MergeWhen, TablePath, TranslatedStatement, Value } from './translated-statement.ts';
import type { TranslationContext } from './translation-context.ts';

export const DML: Readonly<Record<string, (context: TranslationContext, body: Body) => TranslatedStatement>> = {
  insert: printInsert,
  update: printUpdate,
  delete: printDelete,
  merge: printMerge,
  truncate: printTruncate,
};

function printInsert(context: TranslationContext, body: Body): TranslatedStatement {
  allowKeys('INSERT', body, ['table', 'columns', 'values', 'query']);
  const target = targetOf(body['table'], ['name', 'schema', 'catalog']);
  const columns = toList(body['columns']).map((column) => nameOf(column) ?? '');
  const named = columns.length === 0 ? {} : { columns };
  if (!isEmpty(body['query'])) return { kind: 'insert', target, ...named, source: { kind: 'query', sql: context.printQuery(toNode(body['query'])) } };
  const rows = toList(body['values']).map((row) => toList(row).map((value) => printValue(context, toNode(value))));
  if (rows.length === 0) throw new RefusedSql('INSERT', 'INSERT needs VALUES or a query');
  return { kind: 'insert', target, ...named, source: { kind: 'values', rows } };
}

function printUpdate(context: TranslationContext, body: Body): TranslatedStatement {
  allowKeys('UPDATE', body, ['table', 'set', 'from_clause', 'from_joins', 'where_clause']);
  const target = targetOf(body['table'], ['name', 'schema', 'catalog', 'alias']);
  const alias = nameOf(isBody(body['table']) ? body['table']['alias'] : undefined) ?? lastOf(target);
  return context.inScope(() => {
    context.addTable(alias, target);
    const from = printFromItems(context, body['from_clause'], body['from_joins']);
    const set = toList(body['set']).map((item): Assignment => {
      const [name, value] = toList(item);
      return { path: assignedPath(nameOf(name)?.split('.') ?? [], alias), value: printValue(context, toNode(value)) };
    });
    return { kind: 'update', target, alias, set, ...(from === '' ? {} : { from }), where: printWhere(context, 'UPDATE', body) };
  });
}

function printDelete(context: TranslationContext, body: Body): TranslatedStatement {
  allowKeys('DELETE', body, ['table', 'alias', 'where_clause', 'no_from']);
  const target = targetOf(body['table'], ['name', 'schema', 'catalog']);
  const alias = nameOf(body['alias']) ?? lastOf(target);
  return context.inScope(() => {
    context.addTable(alias, target);
    return { kind: 'delete', target, alias, where: printWhere(context, 'DELETE', body) };
  });
}

function printTruncate(_context: TranslationContext, body: Body): TranslatedStatement {
  allowKeys('TRUNCATE', body, ['target', 'table']);
  if (body['target'] !== 'Table') throw new RefusedSql('TRUNCATE', 'TRUNCATE TABLE alone is supported');
  return { kind: 'truncate', target: targetOf(body['table'], ['name', 'schema', 'catalog']) };
}

function printMerge(context: TranslationContext, body: Body): TranslatedStatement {
  allowKeys('MERGE', body, ['this', 'using', 'on', 'whens']);
  const outer = toNode(body['this']);
  const table = outer.kind === 'alias' ? toNode(outer.body['this']) : outer;
  if (table.kind !== 'table') throw new RefusedSql('MERGE', 'the target of MERGE must be a table');
  const target = targetOf(table.body, ['name', 'schema', 'catalog', 'alias']);
  const alias = nameOf(outer.kind === 'alias' ? outer.body['alias'] : table.body['alias']) ?? lastOf(target);
  return context.inScope(() => {
    // Behind USING the target's alias means nothing yet: in `MERGE nba.a nba USING nba.b` the second nba is the dataset.
    const { source, sourceAlias } = printMergeSource(context, toNode(body['using']));
    context.addTable(alias, target);
    const on = context.printExpression(toNode(body['on'])).sql;
    const whens = toNode(body['whens']);
    allowKeys('MERGE', whens.body, ['expressions']);
    return {
      kind: 'merge',
      target,
      alias,
      source,
      sourceAlias,
      on,
      whens: toList(whens.body['expressions']).map((item) => printWhen(context, toNode(item), alias)),
    };
  });
}

function printMergeSource(context: TranslationContext, node: Node): { readonly source: string; readonly sourceAlias: string } {
  const inner = node.kind === 'alias' ? toNode(node.body['this']) : node;
  const written = nameOf(node.kind === 'alias' ? node.body['alias'] : node.body['alias']);
  if (inner.kind === 'subquery') {
    allowKeys('subquery', inner.body, ['this', 'alias']);
    const sourceAlias = written ?? '_fg_source';
    const query = context.printQuery(toNode(inner.body['this']));
    context.addRelation(relationOf(sourceAlias, context.shape));
    return { source: `(${query}) AS ${quoteIdentifier(sourceAlias)}`, sourceAlias };
  }
  if (inner.kind !== 'table') throw new RefusedSql('MERGE USING', 'the source of MERGE must be a table or a subquery', undefined, offsetOf(node.body));
  const sourceAlias = written ?? lastOf(readTablePath(inner.body));
  return { source: printSource(context, { kind: 'table', body: { ...inner.body, alias: { name: sourceAlias } } }), sourceAlias };
}

function printWhen(context: TranslationContext, { kind, body }: Node, alias: string): MergeWhen {
  if (kind !== 'when') throw new RefusedSql('MERGE', 'a WHEN clause is expected');
  allowKeys('WHEN', body, ['matched', 'source', 'condition', 'then']);
  const isMatched = toNode(body['matched']).body['value'] === true;
  const isBySource = !isEmpty(body['source']) && toNode(body['source']).body['value'] === true;
  const condition = isEmpty(body['condition']) ? {} : { condition: context.printExpression(toNode(body['condition'])).sql };
  return {
    match: isMatched ? 'matched' : isBySource ? 'not_matched_by_source' : 'not_matched_by_target',
    ...condition,
    action: printAction(context, toNode(body['then']), alias),
  };
}

/** `{var: DELETE}`, or a tuple of the verb and its operands. */
function printAction(context: TranslationContext, node: Node, alias: string): MergeAction {
  if (isWord(node, 'DELETE')) return { kind: 'delete' };
  const [verb, ...operands] = node.kind === 'tuple' ? toList(node.body['expressions']).map(toNode) : [];
  const [first, second] = operands;
  if (verb !== undefined && first !== undefined && isWord(verb, 'UPDATE') && second === undefined) {
    return { kind: 'update', set: tupleOf(first).map((item) => printMergeAssignment(context, item, alias)) };
  }
  if (verb !== undefined && first !== undefined && isWord(verb, 'INSERT')) {
    if (isWord(first, 'ROW') && second === undefined) return { kind: 'insert_row' };
    if (second === undefined) return { kind: 'insert', values: tupleOf(first).map((value) => printValue(context, value)) };
    const [only, ...more] = second.kind === 'tuple' ? tupleOf(second) : [];
    if (only !== undefined && more.length === 0 && isRow(only)) return { kind: 'insert_row', columns: tupleOf(first).map(columnName) };
    if (second.kind === 'tuple')
      return { kind: 'insert', columns: tupleOf(first).map(columnName), values: tupleOf(second).map((value) => printValue(context, value)) };
  }
  throw new RefusedSql('MERGE', 'this action of a WHEN clause is not supported', undefined, offsetOf(node.body));
}

function printMergeAssignment(context: TranslationContext, { kind, body }: Node, alias: string): Assignment {
  if (kind !== 'eq') throw new RefusedSql('MERGE UPDATE', 'column = value is expected', undefined, offsetOf(body));
  return { path: assignedPath(pathOf(toNode(body['left'])), alias), value: printValue(context, toNode(body['right'])) };
}

function tupleOf(node: Node): readonly Node[] {
  if (node.kind !== 'tuple') throw new RefusedSql('MERGE', 'a list in parentheses is expected', undefined, offsetOf(node.body));
  return toList(node.body['expressions']).map(toNode);
}

function columnName(node: Node): string {
  const path = pathOf(node);
  if (path.length !== 1) throw new RefusedSql('MERGE INSERT', 'a column is expected', undefined, offsetOf(node.body));
  return path[0] as string;
}

function pathOf({ kind, body }: Node): readonly string[] {
  if (kind === 'identifier') return [nameOf(body) ?? ''];
  if (kind === 'column') return [nameOf(body['table']), nameOf(body['name'])].filter((part) => part !== undefined);
  if (kind === 'dot') return [...pathOf(toNode(body['this'])), nameOf(body['field']) ?? ''];
  throw new RefusedSql('assignment', 'a column is expected on the left of an assignment', undefined, offsetOf(body));
}

/** A column, or a field of one; the target's alias before it says nothing. */
function assignedPath(path: readonly string[], alias: string): readonly string[] {
  return path.length > 1 && path[0]?.toLowerCase() === alias.toLowerCase() ? path.slice(1) : path;
}

function printValue(context: TranslationContext, node: Node): Value {
  return isDefault(node) ? { default: true } : context.printExpression(node).sql;
}

/** DEFAULT comes as a word or as a column of that name, which no table has unquoted: it is reserved. */
function isDefault(node: Node): boolean {
  if (isWord(node, 'DEFAULT')) return true;
  const name = node.kind === 'column' && isEmpty(node.body['table']) ? node.body['name'] : undefined;
  return isBody(name) && name['quoted'] !== true && nameOf(name)?.toUpperCase() === 'DEFAULT';
}

/** What `translateStatement` makes of ROW behind a list of columns. */
function isRow({ kind, body }: Node): boolean {
  return kind === 'column' && nameOf(body['name']) === '_fg_ROW';
}

function isWord(node: Node, word: string): boolean {
  return node.kind === 'var' && String(node.body['this']).toUpperCase() === word;
}

/** What a table is called where it has no alias. */
function lastOf(path: TablePath): string {
  return path.at(-1) ?? '';
}

function targetOf(value: Json | undefined, known: readonly string[]): TablePath {
  if (!isBody(value)) throw new RefusedSql('table name', 'the target is not understood');
  allowKeys('table', value, known);
  return readTablePath(value);
}

function printWhere(context: TranslationContext, statement: string, body: Body): string {
  const clause = body['where_clause'];
  if (!isBody(clause)) throw new RefusedSql(statement, `${statement} must have a WHERE clause`);
  allowKeys('WHERE', clause, ['this']);
  return context.printExpression(toNode(clause['this'])).sql;
}
