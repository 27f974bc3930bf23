/** TIMESTAMP (DuckDB's TIMESTAMPTZ, in a session whose zone is UTC) and DATETIME (DuckDB's TIMESTAMP) functions. */
import { printCast } from '../casts.ts';
import { bare, printed, quoteString } from '../printed.ts';
import type { Printed, SqlType } from '../printed.ts';
import { RefusedSql } from '../problems.ts';
import { argument, expectArguments, expectString, operand } from './call.ts';
import type { FunctionCall, FunctionPrinter } from './call.ts';
import { daysToMonday, toDatePart } from './date-parts.ts';
import { dateFormat, diffBoundaries } from './dates.ts';
import { interval, intervalSql } from './intervals.ts';

const CLOCK_UNITS = ['MICROSECOND', 'MILLISECOND', 'SECOND', 'MINUTE', 'HOUR'];
const TYPES = { TIMESTAMP: 'TIMESTAMPTZ', DATETIME: 'TIMESTAMP' } as const;

function typedOperand(call: FunctionCall, index: number, type: keyof typeof TYPES): string {
  const node = argument(call, index);
  const value = call.print(node);
  return call.stringLiteral(node) === undefined ? value.sql : `CAST(${value.sql} AS ${TYPES[type]})`;
}

function add(type: keyof typeof TYPES, sign: '+' | '-'): FunctionPrinter {
  return (call) => {
    expectArguments(call, 2);
    const units = type === 'TIMESTAMP' ? [...CLOCK_UNITS, 'DAY'] : [...CLOCK_UNITS, 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR'];
    if (!units.includes(interval(call, 1).unit)) throw new RefusedSql(call.name, `${call.name}: the part ${interval(call, 1).unit} is not supported`);
    return printed(`(${typedOperand(call, 0, type)} ${sign} ${intervalSql(call, 1)})`, type);
  };
}

/** Whole parts between two instants, cut towards zero. */
function timestampDiff(call: FunctionCall): Printed {
  expectArguments(call, 3);
  const { unit } = toDatePart(call.name, argument(call, 2));
  if (![...CLOCK_UNITS, 'DAY'].includes(unit)) throw new RefusedSql(call.name, `${call.name}: the part ${unit} is not supported`);
  return printed(`date_sub('${unit.toLowerCase()}', ${typedOperand(call, 1, 'TIMESTAMP')}, ${typedOperand(call, 0, 'TIMESTAMP')})`, 'INT64');
}

/** Boundaries between two local times. */
function datetimeDiff(call: FunctionCall): Printed {
  expectArguments(call, 3);
  const { unit } = toDatePart(call.name, argument(call, 2));
  const [later, earlier] = [typedOperand(call, 0, 'DATETIME'), typedOperand(call, 1, 'DATETIME')];
  if (CLOCK_UNITS.includes(unit)) return printed(`date_diff('${unit.toLowerCase()}', ${earlier}, ${later})`, 'INT64');
  return diffBoundaries(call.name, `CAST(${later} AS DATE)`, `CAST(${earlier} AS DATE)`, argument(call, 2));
}

function truncate(type: keyof typeof TYPES): FunctionPrinter {
  return (call) => {
    expectArguments(call, 2, type === 'TIMESTAMP' ? 3 : 2);
    const zone = call.args.length === 3 ? quoteString(expectString(call, 2, 'the time zone')) : undefined;
    const given = typedOperand(call, 0, type);
    const value = zone === undefined ? given : `(${given} AT TIME ZONE ${zone})`;
    const part = toDatePart(call.name, argument(call, 1));
    const unit = part.unit === 'ISOWEEK' ? 'WEEK' : part.unit;
    if (![...CLOCK_UNITS, 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR', 'ISOYEAR'].includes(unit))
      throw new RefusedSql(call.name, `${call.name}: the part ${part.unit} is not supported`);
    const days = part.unit === 'WEEK' ? daysToMonday(part) : 0;
    const cut =
      days === 0 ? `date_trunc('${unit.toLowerCase()}', ${value})` : `(date_trunc('week', ${value} + INTERVAL (${days}) DAY) - INTERVAL (${days}) DAY)`;
    return printed(zone === undefined ? cut : `(CAST(${cut} AS TIMESTAMP) AT TIME ZONE ${zone})`, type);
  };
}

const castOperand = (call: FunctionCall, type: SqlType): Printed => printCast(operand(call, 0), type, false, call.stringLiteral(argument(call, 0)));

function toTimestamp(call: FunctionCall): Printed {
  expectArguments(call, 1, 2);
  if (call.args.length === 1) return castOperand(call, 'TIMESTAMP');
  return printed(`(${castOperand(call, 'DATETIME').sql} AT TIME ZONE ${quoteString(expectString(call, 1, 'the time zone'))})`, 'TIMESTAMP');
}

function toDatetime(call: FunctionCall): Printed {
  expectArguments(call, 1, 6);
  if (call.args.length === 1) return castOperand(call, 'DATETIME');
  if (call.args.length === 2) return printed(`(${operand(call, 0).sql} AT TIME ZONE ${quoteString(expectString(call, 1, 'the time zone'))})`, 'DATETIME');
  expectArguments(call, 6);
  return printed(`make_timestamp(${call.args.map((node) => bare(call.print(node))).join(', ')})`, 'DATETIME');
}

function fromEpoch(microseconds: number): FunctionPrinter {
  return (call) => {
    expectArguments(call, 1);
    return printed(`make_timestamptz(${operand(call, 0).sql}${microseconds === 1 ? '' : ` * ${microseconds}`})`, 'TIMESTAMP');
  };
}

/** GoogleSQL rounds down, also before 1970. */
function toEpoch(microseconds: number): FunctionPrinter {
  return (call) => {
    expectArguments(call, 1);
    const micros = `epoch_us(${typedOperand(call, 0, 'TIMESTAMP')})`;
    if (microseconds === 1) return printed(micros, 'INT64');
    return printed(`((${micros} - ((${micros} % ${microseconds}) + ${microseconds}) % ${microseconds}) // ${microseconds})`, 'INT64');
  };
}

function format(type: keyof typeof TYPES): FunctionPrinter {
  return (call) => {
    expectArguments(call, 2, type === 'TIMESTAMP' ? 3 : 2);
    const value = typedOperand(call, 1, type);
    const local = call.args.length === 3 ? `(${value} AT TIME ZONE ${quoteString(expectString(call, 2, 'the time zone'))})` : value;
    return printed(`strftime(CAST(${local} AS TIMESTAMP), ${dateFormat(call)})`, 'STRING');
  };
}

function parse(type: SqlType, strptime: 'strptime' | 'try_strptime'): FunctionPrinter {
  return (call) => {
    expectArguments(call, 2, type === 'TIMESTAMP' ? 3 : 2);
    const local = `${strptime}(${operand(call, 1).sql}, ${dateFormat(call)})`;
    if (type === 'DATETIME') return printed(local, type);
    return printed(`(${local} AT TIME ZONE ${quoteString(call.args.length === 3 ? expectString(call, 2, 'the time zone') : 'UTC')})`, type);
  };
}

function generateTimestamps(call: FunctionCall): Printed {
  expectArguments(call, 3);
  const step = interval(call, 2);
  if (step.literal === undefined || step.literal <= 0n || ![...CLOCK_UNITS, 'DAY'].includes(step.unit))
    throw new RefusedSql(call.name, `${call.name}: the step must be a positive literal of days or less`);
  const sql = `generate_series(${typedOperand(call, 0, 'TIMESTAMP')}, ${typedOperand(call, 1, 'TIMESTAMP')}, ${intervalSql(call, 2)})`;
  return { sql, google: { kind: 'ARRAY', element: { kind: 'TIMESTAMP' } } };
}

export const timestampFunctions: Readonly<Record<string, FunctionPrinter>> = {
  GENERATE_TIMESTAMP_ARRAY: generateTimestamps,
  DATETIME: toDatetime,
  DATETIME_ADD: add('DATETIME', '+'),
  DATETIME_DIFF: datetimeDiff,
  DATETIME_SUB: add('DATETIME', '-'),
  DATETIME_TRUNC: truncate('DATETIME'),
  FORMAT_DATETIME: format('DATETIME'),
  FORMAT_TIMESTAMP: format('TIMESTAMP'),
  PARSE_DATETIME: parse('DATETIME', 'strptime'),
  PARSE_TIMESTAMP: parse('TIMESTAMP', 'strptime'),
  'SAFE.PARSE_TIMESTAMP': parse('TIMESTAMP', 'try_strptime'),
  TIMESTAMP: toTimestamp,
  TIMESTAMP_ADD: add('TIMESTAMP', '+'),
  TIMESTAMP_DIFF: timestampDiff,
  TIMESTAMP_MICROS: fromEpoch(1),
  TIMESTAMP_MILLIS: fromEpoch(1000),
  TIMESTAMP_SECONDS: fromEpoch(1_000_000),
  TIMESTAMP_SUB: add('TIMESTAMP', '-'),
  TIMESTAMP_TRUNC: truncate('TIMESTAMP'),
  UNIX_MICROS: toEpoch(1),
  UNIX_MILLIS: toEpoch(1000),
  UNIX_SECONDS: toEpoch(1_000_000),
};
