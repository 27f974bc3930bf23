// Numbers as BigQuery reads and prints them; NUMERIC exact, as an integer of 10^-9.
const scale = 9;
const unit = 10n ** BigInt(scale);
const maxNumeric = 10n ** 38n - 1n;
const minInt = -(2n ** 63n);
const maxInt = 2n ** 63n - 1n;

export const isInt64 = (value: bigint): boolean => value >= minInt && value <= maxInt;
export const isNumericInRange = (value: bigint): boolean => value >= -maxNumeric && value <= maxNumeric;

export function parseInt64(text: string): bigint | undefined {
  // Longer texts than any INT64 are cut off before BigInt sees them: its time grows faster than their length.
  if (!/^\s*[+-]?(?:0*)\d{1,19}\s*$/u.test(text) || text.length > 1_000) return undefined;
  const trimmed = text.trim();
  const value = BigInt(trimmed.startsWith('+') ? trimmed.slice(1) : trimmed);
  return isInt64(value) ? value : undefined;
}

/** The value in units of 10^-9. More than 9 decimals, or 29 digits before them, is no NUMERIC. */
export function parseNumeric(text: string): bigint | undefined {
  const match = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?\s*$/u.exec(text.length > 1_000 ? '' : text);
  const whole = match?.[2] ?? '';
  const fraction = (match?.[3] ?? '').replace(/0+$/u, '');
  if (match === null || whole + (match[3] ?? '') === '') return undefined;
  const shift = scale + Number(match[4] ?? '0') - fraction.length;
  const digits = BigInt(whole + fraction || '0');
  if (digits === 0n) return 0n;
  if (shift > 100) return undefined;
  const divisor = shift < 0 ? 10n ** BigInt(-shift) : 1n;
  if (digits % divisor !== 0n) return undefined;
  const value = (shift < 0 ? digits / divisor : digits * 10n ** BigInt(shift)) * (match[1] === '-' ? -1n : 1n);
  return isNumericInRange(value) ? value : undefined;
}

export function formatNumeric(value: bigint): string {
  const sign = value < 0n ? '-' : '';
  const absolute = value < 0n ? -value : value;
  const fraction = String(absolute % unit)
    .padStart(scale, '0')
    .replace(/0+$/u, '');
  return `${sign}${absolute / unit}${fraction === '' ? '' : `.${fraction}`}`;
}

/** NaN and infinities by BigQuery's names, in any case; undefined where it is no number, or too large for one. */
export function parseFloat64(text: string): number | undefined {
  const trimmed = text.trim();
  const special = /^([+-]?)(nan|inf|infinity)$/iu.exec(trimmed);
  if (special !== null) {
    if (special[2]?.toLowerCase() === 'nan') return Number.NaN;
    return special[1] === '-' ? -Infinity : Infinity;
  }
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/u.test(trimmed)) return undefined;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : undefined;
}

/** As cells have it: `1.0`, `1.5E10`, `NaN`. The form is that of Java's Double.toString, which every client reads. */
export function formatFloat64(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const absolute = Math.abs(value);
  if (absolute >= 1e-3 && absolute < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value);
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`;
}
