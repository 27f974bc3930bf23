// Tables as tables.* of the REST API has them, and what may be changed of one.
// https://docs.cloud.google.com/bigquery/docs/managing-table-schemas
import type { Engine, Table, TableDraft } from '../engine-contract.ts';
import { BigQueryProblem, notImplemented } from '../problem.ts';
import { formatTableId, type TableField } from '../types.ts';
import { duckdbType } from '../values/duckdb-type.ts';
import { typeOfField } from '../values/types.ts';
import { assertEtag } from './datasets.ts';
import type { Keeper } from './keeper.ts';
import { insertStreamed, readRows, readStats } from './rows-of-table.ts';
import type { Services } from './run.ts';
import { columnsSql } from './storable.ts';
import { quoteName } from './sql-text.ts';
import { bufferOf, findField, placeOf, samePartitioning, splitDecorator, type StoredTable } from './stored-table.ts';
import { assertValidTable, draftTable, etagOf } from './table-making.ts';

type Change = Parameters<Engine['tables']['patch']>[1];

export const createTables = (services: Services, keeper: Keeper): Engine['tables'] => {
  const { units } = services;
  return {
    create: (draft) =>
      units.atomically(async (unit) => {
        if (unit.table(draft) !== undefined) throw new BigQueryProblem('duplicate', `Already Exists: Table ${formatTableId(draft)}`);
        const table = draftTable(services, unit, draft);
        await unit.connection.run(`CREATE TABLE ${placeOf(table)} (${columnsSql(table.schema.fields)})`);
        unit.changes.push({ kind: 'table', id: draft, before: unit.tableOrRemains(draft), after: table });
        return table;
      }),
    get: (id) => units.catalog.table(splitDecorator(id).table, units.now),
    patch: (id, change, etag) =>
      units.atomically(async (unit) => {
        const before = unit.requireTable(id);
        assertEtag(before.etag, etag);
        const after = changedTable(before, change, units.now);
        if (change.schema !== undefined) {
          const places = unit.isBuffered(before.uid) ? [placeOf(before), bufferOf(before)] : [placeOf(before)];
          for (const place of places) for (const statement of alterations(place, before, change.schema.fields)) await unit.connection.run(statement);
        }
        unit.changes.push({ kind: 'table', id, before: unit.tableOrRemains(id), after });
        return after;
      }),
    list: ({ projectId, datasetId }) =>
      [...units.catalog.view.tables.values()]
        .filter((table) => table.projectId === projectId && table.datasetId === datasetId)
        .map((table): Table | undefined => units.catalog.table(table, units.now))
        .filter((table) => table !== undefined)
        .toSorted((a, b) => (a.tableId < b.tableId ? -1 : 1)),
    delete: (id) =>
      units.atomically(async (unit) => {
        unit.requireTable(id);
        unit.changes.push({ kind: 'table', id, before: unit.tableOrRemains(id), after: undefined });
      }),
    stats: (id) => readStats(services, keeper, id),
    read: (id, page) => readRows(services, keeper, id, page),
    insertAll: async (id, rows, options) => {
      await keeper.prepare([id]);
      return insertStreamed(services, keeper, id, rows, options);
    },
  };
};

const changedTable = (before: StoredTable, change: Change, now: number): StoredTable => {
  const { expiresAt, ...others } = change;
  const { expiresAt: expiredAt, ...kept } = before;
  const draft: TableDraft & StoredTable = { ...kept, ...others, modifiedAt: now, version: before.version + 1, etag: etagOf(before.uid, before.version + 1) };
  if (change.partitioning !== undefined && !samePartitioning(before.partitioning, change.partitioning))
    throw new BigQueryProblem('invalid', `Cannot change partitioning/clustering spec for table ${formatTableId(before)}`);
  assertValidTable(draft);
  const until = expiresAt === undefined ? expiredAt : (expiresAt ?? undefined);
  return until === undefined ? draft : { ...draft, expiresAt: until };
};

/** What has to happen to the rows for a new schema; throws where BigQuery would not have it. */
const alterations = (place: string, before: StoredTable, fields: readonly TableField[]): readonly string[] => {
  const refuse = (detail: string): BigQueryProblem =>
    new BigQueryProblem('invalid', `Provided Schema does not match Table ${formatTableId(before)}. ${detail}`);
  const old = before.schema.fields;
  for (const [index, { name }] of old.entries()) {
    if (findField(fields, name) === undefined) throw refuse(`Field ${name} is missing in new schema`);
    if (fields[index]?.name.toLowerCase() !== name.toLowerCase()) throw notImplemented('a change of the order of columns');
  }
  const statements: string[] = [];
  for (const field of fields) {
    const present = findField(old, field.name);
    const name = quoteName(field.name);
    if (present === undefined) {
      if (field.mode === 'REQUIRED') throw refuse(`Cannot add required fields to an existing schema. (field: ${field.name})`);
      statements.push(`ALTER TABLE ${place} ADD COLUMN ${name} ${duckdbType(typeOfField(field))}${field.mode === 'REPEATED' ? ' DEFAULT []' : ''}`);
      if (field.mode === 'REPEATED') statements.push(`ALTER TABLE ${place} ALTER COLUMN ${name} DROP DEFAULT`);
      continue;
    }
    assertGrown(present, field, field.name, refuse);
    if (present.mode === 'REQUIRED' && field.mode === 'NULLABLE') statements.push(`ALTER TABLE ${place} ALTER COLUMN ${name} DROP NOT NULL`);
    const type = duckdbType(typeOfField(field));
    if (type !== duckdbType(typeOfField(present))) statements.push(`ALTER TABLE ${place} ALTER COLUMN ${name} TYPE ${type}`);
    if (present.name !== field.name) statements.push(`ALTER TABLE ${place} RENAME COLUMN ${quoteName(present.name)} TO ${name}`);
  }
  return statements;
};

const assertGrown = (before: TableField, after: TableField, path: string, refuse: (detail: string) => BigQueryProblem): void => {
  if (before.type !== after.type) throw refuse(`Field ${path} has changed type from ${before.type} to ${after.type}`);
  if (before.mode !== after.mode && !(before.mode === 'REQUIRED' && after.mode === 'NULLABLE'))
    throw refuse(`Field ${path} has changed mode from ${before.mode} to ${after.mode}`);
  for (const key of ['precision', 'scale', 'maxLength'] as const)
    if (before[key] !== after[key]) throw notImplemented(`a change of the type parameters of field ${path}`);
  const [old, fields] = [before.fields ?? [], after.fields ?? []];
  for (const { name } of old) if (findField(fields, name) === undefined) throw refuse(`Field ${path}.${name} is missing in new schema`);
  for (const field of fields) {
    const present = findField(old, field.name);
    if (present !== undefined) assertGrown(present, field, `${path}.${field.name}`, refuse);
    else if (field.mode === 'REQUIRED') throw refuse(`Cannot add required fields to an existing schema. (field: ${path}.${field.name})`);
    // DuckDB would give old rows a NULL for it, which no ARRAY of a table is.
    else if (field.mode === 'REPEATED') throw notImplemented(`a new REPEATED field inside a RECORD (${path}.${field.name})`);
  }
};
