/**
 * DuckDB macros that carry GoogleSQL's meaning where an inline expression would be unreadable. A warehouse runs these
 * statements once per connection. `typeof` is folded while DuckDB plans, so a macro that branches on it costs nothing
 * per row, and it works on aggregates, where DuckDB cannot resolve overloaded macros.
 */
import { DUCKDB_TYPES } from './google-types.ts';
import { floatCast, integerCast, numericCast, timeCast } from './text-casts.ts';

/** Unicode's White_Space, which GoogleSQL's TRIM removes; DuckDB's removes the space alone. */
const WHITE_SPACE = '\t\n\u000b\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000';

/** True at plan time where an operation would be NUMERIC in GoogleSQL and is DOUBLE in DuckDB. */
const NUMERIC_PAIR = `(typeof(a) LIKE 'DECIMAL%' AND typeof(b) NOT IN ('DOUBLE', 'FLOAT')) OR (typeof(b) LIKE 'DECIMAL%' AND typeof(a) NOT IN ('DOUBLE', 'FLOAT'))`;
/** 1.0 and 1.500000000 as GoogleSQL has them in a message. */
const NUMBER_OF_A = String.raw`regexp_replace(regexp_replace(CAST(a AS VARCHAR), '\.0+$', ''), '(\.[0-9]*[1-9])0+$', '\1')`;
const TEXT = 'CAST(x AS VARCHAR)';

const MAYBE_INFINITE = `typeof(x) = 'DOUBLE' AND isinf(TRY_CAST(x AS DOUBLE))`;
const OVERFLOW = `error('double overflow: FLOAT64 arithmetic gave infinity')`;
const OVERFLOW_GAP = `error('FLOAT64 arithmetic that gives infinity is not supported')`;

/**
 * GoogleSQL rounds the exact binary value, DuckDB the product with 10^n: they part where the product falls on a half
 * that the value itself is not on (2.675 is 2.67499...). Only an odd multiple of 2^-(n+1) is a true half.
 */
const roundBody = (first: string): string => `CASE
    WHEN typeof(x) LIKE 'DECIMAL%' THEN error('ROUND(x, n) of a NUMERIC column needs its type: write ROUND(CAST(x AS NUMERIC), n)')
    ${first}
    WHEN n > 0 AND (abs(CAST(x AS DOUBLE)) * pow(10, n)) % 1 = 0.5 AND (abs(CAST(x AS DOUBLE)) * pow(2, n + 1)) % 2 <> 1
      THEN CAST(printf('%.' || n || 'f', CAST(x AS DOUBLE)) AS DOUBLE)
    ELSE round(CAST(x AS DOUBLE), CAST(n AS INTEGER)) END`;

const divideBody = (message: string): string =>
  `CASE WHEN ${NUMERIC_PAIR} THEN error('division of NUMERIC is not supported, cast to FLOAT64') WHEN b = 0 THEN error(${message}) ELSE a / b END`;

function macro(signature: string, body: string): string {
  return `CREATE OR REPLACE TEMP MACRO ${signature} AS (${body})`;
}

export const duckdbPrelude: readonly string[] = [
  // Dates of timestamps, and timestamps of strings, are UTC's in GoogleSQL.
  `SET TimeZone = 'UTC'`,
  macro('fg_divide(a, b)', divideBody(`'division by zero'`)),
  // The message names the operands, for statements: each time that a macro repeats an operand costs while DuckDB plans.
  macro('fg_divide_told(a, b)', divideBody(`'division by zero: ' || ${NUMBER_OF_A} || ' / 0'`)),
  macro('fg_safe_divide(a, b)', `CASE WHEN ${NUMERIC_PAIR} THEN error('division of NUMERIC is not supported, cast to FLOAT64') ELSE a / nullif(b, 0) END`),
  macro('fg_div(a, b)', `CASE WHEN b = 0 THEN error('division by zero: ' || a || ' / 0') ELSE a // b END`),
  macro('fg_mod(a, b)', `CASE WHEN b = 0 THEN error('division by zero: MOD(' || a || ', 0)') ELSE a % b END`),
  // Infinity has no way into FLOAT64 arithmetic but a column that holds it; where the result is infinite, a column's type
  // may be known to DuckDB alone.
  macro('fg_finite(x)', `CASE WHEN isinf(x) THEN ${OVERFLOW} ELSE x END`),
  macro('fg_finite_or_gap(x)', `CASE WHEN isinf(x) THEN ${OVERFLOW_GAP} ELSE x END`),
  macro('fg_maybe_finite(x)', `CASE WHEN ${MAYBE_INFINITE} THEN ${OVERFLOW} ELSE x END`),
  macro('fg_maybe_finite_or_gap(x)', `CASE WHEN ${MAYBE_INFINITE} THEN ${OVERFLOW_GAP} ELSE x END`),
  macro(
    'fg_pow(a, b)',
    `CASE WHEN a < 0 AND b <> trunc(b) THEN error('Floating point error in function: POW(' || CAST(a AS VARCHAR) || ', ' || CAST(b AS VARCHAR) || ')') ELSE pow(a, b) END`,
  ),
  macro('fg_round(x, n)', roundBody('')),
  macro('fg_round_finite(x, n)', roundBody(`WHEN ${MAYBE_INFINITE} THEN ${OVERFLOW}`)),
  macro('fg_round_or_gap(x, n)', roundBody(`WHEN ${MAYBE_INFINITE} THEN ${OVERFLOW_GAP}`)),
  // NUMERIC as a number of billionths, and back. Its text always has nine digits behind the point.
  macro('fg_billionths(x)', `CAST(replace(CAST(CAST(x AS DECIMAL(38, 9)) AS VARCHAR), '.', '') AS HUGEINT)`),
  macro(
    'fg_of_billionths(h)',
    `CAST(h // 1000000000 AS DECIMAL(38, 9)) + CAST(CAST(h % 1000000000 AS DECIMAL(9, 0)) * CAST('0.000000001' AS DECIMAL(10, 9)) AS DECIMAL(38, 9))`,
  ),
  // Of two numbers of billionths: the whole part, nine digits more by long division, half away from zero. Where the product
  // leaves 128 bits (a divisor above 10^20) DuckDB fails. No list_reduce: over a join DuckDB 1.5 reads other columns in it.
  macro(
    'fg_divide_positive(x, y)',
    `(x // y) * 1000000000 + ((x % y) * 1000000000) // y + CASE WHEN ((x % y) * 1000000000) % y >= y - ((x % y) * 1000000000) % y THEN 1 ELSE 0 END`,
  ),
  macro(
    'fg_numeric_divide(a, b)',
    `CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN b = 0 THEN error('division by zero: ' || ${NUMBER_OF_A} || ' / 0')
      WHEN (a < 0) = (b < 0) THEN fg_of_billionths(fg_divide_positive(abs(fg_billionths(a)), abs(fg_billionths(b))))
      ELSE -(fg_of_billionths(fg_divide_positive(abs(fg_billionths(a)), abs(fg_billionths(b))))) END`,
  ),
  macro(
    'fg_numeric_div(a, b)',
    `CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN b = 0 THEN error('division by zero: ' || ${NUMBER_OF_A} || ' / 0') ELSE CAST(fg_billionths(a) // fg_billionths(b) AS DECIMAL(38, 9)) END`,
  ),
  macro(
    'fg_numeric_mod(a, b)',
    `CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN b = 0 THEN error('division by zero: MOD(' || ${NUMBER_OF_A} || ', 0)') ELSE fg_of_billionths(fg_billionths(a) % fg_billionths(b)) END`,
  ),
  macro(
    'fg_product(x)',
    `CASE WHEN regexp_full_match(typeof(x), 'DECIMAL\\([0-9]+,[1-3][0-9]\\)') THEN error('the product of two NUMERIC columns needs their types: write CAST(x AS NUMERIC)') ELSE x END`,
  ),
  macro('fg_averaged(x)', `CASE WHEN typeof(x) LIKE 'DECIMAL%' THEN error('AVG of NUMERIC is not supported, cast to FLOAT64') ELSE x END`),

  macro('fg_int64(x)', integerCast(false)),
  macro('fg_safe_int64(x)', integerCast(true)),
  macro('fg_float64(x)', floatCast(false)),
  macro('fg_safe_float64(x)', floatCast(true)),
  macro('fg_numeric(x)', numericCast(false)),
  macro('fg_safe_numeric(x)', numericCast(true)),
  ...(['DATE', 'TIME', 'DATETIME', 'TIMESTAMP'] as const).flatMap((type) =>
    [false, true].map((isSafe) => macro(`fg_${isSafe ? 'safe_' : ''}${type.toLowerCase()}(x)`, timeCast(type, DUCKDB_TYPES[type], isSafe))),
  ),
  macro(
    'fg_bool(x)',
    `CASE
    WHEN typeof(x) = 'VARCHAR' THEN CASE WHEN x IS NULL THEN NULL WHEN lower(${TEXT}) = 'true' THEN true WHEN lower(${TEXT}) = 'false' THEN false ELSE error('bad BOOL value: ' || ${TEXT}) END
    ELSE CAST(x AS BOOLEAN) END`,
  ),
  macro(
    'fg_safe_bool(x)',
    `CASE
    WHEN typeof(x) = 'VARCHAR' THEN CASE lower(${TEXT}) WHEN 'true' THEN true WHEN 'false' THEN false END
    ELSE TRY_CAST(x AS BOOLEAN) END`,
  ),
  macro(
    'fg_string(x)',
    `CASE
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN CASE
      WHEN CAST(x AS DOUBLE) = 0 THEN '0'
      WHEN CAST(printf('%.15g', CAST(x AS DOUBLE)) AS DOUBLE) = CAST(x AS DOUBLE) THEN printf('%.15g', CAST(x AS DOUBLE))
      ELSE printf('%.17g', CAST(x AS DOUBLE)) END
    WHEN typeof(x) LIKE 'DECIMAL%' THEN CASE WHEN ${TEXT} LIKE '%.%' THEN rtrim(rtrim(${TEXT}, '0'), '.') ELSE ${TEXT} END
    WHEN typeof(x) LIKE 'TIMESTAMP%' THEN regexp_replace(${TEXT}, '\\.[0-9]+', '.' || regexp_replace(rpad(regexp_extract(${TEXT}, '\\.([0-9]+)', 1), 6, '0'), '000$', ''))
    WHEN typeof(x) = 'BLOB' THEN decode(CAST(${TEXT} AS BLOB))
    ELSE ${TEXT} END`,
  ),

  // Whether a number is spelled in the document as DuckDB spells it: GoogleSQL gives 1.50 and 1e3 back as they are.
  macro(
    'fg_json_number(document, text)',
    `CASE WHEN regexp_matches(document, '(^|[^0-9.eE+-])' || regexp_escape(text) || '($|[^0-9.eE+-])') THEN text ELSE error('JSON: the spelling of a number other than ' || text || ' is not supported') END`,
  ),
  macro(
    'fg_json_value_of(document, path)',
    `CASE json_type(document, path)
      WHEN 'OBJECT' THEN NULL WHEN 'ARRAY' THEN NULL WHEN 'NULL' THEN NULL
      WHEN 'DOUBLE' THEN fg_json_number(document, json_extract_string(document, path))
      ELSE json_extract_string(document, path) END`,
  ),
  // Inside of an object or array numbers keep their spelling too, which DuckDB may change: refused where there is a fraction or exponent.
  macro(
    'fg_json_query_of(document, path)',
    `CASE json_type(document, path)
      WHEN 'NULL' THEN NULL
      WHEN 'DOUBLE' THEN fg_json_number(document, json_extract_string(document, path))
      ELSE CASE WHEN regexp_matches(regexp_replace(document, '"([^"\\\\]|\\\\.)*"', '', 'g'), '[0-9][.eE]') AND json_type(document, path) IN ('OBJECT', 'ARRAY')
        THEN error('JSON: numbers with a fraction inside of an object or array are not supported') ELSE CAST(json_extract(document, path) AS VARCHAR) END END`,
  ),
  macro('fg_json_value(document, path)', `fg_json_value_of(CASE WHEN json_valid(document) THEN document END, path)`),
  macro('fg_json_query(document, path)', `fg_json_query_of(CASE WHEN json_valid(document) THEN document END, path)`),
  macro('fg_json_text(x)', `replace(replace(CAST(to_json(CAST(x AS VARCHAR)) AS VARCHAR), chr(8232), '\\u2028'), chr(8233), '\\u2029')`),
  // Seconds as .123, .123456 or nothing.
  macro('fg_json_time(t)', `regexp_replace(regexp_replace(strftime(t, '%Y-%m-%dT%H:%M:%S.%f'), '\\.000000$', ''), '(\\.[0-9]{3})000$', '\\1')`),
  macro(
    'fg_json(x)',
    `CASE
    WHEN x IS NULL THEN 'null'
    WHEN typeof(x) = 'VARCHAR' THEN fg_json_text(x)
    WHEN typeof(x) = 'BOOLEAN' THEN ${TEXT}
    WHEN typeof(x) IN ('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT') THEN CASE WHEN abs(CAST(x AS HUGEINT)) <= 9007199254740992 THEN ${TEXT} ELSE '"' || ${TEXT} || '"' END
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN CASE WHEN isfinite(CAST(x AS DOUBLE)) THEN fg_string(x) ELSE error('TO_JSON_STRING of NaN or infinity is not supported') END
    WHEN typeof(x) LIKE 'DECIMAL%' THEN CASE WHEN fg_string(x) NOT LIKE '%.%' AND abs(CAST(x AS DOUBLE)) < 9007199254740992 THEN fg_string(x) ELSE '"' || fg_string(x) || '"' END
    WHEN typeof(x) = 'DATE' THEN '"' || ${TEXT} || '"'
    WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN '"' || fg_json_time(CAST(x AS TIMESTAMP)) || 'Z"'
    WHEN typeof(x) = 'TIMESTAMP' THEN '"' || fg_json_time(CAST(x AS TIMESTAMP)) || '"'
    ELSE error('TO_JSON_STRING of ' || typeof(x) || ' is not supported without its type') END`,
  ),

  macro('fg_trim(x)', `trim(x, '${WHITE_SPACE}')`),
  macro('fg_ltrim(x)', `ltrim(x, '${WHITE_SPACE}')`),
  macro('fg_rtrim(x)', `rtrim(x, '${WHITE_SPACE}')`),
  macro('fg_substr(x, p)', `CASE WHEN p = 0 OR p < -length(x) THEN x ELSE substr(x, p) END`),
  macro(
    'fg_substr_length(x, p, n)',
    `CASE WHEN n < 0 THEN error('SUBSTR: the length is negative') WHEN p = 0 OR p < -length(x) THEN substr(x, 1, n) ELSE substr(x, p, n) END`,
  ),
  macro(
    'fg_pad(side, x, n, p)',
    `CASE WHEN n < 0 THEN error('LPAD, RPAD: the length is negative') WHEN p = '' THEN error('LPAD, RPAD: the pattern is empty') WHEN side = 'left' THEN lpad(x, CAST(n AS INTEGER), p) ELSE rpad(x, CAST(n AS INTEGER), p) END`,
  ),

  macro('fg_offset(list, i)', `CASE WHEN i < 0 OR i >= len(list) THEN error('Array index is out of bounds') ELSE list[i + 1] END`),
  macro('fg_safe_offset(list, i)', `CASE WHEN i >= 0 THEN list[i + 1] END`),
];
