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
  ['SELECT 1 / 0', 'invalidQuery: division by zero'],
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
