import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Analyzer } from '../statement.ts';
import { openFixture, startTestAnalyzer, type EngineFixture } from './engine.fixture.ts';

let analyzer: Analyzer;
let fixture: EngineFixture;
beforeAll(async () => {
  analyzer = await startTestAnalyzer();
  fixture = await openFixture(analyzer);
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  await analyzer[Symbol.asyncDispose]();
});

test.each([
  ['SELECT 1 / 0', 'invalidQuery: division by zero: 1 / 0'],
  ['SELECT 2.5 / x FROM UNNEST([0]) x', 'invalidQuery: division by zero: 2.5 / 0'],
  ['SELECT 2.0 / x FROM UNNEST([0]) x', 'invalidQuery: division by zero: 2 / 0'],
  ["SELECT NUMERIC '1.5' / 0", 'invalidQuery: division by zero: 1.5 / 0'],
  ['SELECT 10.5 / x FROM UNNEST([0]) x', 'invalidQuery: division by zero: 10.5 / 0'],
  ['SELECT 100 / x FROM UNNEST([0]) x', 'invalidQuery: division by zero: 100 / 0'],
  ['SELECT MOD(5, 0)', 'invalidQuery: division by zero: MOD(5, 0)'],
  ['SELECT DIV(5, 0)', 'invalidQuery: division by zero: 5 / 0'],
  ['SELECT (SELECT x FROM UNNEST([1, 2]) x)', 'invalidQuery: Scalar subquery produced more than one element'],
  ['SELECT 9223372036854775807 + x FROM UNNEST([1]) x', 'invalidQuery: int64 overflow: 9223372036854775807 + 1'],
  ['SELECT -9223372036854775807 - x FROM UNNEST([2]) x', 'invalidQuery: int64 overflow: -9223372036854775807 - 2'],
  ['SELECT x * 5 FROM UNNEST([9223372036854775807]) x', 'invalidQuery: int64 overflow: 9223372036854775807 * 5'],
  ['SELECT SUM(x) FROM UNNEST([9223372036854775807, 1]) x', 'invalidQuery: int64 overflow'],
  ['SELECT ABS(-9223372036854775807 - x) FROM UNNEST([1]) x', 'invalidQuery: int64 overflow: --9223372036854775808'],
  ['SELECT CAST(1e20 AS INT64)', 'invalidQuery: int64 out of range: 1e+20'],
  ['SELECT DATE(2024, 2, x) FROM UNNEST([30]) x', 'invalidQuery: Input calculates to invalid date: 2024-02-30'],
  ["SELECT PARSE_DATE('%F', '2024-13-01')", 'invalidQuery: Failed to parse input string "2024-13-01"'],
  ['SELECT [1, 2][OFFSET(2)]', 'invalidQuery: Array index is out of bounds'],
  ["SELECT CAST('x' AS FLOAT64)", 'invalidQuery: Bad double value: x'],
  ["SELECT CAST('nanny' AS FLOAT64)", 'invalidQuery: Bad double value: nanny'],
  ["SELECT ERROR('the JSON is bad')", 'invalidQuery: the JSON is bad'],
])('what GoogleSQL fails to evaluate is an invalid query: %s', async (sql, problem) => {
  expect(await fixture.refusal(sql)).toBe(problem);
});

test.each([
  [`SELECT JSON_QUERY('{"a": [1.50]}', '$.a')`, /JSON: numbers with a fraction/],
  ['SELECT SUM(x) FROM UNNEST([1e308, 1e308, -1e308]) x', /FLOAT64 arithmetic that gives infinity/],
  ['SELECT SAFE_DIVIDE(1e308, 1e-10)', /FLOAT64 arithmetic that gives infinity/],
  ["SELECT CAST(' -Inf ' AS FLOAT64)", /the FLOAT64 ' -Inf ' is not supported/],
  ["SELECT CAST('0x1F' AS FLOAT64)", /the FLOAT64 '0x1F' is not supported/],
  ["SELECT SAFE_CAST('\\t0x1F' AS INT64)", /the INT64 '.0x1F' is not supported/],
  ["SELECT SAFE_CAST('nan' AS FLOAT64)", /the FLOAT64 'nan' is not supported/],
  ["SELECT SAFE_CAST('2024-02-03 10:11:60' AS TIMESTAMP)", /the spelling of the TIMESTAMP '2024-02-03 10:11:60' is not supported/],
  ["SELECT CAST('2024-02-03 10:11:12-8' AS TIMESTAMP)", /the spelling of the TIMESTAMP/],
  ["SELECT CAST('2024-02-03t10:11:12' AS DATETIME)", /the spelling of the DATETIME/],
])('what it has an answer for and the translation has not is refused by name: %s', async (sql, problem) => {
  const refusal = await fixture.refusal(sql);
  expect(refusal).toMatch(/^notImplemented: /);
  expect(refusal).toMatch(problem);
});
