// What a job shall do, read from its `configuration`. Fields that this server doesn't know are refused by name.
// https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfiguration
import { bigquery } from '@floodgate/cloud-limits/limits.ts';
import type { CreateDisposition, Destination, LoadFormat, WriteDisposition } from '../engine-contract.ts';
import {
  checkFields,
  invalid,
  only,
  onlyEmpty,
  readObject,
  readOneOf,
  readOptionalBoolean,
  readOptionalCount,
  readOptionalObject,
  readOptionalText,
  readText,
  readTexts,
  required,
  type FieldRules,
  type JsonObject,
} from '../http/read-json.ts';
import { readClustering, readDatasetId, readDestinationId, readLabels, readPartitioning, readSourceId } from '../http/references.ts';
import { BigQueryProblem, notImplemented } from '../problem.ts';
import type { DatasetId, TableId } from '../types.ts';
import { readSchema } from '../values/types.ts';
import type { Priority } from './slots.ts';

type Common = { readonly labels: Readonly<Record<string, string>>; readonly jobTimeoutMs?: number; readonly configuration: JsonObject };
export type QuerySpec = Common & {
  readonly type: 'QUERY';
  readonly sql: string;
  readonly parameterMode: unknown;
  readonly queryParameters: unknown;
  readonly destination?: Destination;
  readonly defaultDataset?: DatasetId;
  readonly priority: Priority;
  readonly maximumBytesBilled?: number;
  readonly dryRun: boolean;
};
export type LoadSpec = Common & {
  readonly type: 'LOAD';
  readonly sourceUris: readonly string[];
  readonly destination: Destination;
  readonly format: LoadFormat;
  readonly autodetect: boolean;
  readonly maxBadRecords: number;
};
export type CopySpec = Common & {
  readonly type: 'COPY';
  readonly sources: readonly TableId[];
  readonly destination: Destination;
  readonly operation: 'COPY' | 'SNAPSHOT' | 'CLONE';
};
export type JobSpec = QuerySpec | LoadSpec | CopySpec;

const commonFields: FieldRules = {
  jobType: 'harmless',
  query: 'known',
  load: 'known',
  copy: 'known',
  extract: 'known',
  dryRun: 'known',
  jobTimeoutMs: 'known',
  labels: 'known',
  reservation: 'harmless',
  maxSlots: 'harmless',
};

const queryFields: FieldRules = {
  query: 'known',
  destinationTable: 'known',
  createDisposition: 'known',
  writeDisposition: 'known',
  defaultDataset: 'known',
  priority: 'known',
  useLegacySql: 'known',
  maximumBytesBilled: 'known',
  parameterMode: 'known',
  queryParameters: 'known',
  timePartitioning: 'known',
  rangePartitioning: 'known',
  clustering: 'known',
  // There is no cache here: every query runs.
  useQueryCache: 'harmless',
  // Of legacy SQL only.
  allowLargeResults: 'harmless',
  flattenResults: 'harmless',
  preserveNulls: 'harmless',
  maximumBillingTier: 'harmless',
  createSession: only(false),
  continuous: only(false),
  writeIncrementalResults: only(false),
  connectionProperties: onlyEmpty,
  schemaUpdateOptions: onlyEmpty,
  userDefinedFunctionResources: onlyEmpty,
  tableDefinitions: onlyEmpty,
  destinationTableProperties: onlyEmpty,
};

const loadFields: FieldRules = {
  sourceUris: 'known',
  schema: 'known',
  destinationTable: 'known',
  createDisposition: 'known',
  writeDisposition: 'known',
  nullMarker: 'known',
  fieldDelimiter: 'known',
  skipLeadingRows: 'known',
  quote: 'known',
  maxBadRecords: 'known',
  allowQuotedNewlines: 'known',
  sourceFormat: 'known',
  ignoreUnknownValues: 'known',
  sourceColumnMatch: 'known',
  parquetOptions: 'known',
  autodetect: 'known',
  timePartitioning: 'known',
  rangePartitioning: 'known',
  clustering: 'known',
  allowJaggedRows: only(false),
  encoding: only('UTF-8', ''),
  useAvroLogicalTypes: 'harmless',
  createSession: only(false),
  schemaUpdateOptions: onlyEmpty,
  destinationTableProperties: onlyEmpty,
  projectionFields: onlyEmpty,
  decimalTargetTypes: onlyEmpty,
  preserveAsciiControlCharacters: only(false),
};

/** Lists are ARRAYs and ENUMs texts here, whatever is asked. */
const parquetFields: FieldRules = {
  enumAsString: 'harmless',
  enableListInference: 'harmless',
};

const copyFields: FieldRules = {
  sourceTable: 'known',
  sourceTables: 'known',
  destinationTable: 'known',
  createDisposition: 'known',
  writeDisposition: 'known',
  operationType: 'known',
  destinationExpirationTime: 'known',
};

const readDestination = (object: JsonObject, path: string, projectId: string, write: WriteDisposition): Destination => {
  const { partitioning, requirePartitionFilter } = readPartitioning(object, `${path}.`);
  const clustering = readClustering(object['clustering'], `${path}.clustering`);
  const disposition = readOneOf(object['writeDisposition'], `${path}.writeDisposition`, [
    'WRITE_EMPTY',
    'WRITE_APPEND',
    'WRITE_TRUNCATE',
    'WRITE_TRUNCATE_DATA',
  ]);
  if (disposition === 'WRITE_TRUNCATE_DATA') throw notImplemented('WRITE_TRUNCATE_DATA');
  const create: CreateDisposition =
    readOneOf(object['createDisposition'], `${path}.createDisposition`, ['CREATE_IF_NEEDED', 'CREATE_NEVER']) ?? 'CREATE_IF_NEEDED';
  return {
    ...readDestinationId(object['destinationTable'], `${path}.destinationTable`, projectId),
    write: disposition ?? write,
    create,
    ...(partitioning === undefined ? {} : { partitioning }),
    ...(requirePartitionFilter === undefined ? {} : { requirePartitionFilter }),
    ...(clustering === undefined ? {} : { clustering }),
  };
};

const readQuery = (value: unknown, projectId: string, common: Common, dryRun: boolean): QuerySpec => {
  const query = readObject(value, 'configuration.query');
  checkFields('configuration.query', query, queryFields);
  // The API's default is legacy SQL, unlike that of the client libraries.
  if (query['useLegacySql'] !== false) throw notImplemented('legacy SQL, which the API takes where useLegacySql is not false');
  const sql = readText(query['query'], 'query');
  if (sql.length > bigquery.query.maxSqlCharacters) {
    throw invalid('The query is too large. The maximum standard SQL query length is 1024.00K characters, including comments and white space characters.');
  }
  const { queryParameters } = query;
  if (Array.isArray(queryParameters) && queryParameters.length > bigquery.query.maxParameters) {
    throw invalid(`Too many query parameters: at most ${bigquery.query.maxParameters} are allowed`);
  }
  const maximumBytesBilled = readOptionalCount(query['maximumBytesBilled'], 'maximumBytesBilled');
  const priority = readOneOf(query['priority'], 'priority', ['INTERACTIVE', 'BATCH']) ?? 'INTERACTIVE';
  return {
    ...common,
    type: 'QUERY',
    sql,
    // The Node client writes it small.
    parameterMode: readOptionalText(query['parameterMode'], 'parameterMode')?.toUpperCase(),
    queryParameters,
    priority,
    dryRun,
    ...(query['destinationTable'] == null ? {} : { destination: readDestination(query, 'configuration.query', projectId, 'WRITE_EMPTY') }),
    ...(query['defaultDataset'] == null ? {} : { defaultDataset: readDatasetId(query['defaultDataset'], 'defaultDataset', projectId) }),
    ...(maximumBytesBilled === undefined || maximumBytesBilled === 0 ? {} : { maximumBytesBilled }),
    configuration: { ...common.configuration, jobType: 'QUERY', query: { ...query, priority } },
  };
};

const readFormat = (load: JsonObject): LoadFormat => {
  const kind = readOneOf(load['sourceFormat'], 'sourceFormat', ['CSV', 'NEWLINE_DELIMITED_JSON', 'PARQUET', 'AVRO', 'ORC', 'DATASTORE_BACKUP']) ?? 'CSV';
  const ignoreUnknownValues = readOptionalBoolean(load['ignoreUnknownValues'], 'ignoreUnknownValues') ?? false;
  const csvFields = ['nullMarker', 'fieldDelimiter', 'skipLeadingRows', 'quote', 'allowQuotedNewlines', 'sourceColumnMatch'];
  const given = csvFields.find((name) => load[name] != null);
  if (kind !== 'CSV' && given !== undefined) throw invalid(`configuration.load.${given} is for CSV only`);
  if (kind !== 'PARQUET' && load['parquetOptions'] != null) throw invalid('configuration.load.parquetOptions is for PARQUET only');
  if (kind === 'NEWLINE_DELIMITED_JSON') return { kind, ignoreUnknownValues };
  if (kind === 'PARQUET') {
    checkFields('configuration.load.parquetOptions', readOptionalObject(load['parquetOptions'], 'configuration.load.parquetOptions') ?? {}, parquetFields);
    return { kind, ignoreUnknownValues };
  }
  if (kind !== 'CSV') throw notImplemented(`loading ${kind}`);
  const match = readOneOf(load['sourceColumnMatch'], 'sourceColumnMatch', ['SOURCE_COLUMN_MATCH_UNSPECIFIED', 'POSITION', 'NAME']);
  if (ignoreUnknownValues && match !== 'NAME') throw notImplemented('ignoreUnknownValues for CSV whose columns go by their place');
  const delimiter = readOptionalText(load['fieldDelimiter'], 'fieldDelimiter') ?? ',';
  return {
    kind,
    skipLeadingRows: readOptionalCount(load['skipLeadingRows'], 'skipLeadingRows') ?? 0,
    delimiter: delimiter === 'tab' || delimiter === String.raw`\t` ? '\t' : delimiter,
    // An empty text turns quoting off, so it is not the same as none.
    quote: load['quote'] == null ? '"' : String(load['quote']),
    nullMarker: readOptionalText(load['nullMarker'], 'nullMarker') ?? '',
    allowQuotedNewlines: readOptionalBoolean(load['allowQuotedNewlines'], 'allowQuotedNewlines') ?? false,
    matchesByName: match === 'NAME',
    ignoreUnknownValues,
  };
};

const readLoad = (value: unknown, projectId: string, common: Common, hasMedia: boolean): LoadSpec => {
  const load = readObject(value, 'configuration.load');
  checkFields('configuration.load', load, loadFields);
  const sourceUris = readTexts(load['sourceUris'], 'configuration.load.sourceUris');
  if (hasMedia === sourceUris.length > 0)
    throw hasMedia ? invalid('Load configuration must not specify source URIs with uploaded media') : required('configuration.load.sourceUris');
  if (sourceUris.length > bigquery.load.maxUrisPerJob) throw invalid(`Too many source URIs: at most ${bigquery.load.maxUrisPerJob} are allowed`);
  const schema = readOptionalObject(load['schema'], 'configuration.load.schema');
  return {
    ...common,
    type: 'LOAD',
    sourceUris,
    destination: { ...readDestination(load, 'configuration.load', projectId, 'WRITE_APPEND'), ...(schema === undefined ? {} : { schema: readSchema(schema) }) },
    format: readFormat(load),
    autodetect: readOptionalBoolean(load['autodetect'], 'autodetect') ?? false,
    maxBadRecords: readOptionalCount(load['maxBadRecords'], 'maxBadRecords') ?? 0,
    configuration: { ...common.configuration, jobType: 'LOAD', load },
  };
};

const readCopy = (value: unknown, projectId: string, common: Common): CopySpec => {
  const copy = readObject(value, 'configuration.copy');
  checkFields('configuration.copy', copy, copyFields);
  const list = copy['sourceTables'] ?? (copy['sourceTable'] == null ? [] : [copy['sourceTable']]);
  if (!Array.isArray(list) || list.length === 0) throw required('configuration.copy.sourceTable');
  if (list.length > bigquery.copy.maxSourceTablesPerJob) throw invalid(`Too many source tables: at most ${bigquery.copy.maxSourceTablesPerJob} are allowed`);
  const operation = readOneOf(copy['operationType'], 'operationType', ['COPY', 'SNAPSHOT', 'CLONE', 'RESTORE']) ?? 'COPY';
  if (operation === 'RESTORE') throw notImplemented('the operation type RESTORE');
  if (operation !== 'COPY' && list.length > 1) throw invalid(`Operation type ${operation} takes one source table`);
  const expires = readOptionalText(copy['destinationExpirationTime'], 'destinationExpirationTime');
  const expiresAt = expires === undefined ? undefined : Date.parse(expires);
  if (Number.isNaN(expiresAt)) throw invalid(`Invalid value for destinationExpirationTime: ${expires}`);
  return {
    ...common,
    type: 'COPY',
    sources: list.map((source, index) => readSourceId(source, `sourceTables[${index}]`, projectId)),
    destination: { ...readDestination(copy, 'configuration.copy', projectId, 'WRITE_EMPTY'), ...(expiresAt === undefined ? {} : { expiresAt }) },
    operation,
    configuration: { ...common.configuration, jobType: 'COPY', copy },
  };
};

/** `hasMedia`: the rows come with the request. */
export const readConfiguration = (value: unknown, projectId: string, hasMedia: boolean): JobSpec => {
  const configuration = readObject(value, 'configuration');
  checkFields('configuration', configuration, commonFields);
  const kinds = (['query', 'load', 'copy', 'extract'] as const).filter((kind) => configuration[kind] != null);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    throw new BigQueryProblem(
      'required',
      `Job configuration must contain exactly one job-specific configuration object (e.g., query, load, extract, copy), but there were ${kinds.length}: ${kinds.join(', ')}`,
    );
  }
  const dryRun = readOptionalBoolean(configuration['dryRun'], 'dryRun') ?? false;
  if (dryRun && kind !== 'query') throw notImplemented(`dryRun of a ${kind} job`);
  if (hasMedia && kind !== 'load') throw invalid('Only load jobs take media');
  const jobTimeoutMs = readOptionalCount(configuration['jobTimeoutMs'], 'jobTimeoutMs');
  const common: Common = {
    labels: readLabels(configuration['labels'], 'labels') ?? {},
    configuration,
    ...(jobTimeoutMs === undefined || jobTimeoutMs === 0 ? {} : { jobTimeoutMs }),
  };
  switch (kind) {
    case 'query':
      return readQuery(configuration[kind], projectId, common, dryRun);
    case 'load':
      return readLoad(configuration[kind], projectId, common, hasMedia);
    case 'copy':
      return readCopy(configuration[kind], projectId, common);
    case 'extract':
      throw notImplemented('extract jobs');
  }
};
