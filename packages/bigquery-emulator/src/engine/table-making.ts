// New tables: what a draft becomes, and the rules that any schema, partitioning and clustering must obey.
import type { TableDraft } from '../engine-contract.ts';
import { BigQueryProblem } from '../problem.ts';
import { formatTableId, type TableField } from '../types.ts';
import { duckdbType } from '../values/duckdb-type.ts';
import { typeOfField } from '../values/types.ts';
import type { Services } from './run.ts';
import { assertKeepable, storeSql } from './storable.ts';
import { translateDefault } from './statement-text.ts';
import { findField, type StoredTable } from './stored-table.ts';
import type { Unit } from './unit.ts';

/** DuckDB SQL of what a column gets that a row says nothing of. */
export const defaultSql = (field: TableField): string => {
  if (field.defaultValueExpression !== undefined) return storeSql(field, translateDefault(field.defaultValueExpression));
  // An ARRAY is never NULL in a table of BigQuery.
  return field.mode === 'REPEATED' ? `CAST([] AS ${duckdbType(typeOfField(field))})` : `CAST(NULL AS ${duckdbType(typeOfField(field))})`;
};

/** Checked, with what the dataset gives its tables by default. Throws `invalid`, `notFound` and `notImplemented`. */
export const draftTable = (services: Services, unit: Unit, draft: TableDraft): StoredTable => {
  const dataset = unit.requireDataset(draft);
  assertValidTable(draft);
  const now = services.units.now;
  const uid = services.units.catalog.nextUid();
  const tableExpirationMs = numberOf(dataset.properties['defaultTableExpirationMs']);
  const partitionExpirationMs = numberOf(dataset.properties['defaultPartitionExpirationMs']);
  const { partitioning } = draft;
  const isTimed = partitioning?.kind === 'time' && partitioning.expirationMs === undefined && partitionExpirationMs !== undefined;
  // https://docs.cloud.google.com/bigquery/docs/updating-datasets#partition-expiration: it goes before the tables' default.
  const expiresAt = draft.expiresAt ?? (tableExpirationMs === undefined || isTimed ? undefined : now + tableExpirationMs);
  const { projectId, datasetId, tableId, schema, clustering, requirePartitionFilter, properties } = draft;
  return {
    projectId,
    datasetId,
    tableId,
    schema,
    requirePartitionFilter,
    properties,
    ...(clustering === undefined ? {} : { clustering }),
    ...(partitioning === undefined ? {} : { partitioning: isTimed ? { ...partitioning, expirationMs: partitionExpirationMs } : partitioning }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    createdAt: now,
    modifiedAt: now,
    etag: etagOf(uid, 0),
    uid,
    version: 0,
    isAnonymous: false,
  };
};

export const etagOf = (uid: number, version: number): string => Buffer.from(`${uid}/${version}`).toString('base64');

const numberOf = (value: unknown): number | undefined => (value === undefined || value === null ? undefined : Number(value));

const partitionTypes: Readonly<Record<string, readonly string[]>> = {
  HOUR: ['TIMESTAMP', 'DATETIME'],
  DAY: ['DATE', 'TIMESTAMP', 'DATETIME'],
  MONTH: ['DATE', 'TIMESTAMP', 'DATETIME'],
  YEAR: ['DATE', 'TIMESTAMP', 'DATETIME'],
};

export const assertValidTable = (draft: TableDraft): void => {
  const { fields } = draft.schema;
  assertDistinct(fields);
  assertKeepable(fields);
  const { partitioning, clustering } = draft;
  if (partitioning !== undefined) {
    const field = findField(fields, partitioning.field);
    if (field === undefined)
      throw new BigQueryProblem(
        'invalid',
        `The field specified for partitioning cannot be found in the schema: ${partitioning.field} (table ${formatTableId(draft)})`,
      );
    const types = partitioning.kind === 'range' ? ['INTEGER'] : (partitionTypes[partitioning.type] ?? []);
    if (field.mode === 'REPEATED' || !types.includes(field.type))
      throw new BigQueryProblem('invalid', `The field ${field.name} of type ${field.type} cannot be used for partitioning table ${formatTableId(draft)}`);
    if (partitioning.kind === 'range' && !(partitioning.interval > 0 && partitioning.start < partitioning.end))
      throw new BigQueryProblem('invalid', `The range of the partitioning of table ${formatTableId(draft)} is empty`);
  } else if (draft.requirePartitionFilter) throw new BigQueryProblem('invalid', `require_partition_filter needs a partitioned table: ${formatTableId(draft)}`);
  // https://docs.cloud.google.com/bigquery/docs/clustered-tables#limitations
  if (clustering !== undefined && clustering.length > 4) throw new BigQueryProblem('invalid', 'At most 4 fields can be specified for clustering');
  for (const name of clustering ?? [])
    if (findField(fields, name) === undefined)
      throw new BigQueryProblem('invalid', `The field specified for clustering cannot be found in the schema: ${name}`);
};

const assertDistinct = (fields: readonly TableField[]): void => {
  const names = new Set<string>();
  for (const { name, fields: inner } of fields) {
    if (names.has(name.toLowerCase())) throw new BigQueryProblem('invalid', `Duplicate field name "${name}" in the schema; names differ by more than case`);
    names.add(name.toLowerCase());
    if (inner !== undefined) assertDistinct(inner);
  }
};
