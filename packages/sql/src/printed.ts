/** What printing an expression gives: DuckDB text, and as much of its GoogleSQL type as can be told without a schema. */
import type { GoogleType } from './google-types.ts';
import { RefusedSql } from './problems.ts';

export type SqlType = 'INT64' | 'FLOAT64' | 'NUMERIC' | 'STRING' | 'BYTES' | 'BOOL' | 'DATE' | 'DATETIME' | 'TIMESTAMP' | 'TIME' | 'JSON';

export interface Printed {
  /** Safe as an operand: parenthesized where needed. */
  readonly sql: string;
  readonly type?: SqlType | undefined;
  /** An integer literal without the cast to BIGINT, for places where DuckDB widens it by itself or wants it narrow. */
  readonly raw?: string | undefined;
  /** A FLOAT64 literal as a decimal of at most nine digits behind the point, or '' if it has more: beside a NUMERIC it is one. */
  readonly decimal?: string | undefined;
  /**
   * FLOAT64 arithmetic that may have left the range, and whose result nobody has looked at yet: GoogleSQL fails where it has
   * ('error'), or may have an answer where DuckDB has none ('gap').
   */
  readonly overflow?: 'error' | 'gap' | undefined;
  /** The type of an ARRAY or STRUCT, where it is known. */
  readonly google?: GoogleType | undefined;
}

export function printed(sql: string, type?: SqlType): Printed {
  return type === undefined ? { sql } : { sql, type };
}

/**
 * Looks at the result of arithmetic, once for a whole tree of it: infinity stays infinity on its way through `+`, `-`, `*`,
 * ROUND and the like. A look for each operator would cost three times the arithmetic.
 */
export function checked(value: Printed): Printed {
  if (value.overflow === undefined) return value;
  const { overflow, ...others } = value;
  const macro = `fg_${value.type === 'FLOAT64' ? 'finite' : 'maybe_finite'}${overflow === 'gap' ? '_or_gap' : ''}`;
  return { ...others, sql: `${macro}(${value.sql})` };
}

/** What arithmetic on these may do; `own` is what it does by itself. */
export function overflowOf(operands: readonly Printed[], type: SqlType | undefined, own?: 'error'): Pick<Printed, 'overflow'> {
  if (type !== 'FLOAT64' && type !== undefined) return {};
  const overflow = operands.some((value) => value.overflow === 'gap') ? 'gap' : (operands.find((value) => value.overflow !== undefined)?.overflow ?? own);
  return overflow === undefined ? {} : { overflow };
}

/** The operand without an integer literal's cast. */
export function bare(operand: Printed): string {
  return operand.raw ?? operand.sql;
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A DuckDB string literal; control characters are spelled by code so that the statement stays one readable line. */
export function quoteString(value: string): string {
  const quoted = value.replaceAll("'", "''");
  // eslint-disable-next-line no-control-regex -- control characters are the point
  if (!/[\u0000-\u001f\u007f]/u.test(value)) return `'${quoted}'`;
  if (value.includes('\u0000'))
    return `(${value
      .split('\u0000')
      .map((part) => quoteString(part))
      .join(' || chr(0) || ')})`;
  const escaped = quoted.replaceAll('\\', '\\\\');
  // eslint-disable-next-line no-control-regex -- as above
  return `E'${escaped.replace(/[\u0001-\u001f\u007f]/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)}'`;
}

/** Beside a NUMERIC, and no FLOAT64, the literals among the operands are NUMERIC too. */
export function coerceLiterals(operands: readonly Printed[]): readonly Printed[] {
  const isNumeric = operands.some(({ type }) => type === 'NUMERIC') && operands.every(({ type, decimal }) => type !== 'FLOAT64' || decimal !== undefined);
  if (!isNumeric) return operands;
  if (operands.some(({ decimal }) => decimal === '')) throw new RefusedSql('NUMERIC', 'a literal beside a NUMERIC has more digits than a NUMERIC can hold');
  return operands.map((value) => (value.decimal === undefined ? value : printed(`CAST('${value.decimal}' AS DECIMAL(38, 9))`, 'NUMERIC')));
}

/** The common type of the branches of IF, CASE and COALESCE, where it can be told. */
export function commonType(operands: readonly Printed[]): SqlType | undefined {
  const types = new Set(operands.map((operand) => operand.type));
  if (types.size === 1) return operands[0]?.type;
  const numbers = [...types];
  if (!numbers.every((type) => type === 'INT64' || type === 'FLOAT64' || type === 'NUMERIC')) return undefined;
  return types.has('FLOAT64') ? 'FLOAT64' : 'NUMERIC';
}
