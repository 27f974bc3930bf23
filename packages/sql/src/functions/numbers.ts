/** Arithmetic and conditional functions. */
import { bare, commonType, printed } from '../printed.ts';
import type { Printed, SqlType } from '../printed.ts';
import { RefusedSql } from '../problems.ts';
import { argument, bareOperands, expectArguments, operand } from './call.ts';
import type { FunctionCall, FunctionPrinter } from './call.ts';

function float(name: string, count: number): FunctionPrinter {
  return (call) => {
    expectArguments(call, count);
    return printed(`${name}(${bareOperands(call).join(', ')})`, 'FLOAT64');
  };
}

/** A function whose result has its argument's type. */
function sameType(name: string): FunctionPrinter {
  return (call) => {
    expectArguments(call, 1);
    const value = operand(call, 0);
    return printed(`${name}(${value.sql})`, value.type);
  };
}

function nonZero(call: FunctionCall, index: number): boolean {
  const value = call.integerLiteral(argument(call, index));
  return value !== undefined && value !== 0n;
}

function integerDivision(operator: '//' | '%', macro: string): FunctionPrinter {
  return (call) => {
    expectArguments(call, 2);
    const [left, right] = [operand(call, 0), operand(call, 1)];
    const type: SqlType | undefined = left.type === 'NUMERIC' || right.type === 'NUMERIC' ? 'NUMERIC' : left.type;
    if (type === 'NUMERIC') throw new RefusedSql(call.name, `${call.name} of NUMERIC is not supported, cast to INT64`);
    return printed(nonZero(call, 1) ? `(${left.sql} ${operator} ${bare(right)})` : `${macro}(${left.sql}, ${right.sql})`, 'INT64');
  };
}

function round(call: FunctionCall): Printed {
  expectArguments(call, 1, 2);
  const value = operand(call, 0);
  const type = value.type === 'INT64' ? 'FLOAT64' : value.type;
  if (call.args.length === 1) return printed(`round(${value.sql})`, type);
  const digits = bare(operand(call, 1));
  if (value.type === 'NUMERIC') return printed(`CAST(round(${value.sql}, CAST(${digits} AS INTEGER)) AS DECIMAL(38, 9))`, type);
  return printed(`fg_round(${value.sql}, ${digits})`, 'FLOAT64');
}

function safeDivide(call: FunctionCall): Printed {
  expectArguments(call, 2);
  const [left, right] = [operand(call, 0), operand(call, 1)];
  return printed(`fg_safe_divide(${bare(left)}, ${bare(right)})`, 'FLOAT64');
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
    const operands = call.args.map((node) => call.print(node));
    const nullable = operands.filter((value) => value.raw === undefined).map((value) => `${value.sql} IS NULL`);
    const values = `${name}(${operands.map(bare).join(', ')})`;
    const type = commonType(operands);
    return printed(nullable.length === 0 ? values : `(CASE WHEN ${nullable.join(' OR ')} THEN NULL ELSE ${values} END)`, type);
  };
}

function condition(call: FunctionCall): Printed {
  expectArguments(call, 3);
  const [test, whenTrue, otherwise] = [operand(call, 0), operand(call, 1), operand(call, 2)];
  return printed(`(CASE WHEN ${test.sql} THEN ${whenTrue.sql} ELSE ${otherwise.sql} END)`, commonType([whenTrue, otherwise]));
}

function coalesce(call: FunctionCall): Printed {
  expectArguments(call, 1, 100);
  const operands = call.args.map((node) => call.print(node));
  return printed(`coalesce(${operands.map((value) => value.sql).join(', ')})`, commonType(operands));
}

function nullIf(call: FunctionCall): Printed {
  expectArguments(call, 2);
  const value = operand(call, 0);
  return printed(`nullif(${value.sql}, ${bare(operand(call, 1))})`, value.type);
}

function sign(call: FunctionCall): Printed {
  expectArguments(call, 1);
  const value = operand(call, 0);
  // DuckDB answers a TINYINT, in which a product would overflow.
  return printed(`CAST(sign(${value.sql}) AS BIGINT)`, value.type);
}

function logarithm(call: FunctionCall): Printed {
  expectArguments(call, 1, 2);
  if (call.args.length === 1) return printed(`ln(${bare(operand(call, 0))})`, 'FLOAT64');
  return printed(`(ln(${bare(operand(call, 0))}) / ln(${bare(operand(call, 1))}))`, 'FLOAT64');
}

function truncate(call: FunctionCall): Printed {
  expectArguments(call, 1);
  const value = operand(call, 0);
  return printed(`trunc(${value.sql})`, value.type === 'INT64' ? 'FLOAT64' : value.type);
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
  EXP: float('exp', 1),
  FLOOR: sameType('floor'),
  GREATEST: extreme('greatest'),
  IF: condition,
  LEAST: extreme('least'),
  LN: float('ln', 1),
  LOG: logarithm,
  LOG10: float('log10', 1),
  MOD: integerDivision('%', 'fg_mod'),
  NULLIF: nullIf,
  POW: float('pow', 2),
  ROUND: round,
  SAFE_ADD: safeOperator('+'),
  SAFE_DIVIDE: safeDivide,
  SAFE_MULTIPLY: safeOperator('*'),
  SAFE_SUBTRACT: safeOperator('-'),
  SIGN: sign,
  SIN: float('sin', 1),
  SQRT: float('sqrt', 1),
  TAN: float('tan', 1),
  TRUNC: truncate,
};
