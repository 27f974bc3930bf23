// Dates and times as BigQuery reads and prints them, exact to the microsecond. Ranges are BigQuery's: years 1 to 9999.
// https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types#canonical_format_for_date_literals
const dayMs = 86_400_000;
const dayMicros = 86_400_000_000n;
const minMicros = -62_135_596_800_000_000n;
const maxMicros = 253_402_300_799_999_999n;
const minDay = Number(minMicros / dayMicros);
const maxDay = 2_932_896;

const datePart = String.raw`(\d{4})-(\d{1,2})-(\d{1,2})`;
const timePart = String.raw`(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6}))?`;
const dateText = new RegExp(`^${datePart}$`, 'u');
const timeText = new RegExp(`^${timePart}$`, 'u');
const datetimeText = new RegExp(`^${datePart}(?:[ Tt]${timePart})?$`, 'u');
const zonePart = String.raw`(Z|z| ?UTC|[+-]\d{1,2}(?::?\d{2})?)`;
const timestampText = new RegExp(`^${datePart}(?:[ Tt]${timePart})?(?: ?${zonePart})?$`, 'u');
/** A zone by name, which is BigQuery's to resolve: `America/New_York`. */
const namedZone = /^\d{4}-[\d-]+(?:[ Tt][\d:.]+)? ?[A-Za-z]{3,}(?:[/_+-][\w/+-]+)?$/u;

/** Days since 1970-01-01; undefined where there is no such day. */
export function parseDate(text: string): number | undefined {
  const match = dateText.exec(text);
  return match === null ? undefined : dayOf(match[1], match[2], match[3]);
}

/** Microseconds since midnight. */
export function parseTime(text: string): bigint | undefined {
  const match = timeText.exec(text);
  return match === null ? undefined : microsOf(match[1], match[2], match[3], match[4]);
}

/** Microseconds since 1970-01-01T00:00:00. */
export function parseDatetime(text: string): bigint | undefined {
  const match = datetimeText.exec(text);
  return match === null ? undefined : civilMicros(match);
}

/** Microseconds since the epoch; without a zone it is UTC. `named zone`: only a data base of zones could tell. */
export function parseTimestamp(text: string): bigint | 'named zone' | undefined {
  const match = timestampText.exec(text);
  if (match === null) return namedZone.test(text) ? 'named zone' : undefined;
  const civil = civilMicros(match);
  const offset = offsetMicros(match[8] ?? 'Z');
  return civil === undefined || offset === undefined ? undefined : inRange(civil - offset);
}

export function inRange(micros: bigint): bigint | undefined {
  return micros < minMicros || micros > maxMicros ? undefined : micros;
}

export const isDayInRange = (days: number): boolean => Number.isInteger(days) && days >= minDay && days <= maxDay;

export const formatDate = (days: number): string => new Date(days * dayMs).toISOString().slice(0, 10);

/** No fraction or six digits of it: the only forms that Google's Python client reads. */
export function formatTime(micros: bigint): string {
  const seconds = new Date(Number(micros / 1_000n)).toISOString().slice(11, 19);
  const fraction = micros % 1_000_000n;
  return fraction === 0n ? seconds : `${seconds}.${String(fraction).padStart(6, '0')}`;
}

/** `2024-01-02T03:04:05`, as cells have it. */
export function formatDatetime(micros: bigint): string {
  const time = ((micros % dayMicros) + dayMicros) % dayMicros;
  return `${formatDate(Number((micros - time) / dayMicros))}T${formatTime(time)}`;
}

function dayOf(year = '', month = '', day = ''): number | undefined {
  const iso = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const ms = year === '0000' ? Number.NaN : Date.parse(`${iso}T00:00:00Z`);
  // V8 reads February 30th as March 1st.
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== iso ? undefined : ms / dayMs;
}

function microsOf(hour = '0', minute = '0', second = '0', fraction = ''): bigint | undefined {
  // A leap second is smeared away: 60 is no second of BigQuery's.
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  return BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}

function civilMicros(match: RegExpExecArray): bigint | undefined {
  const day = dayOf(match[1], match[2], match[3]);
  const time = microsOf(match[4], match[5], match[6], match[7]);
  return day === undefined || time === undefined ? undefined : BigInt(day) * dayMicros + time;
}

/** BigQuery takes offsets up to 14 hours. */
function offsetMicros(zone: string): bigint | undefined {
  if (/^ ?(?:Z|UTC)$/iu.test(zone)) return 0n;
  const match = /^([+-])(\d{1,2})(?::?(\d{2}))?$/u.exec(zone);
  if (match === null) return undefined;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? '0');
  if (minutes > 14 * 60 || Number(match[3] ?? '0') > 59) return undefined;
  return BigInt(match[1] === '-' ? -minutes : minutes) * 60_000_000n;
}
