// Load jobs: files into a temporary table, checked row by row, and from there into the destination, all or nothing.
// https://docs.cloud.google.com/bigquery/docs/batch-loading-data
import { statSync } from 'node:fs';
import type { Engine, LoadFormat } from '../engine-contract.ts';
import { BigQueryProblem } from '../problem.ts';
import type { TableField } from '../types.ts';
import type { Connection } from './database.ts';
import { writeStaged } from './destination.ts';
import { detectFields } from './detect-schema.ts';
import type { Keeper } from './keeper.ts';
import { readCsvRows } from './load-csv.ts';
import { readJsonRows } from './load-json.ts';
import { describeParquet, stageParquet } from './load-parquet.ts';
import { badRecord, type ReadRow } from './read-row.ts';
import { stagePlace, stageRows } from './row-stage.ts';
import { totalBytesSql } from './rows-of-table.ts';
import type { Services } from './run.ts';

export const loadFiles = async (
  services: Services,
  keeper: Keeper,
  ...[files, format, destination, { autodetect, maxBadRecords }]: Parameters<Engine['load']>
): ReturnType<Engine['load']> => {
  await keeper.prepare([destination.table]);
  const inputBytes = files.reduce((bytes, file) => bytes + statSync(file).size, 0);
  const { outputRows, outputBytes, partitions } = await services.units.atomically(async (unit) => {
    const { connection } = unit;
    const replaces = destination.write === 'WRITE_TRUNCATE' && destination.partitionId === undefined;
    const present = unit.table(destination.table)?.schema.fields;
    const given = destination.schema?.fields ?? (replaces && (autodetect || format.kind === 'PARQUET') ? undefined : present);
    const fields = given ?? (await fieldsOfFiles(connection, files, format, autodetect));
    if (format.kind === 'PARQUET') await stageParquet(connection, files, fields, format.ignoreUnknownValues);
    else await stageRows(connection, fields, [], goodRows(files, format, fields, maxBadRecords));
    const written = await writeStaged(services, unit, { place: stagePlace, fields }, { ...destination, schema: { fields } }, 'load');
    const bytes = await connection.number(`SELECT ${totalBytesSql(fields)} FROM ${stagePlace}`);
    await connection.run(`DROP TABLE ${stagePlace}`);
    return { outputRows: written.rows, outputBytes: bytes, partitions: written.partitions };
  });
  return { outputRows, outputBytes, inputBytes, partitions };
};

const fieldsOfFiles = async (connection: Connection, files: readonly string[], format: LoadFormat, autodetect: boolean): Promise<readonly TableField[]> => {
  // A Parquet file says what it has.
  if (format.kind === 'PARQUET') return describeParquet(connection, files);
  if (!autodetect) throw new BigQueryProblem('invalid', 'No schema specified on job or table.');
  return detectFields(files, format);
};

const readRows = (file: string, format: Exclude<LoadFormat, { kind: 'PARQUET' }>, fields: readonly TableField[]): AsyncIterable<ReadRow> =>
  format.kind === 'CSV' ? readCsvRows(file, format, fields) : readJsonRows(file, format, fields);

async function* goodRows(files: readonly string[], format: Exclude<LoadFormat, { kind: 'PARQUET' }>, fields: readonly TableField[], maxBadRecords: number) {
  let bad = 0;
  for (const file of files) {
    for await (const read of readRows(file, format, fields)) {
      if ('values' in read) {
        yield read.values;
        continue;
      }
      bad += 1;
      if (bad > maxBadRecords) throw badRecord(file, read.row, read.problem.message, bad);
    }
  }
}
