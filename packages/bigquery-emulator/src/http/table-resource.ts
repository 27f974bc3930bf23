// A table as the REST API shows it, and as it is read from there: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables#Table
import type { Table, TableDraft, TableStats } from '../engine-contract.ts';
import type { BufferState } from '../jobs/streaming-buffer.ts';
import { formatTableId, type TableId } from '../types.ts';
import { readSchema } from '../values/types.ts';
import { checkFields, only, onlyEmpty, readOptionalBoolean, readOptionalCount, type FieldRules, type JsonObject } from './read-json.ts';
import { readClustering, readLabels, readPartitioning, writePartitioning } from './references.ts';

const tableFields: FieldRules = {
  tableReference: 'known',
  schema: 'known',
  timePartitioning: 'known',
  rangePartitioning: 'known',
  clustering: 'known',
  requirePartitionFilter: 'known',
  expirationTime: 'known',
  labels: 'known',
  description: 'known',
  friendlyName: 'known',
  resourceTags: 'known',
  maxStaleness: onlyEmpty,
  tableConstraints: onlyEmpty,
  // Told by the server; a client that sends back what it got changes nothing by them.
  kind: 'harmless',
  id: 'harmless',
  etag: 'harmless',
  selfLink: 'harmless',
  creationTime: 'harmless',
  lastModifiedTime: 'harmless',
  location: 'harmless',
  numBytes: 'harmless',
  numRows: 'harmless',
  numLongTermBytes: 'harmless',
  numPhysicalBytes: 'harmless',
  numActiveLogicalBytes: 'harmless',
  numLongTermLogicalBytes: 'harmless',
  numTotalLogicalBytes: 'harmless',
  streamingBuffer: 'harmless',
  snapshotDefinition: 'harmless',
  cloneDefinition: 'harmless',
  type: only('TABLE', 'SNAPSHOT'),
  defaultCollation: only(''),
  defaultRoundingMode: only('ROUNDING_MODE_UNSPECIFIED', 'ROUND_HALF_AWAY_FROM_ZERO'),
};
export const keptOfTable = ['labels', 'description', 'friendlyName', 'resourceTags'];

const tableReferenceOf = ({ projectId, datasetId, tableId }: TableId): JsonObject => ({ projectId, datasetId, tableId });

const typeOf = ({ properties }: Table): string => (properties['snapshotDefinition'] === undefined ? 'TABLE' : 'SNAPSHOT');

const writeLayout = ({ partitioning, clustering, requirePartitionFilter, expiresAt }: Table): JsonObject => ({
  ...(partitioning === undefined ? {} : writePartitioning(partitioning)),
  ...(clustering === undefined ? {} : { clustering: { fields: clustering } }),
  ...(requirePartitionFilter ? { requirePartitionFilter } : {}),
  ...(expiresAt === undefined ? {} : { expirationTime: String(expiresAt) }),
});

export const writeTable = (
  table: Table,
  {
    baseUrl,
    location,
    stats,
    buffer,
    schema,
  }: {
    readonly baseUrl: string;
    readonly location: string;
    readonly stats?: TableStats;
    readonly buffer: BufferState | undefined;
    readonly schema: Table['schema'];
  },
): JsonObject => ({
  kind: 'bigquery#table',
  etag: table.etag,
  id: formatTableId(table),
  selfLink: `${baseUrl}/bigquery/v2/projects/${table.projectId}/datasets/${table.datasetId}/tables/${table.tableId}`,
  tableReference: tableReferenceOf(table),
  type: typeOf(table),
  location,
  schema,
  creationTime: String(table.createdAt),
  lastModifiedTime: String(table.modifiedAt),
  ...writeLayout(table),
  ...(stats === undefined
    ? {}
    : {
        numRows: String(stats.numRows),
        numBytes: String(stats.numBytes),
        numLongTermBytes: '0',
        numTotalLogicalBytes: String(stats.numBytes),
        numActiveLogicalBytes: String(stats.numBytes),
        numLongTermLogicalBytes: '0',
      }),
  ...(buffer === undefined
    ? {}
    : { streamingBuffer: { estimatedRows: String(buffer.rows), estimatedBytes: String(buffer.bytes), oldestEntryTime: String(buffer.oldestAt) } }),
  ...table.properties,
});

export const writeListedTable = (table: Table): JsonObject => ({
  kind: 'bigquery#table',
  id: formatTableId(table),
  tableReference: tableReferenceOf(table),
  type: typeOf(table),
  creationTime: String(table.createdAt),
  ...writeLayout(table),
  ...Object.fromEntries(Object.entries(table.properties).filter(([name]) => name === 'labels' || name === 'friendlyName')),
});

/** Everything of a table but its name and its properties, as far as the body has it. An expiration of 0 or null: none. */
export const readTableBody = (body: JsonObject): Partial<Omit<TableDraft, keyof TableId | 'properties'>> & { readonly expiresAt?: number } => {
  checkFields('', body, tableFields);
  readLabels(body['labels'], 'labels');
  const { partitioning, requirePartitionFilter } = readPartitioning(body, '');
  const clustering = readClustering(body['clustering'], 'clustering');
  const filter = readOptionalBoolean(body['requirePartitionFilter'], 'requirePartitionFilter') ?? requirePartitionFilter;
  const expiresAt = readOptionalCount(body['expirationTime'], 'expirationTime');
  return {
    ...(body['schema'] == null ? {} : { schema: readSchema(body['schema']) }),
    ...(partitioning === undefined ? {} : { partitioning }),
    ...(clustering === undefined ? {} : { clustering }),
    ...(filter === undefined ? {} : { requirePartitionFilter: filter }),
    ...(expiresAt === undefined || expiresAt === 0 ? {} : { expiresAt }),
  };
};
