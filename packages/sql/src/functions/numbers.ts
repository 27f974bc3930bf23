/** Arithmetic and conditional functions. */
import { DUCKDB_TYPES } from '../google-types.ts';
import { bare, coerceLiterals, commonType, overflowOf, printed } from '../printed.ts';
import type { Printed, SqlType } from '../printed.ts';
import { RefusedSql } from '../problems.ts';
import { argument, bareOperands, expectArguments, operand, uncheckedOperand } from './call.ts';
import type { FunctionCall, FunctionPrinter } from './call.ts';

function float(name: string, count: number, overflow?: 'error'): FunctionPrinter {
  return (call) => {
    expectArguments(call, count);
    refuseNumeric(call);
    return { sql: `${name}(${bareOperands(call).join(', ')})`, type: 'FLOAT64', ...(overflow === undefined ? {} : { overflow }) };
  };
}

/** Of a NUMERIC the root, power or logarithm is a NUMERIC, with an accuracy of its own. */
function refuseNumeric(call: FunctionCall): void {
  if (call.args.some((node) => call.print(node).type === 'NUMERIC'))
    throw new RefusedSql(call.name, `${call.name} of NUMERIC is not supported, cast to FLOAT64`);
}

/** A function whose result has its argument's type. */
function sameType(name: string): FunctionPrinter {
  return (call) => {
    expectArguments(call, 1);
    const value = uncheckedOperand(call, 0);
    if (value.type === 'NUMERIC') return printed(`CAST(${name}(${value.sql}) AS DECIMAL(38, 9))`, 'NUMERIC');
    if (value.type === 'INT64' && name !== 'abs') return printed(`${name}(CAST(${value.sql} AS DOUBLE))`, 'FLOAT64');
    return { sql: `${name}(${value.sql})`, type: value.type, ...overflowOf([value], value.type) };
  };
}

function nonZero(call: FunctionCall, index: number): boolean {
  const value = call.integerLiteral(argument(call, index));
  return value !== undefined && value !== 0n;
}

function integerDivision(operator: '//' | '%', macro: string): FunctionPrinter {
  return (call) => {
    expectArguments(call, 2);
    const [left, right] = coerceLiterals([operand(call, 0), operand(call, 1)]) as [Printed, Printed];
    const type: SqlType | undefined = left.type === 'NUMERIC' || right.type === 'NUMERIC' ? 'NUMERIC' : left.type;
    if (type === 'NUMERIC') {
      if (left.type === undefined || right.type === undefined)
        throw new RefusedSql(call.name, `${call.name} of NUMERIC and a column of unknown type is not supported, cast it`);
      return printed(`fg_numeric_${operator === '%' ? 'mod' : 'div'}(${bare(left)}, ${bare(right)})`, 'NUMERIC');
    }
    return printed(nonZero(call, 1) ? `(${left.sql} ${operator} ${bare(right)})` : `${macro}(${left.sql}, ${right.sql})`, 'INT64');
  };
}

function round(call: FunctionCall): Printed {
  expectArguments(call, 1, 2);
  const value = uncheckedOperand(call, 0);
  const type = value.type === 'INT64' ? 'FLOAT64' : value.type;
  if (call.args.length === 1) {
    if (value.type === 'NUMERIC') return printed(`CAST(round(${value.sql}) AS DECIMAL(38, 9))`, type);
    return { sql: `round(${value.sql})`, type, ...overflowOf([value], type) };
  }
  const digits = bare(operand(call, 1));
  if (value.type === 'NUMERIC') return printed(`CAST(round(${value.sql}, CAST(${digits} AS INTEGER)) AS DECIMAL(38, 9))`, type);
  // The macro names the value many times: it looks at an infinite one itself.
  return printed(`fg_round${value.overflow === undefined ? '' : value.overflow === 'gap' ? '_or_gap' : '_finite'}(${value.sql}, ${digits})`, 'FLOAT64');
}

function safeDivide(call: FunctionCall): Printed {
  expectArguments(call, 2);
  const [left, right] = coerceLiterals([uncheckedOperand(call, 0), operand(call, 1)]) as [Printed, Printed];
  if (commonType([left, right]) === 'NUMERIC') return printed(`fg_numeric_divide(${bare(left)}, nullif(${bare(right)}, 0))`, 'NUMERIC');
  const isInRange = left.type === 'INT64' && right.type === 'INT64';
  // GoogleSQL answers NULL where the quotient overflows, and infinity where it was given one.
  return { sql: `fg_safe_divide(${bare(left)}, ${bare(right)})`, type: 'FLOAT64', ...(isInRange ? {} : { overflow: 'gap' }) };
}

function safeOperator(operator: string): FunctionPrinter {
  return (call) => {
    expectArguments(call, 2);
    for (const node of call.args)
      if (!['column', 'literal', 'neg'].includes(node.kind))
        throw new RefusedSql(call.name, `${call.name}: its arguments must be columns or literals, since errors of the arguments themselves must not be hidden`);
    const [left, right] = [operand(call, 0), operand(call, 1)];
    return printed(`TRY(${left.sql} ${operator} ${right.sql})`, commonType([left, right]));
  };
}

/** NULL if any is NULL, where DuckDB leaves NULLs out. */
function extreme(name: 'greatest' | 'least'): FunctionPrinter {
  return (call) => {
    expectArguments(call, 1, 100);
    const operands = coerceLiterals(call.args.map((node) => call.print(node)));
    const nullable = operands.filter((value) => value.raw === undefined).map((value) => `${value.sql} IS NULL`);
    const isLiteral = operands.every((value) => value.raw !== undefined);
    const values = `${name}(${operands.map((value) => (isLiteral ? value.sql : bare(value))).join(', ')})`;
    const type = commonType(operands);
    return printed(nullable.length === 0 ? values : `(CASE WHEN ${nullable.join(' OR ')} THEN NULL ELSE ${values} END)`, type);
  };
}

function condition(call: FunctionCall): Printed {
  expectArguments(call, 3);
  const test = operand(call, 0);
  const [whenTrue, otherwise] = coerceLiterals([operand(call, 1), operand(call, 2)]) as [Printed, Printed];
  return printed(`(CASE WHEN ${test.sql} THEN ${whenTrue.sql} ELSE ${otherwise.sql} END)`, commonType([whenTrue, otherwise]));
}

function coalesce(call: FunctionCall): Printed {
  expectArguments(call, 1, 100);
  const operands = coerceLiterals(call.args.map((node) => call.print(node)));
  return printed(`coalesce(${operands.map((value) => value.sql).join(', ')})`, commonType(operands));
}

function nullIf(call: FunctionCall): Printed {
  expectArguments(call, 2);
  const [value, other] = coerceLiterals([operand(call, 0), operand(call, 1)]) as [Printed, Printed];
  const type = value.type === undefined ? undefined : commonType([value, other]);
  // DuckDB answers in the first operand's type, GoogleSQL in the common one.
  const isWidened = type !== undefined && type !== value.type;
  return printed(`nullif(${isWidened ? `CAST(${value.sql} AS ${DUCKDB_TYPES[type]})` : value.sql}, ${bare(other)})`, type ?? value.type);
}

function sign(call: FunctionCall): Printed {
  expectArguments(call, 1);
  const value = operand(call, 0);
  // DuckDB answers a TINYINT, in which a product would overflow.
  return printed(`CAST(sign(${value.sql}) AS ${value.type === 'NUMERIC' ? 'DECIMAL(38, 9)' : 'BIGINT'})`, value.type);
}

/** A root of a negative number is NaN in DuckDB and an error in GoogleSQL. */
function power(call: FunctionCall): Printed {
  const isWhole = call.integerLiteral(call.args[1]) !== undefined;
  return float(isWhole ? 'pow' : 'fg_pow', 2, 'error')(call);
}

function logarithm(call: FunctionCall): Printed {
  expectArguments(call, 1, 2);
  refuseNumeric(call);
  if (call.args.length === 1) return printed(`ln(${bare(operand(call, 0))})`, 'FLOAT64');
  return { sql: `(ln(${bare(operand(call, 0))}) / ln(${bare(operand(call, 1))}))`, type: 'FLOAT64', overflow: 'error' };
}

function truncate(call: FunctionCall): Printed {
  expectArguments(call, 1, 2);
  const value = operand(call, 0);
  if (call.args.length === 2) {
    const digits = call.integerLiteral(argument(call, 1));
    if (value.type !== 'NUMERIC' || digits === undefined || digits < 0n)
      throw new RefusedSql(
        'TRUNC',
        'TRUNC(x, n) is supported for NUMERIC and a literal n that is not negative: cast to NUMERIC, or write TRUNC(x * 100) / 100',
      );
    return printed(`CAST(trunc(${value.sql}, ${digits}) AS DECIMAL(38, 9))`, 'NUMERIC');
  }
  if (value.type === 'NUMERIC') return printed(`CAST(trunc(${value.sql}) AS DECIMAL(38, 9))`, 'NUMERIC');
  return printed(`trunc(${value.sql})`, value.type === 'INT64' ? 'FLOAT64' : value.type);
}

/** GoogleSQL widens the others to FLOAT64. */
function test(name: string): FunctionPrinter {
  return (call) => {
    expectArguments(call, 1);
    return printed(`${name}(CAST(${operand(call, 0).sql} AS DOUBLE))`, 'BOOL');
  };
}

export const numberFunctions: Readonly<Record<string, FunctionPrinter>> = {
  ABS: sameType('abs'),
  ACOS: float('acos', 1),
  ASIN: float('asin', 1),
  ATAN: float('atan', 1),
  ATAN2: float('atan2', 2),
  CEIL: sameType('ceil'),
  COALESCE: coalesce,
  COS: float('cos', 1),
  DIV: integerDivision('//', 'fg_div'),
  EXP: float('exp', 1, 'error'),
  FLOOR: sameType('floor'),
  GREATEST: extreme('greatest'),
  ERROR: (call) => {
    expectArguments(call, 1);
    return printed(`error(${operand(call, 0).sql})`);
  },
  IF: condition,
  IS_INF: test('isinf'),
  IS_NAN: test('isnan'),
  LEAST: extreme('least'),
  LN: float('ln', 1),
  LOG: logarithm,
  LOG10: float('log10', 1),
  MOD: integerDivision('%', 'fg_mod'),
  NULLIF: nullIf,
  POW: power,
  RANGE_BUCKET: (call) => {
    expectArguments(call, 2);
    const [point, bounds] = [operand(call, 0), operand(call, 1)];
    return printed(
      `(CASE WHEN ${point.sql} IS NULL OR ${bounds.sql} IS NULL THEN NULL ELSE len(list_filter(${bounds.sql}, lambda fg_e: fg_e <= ${point.sql})) END)`,
      'INT64',
    );
  },
  ROUND: round,
  SAFE_ADD: safeOperator('+'),
  SAFE_DIVIDE: safeDivide,
  SAFE_MULTIPLY: safeOperator('*'),
  SAFE_NEGATE: (call) => {
    expectArguments(call, 1);
    const value = operand(call, 0);
    // Of INT64 alone -2^63 has no opposite.
    return printed(value.type === 'FLOAT64' || value.type === 'NUMERIC' ? `(-${value.sql})` : `TRY(-${value.sql})`, value.type);
  },
  SAFE_SUBTRACT: safeOperator('-'),
  SIGN: sign,
  SIN: float('sin', 1),
  SQRT: float('sqrt', 1),
  TAN: float('tan', 1),
  TRUNC: truncate,
};
