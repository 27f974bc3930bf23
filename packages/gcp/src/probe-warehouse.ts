// What `floodgate doctor` asks of BigQuery beyond what resources-bigquery.ts compares: whether a staging can be written and
// dropped, and whether the target tables of a pipeline are as it declares them. Changes no table of anybody.
import type { Ids } from '@floodgate/core/ports/ids.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import { partitionDate, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { TableSpec, Warehouse } from '@floodgate/core/ports/warehouse.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { BigQueryCalls, connectBigQuery, type Resource } from './bigquery-client.ts';
import { isNotFound } from './bigquery-errors.ts';
import { tableDifferences, tableUri } from './bigquery-tables.ts';
import type { Probe } from './probe-connections.ts';
import { messageOf } from './resource-report.ts';
import type { GcpSettings } from './settings.ts';

const adviceOf = (error: unknown): string => (error instanceof FloodgateError && error.hint !== undefined ? error.hint : '');

const probeDate = partitionDate('2000-01-01');

/** A table of one row in the staging dataset, under a name that nobody else takes. */
export const probeStaging = async (warehouse: Warehouse, { stagingDataset }: GcpSettings, ids: Ids, signal: AbortSignal): Promise<Probe> => {
  const subject = 'staging';
  const id = ids.newId();
  const target: TableSpec = {
    table: `${stagingDataset}.floodgate_doctor`,
    partitionColumn: 'day',
    key: ['day'],
    columns: [{ name: 'day', type: 'DATE', required: true, digits: 6, description: '' }],
  };
  const staging = `doctor_${id}`;
  async function* rows() {
    yield { day: probeDate };
  }
  try {
    const body = { kind: 'rows', rows: rows() } as const;
    await warehouse.stage({ jobId: `floodgate_doctor_${id}`, target, staging, dates: [probeDate], body, labels: { floodgate: 'doctor' } }, signal);
    await warehouse.dropStaging(target, [staging], signal);
    return { subject, verdict: 'ok', message: `a table was written to ${stagingDataset}, read and dropped`, advice: '' };
  } catch (error) {
    return {
      subject,
      verdict: 'fail',
      message: `a table could not be written to ${stagingDataset}, read and dropped: ${messageOf(error)}`,
      advice: adviceOf(error),
    };
  }
};

const dayMs = 86_400_000;

export type JudgedBy = {
  /** The calendar's first date, where it is known. */
  readonly first: PartitionDate | undefined;
  readonly now: number;
  readonly projectId: string;
};

/** Findings about one table that exists. */
export const judgeTable = (target: TableSpec, table: Resource, { first, now, projectId }: JudgedBy): readonly Probe[] => {
  const subject = 'tables';
  const address = `${projectId}:${target.table}`;
  const findings: Probe[] = [];
  const lines = tableDifferences(target, table);
  if (lines.length > 0)
    findings.push({
      subject,
      verdict: 'fail',
      message: `${target.table} is not as declared:\n${lines.join('\n')}`,
      advice: 'change the declaration, or rename or drop the table and fill it again',
    });
  const expirationMs = Number(table.timePartitioning?.expirationMs ?? 0);
  if (expirationMs > 0 && (first === undefined || now - Date.parse(first) >= expirationMs)) {
    const found = `partitions of ${target.table} expire after ${Math.floor(expirationMs / dayMs)} days`;
    findings.push({
      subject,
      verdict: first === undefined ? 'warn' : 'fail',
      message:
        first === undefined
          ? `${found}: rows of older dates can't be kept`
          : `${found}, and the calendar begins on ${first}: expected none, or longer than that`,
      advice: `bq update --time_partitioning_expiration 0 ${address}`,
    });
  }
  if (table.expirationTime !== undefined)
    findings.push({
      subject,
      verdict: 'fail',
      message: `${target.table} expires as a whole on ${new Date(Number(table.expirationTime)).toISOString()}: expected never`,
      advice: `bq update --expiration 0 ${address}`,
    });
  // https://cloud.google.com/bigquery/docs/data-manipulation-language#limitations: rows of the last half hour can't be changed.
  if (table.streamingBuffer !== undefined)
    findings.push({
      subject,
      verdict: 'warn',
      message: `${target.table} has a streaming buffer (about ${table.streamingBuffer.estimatedRows ?? 'some'} rows): something else streams into it, and commits of these dates fail meanwhile`,
      advice: 'only Floodgate may write its target tables: stop the stream, and wait up to 90 minutes',
    });
  return findings;
};

export type ProbeTablesOptions = { readonly settings: GcpSettings; readonly clock: Clock; readonly ids: Ids; readonly signal: AbortSignal };

/** All targets; `first` as above. One that isn't there yet is made by the first task that writes it. */
export const probeTables = async (targets: readonly TableSpec[], first: PartitionDate | undefined, options: ProbeTablesOptions): Promise<readonly Probe[]> => {
  const { settings, clock, ids, signal } = options;
  const calls = new BigQueryCalls(connectBigQuery(settings), settings, clock, ids);
  let there = 0;
  const findings: Probe[] = [];
  for (const target of targets) {
    try {
      const table = await calls.call({ method: 'GET', uri: tableUri(target.table) }, signal);
      there += 1;
      findings.push(...judgeTable(target, table, { first, now: clock.now(), projectId: settings.projectId }));
    } catch (error) {
      if (signal.aborted) throw error;
      if (!isNotFound(error))
        findings.push({ subject: 'tables', verdict: 'fail', message: `${target.table} can't be looked at: ${messageOf(error)}`, advice: adviceOf(error) });
    }
  }
  if (findings.length > 0) return findings;
  const missing = targets.length - there;
  const message = `${there} of ${targets.length} targets are there, as declared${missing === 0 ? '' : `; ${missing} will be made when they are first written`}`;
  return [{ subject: 'tables', verdict: 'ok', message, advice: '' }];
};
