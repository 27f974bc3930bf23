// INSERT. Conflicts with nobody: https://docs.cloud.google.com/bigquery/docs/data-manipulation-language#insert_dml_concurrency
import { insertedRows, requireField } from './assignments.ts';
import { resolvePath } from './statement-text.ts';
import { invalidQuery, type Outcome, type Run } from './run.ts';
import { quoteName } from './sql-text.ts';
import { placeOf } from './stored-table.ts';

export const runInsert = async (run: Run<'insert'>): Promise<Outcome> => {
  const { unit, statement, bindings } = run;
  const table = unit.requireTable(resolvePath(statement.target, run.analyzed.context));
  const columns = statement.columns ?? table.schema.fields.map(({ name }) => name);
  const fields = columns.map((name) => requireField(table, name));
  let rows = 0;
  if (statement.source.kind === 'query') {
    const { sql } = statement.source;
    const found = await unit.connection.describe(sql, bindings);
    if (found.length !== fields.length) throw invalidQuery(`Inserted row has wrong column count; Has ${found.length}, expected ${fields.length}`);
    const names = fields.map((_, index) => `"$c${index}"`);
    const from = `FROM (${sql}) AS "$q"(${names.join(', ')})`;
    const [values = []] = await insertedRows(run, table, columns, [names], from);
    rows = await unit.connection.change(
      `INSERT INTO ${placeOf(table)} (${table.schema.fields.map(({ name }) => quoteName(name)).join(', ')}) SELECT ${values.join(', ')} ${from}`,
      bindings,
    );
  } else {
    const given = (await insertedRows(run, table, columns, statement.source.rows, '')).map((row) => `(${row.join(', ')})`);
    rows = await unit.connection.change(`INSERT INTO ${placeOf(table)} VALUES ${given.join(', ')}`, bindings);
  }
  unit.written.set(table.uid, table);
  return { columns: [], totalRows: 0, dml: { inserted: rows, updated: 0, deleted: 0 } };
};
