/** Which tree nodes are aggregates and window functions, and where their arguments stand. */
import { allowKeys, isEmpty, toList, toNode } from './ast.ts';
import type { Node } from './ast.ts';

const AGGREGATE_NODES: Readonly<Record<string, readonly [name: string, ...keys: string[]]>> = {
  any_value: ['ANY_VALUE', 'this'],
  approx_count_distinct: ['APPROX_COUNT_DISTINCT', 'this'],
  array_agg: ['ARRAY_AGG', 'this'],
  array_concat_agg: ['ARRAY_CONCAT_AGG', 'this'],
  avg: ['AVG', 'this'],
  bitwise_and_agg: ['BIT_AND', 'this'],
  bitwise_or_agg: ['BIT_OR', 'this'],
  bitwise_xor_agg: ['BIT_XOR', 'this'],
  count: ['COUNT', 'this'],
  count_if: ['COUNTIF', 'this'],
  cume_dist: ['CUME_DIST'],
  dense_rank: ['DENSE_RANK'],
  first_value: ['FIRST_VALUE', 'this'],
  lag: ['LAG', 'this', 'offset', 'default'],
  last_value: ['LAST_VALUE', 'this'],
  lead: ['LEAD', 'this', 'offset', 'default'],
  logical_and: ['LOGICAL_AND', 'this'],
  logical_or: ['LOGICAL_OR', 'this'],
  max: ['MAX', 'this'],
  min: ['MIN', 'this'],
  n_tile: ['NTILE', 'num_buckets'],
  nth_value: ['NTH_VALUE', 'this', 'offset'],
  percent_rank: ['PERCENT_RANK'],
  rank: ['RANK'],
  row_number: ['ROW_NUMBER'],
  stddev: ['STDDEV', 'this'],
  stddev_pop: ['STDDEV_POP', 'this'],
  stddev_samp: ['STDDEV_SAMP', 'this'],
  string_agg: ['STRING_AGG', 'this', 'separator'],
  sum: ['SUM', 'this'],
  var_pop: ['VAR_POP', 'this'],
  var_samp: ['VAR_SAMP', 'this'],
  variance: ['VARIANCE', 'this'],
};

const MODIFIER_KEYS = ['distinct', 'star', 'order_by', 'limit', 'ignore_nulls', 'having_max', 'name'];

export interface AggregateNode {
  readonly name: string;
  readonly args: readonly Node[];
}

export function toAggregate(node: Node): AggregateNode | undefined {
  if (node.kind === 'aggregate_function') {
    const name = String(node.body['name']).toUpperCase();
    allowKeys(name, node.body, ['args', ...MODIFIER_KEYS]);
    return { name, args: toList(node.body['args']).map(toNode) };
  }
  const entry = AGGREGATE_NODES[node.kind];
  if (entry === undefined) return undefined;
  const [name, ...keys] = entry;
  allowKeys(name, node.body, [...keys, ...MODIFIER_KEYS]);
  return { name, args: keys.flatMap((key) => (isEmpty(node.body[key]) ? [] : [toNode(node.body[key])])) };
}
