// MERGE, out of three questions that are asked before anything is written: which target rows meet which source rows, which source
// rows meet none, and which target rows meet none. A full join that answers all at once is no alternative: DuckDB can prune
// neither side of it, so that a merge of one partition would read the whole table.
// https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_statement
import type { MergeAction, MergeWhen } from '@floodgate/sql/translated-statement.ts';
import { insertedRows, updatedRow } from './assignments.ts';
import { deleteChanged, headSql, newColumns, noteChanged, refuseSecondMatch, rowNumber, targetSql } from './changed-rows.ts';
import { notImplemented } from '../problem.ts';
import { resolvePath } from './statement-text.ts';
import type { Outcome, Run } from './run.ts';
import { quoteName } from './sql-text.ts';
import { placeOf, type StoredTable } from './stored-table.ts';

const [sourcePlace, pairsPlace, orphansPlace, newcomersPlace] = ['"$source"', '"$pairs"', '"$orphans"', '"$newcomers"'];
const sourceRow = '"$sid"';
const clause = '"$when"';

type Clause = { readonly condition: string; readonly action: MergeAction; readonly number: number };

const clausesOf = (whens: readonly MergeWhen[], match: MergeWhen['match']): readonly Clause[] =>
  whens.filter((when) => when.match === match).map(({ condition, action }, index) => ({ condition: condition ?? 'TRUE', action, number: index + 1 }));

/** The number of the first clause whose condition holds; 0 where none does. */
const firstOf = (clauses: readonly Clause[]): string => caseOf(clauses, (one) => String(one.number), '0');
const caseOf = (clauses: readonly Clause[], value: (one: Clause) => string, otherwise: string): string =>
  clauses.length === 0 ? otherwise : `CASE ${clauses.map((one) => `WHEN ${one.condition} THEN ${value(one)}`).join(' ')} ELSE ${otherwise} END`;
const anyOf = (clauses: readonly Clause[]): string => clauses.map(({ condition }) => `(${condition})`).join(' OR ');
const numbersOf = (clauses: readonly Clause[], kind: MergeAction['kind']): string => {
  const numbers = clauses.filter(({ action }) => action.kind === kind).map((one) => one.number);
  return numbers.length === 0 ? 'FALSE' : `${clause} IN (${numbers.join(', ')})`;
};

/** The FROM items that the questions share. */
const mergeSources = (run: Run<'merge'>, table: StoredTable) => {
  const { statement } = run;
  const source = quoteName(statement.sourceAlias);
  // A table is joined as it lies; a query is kept, so that its rows have numbers and it is computed once.
  const isTable = /^data\.t\d+ AS /.test(statement.source);
  const from = isTable ? statement.source : `${sourcePlace} AS ${source}`;
  const target = targetSql(run, table, statement.alias);
  return {
    isTable,
    from,
    target,
    keep: `CREATE TEMP TABLE ${sourcePlace} AS SELECT ${source}.* FROM ${statement.source}`,
    joined: `FROM ${target} JOIN ${from} ON ${statement.on}`,
  };
};

export const runMerge = async (run: Run<'merge'>): Promise<Outcome> => {
  const { unit, statement, bindings } = run;
  const { connection } = unit;
  const table = unit.requireTable(resolvePath(statement.target, run.analyzed.context));
  const { alias } = statement;
  const [matched, newcomers, orphans] = [
    clausesOf(statement.whens, 'matched'),
    clausesOf(statement.whens, 'not_matched_by_target'),
    clausesOf(statement.whens, 'not_matched_by_source'),
  ];
  const { isTable, from, target, keep, joined } = mergeSources(run, table);
  if (matched.length + orphans.length > 0) run.services.units.enterTable(unit, table);
  const sourceColumns = await connection.describe(`SELECT ${quoteName(statement.sourceAlias)}.* FROM ${statement.source}`, bindings);
  if (sourceColumns.some(({ name }) => name.toLowerCase() === 'rowid')) throw notImplemented('a column named rowid in the source of MERGE');
  if (!isTable) await connection.run(keep, bindings);

  const isComplete = newcomers.length + orphans.length > 0;
  await connection.run(
    `CREATE TEMP TABLE ${pairsPlace} AS SELECT ${headSql(table, alias)}, ${quoteName(statement.sourceAlias)}.rowid AS ${sourceRow}, ${firstOf(matched)} AS ${clause}
     ${await newRowSql(run, table, matched, joined)} ${joined} ${isComplete || matched.length === 0 ? '' : `WHERE ${anyOf(matched)}`}`,
    bindings,
  );
  const hit = `SELECT * FROM ${pairsPlace} WHERE ${clause} > 0`;
  await refuseSecondMatch(run, hit);
  if (orphans.length > 0) {
    const orphanFrom = `FROM ${target}`;
    await connection.run(
      `CREATE TEMP TABLE ${orphansPlace} AS SELECT ${headSql(table, alias)}, ${firstOf(orphans)} AS ${clause}
       ${await newRowSql(run, table, orphans, orphanFrom)} ${orphanFrom}
       WHERE (${anyOf(orphans)}) AND NOT EXISTS (SELECT 1 FROM ${pairsPlace} AS "$p" WHERE "$p".${rowNumber} = ${quoteName(alias)}.rowid)`,
      bindings,
    );
  }
  if (newcomers.length > 0)
    await findNewcomers(
      run,
      table,
      newcomers,
      from,
      sourceColumns.map(({ name }) => name),
    );

  const columns = newColumns(table).join(', ');
  const into = `INSERT INTO ${placeOf(table)} SELECT ${columns} FROM`;
  const stats = { inserted: 0, updated: 0, deleted: 0 };
  for (const [place, clauses] of [
    [pairsPlace, matched],
    [orphansPlace, orphans],
  ] as const) {
    if (clauses.length === 0) continue;
    const changed = `SELECT * FROM ${place} WHERE ${clause} > 0`;
    await noteChanged(run, table, changed, 'UPDATE, MERGE or DELETE');
    const gone = await deleteChanged(run, table, changed);
    const updates = numbersOf(clauses, 'update');
    const updated = updates === 'FALSE' ? 0 : await connection.change(`${into} ${place} WHERE ${updates}`);
    stats.updated += updated;
    stats.deleted += gone - updated;
  }
  if (newcomers.length > 0) stats.inserted = await connection.change(`${into} ${newcomersPlace}`);
  unit.written.set(table.uid, table);
  if (stats.updated + stats.deleted === 0) run.services.units.leaveTable(unit, table);
  for (const place of [sourcePlace, pairsPlace, orphansPlace, newcomersPlace]) await connection.run(`DROP TABLE IF EXISTS temp.${place}`);
  return { columns: [], totalRows: 0, dml: stats };
};

/** `, value AS column, …` of the rows that clauses update; nothing where none does. */
const newRowSql = async (run: Run<'merge'>, table: StoredTable, clauses: readonly Clause[], from: string): Promise<string> => {
  const rows = new Map<Clause, readonly string[]>();
  for (const one of clauses) if (one.action.kind === 'update') rows.set(one, await updatedRow(run, table, run.statement.alias, one.action.set, from));
  if (rows.size === 0) return '';
  return newColumns(table)
    .map((column, index) => `, ${caseOf(clauses, (one) => rows.get(one)?.[index] ?? 'NULL', 'NULL')} AS ${column}`)
    .join('');
};

const findNewcomers = async (
  run: Run<'merge'>,
  table: StoredTable,
  clauses: readonly Clause[],
  from: string,
  sourceColumns: readonly string[],
): Promise<void> => {
  const { connection } = run.unit;
  const source = quoteName(run.statement.sourceAlias);
  const rows = new Map<Clause, readonly string[]>();
  const ofSource = sourceColumns.map((name) => `${source}.${quoteName(name)}`);
  for (const one of clauses) {
    const { action } = one;
    if (action.kind !== 'insert_row' && action.kind !== 'insert') continue;
    const [columns, values] = action.kind === 'insert' ? [action.columns, action.values] : [action.columns, ofSource];
    rows.set(one, (await insertedRows(run, table, columns, [values], `FROM ${from}`))[0] ?? []);
  }
  const values = newColumns(table).map((column, index) => `${caseOf(clauses, (one) => rows.get(one)?.[index] ?? 'NULL', 'NULL')} AS ${column}`);
  await connection.run(
    `CREATE TEMP TABLE ${newcomersPlace} AS SELECT ${values.join(', ')} FROM ${from}
     WHERE (${anyOf(clauses)}) AND NOT EXISTS (SELECT 1 FROM ${pairsPlace} AS "$p" WHERE "$p".${sourceRow} = ${source}.rowid)`,
    run.bindings,
  );
};
