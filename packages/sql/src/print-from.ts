/** Prints FROM: tables, joins, subqueries and UNNEST. */
import { allowKeys, isBody, isEmpty, nameOf, offsetOf, toList, toNode } from './ast.ts';
import type { Body, Json, Node } from './ast.ts';
import { printExpression } from './print-expression.ts';
import { quoteIdentifier } from './printed.ts';
import { RefusedSql } from './problems.ts';
import { elementOf, known, relationOf, shapeOf, UNKNOWN_SHAPE } from './relations.ts';
import type { KnownType, Relation } from './relations.ts';
import { readTableName, readTablePath } from './table-names.ts';
import type { TranslationContext } from './translation-context.ts';

const JOINS: Readonly<Record<string, string>> = { Inner: 'JOIN', Left: 'LEFT JOIN', Right: 'RIGHT JOIN', Full: 'FULL JOIN', Cross: 'CROSS JOIN' };

export function printFrom(context: TranslationContext, select: Body): string {
  const items = printFromItems(context, select['from'], select['joins']);
  return items === '' ? '' : `FROM ${items}`;
}

/** SELECT AS STRUCT in FROM is a table of the fields. */
function valueTable(query: Node): Node {
  return query.kind === 'select' && query.body['kind'] === 'STRUCT' ? { kind: 'select', body: { ...query.body, kind: null } } : query;
}

/** The items of FROM with their joins, without the keyword. */
export function printFromItems(context: TranslationContext, from: Json | undefined, joins: Json | undefined): string {
  if (!isBody(from)) return '';
  allowKeys('FROM', from, ['expressions']);
  const items = toList(from['expressions']).map((item) => printSource(context, toNode(item)));
  return `${items.join(', ')}${printJoins(context, joins)}`;
}

function printJoins(context: TranslationContext, joins: Json | undefined): string {
  return toList(joins)
    .map((join) => printJoin(context, join))
    .join('');
}

function printJoin(context: TranslationContext, join: Json): string {
  if (!isBody(join)) throw new RefusedSql('JOIN', 'JOIN is not understood');
  allowKeys('JOIN', join, ['this', 'on', 'using', 'kind']);
  const kind = String(join['kind']);
  const keyword = JOINS[kind];
  if (keyword === undefined) throw new RefusedSql(`${kind.toUpperCase()} JOIN`, `${kind.toUpperCase()} JOIN is not supported`, undefined, offsetOf(join));
  const node = toNode(join['this']);
  const source = printSource(context, node);
  const using = toList(join['using']).map((column) => quoteIdentifier(nameOf(column) ?? ''));
  if (using.length > 0) return `\n${keyword} ${source} USING (${using.join(', ')})`;
  if (!isEmpty(join['on'])) return `\n${keyword} ${source} ON ${printExpression(context, toNode(join['on'])).sql}`;
  const needsCondition = kind !== 'Cross' && (unnestOf(node) === undefined || kind === 'Right' || kind === 'Full');
  if (needsCondition) throw new RefusedSql('JOIN', 'JOIN needs ON or USING', undefined, offsetOf(join));
  return kind === 'Cross' ? `\n${keyword} ${source}` : `\n${keyword} ${source} ON true`;
}

export function printSource(context: TranslationContext, node: Node): string {
  const unnest = unnestOf(node);
  if (unnest !== undefined) return printUnnest(context, unnest);
  if (node.kind === 'table') return printTable(context, node.body);
  if (node.kind === 'subquery') {
    allowKeys('subquery', node.body, ['this', 'alias']);
    const alias = nameOf(node.body['alias']);
    const query = context.printQuery(valueTable(toNode(node.body['this'])));
    context.addRelation(relationOf(alias ?? '', context.shape));
    return `(${query})${alias === undefined ? '' : ` AS ${quoteIdentifier(alias)}`}`;
  }
  if (node.kind === 'joined_table') {
    allowKeys('JOIN', node.body, ['left', 'joins']);
    return `(${printSource(context, toNode(node.body['left']))}${printJoins(context, node.body['joins'])})`;
  }
  const name = node.kind.replaceAll('_', ' ').toUpperCase();
  throw new RefusedSql(name, `${name} in FROM is not supported`, context.locate(name));
}

/** A CTE, or a table: of a pipeline by its own name, of a statement by what the caller calls it. */
function printTable(context: TranslationContext, body: Body): string {
  allowKeys('table', body, ['name', 'schema', 'catalog', 'alias']);
  const path = context.mode === undefined ? pipelineTable(body) : readTablePath(body);
  const [first = ''] = path;
  if (context.mode !== undefined && path.length > 1 && context.isRelation(first)) {
    throw new RefusedSql('array join', `the path ${path.join('.')} in FROM is an array: write UNNEST(${path.join('.')})`, undefined, offsetOf(body));
  }
  const alias = nameOf(body['alias']) ?? path.at(-1) ?? '';
  const isCte = path.length === 1 && context.isCte(first);
  if (isCte) context.addRelation(relationOf(alias, context.cteShape(first)));
  else context.addTable(alias, path);
  const text = isCte || context.mode === undefined ? path.map(quoteIdentifier).join('.') : context.mode.tableName(path);
  return `${text} AS ${quoteIdentifier(alias)}`;
}

function pipelineTable(body: Body): readonly string[] {
  const { dataset, table } = readTableName(body);
  return dataset === undefined ? [table] : [dataset, table];
}

interface Unnest {
  readonly list: Node;
  readonly alias: string | undefined;
  /** undefined: no WITH OFFSET. */
  readonly offsetAlias: string | undefined;
}

/** UNNEST comes bare, with its alias inside, or inside an alias node. */
function unnestOf(node: Node): Unnest | undefined {
  const outer = node.kind === 'alias' ? toNode(node.body['this']) : node;
  if (outer.kind !== 'unnest') return undefined;
  const { body } = outer;
  allowKeys('UNNEST', body, ['this', 'alias', 'with_ordinality', 'offset_alias']);
  const offsetAlias = body['with_ordinality'] === true ? (nameOf(body['offset_alias']) ?? 'offset') : undefined;
  return { list: toNode(body['this']), alias: nameOf(node.kind === 'alias' ? node.body['alias'] : body['alias']), offsetAlias };
}

function isStructList(list: Node): boolean {
  if (list.kind === 'cast') {
    const to = list.body['to'];
    return isBody(to) && isBody(to['element_type']) && to['element_type']['data_type'] === 'struct';
  }
  const [first] = list.kind === 'array_func' ? toList(list.body['expressions']).map(toNode) : [];
  return (
    first !== undefined &&
    ((first.kind === 'function' && String(first.body['name']).toUpperCase() === 'STRUCT') ||
      (first.kind === 'cast' && toNode(first.body['this']).kind === 'struct'))
  );
}

/** A list of STRUCTs, where that is known, is a table of their fields; any other list a column named by its alias. */
function printUnnest(context: TranslationContext, { list, alias, offsetAlias }: Unnest): string {
  const name = alias === undefined ? context.nextUnnestAlias() : quoteIdentifier(alias);
  const value = printExpression(context, list);
  const text = value.sql;
  const offset = offsetAlias === undefined ? '' : `, unnest(range(len(${text}))) AS ${quoteIdentifier(offsetAlias)}`;
  const element = elementOf(value.google);
  context.addRelation(unnestedRelation(alias ?? '', offsetAlias, element));
  if (isStructList(list) || element.google?.kind === 'STRUCT') return `(SELECT unnest(${text}, max_depth := 2)${offset}) AS ${name}`;
  return `(SELECT unnest(${text}) AS ${name}${offset}) AS ${context.nextUnnestAlias()}`;
}

function unnestedRelation(alias: string, offsetAlias: string | undefined, element: KnownType): Relation {
  if (element.type === undefined && element.google === undefined) return relationOf(alias, UNKNOWN_SHAPE);
  const fields =
    element.google?.kind === 'STRUCT' ? element.google.fields.map((field): [string, KnownType] => [field.name.toLowerCase(), known(field.type)]) : [];
  const columns = new Map<string, KnownType>([[alias.toLowerCase(), element], ...fields]);
  if (offsetAlias !== undefined) columns.set(offsetAlias.toLowerCase(), { type: 'INT64' });
  return relationOf(alias, shapeOf(columns));
}

/** Whether these lists never hold STRUCTs. */
function hasScalars(list: Node): boolean {
  if (list.kind === 'array_func') return true;
  if (list.kind === 'cast') return !isStructList(list);
  return (
    list.kind === 'function' && ['GENERATE_ARRAY', 'GENERATE_DATE_ARRAY', 'GENERATE_TIMESTAMP_ARRAY', 'SPLIT'].includes(String(list.body['name']).toUpperCase())
  );
}

/** Whether `*` would meet an UNNEST without a name, or one whose elements may be STRUCTs with unknown fields. */
export function hasUnnamedStructUnnest(select: Body): boolean {
  const from = isBody(select['from']) ? toList(select['from']['expressions']).map(toNode) : [];
  const joined = toList(select['joins']).flatMap((join) => (isBody(join) ? [toNode(join['this'])] : []));
  return [...from, ...joined].some((node) => {
    const unnest = unnestOf(node);
    if (unnest === undefined || isStructList(unnest.list)) return false;
    return unnest.alias === undefined || !hasScalars(unnest.list);
  });
}
