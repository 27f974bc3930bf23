/**
 * Every allowed construct against Google's reference evaluator: the same rows, and an error where it gives an error; as a
 * pipeline's SELECT, and as a statement with the types of columns. And random queries: RANDOM_QUERIES=2000 for more of
 * them, RANDOM_SEED=n to begin at another than the first.
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
import { CORPUS, CORPUS_PARAMETERS, FAILING_CORPUS, FAILING_STATEMENTS, TYPED_CORPUS } from './corpus/all.ts';
import { findDifference } from './corpus/compare.ts';
import { openDuckdb, runOnDuckdb } from './corpus/duckdb.ts';
import { randomQuery } from './corpus/random-queries.ts';
import { CORPUS_TABLES } from './corpus/tables.ts';
import { AGGREGATE_FUNCTIONS } from './functions/aggregates.ts';
import { SCALAR_FUNCTIONS } from './functions/allowed.ts';
import { ELEMENT_ACCESS } from './functions/arrays.ts';
import { lexSql } from './lexer.ts';
import { toCall } from './node-functions.ts';
import { OPERATORS } from './operators.ts';
import { ALLOWED_NODES } from './print-expression.ts';
import { quoteIdentifier } from './printed.ts';
import { RESERVED_WORDS } from './reserved-words.ts';
import { translateSelect } from './translate.ts';
import { translateStatement } from './translate-statement.ts';

const STATEMENTS = Object.values(CORPUS).flat();
const FIRST_SEED = Number(process.env['RANDOM_SEED'] ?? 1);
const RANDOM_QUERIES = Number(process.env['RANDOM_QUERIES'] ?? 150);
const QUERIES_PER_TEST = 10;

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
  const seen = new Set([...STATEMENTS, ...TYPED_CORPUS].flatMap((sql) => [...constructsOf(sql)]));

  test('has every allowed function, operator and node kind', () => {
    const allowed = [...SCALAR_FUNCTIONS.keys(), ...AGGREGATE_FUNCTIONS.keys(), ...Object.keys(ELEMENT_ACCESS), ...Object.keys(OPERATORS), ...ALLOWED_NODES];
    expect(allowed.filter((name) => !seen.has(name))).toEqual([]);
  });

  test('has at least 380 statements, none twice, and all of them are translated', () => {
    expect(STATEMENTS.length + TYPED_CORPUS.length).toBeGreaterThanOrEqual(380);
    expect(new Set([...STATEMENTS, ...TYPED_CORPUS]).size).toBe(STATEMENTS.length + TYPED_CORPUS.length);
    expect([...STATEMENTS, ...FAILING_CORPUS].flatMap((sql) => (translateSelect(sql).ok ? [] : [sql]))).toEqual([]);
    expect([...STATEMENTS, ...TYPED_CORPUS, ...FAILING_CORPUS].flatMap((sql) => (typed(sql) === undefined ? [sql] : []))).toEqual([]);
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
  const run = (sql: string, translated: string) =>
    runOnDuckdb(duckdb, translated, Object.fromEntries(parametersOf(sql).map(([name, { value }]) => [name, value])));
  type Reference = Awaited<ReturnType<typeof runReference>>;
  const differenceOf = async ({ columns, rows }: Reference, sql: string, translated: string): Promise<string | undefined> => {
    const actual = await run(sql, translated);
    const named = columns.flatMap((column, index) => (column.name === '' || column.name === actual.names[index] ? [] : [column.name]));
    if (named.length > 0) return `the columns ${named.join(', ')} have other names`;
    return findDifference(
      rows,
      actual.rows,
      columns.map((column) => column.type),
      isOrdered(sql),
    );
  };

  describe.each(Object.entries({ ...CORPUS, typed: TYPED_CORPUS }))('%s', (topic, statements) => {
    test.each(statements)('%s', async (sql) => {
      const expected = await runReference(sql);
      expect(expected.rows).not.toEqual([]);
      const ways = topic === 'typed' ? [typed(sql)] : [untyped(sql), typed(sql), translateSelectTyped(sql)];
      for (const translated of new Set(ways)) expect(await differenceOf(expected, sql, translated ?? '')).toBeUndefined();
    });
  });

  test.each(FAILING_CORPUS)('both fail: %s', async (sql) => {
    // 11 is OUT_OF_RANGE: the statement is valid, its evaluation is not.
    await expect(runReference(sql)).rejects.toMatchObject({ code: 11 });
    await expect(run(sql, untyped(sql) ?? '')).rejects.toThrow(/Error/);
    await expect(run(sql, typed(sql) ?? '')).rejects.toThrow(/Error/);
  });

  test.each(FAILING_STATEMENTS)('both fail as a statement: %s', async (sql) => {
    await expect(runReference(sql)).rejects.toMatchObject({ code: 11 });
    await expect(run(sql, typed(sql) ?? '')).rejects.toThrow(/Error/);
  });

  test.each([...RESERVED_WORDS])('%s is no name to either without backticks', async (word) => {
    await expect(zetaSql.analyze(`SELECT 1 AS ${word}`)).rejects.toThrow(/Syntax error|EXCEPT must be followed/);
    expect(await zetaSql.analyze(`SELECT 1 AS \`${word}\``)).toMatchObject([{ name: word }]);
    expect(translateSelect(`SELECT 1 AS ${word}`).ok).toBe(false);
    expect(translateSelect(`SELECT 1 AS \`${word}\``).ok).toBe(true);
  });

  const seeds = Array.from({ length: Math.ceil(RANDOM_QUERIES / QUERIES_PER_TEST) }, (_, index) => FIRST_SEED + index * QUERIES_PER_TEST);
  test.each(seeds)('random queries from seed %i', async (first) => {
    for (let seed = first; seed < first + QUERIES_PER_TEST; seed += 1) {
      const sql = randomQuery(seed);
      const translated = typed(sql);
      if (translated === undefined) throw new Error(`seed ${seed} is refused: ${sql}`);
      const expected = await runReference(sql).catch((error: unknown) => {
        // Where the evaluator overflows DuckDB must not answer; that a generated query is invalid is a mistake here.
        if ((error as { code?: number }).code !== 11) throw new Error(`seed ${seed}: ${sql}`, { cause: error });
      });
      if (expected === undefined) await expect(run(sql, translated), `seed ${seed}: ${sql}`).rejects.toThrow(/Error/);
      else expect(await differenceOf(expected, sql, translated), `seed ${seed}: ${sql}`).toBeUndefined();
    }
  });
});

function untyped(sql: string): string | undefined {
  const result = translateSelect(sql);
  return result.ok ? result.sql : undefined;
}

const columnTypes = (path: readonly string[], column: string): string | undefined =>
  CORPUS_TABLES.find(({ name }) => name === path.join('.'))?.columns.find(({ name }) => name === column)?.type;

/** As a pipeline's SELECT, with the types of columns. */
function translateSelectTyped(sql: string): string | undefined {
  const result = translateSelect(sql, undefined, columnTypes);
  return result.ok ? result.sql : undefined;
}

function typed(sql: string): string | undefined {
  const result = translateStatement(sql, {
    parameterTypes: Object.fromEntries(Object.entries(CORPUS_PARAMETERS).map(([name, { type }]) => [name, type])),
    tableName: (path) => path.map(quoteIdentifier).join('.'),
    columnTypes,
  });
  return result.ok && result.statement.kind === 'query' ? result.statement.sql : undefined;
}

/** Whether ORDER BY stands outside all parentheses. */
function isOrdered(sql: string): boolean {
  let text = sql;
  for (let inner = ''; inner !== text;) {
    inner = text;
    text = text.replaceAll(/\([^()]*\)/gu, '');
  }
  return /\bORDER BY\b/iu.test(text);
}
