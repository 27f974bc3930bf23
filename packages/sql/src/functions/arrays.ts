/** ARRAY functions and element access. */
import { bare, printed } from '../printed.ts';
import type { Printed } from '../printed.ts';
import { RefusedSql } from '../problems.ts';
import { elementOf } from '../relations.ts';
import { argument, bareOperands, expectArguments, operand } from './call.ts';
import type { FunctionCall, FunctionPrinter } from './call.ts';

function arrayLength(call: FunctionCall): Printed {
  expectArguments(call, 1);
  return printed(`len(${operand(call, 0).sql})`, 'INT64');
}

function arrayToString(call: FunctionCall): Printed {
  expectArguments(call, 2, 3);
  const [list, separator, forNull] = bareOperands(call) as [string, string, string?];
  const filled = forNull === undefined ? list : `list_transform(${list}, lambda fg_e: coalesce(fg_e, ${forNull}))`;
  return printed(`array_to_string(${filled}, ${separator})`, 'STRING');
}

function arrayConcat(call: FunctionCall): Printed {
  expectArguments(call, 1, 100);
  return printed(`(${bareOperands(call).join(' || ')})`);
}

function arrayReverse(call: FunctionCall): Printed {
  expectArguments(call, 1);
  const list = operand(call, 0);
  return { sql: `list_reverse(${list.sql})`, google: list.google };
}

function generateArray(call: FunctionCall): Printed {
  expectArguments(call, 2, 3);
  const step = call.args.length === 3 ? call.integerLiteral(argument(call, 2)) : 1n;
  if (step === undefined || step === 0n) throw new RefusedSql('GENERATE_ARRAY', 'GENERATE_ARRAY: the step must be an integer literal other than 0');
  const [from, to] = bareOperands(call) as [string, string];
  return { sql: `generate_series(CAST(${from} AS BIGINT), CAST(${to} AS BIGINT), ${step})`, google: { kind: 'ARRAY', element: { kind: 'INT64' } } };
}

/** Of an empty array it is an error. */
function end(name: 'ARRAY_FIRST' | 'ARRAY_LAST'): FunctionPrinter {
  return (call) => {
    expectArguments(call, 1);
    const list = operand(call, 0);
    const value = `CASE WHEN len(${list.sql}) = 0 THEN error('${name}: the array is empty') ELSE ${list.sql}[${name === 'ARRAY_FIRST' ? 1 : -1}] END`;
    return { sql: `(${value})`, ...elementOf(list.google) };
  };
}

export const arrayFunctions: Readonly<Record<string, FunctionPrinter>> = {
  ARRAY_FIRST: end('ARRAY_FIRST'),
  ARRAY_LAST: end('ARRAY_LAST'),
  ARRAY_CONCAT: arrayConcat,
  ARRAY_LENGTH: arrayLength,
  ARRAY_REVERSE: arrayReverse,
  ARRAY_TO_STRING: arrayToString,
  GENERATE_ARRAY: generateArray,
};

/** Ways to name an element inside brackets, with the base they count from. */
export const ELEMENT_ACCESS: Readonly<Record<string, { readonly base: bigint; readonly isSafe: boolean }>> = {
  OFFSET: { base: 0n, isSafe: false },
  ORDINAL: { base: 1n, isSafe: false },
  SAFE_OFFSET: { base: 0n, isSafe: true },
  SAFE_ORDINAL: { base: 1n, isSafe: true },
};

export function printElement(list: Printed, access: string, index: Printed, literal: bigint | undefined): Printed {
  const rule = ELEMENT_ACCESS[access];
  if (rule === undefined) throw new RefusedSql('[]', 'an array element is named by OFFSET, ORDINAL, SAFE_OFFSET or SAFE_ORDINAL');
  const element = elementOf(list.google);
  if (rule.isSafe && literal !== undefined && literal >= rule.base) return { sql: `${list.sql}[${literal - rule.base + 1n}]`, ...element };
  const offset = rule.base === 0n ? bare(index) : `(${bare(index)} - 1)`;
  return { sql: `${rule.isSafe ? 'fg_safe_offset' : 'fg_offset'}(${list.sql}, ${offset})`, ...element };
}
