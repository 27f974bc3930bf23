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
import { bare, checked, coerceLiterals, commonType, printed, quoteIdentifier, quoteString } from './printed.ts';
import type { Printed } from './printed.ts';
import { elementFields, printArrayLiteral, printStruct, printToJsonString, printTypedStruct } from './print-structs.ts';
import { RefusedSql } from './problems.ts';
import { arrayOf, fieldOf } from './relations.ts';
import type { TranslationContext } from './translation-context.ts';
import { printOrderBy, printWindow } from './windows.ts';

/** Prints an expression; notes what is refused and answers NULL in its place. */
export function printExpression(context: TranslationContext, node: Node): Printed {
  return checked(printUnchecked(context, node));
}

/**
 * A pipeline's SELECT goes without the looks. With them a statement over a single date, which is planned for longer than it
 * runs, took 60 to 75 % longer, and one over four seasons 7 to 10 % (team_offense_game_summary and team_defense_game_summary).
 */
function printUnchecked(context: TranslationContext, node: Node): Printed {
  try {
    const { overflow, ...value } = printNode(context, node);
    return overflow === undefined || context.mode === undefined ? value : { ...value, overflow };
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
  if (call.name === 'TO_JSON_STRING') return printToJsonString(context, call.args);
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
    printUnchecked: (node: Node) => printUnchecked(context, node),
    isStatement: context.mode !== undefined,
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
  paren: (context, node) => printUnchecked(context, toNode(node.body['this'])),
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
  const sql = table === undefined ? quoteIdentifier(name) : `${quoteIdentifier(table)}.${quoteIdentifier(name)}`;
  return { sql, ...context.columnType(table, name) };
}

function printField(context: TranslationContext, node: Node): Printed {
  allowKeys('field access', node.body, ['this', 'field']);
  const field = nameOf(node.body['field']);
  if (field === undefined) throw new RefusedSql('field access', 'this way to access a field is not supported');
  if (field === '*') throw new RefusedSql('.*', '.* of an expression is not supported: give the STRUCT a name in a subquery', undefined, offsetOf(node.body));
  const value = printExpression(context, toNode(node.body['this']));
  return { sql: `struct_extract(${value.sql}, ${quoteString(field)})`, ...fieldOf(value.google, field) };
}

function printCase(context: TranslationContext, node: Node): Printed {
  allowKeys('CASE', node.body, ['operand', 'whens', 'else_']);
  const { operand, whens, else_: otherwise } = node.body;
  const pairs = toList(whens).map((when) => {
    const [test, result] = toList(when);
    return { result: printExpression(context, toNode(result)), test: printExpression(context, toNode(test)) };
  });
  const last = isEmpty(otherwise) ? [] : [printExpression(context, toNode(otherwise))];
  const results = coerceLiterals([...pairs.map(({ result }) => result), ...last]);
  const written = isEmpty(operand) ? undefined : printExpression(context, toNode(operand));
  const [subject, ...tests] =
    written === undefined ? [undefined, ...pairs.map(({ test }) => test)] : coerceLiterals([written, ...pairs.map(({ test }) => test)]);
  const branches = tests.map((test, index) => ` WHEN ${bare(test as Printed)} THEN ${results[index]?.sql ?? ''}`);
  const ending = last.length === 0 ? '' : ` ELSE ${results.at(-1)?.sql ?? ''}`;
  return printed(`(CASE${subject === undefined ? '' : ` ${subject.sql}`}${branches.join('')}${ending} END)`, commonType(results));
}

function printCastNode(context: TranslationContext, node: Node, isSafe: boolean): Printed {
  allowKeys(isSafe ? 'SAFE_CAST' : 'CAST', node.body, ['this', 'to']);
  const inner = toNode(node.body['this']);
  const to = node.body['to'];
  if (inner.kind === 'array') return printed(`CAST(${printArrayLiteral(context, inner.body, elementFields(to)).sql} AS ${toDuckdbType(to)})`);
  if (inner.kind === 'struct') return printTypedStruct(context, inner.body, to);
  const isTyped = isBody(to) && (to['data_type'] === 'array' || to['data_type'] === 'struct');
  if (isTyped && (inner.kind === 'null' || (inner.kind === 'array_func' && isEmpty(inner.body['expressions'])))) {
    return printed(`CAST(${inner.kind === 'null' ? 'NULL' : '[]'} AS ${toDuckdbType(to)})`);
  }
  const precise = isSafe ? undefined : numericPrecision(to);
  const type = precise === undefined ? toSqlType(to) : 'NUMERIC';
  const value = printCast(printExpression(context, inner), type, isSafe, stringValueOf(context.lexed, inner));
  return precise === undefined ? value : printed(`CAST(CAST(${value.sql} AS DECIMAL(${precise})) AS DECIMAL(38, 9))`, 'NUMERIC');
}

/** The digits of NUMERIC(precision, scale): a value is rounded to the scale, and one that is too long is an error. */
function numericPrecision(type: Json | undefined): string | undefined {
  if (!isBody(type) || type['data_type'] !== 'decimal' || typeof type['precision'] !== 'number') return undefined;
  allowKeys('NUMERIC', type, ['data_type', 'precision', 'scale']);
  return `${type['precision']}, ${typeof type['scale'] === 'number' ? type['scale'] : 0}`;
}

function printIn(context: TranslationContext, node: Node): Printed {
  const { body } = node;
  allowKeys('IN', body, ['this', 'expressions', 'query', 'not', 'unnest']);
  const written = printExpression(context, toNode(body['this']));
  const not = body['not'] === true ? 'NOT ' : '';
  if (!isEmpty(body['query'])) return printed(`(${bare(written)} ${not}IN (${context.printQuery(toNode(body['query']))}))`, 'BOOL');
  const list = isEmpty(body['unnest']) ? undefined : toNode(body['unnest']);
  const items = list === undefined ? toList(body['expressions']) : list.kind === 'array_func' ? toList(list.body['expressions']) : [];
  if (list !== undefined && items.length === 0) return printed(`(${bare(written)} ${not}IN (SELECT unnest(${printExpression(context, list).sql})))`, 'BOOL');
  const [value, ...among] = coerceLiterals([written, ...items.map((item) => printExpression(context, toNode(item)))]).map(bare);
  return printed(`(${value} ${not}IN (${among.join(', ')}))`, 'BOOL');
}

function printScalarSubquery(context: TranslationContext, node: Node): Printed {
  allowKeys('subquery', node.body, ['this']);
  const sql = `(${context.printQuery(toNode(node.body['this']))})`;
  return { sql, ...context.shape.list?.[0]?.[1] };
}

function printArraySubquery(context: TranslationContext, args: readonly Node[]): Printed {
  const [query] = args;
  if (args.length !== 1 || query === undefined) throw new RefusedSql('ARRAY', 'ARRAY takes one subquery');
  const sql = `ARRAY(${context.printQuery(query)})`;
  return { sql, google: arrayOf(context.shape.list?.[0]?.[1]) };
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

/** In `ARRAY_AGG(f(x) IGNORE NULLS)` the parser hangs the modifier on `f`, and takes `f` for an aggregate by that. */
function hasMisplacedModifier(node: Node | undefined): boolean {
  return node?.kind === 'aggregate_function' && node.body['ignore_nulls'] === true && SCALAR_FUNCTIONS.has(String(node.body['name']).toUpperCase());
}

function withoutModifier(node: Node): Node {
  return hasMisplacedModifier(node) ? { kind: 'function', body: { ...node.body, ignore_nulls: null } } : node;
}

function printAggregateNode(context: TranslationContext, node: Node, over: string | undefined): Printed {
  const aggregate = toAggregate(node);
  if (aggregate === undefined) throw new RefusedSql(node.kind, `${node.kind} is not an aggregate`);
  const { name, args } = aggregate;
  const { body } = node;
  const [havingBy, isMax] = toList(body['having_max']);
  const call: AggregateCall = {
    name,
    args: args.map((argument) => printExpression(context, withoutModifier(argument))),
    isStar: body['star'] === true,
    distinct: body['distinct'] === true,
    ignoreNulls: body['ignore_nulls'] === true || hasMisplacedModifier(args[0]),
    orderBy: isEmpty(body['order_by']) ? '' : ` ORDER BY ${printOrderBy(context, body['order_by'])}`,
    limit: isEmpty(body['limit']) ? undefined : bare(printExpression(context, toNode(body['limit']))),
    having: havingBy === undefined ? undefined : { by: printExpression(context, toNode(havingBy)).sql, isMax: isMax === true },
    isWindow: over !== undefined,
  };
  try {
    const { call: text, second, type, google, wrap, overflow } = printAggregate(call);
    const within = (aggregate: string): string => (over === undefined ? aggregate : `${aggregate} OVER ${over}`);
    const sql = wrap === undefined ? `(${within(text)})` : `(${wrap(within(text), second === undefined ? '' : within(second))})`;
    return { sql, type, ...(google === undefined ? {} : { google }), ...(overflow === undefined ? {} : { overflow }) };
  } catch (error) {
    if (!(error instanceof RefusedSql)) throw error;
    const known = refusalOf(name);
    throw new RefusedSql(error.construct, error.construct === name && known.includes(':') ? known : error.message, context.locate(name));
  }
}
