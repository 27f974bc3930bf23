/** Aggregates and window functions: the allow-list, and how each is written for DuckDB. */
import { bare } from '../printed.ts';
import type { Printed, SqlType } from '../printed.ts';
import type { GoogleType } from '../google-types.ts';
import { RefusedSql } from '../problems.ts';
import { arrayOf } from '../relations.ts';

/** An aggregate or window function with its modifiers, operands printed. */
export interface AggregateCall {
  readonly name: string;
  readonly args: readonly Printed[];
  readonly isStar: boolean;
  readonly distinct: boolean;
  readonly ignoreNulls: boolean;
  /** ` ORDER BY ...` inside the parentheses, or nothing. */
  readonly orderBy: string;
  readonly limit: string | undefined;
  readonly having: { readonly by: string; readonly isMax: boolean } | undefined;
  readonly isWindow: boolean;
}

/** The call that takes OVER, and what to do with its result. */
export interface PrintedAggregate {
  readonly call: string;
  readonly type: SqlType | undefined;
  /** Another call that takes OVER, for `wrap`. */
  readonly second?: string;
  readonly google?: GoogleType | undefined;
  /** As `Printed` has it. */
  readonly overflow?: 'gap';
  readonly wrap?: (result: string, second: string) => string;
}

type AggregatePrinter = (call: AggregateCall) => PrintedAggregate;

interface AggregateRule {
  readonly print: AggregatePrinter;
  readonly args: readonly [least: number, most: number];
  readonly modifiers?: readonly ('distinct' | 'ignoreNulls' | 'orderBy' | 'limit' | 'having')[];
  /** 'only': needs OVER; 'never': refused with it. */
  readonly window?: 'only' | 'never';
}

function first(call: AggregateCall): Printed {
  return call.args[0] as Printed;
}

function plain(name: string, type?: SqlType | 'same'): AggregatePrinter {
  return (call) => ({
    call: `${name}(${call.distinct ? 'DISTINCT ' : ''}${call.args.map((value) => value.sql).join(', ')})`,
    type: type === 'same' ? first(call).type : type,
  });
}

function count(call: AggregateCall): PrintedAggregate {
  return { call: call.isStar ? 'count(*)' : plain('count')(call).call, type: 'INT64' };
}

/** GoogleSQL adds with more digits than a double has: a sum that is out of the range only on its way is none in the end. */
const sumOverflow = (type: SqlType | undefined): Pick<PrintedAggregate, 'overflow'> => (type === 'NUMERIC' ? {} : { overflow: 'gap' });

function sum(call: AggregateCall): PrintedAggregate {
  const type = first(call).type;
  const { call: text } = plain('sum')(call);
  // DuckDB sums integers in HUGEINT; where the type is known the result is made an INT64 again, overflow is an error.
  return type === 'INT64' ? { call: text, type, wrap: (result) => `CAST(${result} AS BIGINT)` } : { call: text, type, ...sumOverflow(type) };
}

function average(call: AggregateCall): PrintedAggregate {
  const value = first(call);
  const distinct = call.distinct ? 'DISTINCT ' : '';
  if (value.type === 'NUMERIC')
    return {
      call: `sum(${distinct}${value.sql})`,
      second: `count(${distinct}${value.sql})`,
      type: 'NUMERIC',
      wrap: (total, count) => `fg_numeric_divide(${total}, nullif(${count}, 0))`,
    };
  const operand = value.type === undefined ? `fg_averaged(${value.sql})` : value.sql;
  return { call: `avg(${distinct}${operand})`, type: 'FLOAT64', overflow: 'gap' };
}

function anyValue(call: AggregateCall): PrintedAggregate {
  const value = first(call);
  if (call.having === undefined) return { call: `any_value(${value.sql})`, type: value.type };
  return { call: `${call.having.isMax ? 'arg_max_null' : 'arg_min_null'}(${value.sql}, ${call.having.by})`, type: value.type };
}

function arrayAggregate(call: AggregateCall): PrintedAggregate {
  const value = first(call).sql;
  const google = arrayOf(first(call));
  const filter = call.ignoreNulls ? ` FILTER (WHERE ${value} IS NOT NULL)` : '';
  const text = `list(${call.distinct ? 'DISTINCT ' : ''}${value}${call.orderBy})${filter}`;
  return { call: call.limit === undefined ? text : `${text}[1:${call.limit}]`, type: undefined, google };
}

/** Lists in order, one behind the other; NULL lists are left out, and of nothing there is NULL. */
function concatAggregate(call: AggregateCall): PrintedAggregate {
  const value = first(call).sql;
  const text = `(list(${value}${call.orderBy}) FILTER (WHERE ${value} IS NOT NULL))`;
  return { call: `flatten(${call.limit === undefined ? text : `${text}[1:${call.limit}]`})`, type: undefined, google: first(call).google };
}

/** DuckDB's works on NUMERIC as such, the evaluator's on FLOAT64. */
function percentile(call: AggregateCall): PrintedAggregate {
  const value = first(call);
  if (value.type === 'NUMERIC') throw new RefusedSql('PERCENTILE_CONT', 'PERCENTILE_CONT of NUMERIC is not supported, cast to FLOAT64');
  const operand = value.type === undefined ? { ...value, sql: `fg_averaged(${value.sql})` } : value;
  return plain('quantile_cont', 'FLOAT64')({ ...call, args: [operand, ...call.args.slice(1)] });
}

function bits(name: string): AggregatePrinter {
  return (call) => ({ call: `${name}(${call.distinct ? 'DISTINCT ' : ''}${first(call).sql})`, type: 'INT64' });
}

function stringAggregate(call: AggregateCall): PrintedAggregate {
  const [value, separator = { sql: "','" }] = call.args as [Printed, Printed?];
  const distinct = call.distinct ? 'DISTINCT ' : '';
  if (call.limit === undefined) return { call: `string_agg(${distinct}${value.sql}, ${separator.sql}${call.orderBy})`, type: 'STRING' };
  const list = `(list(${distinct}${value.sql}${call.orderBy}) FILTER (WHERE ${value.sql} IS NOT NULL))[1:${call.limit}]`;
  return { call: `array_to_string(${list}, ${separator.sql})`, type: 'STRING' };
}

/** Pairs with a NULL are left out; DuckDB answers NaN for fewer than two pairs, GoogleSQL NULL. */
function correlation(call: AggregateCall): PrintedAggregate {
  return { call: plain('corr')(call).call, type: 'FLOAT64', wrap: (result) => `CASE WHEN NOT isnan(${result}) THEN ${result} END` };
}

function navigation(name: string): AggregatePrinter {
  return (call) => ({
    call: `${name}(${[first(call).sql, ...call.args.slice(1).map(bare)].join(', ')}${call.ignoreNulls ? ' IGNORE NULLS' : ''})`,
    type: first(call).type,
  });
}

const ONE = [1, 1] as const;
const NUMBER = ['distinct'] as const;

export const AGGREGATE_FUNCTIONS: ReadonlyMap<string, AggregateRule> = new Map<string, AggregateRule>([
  ['ANY_VALUE', { print: anyValue, args: ONE, modifiers: ['having'] }],
  ['ARRAY_AGG', { print: arrayAggregate, args: ONE, modifiers: ['distinct', 'ignoreNulls', 'orderBy', 'limit'], window: 'never' }],
  ['ARRAY_CONCAT_AGG', { print: concatAggregate, args: ONE, modifiers: ['orderBy', 'limit'], window: 'never' }],
  ['BIT_AND', { print: bits('bit_and'), args: ONE, modifiers: NUMBER }],
  ['BIT_OR', { print: bits('bit_or'), args: ONE, modifiers: NUMBER }],
  ['BIT_XOR', { print: bits('bit_xor'), args: ONE, modifiers: NUMBER }],
  ['AVG', { print: average, args: ONE, modifiers: NUMBER }],
  ['CORR', { print: correlation, args: [2, 2] }],
  ['COUNT', { print: count, args: [0, 1], modifiers: NUMBER }],
  ['COUNTIF', { print: (call) => ({ call: `count(CASE WHEN ${first(call).sql} THEN 1 END)`, type: 'INT64' }), args: ONE }],
  ['COVAR_POP', { print: plain('covar_pop', 'FLOAT64'), args: [2, 2] }],
  ['COVAR_SAMP', { print: plain('covar_samp', 'FLOAT64'), args: [2, 2] }],
  ['CUME_DIST', { print: plain('cume_dist', 'FLOAT64'), args: [0, 0], window: 'only' }],
  ['DENSE_RANK', { print: plain('dense_rank', 'INT64'), args: [0, 0], window: 'only' }],
  ['FIRST_VALUE', { print: navigation('first_value'), args: ONE, modifiers: ['ignoreNulls'], window: 'only' }],
  ['LAG', { print: navigation('lag'), args: [1, 3], window: 'only' }],
  ['LAST_VALUE', { print: navigation('last_value'), args: ONE, modifiers: ['ignoreNulls'], window: 'only' }],
  ['LEAD', { print: navigation('lead'), args: [1, 3], window: 'only' }],
  ['LOGICAL_AND', { print: plain('bool_and', 'BOOL'), args: ONE }],
  ['LOGICAL_OR', { print: plain('bool_or', 'BOOL'), args: ONE }],
  ['MAX', { print: plain('max', 'same'), args: ONE }],
  ['MIN', { print: plain('min', 'same'), args: ONE }],
  ['NTH_VALUE', { print: navigation('nth_value'), args: [2, 2], modifiers: ['ignoreNulls'], window: 'only' }],
  ['NTILE', { print: (call) => ({ call: `ntile(${bare(first(call))})`, type: 'INT64' }), args: ONE, window: 'only' }],
  ['PERCENTILE_CONT', { print: percentile, args: [2, 2], window: 'only' }],
  ['PERCENTILE_DISC', { print: plain('quantile_disc', 'same'), args: [2, 2], window: 'only' }],
  ['PERCENT_RANK', { print: plain('percent_rank', 'FLOAT64'), args: [0, 0], window: 'only' }],
  ['RANK', { print: plain('rank', 'INT64'), args: [0, 0], window: 'only' }],
  ['ROW_NUMBER', { print: plain('row_number', 'INT64'), args: [0, 0], window: 'only' }],
  ['STDDEV', { print: plain('stddev_samp', 'FLOAT64'), args: ONE, modifiers: NUMBER }],
  ['STDDEV_POP', { print: plain('stddev_pop', 'FLOAT64'), args: ONE, modifiers: NUMBER }],
  ['STDDEV_SAMP', { print: plain('stddev_samp', 'FLOAT64'), args: ONE, modifiers: NUMBER }],
  ['STRING_AGG', { print: stringAggregate, args: [1, 2], modifiers: ['distinct', 'orderBy', 'limit'], window: 'never' }],
  ['SUM', { print: sum, args: ONE, modifiers: NUMBER }],
  ['VARIANCE', { print: plain('var_samp', 'FLOAT64'), args: ONE, modifiers: NUMBER }],
  ['VAR_POP', { print: plain('var_pop', 'FLOAT64'), args: ONE, modifiers: NUMBER }],
  ['VAR_SAMP', { print: plain('var_samp', 'FLOAT64'), args: ONE, modifiers: NUMBER }],
]);

export function printAggregate(call: AggregateCall): PrintedAggregate {
  const { name } = call;
  const rule = AGGREGATE_FUNCTIONS.get(name);
  if (rule === undefined) throw new RefusedSql(name, `${name} is not on the list of translated aggregates`);
  const given = call.args.length;
  if (given < rule.args[0] || given > rule.args[1]) throw new RefusedSql(name, `${name} takes ${rule.args.join(' to ')} arguments here, ${given} were given`);
  const used = {
    distinct: call.distinct,
    ignoreNulls: call.ignoreNulls,
    orderBy: call.orderBy !== '',
    limit: call.limit !== undefined,
    having: call.having !== undefined,
  };
  for (const [modifier, isUsed] of Object.entries(used)) {
    if (isUsed && !(rule.modifiers as readonly string[] | undefined)?.includes(modifier))
      throw new RefusedSql(`${name} ${MODIFIER_NAMES[modifier]}`, `${MODIFIER_NAMES[modifier]} in ${name} is not supported`);
  }
  if (rule.window === 'only' && !call.isWindow) throw new RefusedSql(name, `${name} needs OVER`);
  if (rule.window === 'never' && call.isWindow) throw new RefusedSql(`${name} OVER`, `${name} as a window function is not supported`);
  return rule.print(call);
}

const MODIFIER_NAMES: Readonly<Record<string, string>> = {
  distinct: 'DISTINCT',
  ignoreNulls: 'IGNORE NULLS',
  orderBy: 'ORDER BY',
  limit: 'LIMIT',
  having: 'HAVING',
};
