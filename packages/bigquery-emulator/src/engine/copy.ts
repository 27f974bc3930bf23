// Copies of tables, snapshots and clones alike. https://docs.cloud.google.com/bigquery/docs/managing-tables#copy-table
import type { Engine } from '../engine-contract.ts';
import { BigQueryProblem } from '../problem.ts';
import { formatTableId } from '../types.ts';
import { writeStaged } from './destination.ts';
import type { Keeper } from './keeper.ts';
import { inPartitionSql } from './partitions.ts';
import type { Services } from './run.ts';
import { quoteName } from './sql-text.ts';
import { findField, samePartitioning, sourceSql, splitDecorator } from './stored-table.ts';

export const copyTables = async (services: Services, keeper: Keeper, ...[sources, destination]: Parameters<Engine['copy']>): ReturnType<Engine['copy']> => {
  await keeper.prepare([...sources, destination.table]);
  return services.units.atomically(async (unit) => {
    const [first, ...others] = sources.map((id) => {
      const { table: plain, partitionId } = splitDecorator(id);
      return { table: unit.requireTable(plain), partitionId };
    });
    if (first === undefined) throw new BigQueryProblem('required', 'Required parameter is missing: sourceTables');
    const { fields } = first.table.schema;
    const parts = [first, ...others].map(({ table, partitionId }) => {
      if (table.schema.fields.length !== fields.length || table.schema.fields.some((field) => !isSameField(field, findField(fields, field.name))))
        throw new BigQueryProblem(
          'invalid',
          `The schemas of ${formatTableId(first.table)} and ${formatTableId(table)} differ: tables that are copied together have one schema`,
        );
      const where = partitionId === undefined ? '' : ` WHERE ${inPartitionSql(table, partitionId)}`;
      return `SELECT ${fields.map(({ name }) => quoteName(name)).join(', ')} FROM ${sourceSql(table, unit.isBuffered(table.uid))} AS "$t"${where}`;
    });
    const { partitioning, clustering, requirePartitionFilter } = first.table;
    const existing = unit.table(destination.table);
    // A partition without decorator may become a table of its own; a table keeps how it is split.
    const layout = {
      ...(partitioning === undefined || (existing !== undefined && !samePartitioning(existing.partitioning, partitioning)) ? {} : { partitioning }),
      ...(clustering === undefined || existing !== undefined ? {} : { clustering }),
    };
    const written = await writeStaged(
      services,
      unit,
      { place: `(${parts.join(' UNION ALL ')})`, fields },
      { ...layout, requirePartitionFilter, ...destination, schema: { fields } },
      'load',
    );
    return { copiedRows: written.rows, partitions: written.partitions };
  });
};

const isSameField = (a: { readonly type: string; readonly mode: string }, b: { readonly type: string; readonly mode: string } | undefined): boolean =>
  a.type === b?.type && (a.mode === 'REPEATED') === (b.mode === 'REPEATED');
