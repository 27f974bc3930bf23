/**
 * Functions of whole statements alone: FARM_FINGERPRINT, for which whoever runs the statement registers
 * `fg_farm_fingerprint` (farm-fingerprint.ts), and what a pipeline's SELECT may not use, since a partition computed twice must give the same rows, and a
 * statement may. The present is the statement's: whoever runs it binds `sys_now`.
 */
import { printed, quoteString } from '../printed.ts';
import type { Printed } from '../printed.ts';
import { argument, expectArguments, expectString } from './call.ts';
import type { FunctionCall } from './call.ts';

type SessionFunction = (call: FunctionCall, now: () => Printed) => Printed;

function localNow(call: FunctionCall, now: Printed): string {
  expectArguments(call, 0, 1);
  return `(${now.sql} AT TIME ZONE ${call.args.length === 0 ? "'UTC'" : quoteString(expectString(call, 0, 'the time zone'))})`;
}

export const SESSION_FUNCTIONS: ReadonlyMap<string, SessionFunction> = new Map<string, SessionFunction>([
  ['CURRENT_DATE', (call, now) => printed(`CAST(${localNow(call, now())} AS DATE)`, 'DATE')],
  ['CURRENT_DATETIME', (call, now) => printed(localNow(call, now()), 'DATETIME')],
  ['CURRENT_TIME', (call, now) => printed(`CAST(${localNow(call, now())} AS TIME)`, 'TIME')],
  [
    'CURRENT_TIMESTAMP',
    (call, now) => {
      expectArguments(call, 0);
      return now();
    },
  ],
  [
    'FARM_FINGERPRINT',
    (call) => {
      expectArguments(call, 1);
      const value = call.print(argument(call, 0));
      // Of a BLOB that is not known as one `encode` is no function: refused by DuckDB, not hashed by its text.
      return printed(`fg_farm_fingerprint(${value.type === 'BYTES' ? value.sql : `encode(${value.sql})`})`, 'INT64');
    },
  ],
  [
    'GENERATE_UUID',
    (call) => {
      expectArguments(call, 0);
      return printed('CAST(uuid() AS VARCHAR)', 'STRING');
    },
  ],
  [
    'RAND',
    (call) => {
      expectArguments(call, 0);
      return printed('random()', 'FLOAT64');
    },
  ],
]);
