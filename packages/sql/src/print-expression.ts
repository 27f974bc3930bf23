/**
 * Prints expressions. Every node kind that it knows is listed here; any other is refused by name. A refusal inside an
 * expression is noted and printing goes on, so that one run names all problems of a statement.
 */
import { toAggregate } from './aggregate-nodes.ts';
import { allowKeys, isBody, isEmpty, nameOf, offsetOf, toList, toNode } from './ast.ts';
import type { Body, Json, Node } from './ast.ts';
import { printCast, toDuckdbType, toSqlType } from './casts.ts';
import { printAggregate } from './functions/aggregates.ts';
import type { AggregateCall } from './functions/aggregates.ts';
import { ELEMENT_ACCESS, printElement } from './functions/arrays.ts';
import { SCALAR_FUNCTIONS } from './functions/allowed.ts';
import type { FunctionCall } from './functions/call.ts';
import { printExtract } from './functions/dates.ts';
import { refusalOf } from './functions/refused.ts';
import { SESSION_FUNCTIONS } from './functions/session.ts';
import { printLiteral, stringValueOf } from './literals.ts';
import { toCall } from './node-functions.ts';
import { OPERATORS } from './operators.ts';
import { bare, commonType, printed, quoteIdentifier, quoteString } from './printed.ts';
import type { Printed } from './printed.ts';
import { RefusedSql } from './problems.ts';
import type { TranslationContext } from './translation-context.ts';
import { printOrderBy, printWindow } from './windows.ts';

/** Prints an expression; notes what is refused and answers NULL in its place. */
export function printExpression(context: TranslationContext, node: Node): Printed {
  try {
    return printNode(context, node);
  } catch (error) {
    if (!(error instanceof RefusedSql)) throw error;
    context.note(error, offsetOf(node.body));
    return printed('NULL');
  }
}

function printNode(context: TranslationContext, node: Node): Printed {
  const { kind, body } = node;
  const operator = OPERATORS[kind];
  if (operator !== undefined) return operator(child(context), node);
  const special = SPECIAL_NODES[kind];
  if (special !== undefined) return special(context, node);
  if (kind === 'window_function') return printWindowFunction(context, body);
  if (kind === 'parameter' && context.mode !== undefined) return printSystemVariable(context, body);
  const aggregate = toAggregate(node);
  if (aggregate !== undefined) return context.withinAggregate(() => printAggregateNode(context, node, undefined));
  const call = toCall(node);
  if (call === undefined) {
    const name = kind.replaceAll('_', ' ').toUpperCase();
    throw new RefusedSql(name, refusalOf(name), context.locate(name.replaceAll(' ', '_')));
  }
  if (call.name === 'ARRAY') return printArraySubquery(context, call.args);
  if (call.name === 'STRUCT') return printStruct(context, call.args);
  const ofSession = context.mode === undefined ? undefined : SESSION_FUNCTIONS.get(call.name);
  if (ofSession !== undefined) return ofSession(functionCall(context, call.name, call.args), () => context.printSystemValue('now', 'TIMESTAMP'));
  const print = SCALAR_FUNCTIONS.get(call.name);
  if (print === undefined) throw new RefusedSql(call.name, refusalOf(call.name), context.locate(call.name));
  try {
    return print(functionCall(context, call.name, call.args));
  } catch (error) {
    throw error instanceof RefusedSql && error.offset === undefined ? new RefusedSql(error.construct, error.message, context.locate(call.name)) : error;
  }
}

function printSystemVariable(context: TranslationContext, body: Body): Printed {
  const name = `${body['style'] === 'DoubleAt' ? '@@' : ''}${String(body['name'])}`;
  if (name.toLowerCase() === '@@row_count') return context.printSystemValue('row_count', 'INT64');
  throw new RefusedSql(name, `${name} is not supported`);
}

function functionCall(context: TranslationContext, name: string, args: readonly Node[]): FunctionCall {
  return { name, args, ...child(context) };
}

function child(context: TranslationContext) {
  return {
    print: (node: Node) => printExpression(context, node),
    stringLiteral: (node: Node | undefined) => (node === undefined ? undefined : stringValueOf(context.lexed, node)),
    integerLiteral,
  };
}

function integerLiteral(node: Node | undefined): bigint | undefined {
  if (node?.kind === 'neg') {
    const value = integerLiteral(toNode(node.body['this']));
    return value === undefined ? undefined : -value;
  }
  if (node?.kind !== 'literal' || node.body['literal_type'] !== 'number') return undefined;
  const text = String(node.body['value']);
  return /^\d+$/u.test(text) ? BigInt(text) : undefined;
}

type NodePrinter = (context: TranslationContext, node: Node) => Printed;

const SPECIAL_NODES: Readonly<Record<string, NodePrinter>> = {
  literal: (context, node) => printLiteral(context.lexed, node),
  boolean: (_context, node) => printed(node.body['value'] === true ? 'true' : 'false', 'BOOL'),
  null: () => printed('NULL'),
  paren: (context, node) => printExpression(context, toNode(node.body['this'])),
  column: printColumn,
  dot: printField,
  case: printCase,
  cast: (context, node) => printCastNode(context, node, false),
  safe_cast: (context, node) => printCastNode(context, node, true),
  extract: (context, node) => printExtract(functionCall(context, 'EXTRACT', [toNode(node.body['this'])]), node.body['field']),
  in: printIn,
  exists: (context, node) => printed(`(EXISTS (${context.printQuery(toNode(node.body['this']))}))`, 'BOOL'),
  subquery: printScalarSubquery,
  subscript: printSubscript,
  array_func: (context, node) => printArrayLiteral(context, node.body),
  array: (context, node) => printArrayLiteral(context, node.body),
};

/** The node kinds beside operators, functions and aggregates. */
export const ALLOWED_NODES: readonly string[] = Object.keys(SPECIAL_NODES);

function printColumn(context: TranslationContext, node: Node): Printed {
  const { body } = node;
  allowKeys('column', body, ['name', 'table']);
  const name = nameOf(body['name']) ?? '';
  const table = nameOf(body['table']);
  if (name.startsWith('@')) return context.printParameter(name.slice(1));
  if (table?.startsWith('@') === true) return printed(`struct_extract(${context.printParameter(table.slice(1)).sql}, ${quoteString(name)})`);
  const aliased = table === undefined ? context.aliased(name) : undefined;
  if (aliased !== undefined) return aliased;
  return printed(table === undefined ? quoteIdentifier(name) : `${quoteIdentifier(table)}.${quoteIdentifier(name)}`);
}

function printField(context: TranslationContext, node: Node): Printed {
  allowKeys('field access', node.body, ['this', 'field']);
  const field = nameOf(node.body['field']);
  if (field === undefined) throw new RefusedSql('field access', 'this way to access a field is not supported');
  return printed(`struct_extract(${printExpression(context, toNode(node.body['this'])).sql}, ${quoteString(field)})`);
}

function printCase(context: TranslationContext, node: Node): Printed {
  allowKeys('CASE', node.body, ['operand', 'whens', 'else_']);
  const { operand, whens, else_: otherwise } = node.body;
  const results: Printed[] = [];
  const branches = toList(whens).map((when) => {
    const [test, result] = toList(when);
    const value = printExpression(context, toNode(result));
    results.push(value);
    return ` WHEN ${bare(printExpression(context, toNode(test)))} THEN ${value.sql}`;
  });
  const last = isEmpty(otherwise) ? undefined : printExpression(context, toNode(otherwise));
  const subject = isEmpty(operand) ? '' : ` ${printExpression(context, toNode(operand)).sql}`;
  return printed(
    `(CASE${subject}${branches.join('')}${last === undefined ? '' : ` ELSE ${last.sql}`} END)`,
    commonType(last === undefined ? results : [...results, last]),
  );
}

function printCastNode(context: TranslationContext, node: Node, isSafe: boolean): Printed {
  allowKeys(isSafe ? 'SAFE_CAST' : 'CAST', node.body, ['this', 'to']);
  const inner = toNode(node.body['this']);
  const to = node.body['to'];
  if (inner.kind === 'array') return printed(`CAST(${printArrayLiteral(context, inner.body, elementFields(to)).sql} AS ${toDuckdbType(to)})`);
  if (inner.kind === 'struct') return printTypedStruct(context, inner.body, to);
  return printCast(printExpression(context, inner), toSqlType(to), isSafe);
}

function printTypedStruct(context: TranslationContext, body: Body, to: Json | undefined): Printed {
  const types = isBody(to) ? toList(to['fields']) : [];
  const fields = toList(body['fields']).map((field, index) => {
    const type = types[index];
    const value = toList(field)[1];
    if (!isBody(type) || isEmpty(type['name']) || value === undefined) throw new RefusedSql('STRUCT', 'STRUCT<...>: every field needs a name and a value');
    return `${quoteIdentifier(String(type['name']))} := CAST(${printExpression(context, toNode(value)).sql} AS ${toDuckdbType(type['data_type'])})`;
  });
  return printed(`struct_pack(${fields.join(', ')})`);
}

function printStruct(context: TranslationContext, args: readonly Node[]): Printed {
  return printed(`struct_pack(${args.map((node) => printStructField(context, node)).join(', ')})`);
}

export function printStructField(context: TranslationContext, node: Node): string {
  const name = fieldNameOf(node);
  if (name === undefined) throw new RefusedSql('STRUCT', 'STRUCT: every field needs a name (write x AS name)');
  const value = node.kind === 'alias' ? toNode(node.body['this']) : node;
  return `${quoteIdentifier(name)} := ${printExpression(context, value).sql}`;
}

/** The name that GoogleSQL gives to an expression in a SELECT list or a STRUCT; undefined where it is anonymous. */
export function fieldNameOf(node: Node): string | undefined {
  if (node.kind === 'alias') return nameOf(node.body['alias']);
  if (node.kind === 'dot') return nameOf(node.body['field']);
  if (node.kind === 'paren') return fieldNameOf(toNode(node.body['this']));
  const name = node.kind === 'column' ? nameOf(node.body['name']) : undefined;
  return name?.startsWith('@') === true ? undefined : name;
}

function printIn(context: TranslationContext, node: Node): Printed {
  const { body } = node;
  allowKeys('IN', body, ['this', 'expressions', 'query', 'not', 'unnest']);
  const value = bare(printExpression(context, toNode(body['this'])));
  const not = body['not'] === true ? 'NOT ' : '';
  if (!isEmpty(body['query'])) return printed(`(${value} ${not}IN (${context.printQuery(toNode(body['query']))}))`, 'BOOL');
  if (isEmpty(body['unnest']))
    return printed(
      `(${value} ${not}IN (${toList(body['expressions'])
        .map((item) => bare(printExpression(context, toNode(item))))
        .join(', ')}))`,
      'BOOL',
    );
  const list = toNode(body['unnest']);
  const items = list.kind === 'array_func' ? toList(list.body['expressions']) : [];
  if (items.length > 0) return printed(`(${value} ${not}IN (${items.map((item) => bare(printExpression(context, toNode(item)))).join(', ')}))`, 'BOOL');
  return printed(`(${value} ${not}IN (SELECT unnest(${printExpression(context, list).sql})))`, 'BOOL');
}

function printScalarSubquery(context: TranslationContext, node: Node): Printed {
  allowKeys('subquery', node.body, ['this']);
  return printed(`(${context.printQuery(toNode(node.body['this']))})`);
}

function printArraySubquery(context: TranslationContext, args: readonly Node[]): Printed {
  const [query] = args;
  if (args.length !== 1 || query === undefined) throw new RefusedSql('ARRAY', 'ARRAY takes one subquery');
  return printed(`ARRAY(${context.printQuery(query)})`);
}

/** The field names of ARRAY<STRUCT<...>>; none for other types. */
function elementFields(type: Json | undefined): readonly string[] {
  const element = isBody(type) ? type['element_type'] : undefined;
  return isBody(element) ? toList(element['fields']).map((field) => (isBody(field) ? String(field['name']) : '')) : [];
}

function printArrayLiteral(context: TranslationContext, body: Body, fields: readonly string[] = []): Printed {
  allowKeys('ARRAY', body, ['expressions']);
  const items = toList(body['expressions']).map(toNode);
  const names = fields.length > 0 || items[0] === undefined ? fields : structArguments(items[0]).map(fieldNameOf);
  return printed(`[${items.map((item) => printListItem(context, item, names)).join(', ')}]`);
}

/** In [STRUCT(1 AS a), STRUCT(2)] the first element names the fields of all. */
function printListItem(context: TranslationContext, item: Node, names: readonly (string | undefined)[]): string {
  const fields = structArguments(item);
  if (fields.length === 0 || fields.length !== names.length) return printExpression(context, item).sql;
  const values = fields.map((field, index) => {
    const name = names[index];
    if (name === undefined) throw new RefusedSql('STRUCT', 'STRUCT: every field needs a name (write x AS name)');
    return `${quoteIdentifier(name)} := ${printExpression(context, field.kind === 'alias' ? toNode(field.body['this']) : field).sql}`;
  });
  return `struct_pack(${values.join(', ')})`;
}

function structArguments(node: Node): readonly Node[] {
  const call = node.kind === 'function' ? toCall(node) : undefined;
  return call?.name === 'STRUCT' ? call.args : [];
}

function printSubscript(context: TranslationContext, node: Node): Printed {
  allowKeys('[]', node.body, ['this', 'index']);
  const list = printExpression(context, toNode(node.body['this']));
  const index = toNode(node.body['index']);
  const call = toCall(index);
  const [position] = call?.args ?? [];
  if (call === undefined || position === undefined || ELEMENT_ACCESS[call.name] === undefined) {
    throw new RefusedSql('[]', 'name an array element by OFFSET, ORDINAL, SAFE_OFFSET or SAFE_ORDINAL', undefined, offsetOf(node.body));
  }
  return printElement(list, call.name, printExpression(context, position), integerLiteral(position));
}

function printWindowFunction(context: TranslationContext, body: Body): Printed {
  allowKeys('OVER', body, ['this', 'over']);
  const node = toNode(body['this']);
  if (toAggregate(node) === undefined) {
    const name = (toCall(node)?.name ?? node.kind).toUpperCase();
    throw new RefusedSql(`${name} OVER`, `${name} OVER is not supported`, context.locate(name));
  }
  return context.withinAggregate(() => printAggregateNode(context, node, printWindow(context, body['over'])));
}

function printAggregateNode(context: TranslationContext, node: Node, over: string | undefined): Printed {
  const aggregate = toAggregate(node);
  if (aggregate === undefined) throw new RefusedSql(node.kind, `${node.kind} is not an aggregate`);
  const { body } = node;
  const { name, args } = aggregate;
  const [havingBy, isMax] = toList(body['having_max']);
  const call: AggregateCall = {
    name,
    args: args.map((argument) => printExpression(context, argument)),
    isStar: body['star'] === true,
    distinct: body['distinct'] === true,
    ignoreNulls: body['ignore_nulls'] === true,
    orderBy: isEmpty(body['order_by']) ? '' : ` ORDER BY ${printOrderBy(context, body['order_by'])}`,
    limit: isEmpty(body['limit']) ? undefined : bare(printExpression(context, toNode(body['limit']))),
    having: havingBy === undefined ? undefined : { by: printExpression(context, toNode(havingBy)).sql, isMax: isMax === true },
    isWindow: over !== undefined,
  };
  try {
    const { call: text, type, wrap } = printAggregate(call);
    const result = over === undefined ? text : `${text} OVER ${over}`;
    return printed(wrap === undefined ? `(${result})` : `(${wrap(result)})`, type);
  } catch (error) {
    if (!(error instanceof RefusedSql)) throw error;
    const known = refusalOf(name);
    throw new RefusedSql(error.construct, error.construct === name && known.includes(':') ? known : error.message, context.locate(name));
  }
}
