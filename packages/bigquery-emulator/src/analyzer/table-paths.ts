// From the path that a statement names to the table that it means.
// https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/lexical#table_names
import { BigQueryProblem, notImplemented } from '../problem.ts';
import type { StatementContext } from '../statement.ts';
import { formatTableId } from '../types.ts';
import type { DatasetId, TableId } from '../types.ts';

type Names = Pick<StatementContext, 'projectId' | 'defaultDataset'>;
/** The one location that this server knows. */
const location = 'US';
/** Of legacy SQL, and still there in GoogleSQL. */
const metaTable = /^__(?:TABLES|TABLES_SUMMARY|PARTITIONS_SUMMARY)__$/iu;
const informationSchema = 'INFORMATION_SCHEMA';

/** `parts` with quotes and dots resolved: `['p', 'd', 't']`, `['d', 'INFORMATION_SCHEMA', 'TABLES']`, `['t']`. */
export function resolveTable(parts: readonly string[], names: Names): TableId {
  refuseStrangeNames(parts);
  const at = parts.findIndex((part) => part.toUpperCase() === informationSchema);
  if (at >= 0 && at === parts.length - 2) {
    const dataset = at === 0 ? names.defaultDataset : resolveDataset(parts.slice(0, at), names);
    if (dataset === undefined) throw notImplemented(`${informationSchema} of a project or region (${parts.join('.')})`);
    return { ...dataset, tableId: `${informationSchema}.${(parts[at + 1] as string).toUpperCase()}` };
  }
  const tableId = parts.at(-1) ?? '';
  if (metaTable.test(tableId)) throw notImplemented(`the meta-table ${tableId}`);
  if (parts.length === 1) {
    if (names.defaultDataset === undefined) {
      throw new BigQueryProblem('invalid', `Table "${tableId}" must be qualified with a dataset (e.g. dataset.table).`, tableId);
    }
    return { ...names.defaultDataset, tableId };
  }
  return { ...resolveDataset(parts.slice(0, -1), names), tableId };
}

/** `['d']` or `['p', 'd']`. */
export function resolveDataset(parts: readonly string[], names: Names): DatasetId {
  const [first = '', second] = parts;
  if (parts.length > 2) throw new BigQueryProblem('invalid', `Invalid table name: ${parts.join('.')} has too many parts`, parts.join('.'));
  if (/^region-/iu.test(second ?? first)) throw notImplemented(`${informationSchema} of a region (${second ?? first})`);
  return second === undefined ? { projectId: names.projectId, datasetId: first } : { projectId: first, datasetId: second };
}

function refuseStrangeNames(parts: readonly string[]): void {
  const name = parts.join('.');
  if (parts.includes('')) throw new BigQueryProblem('invalid', `Invalid table name: \`${name}\``, name);
  if (name.includes('*')) throw notImplemented(`wildcard tables (${name})`);
  if (name.includes('$')) throw notImplemented(`table decorators in SQL (${name})`);
  if (name.includes(':')) throw notImplemented(`projects of a domain, and legacy table names (${name})`);
}

export function tableNotFound(table: TableId, hasDataset: boolean): BigQueryProblem {
  if (!hasDataset)
    return new BigQueryProblem('notFound', `Not found: Dataset ${table.projectId}:${table.datasetId} was not found in location ${location}`, 'query');
  return new BigQueryProblem('notFound', `Not found: Table ${formatTableId(table)} was not found in location ${location}`, 'query');
}
