// CREATE and DROP of tables and datasets. https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language
import type { ColumnDefinition, CreateTable, Options, OptionValue, PartitionBy } from '@floodgate/sql/translated-statement.ts';
import type { Dataset, TableDraft } from '../engine-contract.ts';
import { BigQueryProblem, notImplemented } from '../problem.ts';
import { formatTableId, type Partitioning, type TableField, type TableId } from '../types.ts';
import { fieldOfColumn, parseType } from '../values/types.ts';
import { datasetKey } from './catalog.ts';
import { insertStaged } from './destination.ts';
import { resolveDataset, resolvePath } from './statement-text.ts';
import { invalidQuery, type Outcome, type Run, type Work } from './run.ts';
import { resultColumns, resultSql } from './select.ts';
import { columnsSql } from './storable.ts';
import { placeOf, samePartitioning } from './stored-table.ts';
import { draftTable, etagOf } from './table-making.ts';
import type { Unit } from './unit.ts';

const dayMs = 86_400_000;

export const runCreateTable = async (run: Run<'create_table'>): Promise<Outcome> => {
  const { unit, statement, services, analyzed } = run;
  const target = resolvePath(statement.target, analyzed.context);
  unit.requireDataset(target);
  if (statement.source !== undefined) throw notImplemented(`CREATE TABLE ${statement.source.kind.toUpperCase()}`);
  const existing = unit.table(target);
  if (existing !== undefined && !statement.orReplace) {
    if (statement.ifNotExists) return { columns: [], totalRows: 0, ddl: { operation: 'SKIP', target } };
    throw new BigQueryProblem('duplicate', `Already Exists: Table ${formatTableId(target)}`, 'query');
  }
  const columns = statement.query === undefined ? [] : resultColumns(analyzed.columns);
  const fields = fieldsOf(statement, columns.map(fieldOfColumn));
  const table = draftTable(services, unit, { ...target, schema: { fields }, ...(await readTableOptions(run, statement)) });
  if (existing !== undefined) refuseOtherPartitioning(existing.partitioning, table.partitioning);
  await unit.connection.run(`CREATE TABLE ${placeOf(table)} (${columnsSql(fields)})`);
  unit.changes.push({ kind: 'table', id: target, before: unit.tableOrRemains(target), after: table });
  const done = { columns: [], ddl: { operation: existing === undefined ? ('CREATE' as const) : ('REPLACE' as const), target } };
  if (statement.query === undefined) return { ...done, totalRows: 0 };
  const place = '"$result"';
  const sql = await resultSql(run, statement.query, columns);
  await unit.connection.run(`CREATE TEMP TABLE ${place} AS ${sql}`, run.bindings);
  // The query's columns go by place where the statement names its own.
  const staged = statement.columns === undefined ? place : `(SELECT * FROM ${place} AS r(${fields.map(({ name }) => `"${name}"`).join(', ')}))`;
  const { partitions, rows } = await insertStaged(services, unit, table, { place: staged, fields }, undefined);
  await unit.connection.run(`DROP TABLE ${place}`);
  return { ...done, totalRows: rows, partitions };
};

/** OR REPLACE changes everything of a table but how it is split. */
const refuseOtherPartitioning = (existing: Partitioning | undefined, wanted: Partitioning | undefined): void => {
  if (samePartitioning(existing, wanted)) return;
  throw new BigQueryProblem(
    'invalid',
    `Cannot replace a table with a different partitioning spec. Instead, DROP the table, and then recreate it. New partitioning spec is ${describePartitioning(wanted)} and existing spec is ${describePartitioning(existing)}`,
    'query',
  );
};

const describePartitioning = (partitioning: Partitioning | undefined): string => {
  if (partitioning === undefined) return 'none';
  const { field } = partitioning;
  if (partitioning.kind === 'time') return `interval(type:${partitioning.type.toLowerCase()},field:${field})`;
  return `range(type:integer,field:${field},start:${partitioning.start},end:${partitioning.end},interval:${partitioning.interval})`;
};

const fieldsOf = (statement: CreateTable, fromQuery: readonly TableField[]): readonly TableField[] => {
  if (statement.columns === undefined) return fromQuery;
  if (statement.query !== undefined && statement.columns.length !== fromQuery.length)
    throw invalidQuery(`The number of columns in the column definition list does not match the number of columns produced by the query`);
  return statement.columns.map(fieldOfDefinition);
};

const fieldOfDefinition = ({ name, type, notNull, options, default: given }: ColumnDefinition): TableField => {
  const { description, ...unknown } = options;
  refuseOptions(unknown, `column ${name}`);
  const field = fieldOfColumn({ name, type: parseType(type) });
  if (notNull && field.mode === 'REPEATED') throw invalidQuery(`NOT NULL cannot be specified for the ARRAY column ${name}`);
  return {
    ...field,
    ...typeParameters(type),
    ...(notNull ? { mode: 'REQUIRED' as const } : {}),
    ...(typeof description === 'string' ? { description } : {}),
    ...(given === undefined ? {} : { defaultValueExpression: given.googleSql }),
  };
};

/** Of `NUMERIC(5, 1)`, `STRING(10)`. Inside STRUCT and ARRAY they are refused. */
const typeParameters = (type: string): Partial<TableField> => {
  const [, name, first, second] = /^\s*(\w+)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)\s*$/.exec(type) ?? [];
  if (name === undefined || first === undefined) {
    if (/\(\s*\d/.test(type)) throw notImplemented(`type parameters inside ${type}`);
    return {};
  }
  return /^(STRING|BYTES)$/i.test(name) ? { maxLength: first } : { precision: first, ...(second === undefined ? {} : { scale: second }) };
};

const readPartitioning = (by: PartitionBy, expirationMs: number | undefined): Partitioning => {
  if (by.kind === 'range') {
    if (expirationMs !== undefined) throw invalidQuery('partition_expiration_days is only allowed with time partitioning');
    return { kind: 'range', field: by.column, start: by.start, end: by.end, interval: by.interval };
  }
  return { kind: 'time', field: by.column, type: by.kind === 'column' ? 'DAY' : by.part, ...(expirationMs === undefined ? {} : { expirationMs }) };
};

type DraftOptions = Omit<TableDraft, keyof TableId | 'schema'>;

const readTableOptions = async (run: Work, { options, partitionBy, clusterBy }: CreateTable): Promise<DraftOptions> => {
  const {
    expiration_timestamp: expiration,
    partition_expiration_days: days,
    require_partition_filter: requires,
    description,
    friendly_name: friendlyName,
    labels,
    ...unknown
  } = options;
  refuseOptions(unknown, 'table');
  if (days !== undefined && days !== null && partitionBy === undefined) throw invalidQuery('partition_expiration_days needs PARTITION BY');
  const expirationMs = days === undefined || days === null ? undefined : Number(await valueOf(run, days)) * dayMs;
  const expiresAt = expiration === undefined || expiration === null ? undefined : await instantOf(run, expiration);
  return {
    requirePartitionFilter: requires === true,
    properties: {
      ...(typeof description === 'string' ? { description } : {}),
      ...(typeof friendlyName === 'string' ? { friendlyName } : {}),
      ...(labels === undefined || labels === null ? {} : { labels: readLabels(labels) }),
    },
    ...(partitionBy === undefined ? {} : { partitioning: readPartitioning(partitionBy, expirationMs) }),
    ...(clusterBy === undefined ? {} : { clustering: clusterBy }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
};

const valueOf = async (run: Work, value: OptionValue): Promise<unknown> => {
  if (typeof value !== 'object' || value === null || !('expression' in value)) return value;
  const [row] = await run.unit.connection.rows(`SELECT ${value.expression}`, run.bindings);
  return row?.[0];
};

const instantOf = async (run: Work, value: OptionValue): Promise<number> => {
  const sql =
    typeof value === 'string'
      ? `'${value.replaceAll("'", "''")}'`
      : typeof value === 'object' && value !== null && 'expression' in value
        ? value.expression
        : undefined;
  if (sql === undefined) throw invalidQuery('expiration_timestamp must be a TIMESTAMP');
  return run.unit.connection.number(`SELECT epoch_ms(CAST(${sql} AS TIMESTAMPTZ))`, run.bindings);
};

const readLabels = (labels: OptionValue): Readonly<Record<string, string>> => {
  const refuse = (): BigQueryProblem => notImplemented('labels that are no literal ARRAY of pairs');
  if (!Array.isArray(labels)) throw refuse();
  return Object.fromEntries(
    (labels as readonly OptionValue[]).map((pair) => {
      const [key, value] = Array.isArray(pair) ? (pair as readonly OptionValue[]) : [];
      if (typeof key !== 'string' || typeof value !== 'string') throw refuse();
      return [key, value] as const;
    }),
  );
};

const refuseOptions = (options: Options, of: string): void => {
  const [name] = Object.keys(options);
  if (name !== undefined) throw notImplemented(`the option ${name} of a ${of}`);
};

export const runDropTable = async ({ unit, statement, analyzed }: Run<'drop_table'>): Promise<Outcome> => {
  const target = resolvePath(statement.target, analyzed.context);
  if (unit.table(target) === undefined) {
    if (statement.ifExists) return { columns: [], totalRows: 0, ddl: { operation: 'SKIP', target } };
    throw new BigQueryProblem('notFound', `Not found: Table ${formatTableId(target)}`, 'query');
  }
  unit.changes.push({ kind: 'table', id: target, before: unit.tableOrRemains(target), after: undefined });
  return { columns: [], totalRows: 0, ddl: { operation: 'DROP', target } };
};

export const runCreateSchema = async ({ unit, statement, analyzed, services }: Run<'create_schema'>): Promise<Outcome> => {
  const id = resolveDataset(statement.target, analyzed.context);
  const target = { ...id, tableId: '' };
  if (unit.view.datasets.has(datasetKey(id))) {
    if (statement.ifNotExists) return { columns: [], totalRows: 0, ddl: { operation: 'SKIP', target } };
    throw new BigQueryProblem('duplicate', `Already Exists: Dataset ${id.projectId}:${id.datasetId}`, 'query');
  }
  const {
    location,
    description,
    friendly_name: friendlyName,
    default_table_expiration_days: days,
    default_partition_expiration_days: partitionDays,
    labels,
    ...unknown
  } = statement.options;
  refuseOptions(unknown, 'schema');
  const now = services.units.now;
  const properties = {
    ...(typeof description === 'string' ? { description } : {}),
    ...(typeof friendlyName === 'string' ? { friendlyName } : {}),
    ...(typeof days === 'number' ? { defaultTableExpirationMs: String(days * dayMs) } : {}),
    ...(typeof partitionDays === 'number' ? { defaultPartitionExpirationMs: String(partitionDays * dayMs) } : {}),
    ...(labels === undefined || labels === null ? {} : { labels: readLabels(labels) }),
  };
  const uid = services.units.catalog.nextUid();
  const after = { ...id, location: typeof location === 'string' ? location : 'US', createdAt: now, modifiedAt: now, etag: etagOf(uid, 0), properties };
  unit.changes.push({ kind: 'dataset', id, before: undefined, after });
  return { columns: [], totalRows: 0, ddl: { operation: 'CREATE', target } };
};

export const runDropSchema = async ({ unit, statement, analyzed }: Run<'drop_schema'>): Promise<Outcome> => {
  const id = resolveDataset(statement.target, analyzed.context);
  const target = { ...id, tableId: '' };
  const before = unit.view.datasets.get(datasetKey(id));
  if (before === undefined) {
    if (statement.ifExists) return { columns: [], totalRows: 0, ddl: { operation: 'SKIP', target } };
    throw new BigQueryProblem('notFound', `Not found: Dataset ${id.projectId}:${id.datasetId}`, 'query');
  }
  dropDataset(unit, before, statement.cascade);
  return { columns: [], totalRows: 0, ddl: { operation: 'DROP', target } };
};

/** With its tables, or refused where it has any. */
export const dropDataset = (unit: Unit, before: Dataset, withTables: boolean): void => {
  const tables = [...unit.view.tables.values()].filter(({ projectId, datasetId }) => projectId === before.projectId && datasetId === before.datasetId);
  if (!withTables && tables.some((table) => unit.table(table) !== undefined))
    throw new BigQueryProblem('resourceInUse', `Dataset ${before.projectId}:${before.datasetId} is still in use`);
  for (const table of tables) unit.changes.push({ kind: 'table', id: table, before: table, after: undefined });
  unit.changes.push({ kind: 'dataset', id: before, before, after: undefined });
};
