// Names of datasets and tables in requests, and the shapes of partitioning that requests and resources share.
import { bigquery } from '@floodgate/cloud-limits/limits.ts';
import { notImplemented } from '../problem.ts';
import type { DatasetId, Partitioning, TableId } from '../types.ts';
import { checkFields, invalid, readObject, readOneOf, readOptionalCount, readOptionalInteger, readOptionalText, readText, readTexts } from './read-json.ts';

export const readDatasetId = (value: unknown, path: string, projectId: string): DatasetId => {
  const object = readObject(value, path);
  const datasetId = readText(object['datasetId'], `${path}.datasetId`);
  if (!/^[A-Za-z0-9_]{1,1024}$/.test(datasetId)) {
    throw invalid(
      `Invalid dataset ID "${datasetId}". Dataset IDs must be alphanumeric (plus underscores and dashes) and must be at most 1024 characters long.`,
    );
  }
  return { projectId: readOptionalText(object['projectId'], `${path}.projectId`) ?? projectId, datasetId };
};

/** Letters, marks, numbers, connectors, dashes and spaces: https://docs.cloud.google.com/bigquery/docs/tables#table_naming */
const tableIdPattern = /^[\p{L}\p{M}\p{N}\p{Pc}\p{Pd}\p{Zs}]{1,1024}$/u;

export const checkTableId = (tableId: string): string => {
  if (tableId.includes('$') || tableId.includes('@')) throw notImplemented(`the decorator of ${tableId} here`);
  if (!tableIdPattern.test(tableId)) {
    throw invalid(
      `Invalid table ID "${tableId}". Table IDs must be alphanumeric (plus underscores) and must be at most 1024 characters long. Also, Table decorators cannot be used.`,
    );
  }
  return tableId;
};

export const readTableId = (value: unknown, path: string, projectId: string): TableId => {
  const object = readObject(value, path);
  return { ...readDatasetId(object, path, projectId), tableId: checkTableId(readText(object['tableId'], `${path}.tableId`)) };
};

/** What is copied may name a partition as well; the decorator stays part of the id. */
export const readSourceId = (value: unknown, path: string, projectId: string): TableId => {
  const { table, partitionId } = readDestinationId(value, path, projectId);
  return partitionId === undefined ? table : { ...table, tableId: `${table.tableId}$${partitionId}` };
};

/** A destination may name a partition: `table$20240101`. */
export const readDestinationId = (value: unknown, path: string, projectId: string): { readonly table: TableId; readonly partitionId?: string } => {
  const object = readObject(value, path);
  const [tableId, partitionId, ...more] = readText(object['tableId'], `${path}.tableId`).split('$') as [string, ...string[]];
  if (more.length > 0 || partitionId === '') throw invalid(`Invalid table ID "${String(object['tableId'])}"`);
  const table = { ...readDatasetId(object, path, projectId), tableId: checkTableId(tableId) };
  return partitionId === undefined ? { table } : { table, partitionId };
};

/** `configuration`-like object with timePartitioning, rangePartitioning and requirePartitionFilter. */
export const readPartitioning = (
  object: Readonly<Record<string, unknown>>,
  path: string,
): { readonly partitioning?: Partitioning; readonly requirePartitionFilter?: boolean } => {
  const { timePartitioning, rangePartitioning } = object;
  if (timePartitioning != null && rangePartitioning != null) throw invalid('Only one of timePartitioning and rangePartitioning can be specified.');
  if (timePartitioning != null) {
    const at = `${path}timePartitioning`;
    const time = readObject(timePartitioning, at);
    checkFields(at, time, { type: 'known', field: 'known', expirationMs: 'known', requirePartitionFilter: 'known' });
    const type = readOneOf(time['type'], `${at}.type`, ['HOUR', 'DAY', 'MONTH', 'YEAR']);
    if (type === undefined) throw invalid(`Required parameter is missing: ${at}.type`);
    const field = readOptionalText(time['field'], `${at}.field`);
    if (field === undefined) throw notImplemented('partitioning by ingestion time (timePartitioning without a field)');
    const expirationMs = readOptionalCount(time['expirationMs'], `${at}.expirationMs`);
    return {
      partitioning: { kind: 'time', field, type, ...(expirationMs === undefined || expirationMs === 0 ? {} : { expirationMs }) },
      ...(time['requirePartitionFilter'] === true ? { requirePartitionFilter: true } : {}),
    };
  }
  if (rangePartitioning != null) {
    const at = `${path}rangePartitioning`;
    const partitioning = readObject(rangePartitioning, at);
    checkFields(at, partitioning, { field: 'known', range: 'known' });
    const range = readObject(partitioning['range'], `${at}.range`);
    const [start, end, interval] = ['start', 'end', 'interval'].map((name) => readOptionalInteger(range[name], `${at}.range.${name}`));
    if (start === undefined || end === undefined || interval === undefined || interval <= 0 || end <= start) {
      throw invalid('rangePartitioning needs a start before its end and a positive interval');
    }
    return { partitioning: { kind: 'range', field: readText(partitioning['field'], `${at}.field`), start, end, interval } };
  }
  return {};
};

export const readClustering = (value: unknown, path: string): readonly string[] | undefined => {
  if (value == null) return undefined;
  const fields = readTexts(readObject(value, path)['fields'], `${path}.fields`);
  if (fields.length > 4) throw invalid('Too many fields for clustering: at most 4 are allowed');
  return fields.length === 0 ? undefined : fields;
};

export const writePartitioning = (partitioning: Partitioning): Readonly<Record<string, unknown>> =>
  partitioning.kind === 'time'
    ? {
        timePartitioning: {
          type: partitioning.type,
          field: partitioning.field,
          ...(partitioning.expirationMs === undefined ? {} : { expirationMs: String(partitioning.expirationMs) }),
        },
      }
    : {
        rangePartitioning: {
          field: partitioning.field,
          range: { start: String(partitioning.start), end: String(partitioning.end), interval: String(partitioning.interval) },
        },
      };

export const readLabels = (value: unknown, path: string): Readonly<Record<string, string>> | undefined => {
  if (value == null) return undefined;
  const entries = Object.entries(readObject(value, path));
  if (entries.length > bigquery.labels.maxPerResource) throw invalid(`Too many labels: at most ${bigquery.labels.maxPerResource} are allowed`);
  for (const [key, label] of entries) {
    if (!bigquery.labels.keyPattern.test(key)) throw invalid(`Label key "${key}" is invalid.`);
    if (typeof label !== 'string' || !bigquery.labels.valuePattern.test(label)) throw invalid(`Label value "${String(label)}" of "${key}" is invalid.`);
  }
  return Object.fromEntries(entries) as Record<string, string>;
};
