/**
 * DuckDB macros that carry GoogleSQL's meaning where an inline expression would be unreadable. A warehouse runs these
 * statements once per connection. `typeof` is folded while DuckDB plans, so a macro that branches on it costs nothing
 * per row, and it works on aggregates, where DuckDB cannot resolve overloaded macros.
 */

/** Unicode's White_Space, which GoogleSQL's TRIM removes; DuckDB's removes the space alone. */
const WHITE_SPACE = '\t\n\u000b\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000';

/** True at plan time where an operation would be NUMERIC in GoogleSQL and is DOUBLE in DuckDB. */
const NUMERIC_PAIR = `(typeof(a) LIKE 'DECIMAL%' AND typeof(b) NOT IN ('DOUBLE', 'FLOAT')) OR (typeof(b) LIKE 'DECIMAL%' AND typeof(a) NOT IN ('DOUBLE', 'FLOAT'))`;
const TEXT = 'CAST(x AS VARCHAR)';
const NUMBER_TEXT = String.raw`'\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*'`;
const INTEGER_TEXT = String.raw`'\s*[+-]?([0-9]+|0[xX][0-9a-fA-F]+)\s*'`;

function macro(signature: string, body: string): string {
  return `CREATE OR REPLACE TEMP MACRO ${signature} AS (${body})`;
}

export const duckdbPrelude: readonly string[] = [
  // Dates of timestamps, and timestamps of strings, are UTC's in GoogleSQL.
  `SET TimeZone = 'UTC'`,
  macro(
    'fg_divide(a, b)',
    `CASE WHEN ${NUMERIC_PAIR} THEN error('division of NUMERIC is not supported, cast to FLOAT64') WHEN b = 0 THEN error('division by zero') ELSE a / b END`,
  ),
  macro('fg_safe_divide(a, b)', `CASE WHEN ${NUMERIC_PAIR} THEN error('division of NUMERIC is not supported, cast to FLOAT64') ELSE a / nullif(b, 0) END`),
  macro('fg_div(a, b)', `CASE WHEN b = 0 THEN error('division by zero') ELSE a // b END`),
  macro('fg_mod(a, b)', `CASE WHEN b = 0 THEN error('division by zero') ELSE a % b END`),
  // GoogleSQL rounds the exact binary value, DuckDB the product with 10^n: they part where the product falls on a half
  // that the value itself is not on (2.675 is 2.67499...). Only an odd multiple of 2^-(n+1) is a true half.
  macro(
    'fg_round(x, n)',
    `CASE
    WHEN typeof(x) LIKE 'DECIMAL%' THEN error('ROUND(x, n) of a NUMERIC column needs its type: write ROUND(CAST(x AS NUMERIC), n)')
    WHEN n > 0 AND (abs(CAST(x AS DOUBLE)) * pow(10, n)) % 1 = 0.5 AND (abs(CAST(x AS DOUBLE)) * pow(2, n + 1)) % 2 <> 1
      THEN CAST(printf('%.' || n || 'f', CAST(x AS DOUBLE)) AS DOUBLE)
    ELSE round(CAST(x AS DOUBLE), CAST(n AS INTEGER)) END`,
  ),
  macro('fg_averaged(x)', `CASE WHEN typeof(x) LIKE 'DECIMAL%' THEN error('AVG of NUMERIC is not supported, cast to FLOAT64') ELSE x END`),

  macro(
    'fg_int64(x)',
    `CASE
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN CAST(round(CAST(x AS DOUBLE)) AS BIGINT)
    WHEN typeof(x) = 'VARCHAR' THEN CASE WHEN x IS NULL OR regexp_full_match(${TEXT}, ${INTEGER_TEXT}) THEN CAST(trim(${TEXT}) AS BIGINT) ELSE error('bad INT64 value: ' || ${TEXT}) END
    ELSE CAST(x AS BIGINT) END`,
  ),
  macro(
    'fg_safe_int64(x)',
    `CASE
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN TRY_CAST(round(CAST(x AS DOUBLE)) AS BIGINT)
    WHEN typeof(x) = 'VARCHAR' THEN CASE WHEN regexp_full_match(${TEXT}, ${INTEGER_TEXT}) THEN TRY_CAST(trim(${TEXT}) AS BIGINT) END
    ELSE TRY_CAST(x AS BIGINT) END`,
  ),
  macro(
    'fg_float64(x)',
    `CASE
    WHEN typeof(x) = 'VARCHAR' THEN CASE WHEN x IS NULL OR regexp_full_match(${TEXT}, ${NUMBER_TEXT}) THEN CAST(trim(${TEXT}) AS DOUBLE) ELSE error('bad FLOAT64 value: ' || ${TEXT}) END
    ELSE CAST(x AS DOUBLE) END`,
  ),
  macro(
    'fg_safe_float64(x)',
    `CASE
    WHEN typeof(x) = 'VARCHAR' THEN CASE WHEN regexp_full_match(${TEXT}, ${NUMBER_TEXT}) THEN TRY_CAST(trim(${TEXT}) AS DOUBLE) END
    ELSE TRY_CAST(x AS DOUBLE) END`,
  ),
  macro(
    'fg_numeric(x)',
    `CASE
    WHEN typeof(x) = 'VARCHAR' THEN CASE WHEN x IS NULL OR regexp_full_match(${TEXT}, ${NUMBER_TEXT}) THEN CAST(trim(${TEXT}) AS DECIMAL(38, 9)) ELSE error('bad NUMERIC value: ' || ${TEXT}) END
    ELSE CAST(x AS DECIMAL(38, 9)) END`,
  ),
  macro(
    'fg_safe_numeric(x)',
    `CASE
    WHEN typeof(x) = 'VARCHAR' THEN CASE WHEN regexp_full_match(${TEXT}, ${NUMBER_TEXT}) THEN TRY_CAST(trim(${TEXT}) AS DECIMAL(38, 9)) END
    ELSE TRY_CAST(x AS DECIMAL(38, 9)) END`,
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

  macro('fg_offset(list, i)', `CASE WHEN i < 0 OR i >= len(list) THEN error('array index is out of bounds') ELSE list[i + 1] END`),
  macro('fg_safe_offset(list, i)', `CASE WHEN i >= 0 THEN list[i + 1] END`),
];
