// JSON as BigQuery keeps and prints it: compact, keys in the order of their bytes, the first of two that are alike, integers
// of 64 bits exact. Read here and not by JSON.parse, which keeps the last of two keys and no digits beyond a double's. Tested
// against PARSE_JSON of Google's reference evaluator.
// https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/json_functions#parse_json
import { isInt64 } from './number-text.ts';

const maxUint = 2n ** 64n - 1n;
const maxNesting = 500;
const token = /[ \t\n\r]*(?:([{}[\],:])|(true|false|null)|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)|("[^"\\]*(?:\\.[^"\\]*)*"))/suy;

class NotJson extends Error {}

/** undefined where it is no JSON, nests deeper than 500, or has a number that a double can't keep. */
export function normalizeJson(text: string): string | undefined {
  try {
    return new Reader(text).read();
  } catch (error) {
    if (error instanceof NotJson) return undefined;
    throw error;
  }
}

class Reader {
  readonly #text: string;
  #at = 0;
  constructor(text: string) {
    this.#text = text;
  }

  read(): string {
    const value = this.#value(this.#next(), 0);
    if (this.#text.slice(this.#at).trim() !== '') throw new NotJson();
    return value;
  }

  #next(): string {
    token.lastIndex = this.#at;
    const match = token.exec(this.#text);
    if (match === null) throw new NotJson();
    this.#at = token.lastIndex;
    return (match[1] ?? match[2] ?? match[3] ?? match[4]) as string;
  }

  #value(first: string, depth: number): string {
    if (depth > maxNesting) throw new NotJson();
    if (first === '[') return this.#array(depth + 1);
    if (first === '{') return this.#object(depth + 1);
    if (first.startsWith('"')) return printString(readString(first));
    if (/^[\d-]/u.test(first)) return printNumber(first);
    if (first === 'true' || first === 'false' || first === 'null') return first;
    throw new NotJson();
  }

  #array(depth: number): string {
    const items: string[] = [];
    let next = this.#next();
    while (next !== ']') {
      items.push(this.#value(next, depth));
      next = this.#afterItem(']');
    }
    return `[${items.join(',')}]`;
  }

  #object(depth: number): string {
    const entries = new Map<string, string>();
    let next = this.#next();
    while (next !== '}') {
      if (!next.startsWith('"')) throw new NotJson();
      const key = readString(next);
      if (this.#next() !== ':') throw new NotJson();
      const value = this.#value(this.#next(), depth);
      if (!entries.has(key)) entries.set(key, value);
      next = this.#afterItem('}');
    }
    const sorted = [...entries].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return `{${sorted.map(([key, value]) => `${printString(key)}:${value}`).join(',')}}`;
  }

  /** The end, or the first token of the next item. */
  #afterItem(end: string): string {
    const separator = this.#next();
    if (separator === end) return end;
    if (separator !== ',') throw new NotJson();
    const next = this.#next();
    if (next === end) throw new NotJson();
    return next;
  }
}

function readString(source: string): string {
  let value: string;
  try {
    value = JSON.parse(source) as string;
  } catch {
    throw new NotJson();
  }
  // Half a character has no UTF-8.
  if (!value.isWellFormed()) throw new NotJson();
  return value;
}

const printString = (text: string): string => JSON.stringify(text);

function printNumber(source: string): string {
  if (/^-?\d{1,20}$/u.test(source)) {
    const value = BigInt(source);
    if (isInt64(value) || (value > 0n && value <= maxUint)) return String(value);
  }
  const value = Number(source);
  if (!Number.isFinite(value) || decimalOf(source) !== decimalOf(value.toExponential())) throw new NotJson();
  const absolute = Math.abs(value);
  if (value !== 0 && (absolute >= 1e15 || absolute < 1e-4)) {
    const [digits, exponent = ''] = value.toExponential().split('e');
    return `${digits}e${exponent.startsWith('-') ? '-' : '+'}${exponent.slice(1).padStart(2, '0')}`;
  }
  return Object.is(value, -0) ? '-0.0' : Number.isInteger(value) ? `${value}.0` : String(value);
}

/**
 * Digits and exponent, without zeros at either end: equal for equal numbers. BigQuery's `wide_number_mode => 'exact'` keeps a
 * number only where its text, read as a double and printed again, is the same number.
 */
function decimalOf(text: string): string {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = `${whole}${fraction}`.replace(/^0+/u, '');
  const trimmed = digits.replace(/0+$/u, '');
  return trimmed === '' ? '0' : `${trimmed}e${Number(exponent) - fraction.length + digits.length - trimmed.length}`;
}
