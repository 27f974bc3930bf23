/**
 * Every allowed construct against Google's reference evaluator: the same rows, and an error where it gives an error.
 * Needs `npm ci --prefix tools/zetasql`; REQUIRE_ZETASQL=1 makes its absence a failure. That every allowed
 * function and node kind is in the corpus is checked without it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DuckDBConnection } from '@duckdb/node-api';
import { isZetaSqlInstalled, isZetaSqlRequired, startZetaSql, ZETASQL_MISSING } from '../../../test/support/zetasql.ts';
import type { ZetaSql } from '../../../test/support/zetasql.ts';
import { toAggregate } from './aggregate-nodes.ts';
import { isBody, parseStatement } from './ast.ts';
import type { Json } from './ast.ts';
import { CORPUS, CORPUS_PARAMETERS, FAILING_CORPUS } from './corpus/all.ts';
import { findDifference } from './corpus/compare.ts';
import { openDuckdb, runOnDuckdb } from './corpus/duckdb.ts';
import { CORPUS_TABLES } from './corpus/tables.ts';
import { AGGREGATE_FUNCTIONS } from './functions/aggregates.ts';
import { SCALAR_FUNCTIONS } from './functions/allowed.ts';
import { ELEMENT_ACCESS } from './functions/arrays.ts';
import { lexSql } from './lexer.ts';
import { toCall } from './node-functions.ts';
import { OPERATORS } from './operators.ts';
import { ALLOWED_NODES } from './print-expression.ts';
import { translateSelect } from './translate.ts';

const STATEMENTS = Object.values(CORPUS).flat();

/** Names of the functions and kinds of the nodes in a statement. */
function constructsOf(sql: string): Set<string> {
  const found = new Set<string>();
  const statement = parseStatement(lexSql(sql));
  const visit = (value: Json | undefined): void => {
    if (Array.isArray(value)) value.forEach(visit);
    if (!isBody(value)) return;
    const [entry, ...others] = Object.entries(value);
    // A node has one key, its kind; a body like SUBSTR's has several, some of them named like functions.
    if (entry !== undefined && others.length === 0) {
      const [kind, body] = entry;
      const node = { kind, body: isBody(body) ? body : {} };
      found.add(kind);
      if (!(kind in OPERATORS)) found.add((toAggregate(node) ?? toCall(node))?.name ?? kind);
    }
    Object.values(value).forEach(visit);
  };
  visit({ [statement.kind]: statement.body });
  return found;
}

describe('the corpus', () => {
  const seen = new Set(STATEMENTS.flatMap((sql) => [...constructsOf(sql)]));

  test('has every allowed function, operator and node kind', () => {
    const allowed = [...SCALAR_FUNCTIONS.keys(), ...AGGREGATE_FUNCTIONS.keys(), ...Object.keys(ELEMENT_ACCESS), ...Object.keys(OPERATORS), ...ALLOWED_NODES];
    expect(allowed.filter((name) => !seen.has(name))).toEqual([]);
  });

  test('has at least 250 statements, none twice, and all of them are translated', () => {
    expect(STATEMENTS.length + FAILING_CORPUS.length).toBeGreaterThanOrEqual(250);
    expect(new Set(STATEMENTS).size).toBe(STATEMENTS.length);
    expect([...STATEMENTS, ...FAILING_CORPUS].flatMap((sql) => (translateSelect(sql).ok ? [] : [sql]))).toEqual([]);
  });
});

test.runIf(isZetaSqlRequired)('the reference evaluator is installed', () => {
  expect(isZetaSqlInstalled, ZETASQL_MISSING).toBe(true);
});

describe.skipIf(!isZetaSqlInstalled)(`GoogleSQL and DuckDB agree${isZetaSqlInstalled ? '' : ` (skipped: ${ZETASQL_MISSING})`}`, () => {
  let zetaSql: ZetaSql;
  let duckdb: DuckDBConnection;

  beforeAll(async () => {
    const started = await startZetaSql();
    if (started === undefined) throw new Error(ZETASQL_MISSING);
    zetaSql = started;
    duckdb = await openDuckdb(CORPUS_TABLES);
  }, 60_000);
  afterAll(async () => {
    await zetaSql.close();
    duckdb.closeSync();
  });

  const parametersOf = (sql: string) => Object.entries(CORPUS_PARAMETERS).filter(([name]) => sql.includes(`@${name}`));
  const runReference = (sql: string) => zetaSql.evaluate(sql, Object.fromEntries(parametersOf(sql)), CORPUS_TABLES);
  const runTranslated = (sql: string) => {
    const translated = translateSelect(sql);
    if (!translated.ok) throw new Error(translated.problems.map((problem) => problem.message).join('; '));
    return runOnDuckdb(duckdb, translated.sql, Object.fromEntries(parametersOf(sql).map(([name, { value }]) => [name, value])));
  };

  describe.each(Object.entries(CORPUS))('%s', (_topic, statements) => {
    test.each(statements)('%s', async (sql) => {
      const expected = await runReference(sql);
      const actual = await runTranslated(sql);
      expect(
        findDifference(
          expected.rows,
          actual.rows,
          expected.columns.map((column) => column.type),
          isOrdered(sql),
        ),
      ).toBeUndefined();
      const named = expected.columns.flatMap((column, index) => (column.name === '' ? [] : [[column.name, actual.names[index]]]));
      expect(named.map(([, name]) => name)).toEqual(named.map(([name]) => name));
    });
  });

  test.each(FAILING_CORPUS)('both fail: %s', async (sql) => {
    // 11 is OUT_OF_RANGE: the statement is valid, its evaluation is not.
    await expect(runReference(sql)).rejects.toMatchObject({ code: 11 });
    await expect(runTranslated(sql)).rejects.toThrow(/Error/);
  });
});

/** Whether ORDER BY stands outside all parentheses. */
function isOrdered(sql: string): boolean {
  let text = sql;
  for (let inner = ''; inner !== text;) {
    inner = text;
    text = text.replaceAll(/\([^()]*\)/gu, '');
  }
  return /\bORDER BY\b/iu.test(text);
}
