// UPDATE, DELETE and TRUNCATE.
import { updatedRow } from './assignments.ts';
import { deleteChanged, headSql, newColumns, noteChanged, refuseSecondMatch, targetSql } from './changed-rows.ts';
import { resolvePath } from './statement-text.ts';
import type { Outcome, Run } from './run.ts';
import { placeOf } from './stored-table.ts';

const place = '"$changes"';

export const runUpdate = async (run: Run<'update'>): Promise<Outcome> => {
  const { unit, statement, bindings } = run;
  const { connection } = unit;
  const table = unit.requireTable(resolvePath(statement.target, run.analyzed.context));
  const from = `FROM ${targetSql(run, table, statement.alias)}${statement.from === undefined ? '' : `, ${statement.from}`}`;
  const row = await updatedRow(run, table, statement.alias, statement.set, from);
  const columns = newColumns(table);
  run.services.units.enterTable(unit, table);
  await connection.run(
    `CREATE TEMP TABLE ${place} AS SELECT ${headSql(table, statement.alias)}, ${row.map((value, index) => `${value} AS ${columns[index]}`).join(', ')} ${from} WHERE ${statement.where}`,
    bindings,
  );
  const changed = `SELECT * FROM ${place}`;
  if (statement.from !== undefined) await refuseSecondMatch(run, changed);
  await noteChanged(run, table, changed, 'UPDATE or DELETE');
  await deleteChanged(run, table, changed);
  const updated = await connection.change(`INSERT INTO ${placeOf(table)} SELECT ${columns.join(', ')} FROM ${place}`);
  await connection.run(`DROP TABLE ${place}`);
  return { columns: [], totalRows: 0, dml: { inserted: 0, updated, deleted: 0 } };
};

export const runDelete = async (run: Run<'delete'>): Promise<Outcome> => {
  const { unit, statement, bindings } = run;
  const table = unit.requireTable(resolvePath(statement.target, run.analyzed.context));
  run.services.units.enterTable(unit, table);
  await unit.connection.run(
    `CREATE TEMP TABLE ${place} AS SELECT ${headSql(table, statement.alias)} FROM ${targetSql(run, table, statement.alias)} WHERE ${statement.where}`,
    bindings,
  );
  const changed = `SELECT * FROM ${place}`;
  await noteChanged(run, table, changed, 'UPDATE or DELETE');
  const deleted = await deleteChanged(run, table, changed);
  await unit.connection.run(`DROP TABLE ${place}`);
  return { columns: [], totalRows: 0, dml: { inserted: 0, updated: 0, deleted } };
};

export const runTruncate = async (run: Run<'truncate'>): Promise<Outcome> => {
  const { unit, statement } = run;
  const table = unit.requireTable(resolvePath(statement.target, run.analyzed.context));
  run.services.units.enterTable(unit, table);
  await noteChanged(run, table, `SELECT ${headSql(table, 'T')} FROM ${targetSql(run, table, 'T')}`, 'TRUNCATE');
  const deleted = await unit.connection.change(`DELETE FROM ${placeOf(table)}`);
  return { columns: [], totalRows: 0, dml: { inserted: 0, updated: 0, deleted } };
};
