// A statement for DuckDB: its tables resolved against the catalog of a unit, its expressions translated.
import { translateStatement } from '@floodgate/sql/translate-statement.ts';
import type { TablePath, TranslatedStatement } from '@floodgate/sql/translated-statement.ts';
import { BigQueryProblem, notImplemented } from '../problem.ts';
import type { AnalyzedStatement, Parameter, Parameters, StatementContext } from '../statement.ts';
import { formatTableId, type TableId } from '../types.ts';
import { formatType, typeOfField } from '../values/types.ts';
import type { Bindings } from './database.ts';
import { informationSchemaSql, readInformationSchemaName } from './information-schema.ts';
import { findField, sourceSql, type StoredTable } from './stored-table.ts';
import type { Unit } from './unit.ts';

export type StatementText = {
  readonly statement: TranslatedStatement;
  /** Tables that the text reads, targets not included. */
  readonly reads: readonly StoredTable[];
};

/** A path as it was written, with what it leaves out. */
export const resolvePath = (path: TablePath, { projectId, defaultDataset }: StatementContext): TableId => {
  const place = path.findIndex((part) => part.toUpperCase() === 'INFORMATION_SCHEMA');
  const parts = place < 0 ? path : [...path.slice(0, place), path.slice(place).join('.').toUpperCase()];
  const [tableId = '', datasetId, project] = parts.toReversed();
  if (datasetId !== undefined) return { projectId: project ?? projectId, datasetId, tableId };
  if (defaultDataset === undefined) throw new BigQueryProblem('invalid', `Table "${tableId}" must be qualified with a dataset (e.g. dataset.table).`, 'query');
  return { ...defaultDataset, tableId };
};

export const resolveDataset = (path: TablePath, { projectId }: StatementContext): { readonly projectId: string; readonly datasetId: string } => {
  const [datasetId = '', project] = path.toReversed();
  return { projectId: project ?? projectId, datasetId };
};

/** Throws `notImplemented` with every construct that is not translated. */
export const translateFor = (analyzed: AnalyzedStatement, unit: Unit): StatementText => {
  const { context } = analyzed;
  const reads = new Map<number, StoredTable>();
  const result = translateStatement(analyzed.sql, {
    parameterTypes: Object.fromEntries([...context.parameterTypes].map(([name, type]) => [name, formatType(type)])),
    tableName: (path) => {
      const id = resolvePath(path, context);
      const view = readInformationSchemaName(id);
      if (view !== undefined) return informationSchemaSql(view, unit);
      const table = unit.table(id);
      if (table === undefined) throw new BigQueryProblem('notFound', `Not found: Table ${formatTableId(id)} was not found`, 'query');
      reads.set(table.uid, table);
      return sourceSql(table, unit.isBuffered(table.uid));
    },
    columnTypes: (path, column) => {
      const schema = context.lookUp(resolvePath(path, context));
      const field = schema === undefined ? undefined : findField(schema.fields, column);
      return field === undefined ? undefined : formatType(typeOfField(field));
    },
  });
  if (!result.ok) {
    const [first] = result.problems;
    const texts = result.problems.map(
      ({ construct, message, line, column }) => `${construct}: ${message}${line === undefined ? '' : ` at [${line}:${column ?? 1}]`}`,
    );
    throw notImplemented(texts.length === 0 ? `this statement (${first?.message ?? ''})` : texts.join('; '));
  }
  return { statement: result.statement, reads: [...reads.values()] };
};

/** Parameters by the names that the text has for them. */
export const bindingsOf = (parameters: Parameters, unit: Unit, lastRowCount: number): Bindings => {
  const bindings = new Map<string, Parameter>([...parameters, ...unit.present]);
  bindings.set('sys_row_count', parameters.get('@@row_count') ?? { type: { kind: 'INT64' }, value: BigInt(lastRowCount) });
  return bindings;
};

/** Of a column's DEFAULT, which GoogleSQL wrote. */
export const translateDefault = (expression: string): string => {
  const result = translateStatement(`SELECT ${expression}`, {
    parameterTypes: {},
    tableName: () => {
      throw notImplemented('a table in a column default');
    },
  });
  if (!result.ok) throw notImplemented(`the column default ${expression} (${result.problems.map(({ message }) => message).join('; ')})`);
  if (result.statement.kind !== 'query') throw new BigQueryProblem('invalid', `Invalid default value expression: ${expression}`);
  return `(${result.statement.sql})`;
};
