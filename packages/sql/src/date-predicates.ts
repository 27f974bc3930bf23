/** Reads predicates as constraints between dates: comparisons, BETWEEN and DATE_DIFF(..., DAY), of columns, parameters and shifts of them. */
import { isBody, nameOf, toList, toNode } from './ast.ts';
import type { Json, Node } from './ast.ts';
import type { DateBounds, DateTerm, DateVariable } from './date-bounds.ts';
import { toDatePart } from './functions/date-parts.ts';
import { PLACEHOLDER } from './lexer.ts';
import { toCall } from './node-functions.ts';
import { RefusedSql } from './problems.ts';

export interface PredicateScope {
  readonly bounds: DateBounds;
  /** The date variable that a column is, where it is one. */
  resolve(table: string | undefined, column: string): DateVariable | undefined;
  /** Whether a predicate of this clause limits what is read of the variable's relation. */
  isBounded(variable: DateVariable): boolean;
}

const LENGTHS: Readonly<Record<string, readonly [shortest: number, longest: number]>> = {
  DAY: [1, 1],
  WEEK: [7, 7],
  MONTH: [28, 31],
  QUARTER: [90, 92],
  YEAR: [365, 366],
};
const TRUNCATED: Readonly<Record<string, number>> = { DAY: 0, WEEK: 6, ISOWEEK: 6, MONTH: 30, QUARTER: 91, YEAR: 365, ISOYEAR: 370 };

/** The conjuncts of a condition. */
function conjunctsOf(node: Node): readonly Node[] {
  if (node.kind === 'paren') return conjunctsOf(toNode(node.body['this']));
  if (node.kind !== 'and') return [node];
  return [...conjunctsOf(toNode(node.body['left'])), ...conjunctsOf(toNode(node.body['right']))];
}

export function addPredicate(scope: PredicateScope, condition: Node): void {
  for (const conjunct of conjunctsOf(condition)) {
    if (isUnderstood(scope, conjunct)) continue;
    for (const variable of variablesIn(scope, { [conjunct.kind]: conjunct.body })) if (scope.isBounded(variable)) variable.isUnclear = true;
  }
}

const ORDER: Readonly<Record<string, readonly [lesser: 'left' | 'right', days: number]>> = {
  lt: ['left', 1],
  lte: ['left', 0],
  gt: ['right', 1],
  gte: ['right', 0],
};

/** True where the conjunct says all it can about dates; constants and NULL tests say nothing about the window. */
function isUnderstood(scope: PredicateScope, { kind, body }: Node): boolean {
  if (kind === 'is_null' || kind === 'null') return true;
  if (kind === 'between' && body['not'] !== true) {
    const [value, low, high] = [toNode(body['this']), toNode(body['low']), toNode(body['high'])];
    return [addComparison(scope, low, value, 0), addComparison(scope, value, high, 0)].every(Boolean);
  }
  if (kind === 'eq') {
    const [left, right] = [toNode(body['left']), toNode(body['right'])];
    return [addComparison(scope, left, right, 0), addComparison(scope, right, left, 0)].every(Boolean);
  }
  const order = ORDER[kind];
  if (order === undefined) return false;
  const [lesser, days] = order;
  return addComparison(scope, toNode(body[lesser]), toNode(body[lesser === 'left' ? 'right' : 'left']), days);
}

/** `lesser + days <= greater`. */
function addComparison(scope: PredicateScope, lesser: Node, greater: Node, days: number): boolean {
  const difference = addDifference(scope, lesser, greater, days);
  if (difference) return true;
  const [low, high] = [readDate(scope, lesser), readDate(scope, greater)];
  if (low === undefined || high === undefined) return false;
  if (low === 'constant' || high === 'constant') return true;
  scope.bounds.atMost(low, high, days, (variable) => scope.isBounded(variable));
  return true;
}

/** DATE_DIFF(a, b, DAY) beside a number is a comparison of a with b. */
function addDifference(scope: PredicateScope, lesser: Node, greater: Node, days: number): boolean {
  const [atLeast, atMost] = [wholeNumber(lesser), wholeNumber(greater)];
  const call = toCallOrNothing(atLeast === undefined ? lesser : greater);
  const [later, earlier, part] = call?.args ?? [];
  const number = atLeast ?? atMost;
  if (call?.name !== 'DATE_DIFF' || later === undefined || earlier === undefined || part === undefined || number === undefined) return false;
  if (toDatePart('DATE_DIFF', part).unit !== 'DAY') return false;
  const [a, b] = [readDate(scope, later), readDate(scope, earlier)];
  if (a === undefined || b === undefined || a === 'constant' || b === 'constant') return false;
  const isBounded = (variable: DateVariable): boolean => scope.isBounded(variable);
  if (atLeast !== undefined) scope.bounds.atMost(b, a, number + days, isBounded);
  else scope.bounds.atMost(a, b, days - number, isBounded);
  return true;
}

/** An expression as a date near a variable; 'constant' for literals; undefined where it cannot be told. */
export function readDate(scope: PredicateScope, node: Node): DateTerm | 'constant' | undefined {
  const { kind, body } = node;
  if (kind === 'paren') return readDate(scope, toNode(body['this']));
  if (kind === 'literal') return 'constant';
  if (kind === 'column') return readColumn(scope, node);
  if (kind === 'cast' && isBody(body['to']) && body['to']['data_type'] === 'date') return readDate(scope, toNode(body['this']));
  if (kind === 'add' || kind === 'sub')
    return shifted(readDate(scope, toNode(body['left'])), wholeNumber(toNode(body['right'])), kind === 'add' ? 1 : -1, [1, 1]);
  const call = toCallOrNothing(node);
  const [value, second] = call?.args ?? [];
  if (call === undefined || value === undefined) return undefined;
  if (call.name === 'DATE' && call.args.length === 1) return readDate(scope, value);
  if ((call.name === 'DATE_ADD' || call.name === 'DATE_SUB') && second?.kind === 'interval') {
    const unit = isBody(second.body['unit']) ? String(second.body['unit']['unit']).toUpperCase() : '';
    return shifted(readDate(scope, value), wholeNumber(toNode(second.body['this'])), call.name === 'DATE_ADD' ? 1 : -1, LENGTHS[unit]);
  }
  if (call.name === 'DATE_TRUNC' && second !== undefined) {
    const term = readDate(scope, value);
    const most = TRUNCATED[toDatePart(call.name, second).unit];
    return term === undefined || term === 'constant' || most === undefined ? term : { ...term, low: term.low - most };
  }
  return undefined;
}

function readColumn(scope: PredicateScope, { body }: Node): DateTerm | undefined {
  const name = nameOf(body['name']) ?? '';
  const parameter = name === '@start_date' ? scope.bounds.start : name === '@end_date' ? scope.bounds.end : undefined;
  const base = parameter ?? scope.resolve(nameOf(body['table']), name);
  return base === undefined ? undefined : { base, low: 0, high: 0 };
}

function shifted(
  term: DateTerm | 'constant' | undefined,
  amount: number | undefined,
  sign: 1 | -1,
  lengths: readonly [number, number] | undefined,
): DateTerm | 'constant' | undefined {
  if (term === undefined || term === 'constant') return term;
  if (amount === undefined || lengths === undefined) return undefined;
  const ends = lengths.map((days) => sign * amount * days);
  return { base: term.base, low: term.low + Math.min(...ends), high: term.high + Math.max(...ends) };
}

function wholeNumber(node: Node): number | undefined {
  if (node.kind === 'neg') {
    const value = wholeNumber(toNode(node.body['this']));
    return value === undefined ? undefined : -value;
  }
  const text = node.kind === 'literal' ? String(node.body['value']) : '';
  return /^\d+$/u.test(text) && !text.startsWith(PLACEHOLDER) ? Number(text) : undefined;
}

function toCallOrNothing(node: Node): ReturnType<typeof toCall> {
  try {
    return toCall(node);
  } catch (error) {
    if (error instanceof RefusedSql) return undefined;
    throw error;
  }
}

/** Date variables that are mentioned below `value`. */
function variablesIn(scope: PredicateScope, value: Json | undefined): readonly DateVariable[] {
  if (Array.isArray(value)) return toList(value).flatMap((item) => variablesIn(scope, item));
  if (!isBody(value)) return [];
  const own = isBody(value['column']) ? scope.resolve(nameOf(value['column']['table']), nameOf(value['column']['name']) ?? '') : undefined;
  return [...(own === undefined ? [] : [own]), ...Object.values(value).flatMap((inner) => variablesIn(scope, inner))];
}
