// Google's messages in BigQuery's form: `Syntax error: … [at 1:8]` is `Syntax error: … at [1:8]` there.
import { BigQueryProblem, notImplemented } from '../problem.ts';
import type { Position } from './positions.ts';
import type { StatementError } from './zetasql-process.ts';

const position = / \[at (\d+):(\d+)\]$/u;
/** BigQuery has these columns of tables that are partitioned by arrival, wildcard and external tables; the server has not. */
const pseudoColumn = /Unrecognized name: (_PARTITION(?:TIME|DATE)|_TABLE_SUFFIX|_FILE_NAME|_CHANGE_\w+)\b/iu;
/** Functions that BigQuery has beyond Google's analyzer: families, and single ones. */
const notFound = /^(?:Table-valued function|Function) not found: ([\w.]+)/u;
const families = /^(?:AEAD|AI|DLP_\w+|HLL_COUNT|KEYS|KLL_QUANTILES|ML|NET|OBJ|S2_\w+|ST_\w+)(?:\.|$)/u;
const singles: ReadonlySet<string> = new Set(
  `APPENDS BAG_OF_WORDS CHANGES COLLATE CONTAINS_SUBSTR COSINE_DISTANCE EDIT_DISTANCE EUCLIDEAN_DISTANCE EXTERNAL_OBJECT_TRANSFORM EXTERNAL_QUERY GAP_FILL
  GENERATE_RANGE_ARRAY GROUPING JSON_FLATTEN JSON_KEYS JUSTIFY_DAYS JUSTIFY_HOURS JUSTIFY_INTERVAL MAKE_INTERVAL MAX_BY MIN_BY RANGE_SESSIONIZE SEARCH
  TEXT_ANALYZE TF_IDF VECTOR_SEARCH`.split(/\s+/u),
);

/** Columns that views of INFORMATION_SCHEMA have there, and here not. */
const viewColumn =
  /(?:Unrecognized name: |^Name )(?:\w+\.)?(ddl|default_collation_name|managed_table_type|upsert_stream_apply_watermark|replica_\w+|replication_\w+|sync_status|policy_tags|data_policies|total_billable_bytes)\b/iu;

export function unknownViewColumn(message: string, tableIds: readonly string[]): BigQueryProblem | undefined {
  const name = viewColumn.exec(message)?.[1];
  const view = tableIds.find((tableId) => tableId.startsWith('INFORMATION_SCHEMA.'));
  return name === undefined || view === undefined ? undefined : notImplemented(`the column ${name.toLowerCase()} of ${view}`);
}

function unknownFunction(message: string): string | undefined {
  const name = notFound.exec(message)?.[1]?.toUpperCase();
  return name !== undefined && (families.test(name) || singles.has(name)) ? name : undefined;
}

export function toProblem({ message, isTooMuch }: StatementError, toOriginal: (position: Position) => Position): BigQueryProblem {
  if (isTooMuch) return new BigQueryProblem('resourcesExceeded', `Resources exceeded during query execution: ${message.replace(position, '')}`, 'query');
  const unknown = pseudoColumn.exec(message)?.[1]?.toUpperCase() ?? unknownFunction(message);
  if (unknown !== undefined) return notImplemented(unknown);
  const match = position.exec(message);
  if (match === null) return new BigQueryProblem('invalidQuery', message, 'query');
  const { line, column } = toOriginal({ line: Number(match[1]), column: Number(match[2]) });
  return new BigQueryProblem('invalidQuery', `${message.slice(0, match.index)} at [${line}:${column}]`, 'query');
}
