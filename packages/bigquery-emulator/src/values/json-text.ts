// JSON as BigQuery keeps and prints it: compact, keys sorted, integers of 64 bits exact.
// https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/json_functions#parse_json
import { isInt64 } from './number-text.ts';

const maxUint = 2n ** 64n - 1n;
const maxNesting = 500;
type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;

/** undefined where it is no JSON, nests deeper than 500, or has a number that a double can't keep. */
export function normalizeJson(text: string): string | undefined {
  try {
    return printJson(
      parse(text, (_key, value, context) => (typeof value === 'number' ? new NumberText(context.source ?? String(value)) : value)),
      0,
    );
  } catch (error) {
    // A text that is nested too deeply for the parser overflows its stack.
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

class NumberText {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

function printJson(value: unknown, depth: number): string {
  if (depth > maxNesting) throw new RangeError('nested too deeply');
  if (value instanceof NumberText) return printNumber(value.source);
  if (Array.isArray(value)) return `[${value.map((item) => printJson(item, depth + 1)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${printJson(item, depth + 1)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

function printNumber(source: string): string {
  if (/^-?\d{1,20}$/u.test(source) && source !== '-0') {
    const value = BigInt(source);
    if (isInt64(value) || (value > 0n && value <= maxUint)) return String(value);
  }
  const value = Number(source);
  if (!Number.isFinite(value) || !isSameNumber(source, value)) throw new RangeError('a number that a double does not keep');
  const absolute = Math.abs(value);
  if (value !== 0 && (absolute >= 1e15 || absolute < 1e-5)) {
    const [digits, exponent = ''] = value.toExponential().split('e');
    return `${digits}e${exponent.startsWith('-') ? '-' : '+'}${exponent.slice(1).padStart(2, '0')}`;
  }
  return Object.is(value, -0) ? '-0.0' : Number.isInteger(value) ? `${value}.0` : String(value);
}

/** BigQuery's `wide_number_mode => 'exact'`: the text, read as a double and printed again, is the same number. */
function isSameNumber(source: string, value: number): boolean {
  const digitsOf = (text: string): string => {
    const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
    const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
    const digits = `${whole}${fraction}`.replace(/^0+/u, '');
    const trimmed = digits.replace(/0+$/u, '');
    return trimmed === '' ? '0' : `${trimmed}e${Number(exponent) - fraction.length + digits.length - trimmed.length}`;
  };
  return digitsOf(source) === digitsOf(value.toExponential());
}
