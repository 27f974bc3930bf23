// The corpus of packages/sql through the whole server: over the wire every statement has the rows that Google's reference
// evaluator gives it, with the same types and names, and those that must fail do. No statement is refused as notImplemented:
// one that were would fail its topic.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CORPUS, CORPUS_PARAMETERS, FAILING_CORPUS, FAILING_STATEMENTS, TYPED_CORPUS } from '../../packages/sql/src/corpus/all.ts';
import { findDifference } from '../../packages/sql/src/corpus/compare.ts';
import { CORPUS_TABLES } from '../../packages/sql/src/corpus/tables.ts';
import { startZetaSql } from '../support/zetasql.ts';
import type { ZetaSql } from '../support/zetasql.ts';
import { startBigQuery, type Json, type TestServer } from './support/bigquery-server.ts';
import { isOrdered, readWireRow, wireSchemaTypes } from './support/wire-cells.ts';
import { emulatorMissing } from './support/missing.ts';

const topics: Readonly<Record<string, readonly string[]>> = { ...CORPUS, typed: TYPED_CORPUS };
const statements = Object.values(topics).flat();
const atOnce = 8;

/** To the evaluator these may have two columns of one name, which a result of BigQuery can't; and what has their rows nevertheless. */
const duplicateNames: ReadonlyMap<string, string> = new Map(
  ['SELECT l.id, r.id, l.n / 3 AS a, IF(r.b, l.n / 7, 0) AS c FROM d.vals AS l FULL JOIN d.vals AS r ON l.id = r.j WHERE l.id <> 5 OR l.id IS NULL'].map(
    (sql) => [sql, sql.replace('r.id,', 'r.id AS r_id,')] as const,
  ),
);

describe.skipIf(emulatorMissing !== undefined)(emulatorMissing ?? 'BigQuery: the corpus of SELECTs', () => {
  let server: TestServer;
  let reference: ZetaSql;
  beforeAll(async () => {
    const started = await startZetaSql();
    if (started === undefined) throw new Error('the evaluator is missing');
    reference = started;
    server = await startBigQuery({ limits: false });
    const { client } = server;
    await client.createDataset('d');
    for (const { name, columns, rows = [] } of CORPUS_TABLES) {
      const fields = columns.map(({ name: column, type }) => {
        const element = /^ARRAY<(.*)>$/.exec(type)?.[1];
        return element === undefined ? { name: column, type } : { name: column, type: element, mode: 'REPEATED' };
      });
      const [table] = await client.dataset('d').createTable(name.slice(2), { schema: fields });
      // The evaluator's tables can have a NULL in an array, BigQuery's can't: a row with one is left out on both sides.
      // https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types#array_nulls
      const records = rows.map((row) => Object.fromEntries(columns.map((column, index) => [column.name, row[index]])));
      await table.insert(records.filter((record) => !hasNullElement(record)));
    }
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await reference?.close();
  });

  const parametersOf = (sql: string) => Object.entries(CORPUS_PARAMETERS).filter(([name]) => sql.includes(`@${name}`));
  const tables = CORPUS_TABLES.map((table) => ({
    ...table,
    rows: (table.rows ?? []).filter((row) => !hasNullElement(Object.fromEntries(row.entries()))),
  }));
  const expectedOf = (sql: string) => reference.evaluate(sql, Object.fromEntries(parametersOf(sql)), tables);
  const actualOf = async (sql: string): Promise<Json> => {
    const { status, body } = await server.call('POST', '/queries', {
      query: sql,
      useLegacySql: false,
      formatOptions: { useInt64Timestamp: true },
      parameterMode: 'NAMED',
      queryParameters: parametersOf(sql).map(([name, { type, value }]) => ({ name, parameterType: { type }, parameterValue: { value } })),
    });
    return { status, ...body };
  };
  /** What is wrong, or undefined. */
  const check = async (sql: string): Promise<string | undefined> => {
    const [expected, actual] = await Promise.all([expectedOf(sql), actualOf(sql)]);
    const renamed = duplicateNames.get(sql);
    if (renamed !== undefined) {
      const isRefused = actual.status === 400 && actual.error.message.startsWith('Duplicate column names in the result are not supported');
      return isRefused ? check(renamed) : `${sql}\n  two columns of one name are not refused`;
    }
    if (actual.error !== undefined) return `${sql}\n  ${actual.status} ${actual.error.errors[0].reason}: ${actual.error.message}`;
    if (expected.rows.length === 0) return `${sql}\n  no rows, which proves nothing`;
    const types = wireSchemaTypes(actual.schema.fields);
    const wanted = expected.columns.map(({ type }) => type);
    if (types.join() !== wanted.join()) return `${sql}\n  types ${types.join()} instead of ${wanted.join()}`;
    const named = expected.columns.filter(({ name }, index) => name !== '' && name !== actual.schema.fields[index].name);
    if (named.length > 0) return `${sql}\n  the columns ${named.map(({ name }) => name).join()} have other names`;
    // A NULL array is an empty one in a result: https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types#array_nulls
    const difference = findDifference(
      expected.rows.map((row) => row.map((cell, index) => (cell === null && wanted[index]?.startsWith('ARRAY<') === true ? [] : cell))),
      (actual.rows ?? []).map((row: Json) => readWireRow(row, actual.schema.fields)),
      wanted,
      isOrdered(sql),
    );
    return difference === undefined ? undefined : `${sql}\n  ${difference}`;
  };
  const checkAll = async (some: readonly string[]): Promise<readonly string[]> => {
    const waiting = [...some];
    const wrong: string[] = [];
    const work = async (): Promise<void> => {
      for (let sql = waiting.shift(); sql !== undefined; sql = waiting.shift()) {
        const found = await check(sql);
        if (found !== undefined) wrong.push(found);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return wrong;
  };

  it('has at least three hundred statements, and every named exception is one of them', () => {
    expect(statements.length).toBeGreaterThanOrEqual(300);
    expect([...duplicateNames.keys()].filter((sql) => !statements.includes(sql))).toEqual([]);
  });

  it.each(Object.entries(topics))(
    '%s: the evaluator’s rows, types and names',
    async (_topic, some) => {
      expect(await checkAll(some)).toEqual([]);
    },
    30_000,
  );

  it.each([...FAILING_CORPUS, ...FAILING_STATEMENTS])('fails while it is evaluated: %s', async (sql) => {
    await expect(expectedOf(sql)).rejects.toMatchObject({ code: 11 });
    expect(await actualOf(sql)).toMatchObject({ status: 400, error: { errors: [{ reason: 'invalidQuery' }] } });
  });
});

function hasNullElement(record: Readonly<Record<string, unknown>>): boolean {
  return Object.values(record).some((cell) => Array.isArray(cell) && cell.includes(null));
}
