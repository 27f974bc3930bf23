/** DATE functions. Dates stay DATE in DuckDB (day arithmetic by integers), so that filters on them can prune. */
import type { Node } from '../ast.ts';
import { bare, printed, quoteString } from '../printed.ts';
import type { Printed } from '../printed.ts';
import { RefusedSql } from '../problems.ts';
import { argument, expectArguments, expectString, operand } from './call.ts';
import type { FunctionCall, FunctionPrinter } from './call.ts';
import { daysToMonday, shiftDays, toDatePart, toExtractPart, toUnitPart, weekNumber } from './date-parts.ts';
import { interval, intervalSql } from './intervals.ts';

/** The operand as a DATE: a literal string is coerced as GoogleSQL does. */
function dateOperand(call: FunctionCall, index: number): string {
  const node = argument(call, index);
  const value = call.print(node);
  return call.stringLiteral(node) === undefined ? value.sql : `CAST(${value.sql} AS DATE)`;
}

function addToDate(sign: '+' | '-'): FunctionPrinter {
  return (call) => {
    expectArguments(call, 2);
    const date = dateOperand(call, 0);
    const { amount, literal, unit } = interval(call, 1);
    if (unit === 'DAY') return printed(`(${date} ${sign} ${literal ?? `CAST(${amount} AS INTEGER)`})`, 'DATE');
    if (unit === 'WEEK') return printed(`(${date} ${sign} ${literal === undefined ? `CAST(7 * ${amount} AS INTEGER)` : `${literal * 7n}`})`, 'DATE');
    if (!['MONTH', 'QUARTER', 'YEAR'].includes(unit)) throw new RefusedSql(call.name, `${call.name}: the part ${unit} is not supported`);
    return printed(`CAST(${date} ${sign} ${intervalSql(call, 1)} AS DATE)`, 'DATE');
  };
}

export function diffBoundaries(construct: string, later: string, earlier: string, partNode: Node | undefined): Printed {
  const part = toDatePart(construct, partNode);
  if (part.unit === 'WEEK' || part.unit === 'ISOWEEK') {
    const week = part.unit === 'WEEK' ? part : { unit: 'WEEK', weekStart: 1 };
    return printed(`(${weekNumber(later, week)} - ${weekNumber(earlier, week)})`, 'INT64');
  }
  if (part.unit === 'ISOYEAR') return printed(`(isoyear(${later}) - isoyear(${earlier}))`, 'INT64');
  if (!['DAY', 'MONTH', 'QUARTER', 'YEAR'].includes(part.unit)) throw new RefusedSql(construct, `${construct}: the part ${part.unit} is not supported`);
  return printed(`date_diff('${part.unit.toLowerCase()}', ${earlier}, ${later})`, 'INT64');
}

function dateDiff(call: FunctionCall): Printed {
  expectArguments(call, 3);
  return diffBoundaries(call.name, dateOperand(call, 0), dateOperand(call, 1), argument(call, 2));
}

function dateTrunc(call: FunctionCall): Printed {
  expectArguments(call, 2);
  const date = dateOperand(call, 0);
  const part = toDatePart(call.name, argument(call, 1));
  if (part.unit === 'DAY') return printed(date, 'DATE');
  if (part.unit === 'WEEK') {
    const days = daysToMonday(part);
    return printed(shiftDays(`CAST(date_trunc('week', ${shiftDays(date, days)}) AS DATE)`, -days), 'DATE');
  }
  const unit = part.unit === 'ISOWEEK' ? 'WEEK' : part.unit;
  if (!['WEEK', 'MONTH', 'QUARTER', 'YEAR', 'ISOYEAR'].includes(unit)) throw new RefusedSql(call.name, `${call.name}: the part ${part.unit} is not supported`);
  return printed(`CAST(date_trunc('${unit.toLowerCase()}', ${date}) AS DATE)`, 'DATE');
}

function lastDay(call: FunctionCall): Printed {
  expectArguments(call, 1, 2);
  const node = call.args[1];
  const part = node === undefined ? { unit: 'MONTH', weekStart: 0 } : toUnitPart(call.name, node);
  const date = dateOperand(call, 0);
  if (part.unit === 'MONTH') return printed(`last_day(${date})`, 'DATE');
  if (part.unit === 'WEEK' || part.unit === 'ISOWEEK') {
    const days = part.unit === 'ISOWEEK' ? 0 : daysToMonday(part);
    return printed(`(CAST(date_trunc('week', ${shiftDays(date, days)}) AS DATE) + ${6 - days})`, 'DATE');
  }
  const ends: Readonly<Record<string, string>> = { YEAR: 'INTERVAL 1 YEAR', QUARTER: 'INTERVAL 3 MONTH' };
  const length = ends[part.unit];
  if (length === undefined) throw new RefusedSql(call.name, `LAST_DAY: the part ${part.unit} is not supported`);
  return printed(`(CAST(date_trunc('${part.unit.toLowerCase()}', ${date}) + ${length} AS DATE) - 1)`, 'DATE');
}

/** DATE(x), DATE(timestamp, zone), DATE(year, month, day). */
function date(call: FunctionCall): Printed {
  expectArguments(call, 1, 3);
  if (call.args.length === 1) return printed(`CAST(${operand(call, 0).sql} AS DATE)`, 'DATE');
  if (call.args.length === 2)
    return printed(`CAST((${operand(call, 0).sql} AT TIME ZONE ${quoteString(expectString(call, 1, 'the time zone'))}) AS DATE)`, 'DATE');
  return printed(`make_date(${call.args.map((node) => bare(call.print(node))).join(', ')})`, 'DATE');
}

const FIELDS: Readonly<Record<string, (value: string) => string>> = {
  YEAR: (value) => `year(${value})`,
  QUARTER: (value) => `quarter(${value})`,
  MONTH: (value) => `month(${value})`,
  DAY: (value) => `day(${value})`,
  DAYOFYEAR: (value) => `dayofyear(${value})`,
  DAYOFWEEK: (value) => `(dayofweek(${value}) + 1)`,
  ISOWEEK: (value) => `weekofyear(${value})`,
  ISOYEAR: (value) => `isoyear(${value})`,
  HOUR: (value) => `hour(${value})`,
  MINUTE: (value) => `minute(${value})`,
  SECOND: (value) => `second(${value})`,
  MILLISECOND: (value) => `(millisecond(${value}) % 1000)`,
  MICROSECOND: (value) => `(microsecond(${value}) % 1000000)`,
};

export function printExtract(call: FunctionCall, field: Parameters<typeof toExtractPart>[0]): Printed {
  const part = toExtractPart(field);
  const node = argument(call, 0);
  const value = node.kind === 'at_time_zone' ? printZoned(call, node) : dateOperand(call, 0);
  if (part.unit === 'DATE') return printed(`CAST(${value} AS DATE)`, 'DATE');
  if (part.unit === 'WEEK') {
    const weekday = part.weekStart === 0 ? `dayofweek(${value})` : `((dayofweek(${value}) + ${7 - part.weekStart}) % 7)`;
    return printed(`((dayofyear(${value}) + 6 - ${weekday}) // 7)`, 'INT64');
  }
  const print = FIELDS[part.unit];
  if (print === undefined) throw new RefusedSql('EXTRACT', `EXTRACT: the part ${part.unit} is not supported`);
  return printed(print(value), 'INT64');
}

function printZoned(call: FunctionCall, node: Node): string {
  const { this: value, zone } = node.body;
  const name = call.stringLiteral(asNode(zone));
  if (name === undefined) throw new RefusedSql('AT TIME ZONE', 'AT TIME ZONE: the zone must be a string literal');
  const inner = asNode(value);
  if (inner === undefined) throw new RefusedSql('AT TIME ZONE', 'AT TIME ZONE: a value is missing');
  return `(${call.print(inner).sql} AT TIME ZONE ${quoteString(name)})`;
}

function asNode(value: Node['body'][string]): Node | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const [entry] = Object.entries(value);
  return entry === undefined ? undefined : { kind: entry[0], body: entry[1] as Node['body'] };
}

/** strftime and strptime directives that mean the same in both engines, by what DuckDB calls them. */
const DIRECTIVES: Readonly<Record<string, string>> = {
  A: '%A',
  a: '%a',
  B: '%B',
  b: '%b',
  d: '%d',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  G: '%G',
  H: '%H',
  I: '%I',
  j: '%j',
  M: '%M',
  m: '%m',
  p: '%p',
  R: '%H:%M',
  S: '%S',
  T: '%H:%M:%S',
  U: '%U',
  u: '%u',
  V: '%V',
  W: '%W',
  w: '%w',
  Y: '%Y',
  y: '%y',
  '%': '%%',
};

export function dateFormat(call: FunctionCall, index = 0): string {
  const format = expectString(call, index, 'the format');
  return quoteString(
    format.replaceAll(/%(E4Y|.)?/gsu, (directive, letter: string | undefined) => {
      const mapped = letter === undefined ? undefined : DIRECTIVES[letter];
      if (mapped === undefined) throw new RefusedSql(call.name, `${call.name}: ${directive} is not supported in a format`);
      return mapped;
    }),
  );
}

function formatDate(call: FunctionCall): Printed {
  expectArguments(call, 2);
  return printed(`strftime(${dateOperand(call, 1)}, ${dateFormat(call)})`, 'STRING');
}

function parseDate(strptime: 'strptime' | 'try_strptime'): FunctionPrinter {
  return (call) => {
    expectArguments(call, 2);
    return printed(`CAST(${strptime}(${operand(call, 1).sql}, ${dateFormat(call)}) AS DATE)`, 'DATE');
  };
}

function generateDateArray(call: FunctionCall): Printed {
  expectArguments(call, 2, 3);
  const [from, to] = [dateOperand(call, 0), dateOperand(call, 1)];
  if (call.args.length === 3 && interval(call, 2).literal === undefined) throw new RefusedSql(call.name, `${call.name}: the step must be a literal`);
  const step = call.args.length === 3 ? intervalSql(call, 2) : 'INTERVAL 1 DAY';
  const sql = `CAST(generate_series(CAST(${from} AS TIMESTAMP), CAST(${to} AS TIMESTAMP), ${step}) AS DATE[])`;
  return { sql, google: { kind: 'ARRAY', element: { kind: 'DATE' } } };
}

export const dateFunctions: Readonly<Record<string, FunctionPrinter>> = {
  DATE: date,
  DATE_ADD: addToDate('+'),
  DATE_DIFF: dateDiff,
  DATE_FROM_UNIX_DATE: (call) => {
    expectArguments(call, 1);
    return printed(`(DATE '1970-01-01' + CAST(${bare(operand(call, 0))} AS INTEGER))`, 'DATE');
  },
  DATE_SUB: addToDate('-'),
  DATE_TRUNC: dateTrunc,
  FORMAT_DATE: formatDate,
  GENERATE_DATE_ARRAY: generateDateArray,
  LAST_DAY: lastDay,
  PARSE_DATE: parseDate('strptime'),
  'SAFE.PARSE_DATE': parseDate('try_strptime'),
  UNIX_DATE: (call) => {
    expectArguments(call, 1);
    return printed(`(${dateOperand(call, 0)} - DATE '1970-01-01')`, 'INT64');
  },
};
