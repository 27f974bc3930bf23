/** ORDER BY keys and window specifications. NULLs come first ascending and last descending, which DuckDB must be told. */
import { allowKeys, isBody, isEmpty, nameOf, toList, toNode } from './ast.ts';
import type { Body, Json } from './ast.ts';
import { bare, quoteIdentifier } from './printed.ts';
import type { Printed } from './printed.ts';
import { RefusedSql } from './problems.ts';
import type { TranslationContext } from './translation-context.ts';

/** @param aliases names of the SELECT list; a key that is one of them alone needs no help, in an expression it does. */
export function printOrderBy(context: TranslationContext, keys: Json | undefined, aliases?: ReadonlyMap<string, Printed>): string {
  return toList(keys)
    .map((key) => {
      if (!isBody(key)) throw new RefusedSql('ORDER BY', 'ORDER BY is not understood');
      allowKeys('ORDER BY', key, ['this', 'desc', 'nulls_first', 'explicit_asc']);
      const descending = key['desc'] === true;
      const nullsFirst = typeof key['nulls_first'] === 'boolean' ? key['nulls_first'] : !descending;
      const node = toNode(key['this']);
      const print = (): Printed => context.printExpression(node);
      const value = aliases === undefined || node.kind === 'column' ? print() : context.withAliases(aliases, print);
      return `${bare(value)} ${descending ? 'DESC' : 'ASC'} NULLS ${nullsFirst ? 'FIRST' : 'LAST'}`;
    })
    .join(', ');
}

/** What stands behind OVER: a name, or a specification in parentheses. */
export function printWindow(context: TranslationContext, over: Json | undefined): string {
  if (!isBody(over)) throw new RefusedSql('OVER', 'OVER is not understood');
  const name = nameOf(over['window_name']);
  const parts = printSpecification(context, over);
  if (name !== undefined && parts === '') return quoteIdentifier(name);
  return `(${[name === undefined ? '' : quoteIdentifier(name), parts].filter((part) => part !== '').join(' ')})`;
}

export function printSpecification(context: TranslationContext, spec: Body): string {
  allowKeys('OVER', spec, ['window_name', 'partition_by', 'order_by', 'frame']);
  const partition = toList(spec['partition_by']).map((key) => context.printExpression(toNode(key)).sql);
  return [
    partition.length === 0 ? '' : `PARTITION BY ${partition.join(', ')}`,
    isEmpty(spec['order_by']) ? '' : `ORDER BY ${printOrderBy(context, spec['order_by'])}`,
    isEmpty(spec['frame']) ? '' : printFrame(context, spec['frame']),
  ]
    .filter((part) => part !== '')
    .join(' ');
}

function printFrame(context: TranslationContext, frame: Json | undefined): string {
  if (!isBody(frame)) throw new RefusedSql('window frame', 'the window frame is not understood');
  allowKeys('window frame', frame, ['kind', 'start', 'end']);
  const kind = String(frame['kind']).toUpperCase();
  if (kind !== 'ROWS' && kind !== 'RANGE') throw new RefusedSql(kind, `${kind} frames are not supported`);
  const start = printBound(context, frame['start']);
  return isEmpty(frame['end']) ? `${kind} ${start}` : `${kind} BETWEEN ${start} AND ${printBound(context, frame['end'])}`;
}

const BOUNDS: Readonly<Record<string, string>> = {
  CurrentRow: 'CURRENT ROW',
  UnboundedFollowing: 'UNBOUNDED FOLLOWING',
  UnboundedPreceding: 'UNBOUNDED PRECEDING',
};

function printBound(context: TranslationContext, bound: Json | undefined): string {
  const fixed = typeof bound === 'string' ? BOUNDS[bound] : undefined;
  if (fixed !== undefined) return fixed;
  if (isBody(bound)) {
    for (const side of ['Preceding', 'Following']) {
      if (!isEmpty(bound[side])) return `${bare(context.printExpression(toNode(bound[side])))} ${side.toUpperCase()}`;
    }
  }
  throw new RefusedSql('window frame', 'this bound of the window frame is not supported');
}
