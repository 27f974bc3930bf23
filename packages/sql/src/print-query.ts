/** Prints queries: WITH, SELECT, set operations. FROM is in print-from.ts. */
import { allowKeys, isBody, isEmpty, nameOf, toList, toNode } from './ast.ts';
import type { Body, Json, Node } from './ast.ts';
import { printExpression } from './print-expression.ts';
import { fieldNameOf, printStructField, structOf } from './print-structs.ts';
import { hasUnnamedStructUnnest, printFrom } from './print-from.ts';
import { bare, quoteIdentifier } from './printed.ts';
import type { Printed } from './printed.ts';
import { RefusedSql } from './problems.ts';
import { listShape, relationOf, setShape, UNKNOWN_SHAPE } from './relations.ts';
import type { KnownType, Shape } from './relations.ts';
import type { TranslationContext } from './translation-context.ts';
import { printOrderBy, printSpecification } from './windows.ts';

const SELECT_KEYS = [
  'expressions',
  'from',
  'joins',
  'where_clause',
  'group_by',
  'having',
  'qualify',
  'order_by',
  'limit',
  'offset',
  'distinct',
  'with',
  'windows',
  'kind',
];
const SET_OPERATIONS: Readonly<Record<string, string>> = { union: 'UNION', intersect: 'INTERSECT', except: 'EXCEPT' };

export function printQuery(context: TranslationContext, node: Node): string {
  if (node.kind === 'select') return context.inScope(() => printSelect(context, node.body));
  if (SET_OPERATIONS[node.kind] !== undefined) return context.inScope(() => printSetOperation(context, node));
  if (node.kind === 'subquery') return printParenthesized(context, node.body);
  throw new RefusedSql(node.kind.replaceAll('_', ' ').toUpperCase(), 'one SELECT statement is expected');
}

function printWith(context: TranslationContext, body: Body): string {
  if (isEmpty(body['with']) || !isBody(body['with'])) return '';
  allowKeys('WITH', body['with'], ['ctes']);
  const ctes = toList(body['with']['ctes']).map((cte) => {
    if (!isBody(cte)) throw new RefusedSql('WITH', 'WITH is not understood');
    allowKeys('WITH', cte, ['alias', 'this']);
    const name = nameOf(cte['alias']) ?? '';
    const query = context.printQuery(toNode(cte['this']));
    context.addCte(name, context.shape);
    return `${quoteIdentifier(name)} AS (${query})`;
  });
  return `WITH ${ctes.join(',\n')}\n`;
}

function printTail(context: TranslationContext, body: Body, aliases?: ReadonlyMap<string, Printed>): string {
  const order = isBody(body['order_by']) ? ` ORDER BY ${printOrderBy(context, body['order_by']['expressions'], aliases)}` : '';
  return `${order}${printCount(context, ' LIMIT ', body['limit'])}${printCount(context, ' OFFSET ', body['offset'])}`;
}

/** LIMIT and OFFSET come as `{this: node}` in a SELECT and as the node itself behind a set operation. */
function printCount(context: TranslationContext, keyword: string, value: Json | undefined): string {
  if (isEmpty(value)) return '';
  const node = isBody(value) && 'this' in value ? toNode(value['this']) : toNode(value);
  return `${keyword}${bare(printExpression(context, node))}`;
}

function printSetOperation(context: TranslationContext, node: Node): string {
  const { body, kind } = node;
  allowKeys(kind.toUpperCase(), body, ['left', 'right', 'all', 'distinct', 'with', 'order_by', 'limit', 'offset']);
  if (kind !== 'union' && body['all'] === true) throw new RefusedSql(`${kind.toUpperCase()} ALL`, `${kind.toUpperCase()} ALL is not supported: write DISTINCT`);
  if (body['all'] !== true && body['distinct'] !== true) throw new RefusedSql(kind.toUpperCase(), `${kind.toUpperCase()} needs ALL or DISTINCT`);
  const operator = `${SET_OPERATIONS[kind]}${body['all'] === true ? ' ALL' : ''}`;
  const start = printWith(context, body);
  const left = toNode(body['left']);
  const right = toNode(body['right']);
  const leftText = printSide(context, left, left.kind === kind);
  const leftShape = context.shape;
  const rightText = printSide(context, right, false);
  const shape = setShape(leftShape, context.shape);
  context.addRelation(relationOf('', shape));
  const text = `${start}${leftText}\n${operator}\n${rightText}${printTail(context, body)}`;
  context.shape = shape;
  return text;
}

/** A side in parentheses, so that its own ORDER BY, LIMIT or WITH stay its own. */
function printSide(context: TranslationContext, node: Node, isSameOperation: boolean): string {
  if (node.kind === 'subquery') return `(${context.printQuery(node)})`;
  const text = context.printQuery(node);
  return isSameOperation ? text : `(${text})`;
}

function printParenthesized(context: TranslationContext, body: Body): string {
  allowKeys('subquery', body, ['this', 'order_by', 'limit', 'offset', 'modifiers_inside']);
  const query = context.printQuery(toNode(body['this']));
  const { shape } = context;
  const tail = context.inScope(() => {
    context.addRelation(relationOf('', shape));
    return printTail(context, body);
  });
  context.shape = shape;
  return tail === '' ? query : `SELECT * FROM (${query})${tail}`;
}

function printSelect(context: TranslationContext, body: Body): string {
  allowKeys('SELECT', body, SELECT_KEYS);
  const start = printWith(context, body);
  const from = printFrom(context, body);
  const { text: list, shape } = printSelectList(context, body);
  const aliases = renamedExpressions(context, body);
  const text =
    [
      `${start}SELECT ${body['distinct'] === true ? 'DISTINCT ' : ''}${list}`,
      from,
      printClause(context, 'WHERE', body['where_clause']),
      printGroupBy(context, body),
      context.withAliases(aliases, () => printClause(context, 'HAVING', body['having']), true),
      printNamedWindows(context, body['windows']),
      context.withAliases(aliases, () => printClause(context, 'QUALIFY', body['qualify'])),
    ]
      .filter((part) => part !== '')
      .join('\n') + printTail(context, body, aliases);
  context.shape = shape;
  return text;
}

/**
 * Names of the SELECT list that are not just their column. In HAVING, QUALIFY and ORDER BY such a name goes before a
 * column of FROM in GoogleSQL. DuckDB does the same in HAVING outside aggregates and where ORDER BY names it alone;
 * everywhere else the column goes first there, so the expression is written out.
 */
function renamedExpressions(context: TranslationContext, body: Body): ReadonlyMap<string, Printed> {
  const isUsed = !isEmpty(body['having']) || !isEmpty(body['qualify']) || !isEmpty(body['order_by']);
  const items = isUsed ? toList(body['expressions']).map(toNode) : [];
  return new Map(
    items.flatMap((item) => (isRenamed(item) ? [[fieldNameOf(item)?.toLowerCase() ?? '', printExpression(context, toNode(item.body['this']))]] : [])),
  );
}

function isRenamed(item: Node): boolean {
  if (item.kind !== 'alias') return false;
  return fieldNameOf(toNode(item.body['this']))?.toLowerCase() !== fieldNameOf(item)?.toLowerCase();
}

function printClause(context: TranslationContext, keyword: string, clause: Json | undefined): string {
  if (!isBody(clause)) return '';
  allowKeys(keyword, clause, ['this']);
  return `${keyword} ${printExpression(context, toNode(clause['this'])).sql}`;
}

function printGroupBy(context: TranslationContext, body: Body): string {
  const clause = body['group_by'];
  if (!isBody(clause)) return '';
  allowKeys('GROUP BY', clause, ['expressions']);
  const items = toList(body['expressions']).map(toNode);
  return `GROUP BY ${toList(clause['expressions'])
    .map((key) => printGroupKey(context, toNode(key), items))
    .join(', ')}`;
}

/** A name of the SELECT list goes before a column here too; by its position it cannot be mistaken. */
function printGroupKey(context: TranslationContext, key: Node, items: readonly Node[]): string {
  const name = key.kind === 'column' && isEmpty(key.body['table']) ? fieldNameOf(key)?.toLowerCase() : undefined;
  const index = name === undefined ? -1 : items.findIndex((item) => fieldNameOf(item)?.toLowerCase() === name);
  const item = items[index];
  const isItself = item === undefined || (item.kind === 'column' && isEmpty(item.body['table']));
  if (isItself || items.some(({ kind }) => kind === 'star')) return bare(printExpression(context, key));
  return String(index + 1);
}

function printNamedWindows(context: TranslationContext, windows: Json | undefined): string {
  if (isEmpty(windows)) return '';
  const parts = toList(windows).map((window) => {
    const spec = isBody(window) ? window['spec'] : undefined;
    if (!isBody(window) || !isBody(spec)) throw new RefusedSql('WINDOW', 'WINDOW is not understood');
    if (!isEmpty(spec['window_name'])) throw new RefusedSql('WINDOW', 'a named window that builds on another is not supported');
    return `${quoteIdentifier(nameOf(window['name']) ?? '')} AS (${printSpecification(context, spec)})`;
  });
  return `WINDOW ${parts.join(', ')}`;
}

function printSelectList(context: TranslationContext, body: Body): { readonly text: string; readonly shape: Shape } {
  const items = toList(body['expressions']).map(toNode);
  if (body['kind'] === 'STRUCT' && body['distinct'] === true) throw new RefusedSql('SELECT DISTINCT AS STRUCT', 'SELECT DISTINCT AS STRUCT is not supported');
  if (body['kind'] === 'STRUCT') {
    const struct = structOf(items.map((item) => printStructField(context, item)));
    return { text: struct.sql, shape: context.knowsTypes ? listShape([['', { google: struct.google }]], []) : UNKNOWN_SHAPE };
  }
  if (!isEmpty(body['kind'])) throw new RefusedSql(`SELECT AS ${String(body['kind'])}`, `SELECT AS ${String(body['kind'])} is not supported`);
  const columns: (readonly [string, KnownType])[] = [];
  const stars: Shape[] = [];
  let anonymous = 0;
  const texts = items.map((item) => {
    if (item.kind === 'star') {
      stars.push(starShape(context, item.body));
      return printStar(context, item.body, body);
    }
    const name = fieldNameOf(item) ?? `f${anonymous++}_`;
    const value = printExpression(context, item.kind === 'alias' ? toNode(item.body['this']) : item);
    columns.push([name.toLowerCase(), { type: value.type, google: value.google }]);
    return `${value.sql} AS ${quoteIdentifier(name)}`;
  });
  return { text: texts.join(', '), shape: context.knowsTypes ? listShape(columns, stars) : UNKNOWN_SHAPE };
}

/** The columns that `*` stands for. */
function starShape(context: TranslationContext, star: Body): Shape {
  const table = nameOf(star['table'])?.toLowerCase();
  const relations = table === undefined ? context.relations : context.relations.filter(({ alias }) => alias === table);
  const hidden = new Set(toList(star['except']).map((column) => (nameOf(column) ?? '').toLowerCase()));
  // What REPLACE puts in place of a column has a type of its own.
  const replaced = new Set(toList(star['replace']).map((item) => (isBody(item) ? (nameOf(item['alias']) ?? '').toLowerCase() : '')));
  const shape = listShape([], relations.length === 0 ? [UNKNOWN_SHAPE] : relations);
  return {
    column: (name) => (hidden.has(name) ? undefined : replaced.has(name) ? {} : shape.column(name)),
    isComplete: shape.isComplete,
  };
}

function printStar(context: TranslationContext, star: Body, select: Body): string {
  allowKeys('*', star, ['table', 'except', 'replace']);
  const table = nameOf(star['table']);
  if (table === undefined && hasUnnamedStructUnnest(select)) {
    throw new RefusedSql(
      '*',
      'SELECT * beside UNNEST of a column, or of a list without alias, is not supported, since its columns are unknown: name the columns',
    );
  }
  const except = toList(star['except']).map((column) => quoteIdentifier(nameOf(column) ?? ''));
  const replace = toList(star['replace']).map((item) => {
    const alias = isBody(item) ? nameOf(item['alias']) : undefined;
    if (!isBody(item) || alias === undefined) throw new RefusedSql('REPLACE', 'REPLACE is not understood');
    return `${printExpression(context, toNode(item['this'])).sql} AS ${quoteIdentifier(alias)}`;
  });
  return [
    table === undefined ? '*' : `${quoteIdentifier(table)}.*`,
    except.length === 0 ? '' : ` EXCLUDE (${except.join(', ')})`,
    replace.length === 0 ? '' : ` REPLACE (${replace.join(', ')})`,
  ].join('');
}
