/**
 * The parser gives many functions a node kind of their own. This table turns them back into calls by GoogleSQL name,
 * so that the allow-list of functions is one list.
 */
import { allowKeys, isEmpty, toList, toNode } from './ast.ts';
import type { Node } from './ast.ts';

export interface CanonicalCall {
  readonly name: string;
  readonly args: readonly Node[];
}

/** Node kind to name and argument keys in order; a key that holds a list gives several arguments. */
const NODE_FUNCTIONS: Readonly<Record<string, readonly [name: string, ...keys: string[]]>> = {
  abs: ['ABS', 'this'],
  acos: ['ACOS', 'this'],
  array_length: ['ARRAY_LENGTH', 'this'],
  array_reverse: ['ARRAY_REVERSE', 'this'],
  asin: ['ASIN', 'this'],
  atan: ['ATAN', 'this'],
  atan2: ['ATAN2', 'this', 'expression'],
  ceil: ['CEIL', 'this', 'decimals'],
  coalesce: ['COALESCE', 'expressions'],
  cos: ['COS', 'this'],
  ends_with: ['ENDS_WITH', 'this', 'expression'],
  exp: ['EXP', 'this'],
  floor: ['FLOOR', 'this', 'scale'],
  greatest: ['GREATEST', 'expressions'],
  if_func: ['IF', 'condition', 'true_value', 'false_value'],
  initcap: ['INITCAP', 'this'],
  json_extract_scalar: ['JSON_EXTRACT_SCALAR', 'this', 'path'],
  json_value: ['JSON_VALUE', 'this', 'path'],
  json_extract: ['JSON_EXTRACT', 'this', 'path'],
  json_query: ['JSON_QUERY', 'this', 'path'],
  last_day: ['LAST_DAY', 'this', 'unit'],
  least: ['LEAST', 'expressions'],
  length: ['LENGTH', 'this'],
  ln: ['LN', 'this'],
  log: ['LOG', 'this', 'base'],
  lower: ['LOWER', 'this'],
  mod_func: ['MOD', 'this', 'expression'],
  normalize: ['NORMALIZE', 'this', 'form'],
  parse_json: ['PARSE_JSON', 'this'],
  power: ['POW', 'this', 'expression'],
  rand: ['RAND'],
  round: ['ROUND', 'this', 'decimals'],
  safe_divide: ['SAFE_DIVIDE', 'this', 'expression'],
  sin: ['SIN', 'this'],
  sqrt: ['SQRT', 'this'],
  starts_with: ['STARTS_WITH', 'this', 'expression'],
  str_position: ['STRPOS', 'this', 'substr'],
  substring: ['SUBSTR', 'this', 'start', 'length'],
  tan: ['TAN', 'this'],
  timestamp: ['TIMESTAMP', 'this', 'zone'],
  trim: ['TRIM', 'this', 'characters'],
  upper: ['UPPER', 'this'],
};

/** Keys of those nodes that only repeat what the name says. */
const REDUNDANT_KEYS = ['name', 'with_tz', 'position', 'no_parens', 'quoted'];

const SYNONYMS: Readonly<Record<string, string>> = {
  CEILING: 'CEIL',
  CHAR_LENGTH: 'LENGTH',
  CHARACTER_LENGTH: 'LENGTH',
  IFNULL: 'COALESCE',
  OCTET_LENGTH: 'BYTE_LENGTH',
  POWER: 'POW',
  REGEXP_SUBSTR: 'REGEXP_EXTRACT',
  SUBSTRING: 'SUBSTR',
};

/** The call that a node is, by canonical name; undefined where it is something else. Aggregates are read elsewhere. */
export function toCall(node: Node): CanonicalCall | undefined {
  if (node.kind === 'function') {
    const name = String(node.body['name']).toUpperCase();
    allowKeys(name, node.body, ['args', ...REDUNDANT_KEYS]);
    return { name: SYNONYMS[name] ?? name, args: toList(node.body['args']).map(toNode) };
  }
  const entry = NODE_FUNCTIONS[node.kind];
  if (entry === undefined) return undefined;
  const [name, ...keys] = entry;
  allowKeys(name, node.body, [...keys, ...REDUNDANT_KEYS]);
  const args = keys.flatMap((key) => {
    const value = node.body[key];
    return Array.isArray(value) ? value.map(toNode) : isEmpty(value) ? [] : [toNode(value)];
  });
  return { name, args };
}
