// INFORMATION_SCHEMA of a dataset: TABLES, COLUMNS and PARTITIONS, as queries over the catalog of a unit.
// https://docs.cloud.google.com/bigquery/docs/information-schema-intro
import { notImplemented } from '../problem.ts';
import type { DatasetId, Partitioning, SqlType, TableField, TableId, TableSchema } from '../types.ts';
import { duckdbType } from '../values/duckdb-type.ts';
import { bytesOfColumnSql } from '../values/size.ts';
import { fieldOfColumn, formatType, typeOfField } from '../values/types.ts';
import { partitionIdSql } from './partitions.ts';
import { quoteName, textLiteral } from './sql-text.ts';
import { sourceSql, type StoredTable } from './stored-table.ts';
import type { Unit } from './unit.ts';

const views = ['TABLES', 'COLUMNS', 'PARTITIONS'] as const;
type ViewName = (typeof views)[number];
export type InformationSchemaView = DatasetId & { readonly view: ViewName };

const text = { kind: 'STRING' } as const;
const whole = { kind: 'INT64' } as const;
const instant = { kind: 'TIMESTAMP' } as const;
const columns: Readonly<Record<ViewName, Readonly<Record<string, SqlType>>>> = {
  // https://docs.cloud.google.com/bigquery/docs/information-schema-tables
  TABLES: {
    table_catalog: text,
    table_schema: text,
    table_name: text,
    table_type: text,
    is_insertable_into: text,
    is_typed: text,
    is_change_history_enabled: text,
    creation_time: instant,
    base_table_catalog: text,
    base_table_schema: text,
    base_table_name: text,
    snapshot_time_ms: instant,
  },
  // https://docs.cloud.google.com/bigquery/docs/information-schema-columns
  COLUMNS: {
    table_catalog: text,
    table_schema: text,
    table_name: text,
    column_name: text,
    ordinal_position: whole,
    is_nullable: text,
    data_type: text,
    is_generated: text,
    generation_expression: text,
    is_stored: text,
    is_hidden: text,
    is_updatable: text,
    is_system_defined: text,
    is_partitioning_column: text,
    clustering_ordinal_position: whole,
    collation_name: text,
    column_default: text,
    rounding_mode: text,
  },
  // https://docs.cloud.google.com/bigquery/docs/information-schema-partitions
  PARTITIONS: {
    table_catalog: text,
    table_schema: text,
    table_name: text,
    partition_id: text,
    total_rows: whole,
    total_logical_bytes: whole,
    last_modified_time: instant,
    storage_tier: text,
  },
};

/** `INFORMATION_SCHEMA.TABLES` as a table id; undefined for any other table. Views that are not there are refused by name. */
export const readInformationSchemaName = ({ projectId, datasetId, tableId }: TableId): InformationSchemaView | undefined => {
  const match = /^INFORMATION_SCHEMA\.(.+)$/i.exec(tableId);
  if (match === null) return undefined;
  const view = views.find((name) => name === match[1]?.toUpperCase());
  if (view === undefined || datasetId.startsWith('region-')) throw notImplemented(`${datasetId}.${tableId}`);
  return { projectId, datasetId, view };
};

export const schemaOfView = ({ view }: InformationSchemaView): TableSchema => ({
  fields: Object.entries(columns[view]).map(([name, type]): TableField => fieldOfColumn({ name, type })),
});

const literal = (value: string | number | undefined, type: SqlType): string => {
  if (value === undefined) return `CAST(NULL AS ${duckdbType(type)})`;
  if (type.kind === 'TIMESTAMP') return `make_timestamptz(${Number(value) * 1000})`;
  return typeof value === 'number' ? `CAST(${value} AS BIGINT)` : textLiteral(value);
};

/** A query in parentheses. */
export const informationSchemaSql = (view: InformationSchemaView, unit: Unit): string => {
  unit.requireDataset(view);
  const tables = [...unit.view.tables.values()]
    .filter(({ projectId, datasetId }) => projectId === view.projectId && datasetId === view.datasetId)
    .flatMap((table) => unit.table(table) ?? [])
    .toSorted((a, b) => (a.tableId < b.tableId ? -1 : 1));
  const types = columns[view.view];
  const names = Object.keys(types).map(quoteName).join(', ');
  if (view.view === 'PARTITIONS') {
    const parts = tables.map((table) => `SELECT ${names} FROM (${partitionsOf(table, unit)})`);
    return `(${[...parts, `SELECT ${emptyRow(types)} LIMIT 0`].map((part) => `(${part})`).join(' UNION ALL ')})`;
  }
  const rows: readonly Readonly<Record<string, string | number>>[] = view.view === 'TABLES' ? tables.map(rowOfTable) : tables.flatMap(rowsOfColumns);
  if (rows.length === 0) return `(SELECT ${emptyRow(types)} LIMIT 0)`;
  const values = rows.map(
    (row) =>
      `(${Object.entries(types)
        .map(([name, type]) => literal(row[name], type))
        .join(', ')})`,
  );
  return `(SELECT * FROM (VALUES ${values.join(', ')}) AS v(${names}))`;
};

const emptyRow = (types: Readonly<Record<string, SqlType>>): string =>
  Object.entries(types)
    .map(([name, type]) => `CAST(NULL AS ${duckdbType(type)}) AS ${quoteName(name)}`)
    .join(', ');

const nameOf = ({ projectId, datasetId, tableId }: TableId) => ({ table_catalog: projectId, table_schema: datasetId, table_name: tableId });

const rowOfTable = (table: StoredTable): Readonly<Record<string, string | number>> => ({
  ...nameOf(table),
  table_type: 'BASE TABLE',
  is_insertable_into: 'YES',
  is_typed: 'NO',
  is_change_history_enabled: 'NO',
  creation_time: table.createdAt,
});

const rowsOfColumns = (table: StoredTable): readonly Readonly<Record<string, string | number>>[] =>
  table.schema.fields.map((field, index) => {
    const clustering = (table.clustering ?? []).findIndex((name) => name.toLowerCase() === field.name.toLowerCase());
    return {
      ...nameOf(table),
      column_name: field.name,
      ordinal_position: index + 1,
      is_nullable: field.mode === 'REQUIRED' ? 'NO' : 'YES',
      data_type: dataTypeOf(field),
      is_generated: 'NEVER',
      is_hidden: 'NO',
      is_updatable: 'YES',
      is_system_defined: 'NO',
      is_partitioning_column: isPartitionedBy(table.partitioning, field) ? 'YES' : 'NO',
      ...(clustering < 0 ? {} : { clustering_ordinal_position: clustering + 1 }),
      collation_name: 'NULL',
      column_default: field.defaultValueExpression ?? 'NULL',
    };
  });

const isPartitionedBy = (partitioning: Partitioning | undefined, { name }: TableField): boolean => partitioning?.field.toLowerCase() === name.toLowerCase();

const dataTypeOf = (field: TableField): string => {
  const type = formatType(typeOfField(field));
  if (field.maxLength !== undefined) return `${type}(${field.maxLength})`;
  if (field.precision === undefined) return type;
  return `${type}(${field.precision}${field.scale === undefined ? '' : `, ${field.scale}`})`;
};

const partitionsOf = (table: StoredTable, unit: Unit): string => {
  const bytes = table.schema.fields.map((field) => bytesOfColumnSql(quoteName(field.name), typeOfField(field))).join(' + ');
  const id = table.partitioning === undefined ? 'CAST(NULL AS VARCHAR)' : partitionIdSql(table.partitioning);
  const { table_catalog, table_schema, table_name } = nameOf(table);
  return `SELECT ${textLiteral(table_catalog)} AS table_catalog, ${textLiteral(table_schema)} AS table_schema, ${textLiteral(table_name)} AS table_name,
    ${id} AS partition_id, count(*) AS total_rows, CAST(coalesce(sum(${bytes}), 0) AS BIGINT) AS total_logical_bytes,
    make_timestamptz(${table.modifiedAt * 1000}) AS last_modified_time, 'ACTIVE' AS storage_tier
    FROM ${sourceSql(table, unit.isBuffered(table.uid))} ${table.partitioning === undefined ? '' : 'GROUP BY partition_id'}`;
};
