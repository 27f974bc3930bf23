/**
 * Which texts GoogleSQL casts to numbers, dates and times: DuckDB takes more (' 2024-2-3', 'infinity', '24:00:00') and
 * less. A text that GoogleSQL takes and DuckDB reads otherwise, or not at all, is refused by name when it is met, by
 * SAFE_CAST too: NULL would say that it is no number or time. The patterns are for RE2 and JavaScript alike.
 */
import type { SqlType } from './printed.ts';

const YEAR = '(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})';
/** With an offset the first and last year may lead out of the range. */
const INNER_YEAR = '(?:000[2-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])';
const DAY = '-[0-9]{1,2}-[0-9]{1,2}';
const clock = (seconds: string): string => `(?:[01]?[0-9]|2[0-3]):[0-5]?[0-9]:${seconds}(?:[.][0-9]{1,9})?`;
const TIME = clock('[0-5]?[0-9]');
/** The leap second, which is the next minute's first. */
const ANY_TIME = clock('(?:[0-5]?[0-9]|60)');
const ZONE = '(?:[+-](?:0[0-9]|1[0-3])(?::?[0-5][0-9])?| [A-Z][a-z]+/[A-Z][a-z]+(?:_[A-Z][a-z]+)*)';

type Texts = {
  /** DuckDB reads these as GoogleSQL does. */
  readonly same: string;
  /** These are refused; some of them are valid. Empty: there are none. */
  readonly refused: string;
};

const TIME_TEXTS = {
  DATE: { same: `${YEAR}${DAY}`, refused: '' },
  TIME: { same: TIME, refused: ANY_TIME },
  DATETIME: { same: `${YEAR}${DAY}(?:[ T]${TIME})?`, refused: `${YEAR}${DAY}[ Tt]${ANY_TIME}` },
  TIMESTAMP: {
    same: `${YEAR}${DAY}(?:[ T]${TIME}(?:Z| UTC)?)?|${INNER_YEAR}${DAY}[ T]${TIME}${ZONE}`,
    refused: `${YEAR}${DAY}[ Tt]${ANY_TIME}(?: ?[A-Za-z+-].*)?`,
  },
} as const satisfies Partial<Record<SqlType, Texts>>;
type TimeType = keyof typeof TIME_TEXTS;

export const isTimeType = (type: SqlType): type is TimeType => type in TIME_TEXTS;
export const isPlainTimeText = (text: string, type: TimeType): boolean => new RegExp(`^(?:${TIME_TEXTS[type].same})$`, 'u').test(text);

/** FLOAT64 and NUMERIC. */
const NUMBER_TEXT = '[[:space:]]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[[:space:]]*';
/** FLOAT64 alone. NaN is equal to itself in DuckDB, so it must not come from a cast. */
const SPECIAL_FLOAT_TEXT = '(?i)[[:space:]]*[+-]?(inf|infinity|nan([(][0-9a-z_]*[)])?|0x[0-9a-f.]+(p[+-]?[0-9]+)?)[[:space:]]*';
const DECIMAL_INTEGER_TEXT = '[[:space:]]*[+-]?[0-9]+[[:space:]]*';
const HEX_INTEGER_TEXT = ' *[+-]?0[xX][0-9a-fA-F]+ *';
/** GoogleSQL takes some of these, and others not. */
const SPACED_HEX_TEXT = '[[:space:]]*[+-]?0[xX][0-9a-fA-F]+[[:space:]]*';

const TEXT = 'CAST(x AS VARCHAR)';
const isText = (pattern: string): string => `regexp_full_match(${TEXT}, '${pattern}')`;

/** Bodies of the macros `fg_date(x)`, `fg_safe_date(x)`, … */
export function timeCast(type: TimeType, duckdbType: string, isSafe: boolean): string {
  const { same, refused }: Texts = TIME_TEXTS[type];
  const cast = isSafe ? 'TRY_CAST' : 'CAST';
  const name = type.toLowerCase();
  const otherwise = isSafe ? 'NULL' : `error('Invalid ${name}: ''' || ${TEXT} || '''')`;
  const refusal = refused === '' ? '' : `WHEN ${isText(refused)} THEN error('the spelling of the ${type} ''' || ${TEXT} || ''' is not supported')`;
  return `CASE
    WHEN typeof(x) = 'VARCHAR' THEN CASE WHEN x IS NULL OR ${isText(same)} THEN ${cast}(${TEXT} AS ${duckdbType}) ${refusal} ELSE ${otherwise} END
    ELSE ${cast}(x AS ${duckdbType}) END`;
}

export function floatCast(isSafe: boolean): string {
  return `CASE
    WHEN typeof(x) = 'VARCHAR' THEN CASE
      WHEN x IS NULL OR ${isText(NUMBER_TEXT)} THEN CAST(trim(${TEXT}) AS DOUBLE)
      WHEN ${isText(SPECIAL_FLOAT_TEXT)} THEN error('the FLOAT64 ''' || ${TEXT} || ''' is not supported')
      ELSE ${isSafe ? 'NULL' : `error('Bad double value: ' || ${TEXT})`} END
    ELSE ${isSafe ? 'TRY_CAST' : 'CAST'}(x AS DOUBLE) END`;
}

/** DuckDB reads no sign before 0x. */
export function integerCast(isSafe: boolean): string {
  const cast = isSafe ? 'TRY_CAST' : 'CAST';
  const magnitude = `CAST(${cast}(ltrim(lower(trim(${TEXT})), '+-') AS UBIGINT) AS HUGEINT)`;
  return `CASE
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN ${cast}(round(CAST(x AS DOUBLE)) AS BIGINT)
    WHEN typeof(x) = 'VARCHAR' THEN CASE
      WHEN x IS NULL OR ${isText(DECIMAL_INTEGER_TEXT)} THEN ${cast}(trim(${TEXT}) AS BIGINT)
      WHEN ${isText(HEX_INTEGER_TEXT)} THEN ${cast}(CASE WHEN contains(${TEXT}, '-') THEN -${magnitude} ELSE ${magnitude} END AS BIGINT)
      WHEN ${isText(SPACED_HEX_TEXT)} THEN error('the INT64 ''' || ${TEXT} || ''' is not supported')
      ELSE ${isSafe ? 'NULL' : `error('Bad int64 value: ' || ${TEXT})`} END
    ELSE ${cast}(x AS BIGINT) END`;
}

/**
 * Of a FLOAT64 the exact binary value is rounded, half away from zero. DuckDB's cast multiplies in floating point. No
 * double is nearer than 40 digits to a half without being one.
 */
export function numericCast(isSafe: boolean): string {
  const cast = isSafe ? 'TRY_CAST' : 'CAST';
  return `CASE
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN ${cast}(printf('%.40f', CAST(x AS DOUBLE)) AS DECIMAL(38, 9))
    WHEN typeof(x) = 'VARCHAR' THEN CASE
      WHEN x IS NULL OR ${isText(NUMBER_TEXT)} THEN ${cast}(trim(${TEXT}) AS DECIMAL(38, 9))
      ELSE ${isSafe ? 'NULL' : `error('Invalid NUMERIC value: ' || ${TEXT})`} END
    ELSE ${cast}(x AS DECIMAL(38, 9)) END`;
}
