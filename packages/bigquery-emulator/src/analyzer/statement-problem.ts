// Google's messages in BigQuery's form: `Syntax error: … [at 1:8]` is `Syntax error: … at [1:8]` there.
import { BigQueryProblem, notImplemented } from '../problem.ts';
import type { Position } from './positions.ts';
import type { StatementError } from './zetasql-process.ts';

const position = / \[at (\d+):(\d+)\]$/u;
/** BigQuery has these columns of tables that are partitioned by arrival, wildcard and external tables; the server has not. */
const pseudoColumn = /Unrecognized name: (_PARTITION(?:TIME|DATE)|_TABLE_SUFFIX|_FILE_NAME|_CHANGE_\w+)\b/iu;
/** Functions that BigQuery has beyond Google's analyzer; by family where there are many. */
const bigQueryFunction =
  /^(?:Table-valued function not found|Function not found): ((?:ST_|ML\.|AI\.|KEYS\.|AEAD\.|DETERMINISTIC_|DLP_|HLL_COUNT\.|HLL_|KLL_QUANTILES\.|NET\.|OBJ\.|S2_|VECTOR_|EXTERNAL_|APPENDS|CHANGES|SEARCH|SESSION_USER|CONTAINS_SUBSTR|MAX_BY|MIN_BY|RANGE|GAP_FILL|JSON_|LAX_|TEXT_ANALYZE|BAG_OF_WORDS|TF_IDF|COSINE_DISTANCE|EUCLIDEAN_DISTANCE|EDIT_DISTANCE|GENERATE_|BIGNUMERIC|PARSE_BIGNUMERIC|TO_JSON|FLOAT32|FLOAT64|INT64|BOOL|STRING|LOGICAL_|CODE_POINTS|NORMALIZE|ARRAY_|INSTR|SOUNDEX|TRANSLATE|TRANSLITERATE|UNICODE|APPROX_|CORR|COVAR_|PERCENTILE_|PARSE_|FORMAT_|LAST_DAY|DATE_|TIME_|TIMESTAMP_|DATETIME_|REGEXP_|SAFE_)[\w.]*)/iu;

export function toProblem({ message, isTooMuch }: StatementError, toOriginal: (position: Position) => Position): BigQueryProblem {
  if (isTooMuch) return new BigQueryProblem('resourcesExceeded', `Resources exceeded during query execution: ${message.replace(position, '')}`, 'query');
  const unknown = pseudoColumn.exec(message)?.[1] ?? bigQueryFunction.exec(message)?.[1];
  if (unknown !== undefined) return notImplemented(unknown.toUpperCase());
  const match = position.exec(message);
  if (match === null) return new BigQueryProblem('invalidQuery', message, 'query');
  const { line, column } = toOriginal({ line: Number(match[1]), column: Number(match[2]) });
  return new BigQueryProblem('invalidQuery', `${message.slice(0, match.index)} at [${line}:${column}]`, 'query');
}
