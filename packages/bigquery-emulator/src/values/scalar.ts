// One scalar: from the text that clients write to what DuckDB keeps, and to the text of a cell.
import { DuckDBBlobValue, DuckDBDateValue, DuckDBDecimalValue, DuckDBTimeValue, DuckDBTimestampTZValue, DuckDBTimestampValue } from '@duckdb/node-api';
import { BigQueryProblem, notImplemented } from '../problem.ts';
import type { DuckDBValue, ScalarKind } from '../types.ts';
import { formatDate, formatDatetime, formatTime, inRange, isDayInRange, parseDate, parseDatetime, parseTime, parseTimestamp } from './civil.ts';
import { normalizeJson } from './json-text.ts';
import { formatFloat64, formatNumeric, isInt64, isNumericInRange, parseFloat64, parseInt64, parseNumeric } from './number-text.ts';

/** undefined where the text is no value of that kind. A zone by name in a TIMESTAMP is refused by name. */
export function parseScalar(kind: ScalarKind, text: string): DuckDBValue | undefined {
  switch (kind) {
    case 'INT64':
      return parseInt64(text);
    case 'FLOAT64':
      return parseFloat64(text);
    case 'NUMERIC':
      return mapDefined(parseNumeric(text), (value) => new DuckDBDecimalValue(value, 38, 9));
    case 'BOOL':
      return /^true$/iu.test(text) ? true : /^false$/iu.test(text) ? false : undefined;
    case 'STRING':
      // A lone surrogate has no UTF-8.
      return text.isWellFormed() ? text : undefined;
    case 'BYTES':
      return mapDefined(decodeBase64(text), (bytes) => new DuckDBBlobValue(bytes));
    case 'DATE':
      return mapDefined(parseDate(text), (days) => new DuckDBDateValue(days));
    case 'TIME':
      return mapDefined(parseTime(text), (micros) => new DuckDBTimeValue(micros));
    case 'DATETIME':
      return mapDefined(parseDatetime(text), (micros) => new DuckDBTimestampValue(micros));
    case 'TIMESTAMP': {
      const micros = parseTimestamp(text);
      if (micros === 'named zone') throw notImplemented(`a time zone by name in a TIMESTAMP (${text.slice(0, 100)})`);
      return mapDefined(micros, (value) => new DuckDBTimestampTZValue(value));
    }
    case 'JSON':
      return normalizeJson(text);
  }
}

const mapDefined = <In, Out>(value: In | undefined, map: (value: In) => Out): Out | undefined => (value === undefined ? undefined : map(value));

/** Both alphabets, padded or not; `atob` refuses what Buffer would skip. */
function decodeBase64(text: string): Uint8Array | undefined {
  const standard = text.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/u, '');
  return /^[A-Za-z0-9+/]*$/u.test(standard) && standard.length % 4 !== 1 ? Buffer.from(standard, 'base64') : undefined;
}

/** The text of a cell. What is outside of BigQuery's ranges is an error of ours: BigQuery would have failed before. */
export function formatScalar(kind: ScalarKind, value: DuckDBValue, options: { readonly useInt64Timestamp: boolean }): string {
  const text = textOf(kind, value, options);
  if (text === undefined) throw new BigQueryProblem('internalError', `a value that DuckDB returned is no ${kind}: ${String(value).slice(0, 100)}`);
  return text;
}

function textOf(kind: ScalarKind, value: DuckDBValue, { useInt64Timestamp }: { readonly useInt64Timestamp: boolean }): string | undefined {
  switch (kind) {
    case 'INT64':
      return (typeof value === 'bigint' && isInt64(value)) || (typeof value === 'number' && Number.isSafeInteger(value)) ? String(value) : undefined;
    case 'FLOAT64':
      return typeof value === 'number' ? formatFloat64(value) : undefined;
    case 'NUMERIC':
      return mapDefined(numericOf(value), formatNumeric);
    case 'BOOL':
      return typeof value === 'boolean' ? String(value) : undefined;
    case 'STRING':
      return typeof value === 'string' ? value : undefined;
    case 'BYTES':
      return value instanceof DuckDBBlobValue ? Buffer.from(value.bytes).toString('base64') : undefined;
    case 'DATE':
      return value instanceof DuckDBDateValue && isDayInRange(value.days) ? formatDate(value.days) : undefined;
    case 'TIME':
      return value instanceof DuckDBTimeValue && value.micros >= 0n && value.micros < 86_400_000_000n ? formatTime(value.micros) : undefined;
    case 'DATETIME':
      return value instanceof DuckDBTimestampValue ? mapDefined(inRange(value.micros), formatDatetime) : undefined;
    case 'TIMESTAMP':
      if (!(value instanceof DuckDBTimestampTZValue)) return undefined;
      return mapDefined(inRange(value.micros), (micros) => (useInt64Timestamp ? String(micros) : formatFloat64(secondsOf(micros))));
    case 'JSON':
      return typeof value === 'string' ? normalizeJson(value) : undefined;
  }
}

/** Read from decimal text, so that it is rounded once: beyond 2^53 microseconds Number(micros) would round before. */
function secondsOf(micros: bigint): number {
  const digits = String(micros < 0n ? -micros : micros).padStart(7, '0');
  return Number(`${micros < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`);
}

/** DuckDB keeps a DECIMAL of any scale; up to nine are BigQuery's. */
function numericOf(value: DuckDBValue): bigint | undefined {
  if (!(value instanceof DuckDBDecimalValue) || value.scale > 9) return undefined;
  const scaled = value.value * 10n ** BigInt(9 - value.scale);
  return isNumericInRange(scaled) ? scaled : undefined;
}
