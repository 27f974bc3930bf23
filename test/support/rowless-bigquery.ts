// BigQuery without rows, in this process: the emulator's server and Google's own analyzer, and behind them an engine that keeps tables
// but no rows. Every statement that the real warehouse sends is analyzed against the tables that it has made, and none costs more
// than that. Counts of checks over committed rows are answered as if everything were wrong, so that a check asks all that it can ask;
// those over staged rows as if nothing were, since what they would ask has the same words.
import { createEmulatorClock } from '@floodgate/bigquery-emulator/control/emulator-clock.ts';
import { startAnalyzer } from '@floodgate/bigquery-emulator/analyzer/analyzer.ts';
import type { Engine, Session, StatementResult } from '@floodgate/bigquery-emulator/engine-contract.ts';
import { createFakeEngine } from '@floodgate/bigquery-emulator/fakes.fixture.ts';
import { serve } from '@floodgate/bigquery-emulator/http/serve.ts';
import type { AnalyzedStatement, Analyzer } from '@floodgate/bigquery-emulator/statement.ts';
import { formatTableId, type Column, type TableId } from '@floodgate/bigquery-emulator/types.ts';
import { fieldOfColumn, formatType } from '@floodgate/bigquery-emulator/values/types.ts';
import { connectBigQuery } from '@floodgate/gcp/bigquery-client.ts';
import { BigQueryJobs } from '@floodgate/gcp/bigquery-jobs.ts';
import { createBigQueryParts } from '@floodgate/gcp/bigquery-parts.ts';
import { BigQueryWarehouse } from '@floodgate/gcp/bigquery-warehouse.ts';
import type { GcpSettings } from '@floodgate/gcp/settings.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';

export type Analyzed = { readonly kind: string; readonly sql: string; readonly columns: readonly { readonly name: string; readonly type: string }[] };

/** A project of its own, and what one process sees of it. */
export type RowlessProject = {
  readonly warehouse: BigQueryWarehouse;
  /** Every statement that Google's analyzer has accepted, each of a script for itself, in order. */
  readonly accepted: readonly Analyzed[];
  readonly makeDatasets: (names: Iterable<string>) => Promise<void>;
};
export type RowlessBigQuery = AsyncDisposable & { readonly newProject: () => RowlessProject };

const stagingDataset = 'floodgate_staging';

type Row = readonly unknown[];
type Answers = { columns: readonly Column[]; rows: readonly Row[] };

/** The branches of a statement that counts for checks, by their number; the date of rows is any that the statement names. */
const countedBranch = /^SELECT (\d+) AS part, (.*?) AS day, \[/gm;
const ofStaging = /^WITH staged AS \(\s+SELECT [^\n]*\s+FROM `floodgate_staging`/;
const many = 8;
const fewer = Array.from({ length: 400 }, () => ({ v: String(many - 1) }));

/** Of eight rows seven offend against everything that is asked. */
const answerTo = ({ sql, columns }: AnalyzedStatement): readonly Row[] => {
  const names = columns.map(({ name }) => name).join(' ');
  if (names === 'generation') return [['1']];
  if (names !== 'part day counts' || ofStaging.test(sql)) return [];
  const day = /DATE '(\d{4}-\d{2}-\d{2})'/.exec(sql)?.[1] ?? null;
  return [...sql.matchAll(countedBranch)].map(([, part, dayOf]) => [part, dayOf?.startsWith('CAST(NULL') ? null : day, [{ v: String(many) }, ...fewer]]);
};

const createRowlessEngine = (): Engine => {
  const tables = createFakeEngine(createEmulatorClock());
  const answers = new Map<string, Answers>();
  const make = async (target: TableId, columns: readonly Column[], properties: Readonly<Record<string, unknown>> = {}): Promise<void> => {
    await tables.tables.delete(target);
    await tables.tables.create({ ...target, schema: { fields: columns.map(fieldOfColumn) }, requirePartitionFilter: false, properties });
  };
  const run = async (statement: AnalyzedStatement): Promise<StatementResult> => {
    const { kind, columns, target, context } = statement;
    const none = { columns, totalRows: 0, bytesProcessed: 0 };
    if (kind === 'CREATE_TABLE_AS_SELECT' && target !== undefined) {
      // A staging is known by its dates, which stand in its description.
      const description = /Floodgate staging of [^'"]*/.exec(statement.sql)?.[0];
      await make(target, columns, description === undefined ? {} : { description });
      return { ...none, ddl: { operation: 'CREATE', target } };
    }
    // One row: of an UPDATE it is the fence.
    if (['INSERT', 'UPDATE', 'DELETE', 'MERGE'].includes(kind)) return { ...none, dml: { inserted: 0, updated: 1, deleted: 0 } };
    if (kind !== 'SELECT') return none;
    const rowsIn = { projectId: context.projectId, datasetId: '_anonymous', tableId: `answer_${answers.size}` };
    const rows = answerTo(statement);
    await make(rowsIn, columns);
    answers.set(formatTableId(rowsIn), { columns, rows });
    return { ...none, totalRows: rows.length, rowsIn };
  };
  const openSession = async (): Promise<Session> => ({
    run,
    dryRun: async () => ({ bytesProcessed: 0 }),
    writesOf: () => undefined,
    inTransaction: () => false,
    transactionId: () => undefined,
    interrupt: () => {},
    [Symbol.asyncDispose]: async () => {},
  });
  return {
    ...tables,
    tables: {
      ...tables.tables,
      read: async (id) => {
        const { columns, rows } = answers.get(formatTableId(id)) ?? { columns: [], rows: [] };
        return { columns, fields: columns.map(fieldOfColumn), rows, totalRows: rows.length };
      },
    },
    openSession,
  };
};

const settingsFor = (url: string, projectId: string): GcpSettings => ({
  projectId,
  location: 'US',
  stagingDataset,
  bucket: 'none',
  firestoreDatabase: '(default)',
  maximumBytesBilled: undefined,
  stagePriority: 'interactive',
  emulators: { bigquery: url.replace('http://', '') },
});

/** A bucket without files: tables of optional sources are made as declared, and nothing is loaded into them. */
const noFiles = { list: async () => [], readRange: async () => new Uint8Array(), locate: (key: string) => `gs://none/${key}` };

export const startRowlessBigQuery = async (): Promise<RowlessBigQuery> => {
  const accepted = new Map<string, Analyzed[]>();
  const google = await startAnalyzer();
  const analyzer: Analyzer = {
    ...google,
    analyze: async (sql, context) => {
      const statement = await google.analyze(sql, context);
      const columns = statement.columns.map(({ name, type }) => ({ name, type: formatType(type) }));
      accepted.get(context.projectId)?.push({ kind: statement.kind, sql, columns });
      return statement;
    },
  };
  const engine = createRowlessEngine();
  const server = await serve({ port: 0, limits: false }, { analyzer, engine, clock: createEmulatorClock() });
  return {
    newProject: () => {
      const projectId = `project-${accepted.size}`;
      const ofProject: Analyzed[] = [];
      accepted.set(projectId, ofProject);
      const settings = settingsFor(server.url, projectId);
      const jobs = new BigQueryJobs(connectBigQuery(settings), settings, { clock: systemClock, ids: systemIds });
      const options = { jobs, settings, clock: systemClock };
      return {
        warehouse: new BigQueryWarehouse({ ...options, parts: createBigQueryParts({ ...options, store: noFiles }) }),
        accepted: ofProject,
        makeDatasets: async (names) => {
          for (const datasetId of new Set([stagingDataset, ...names])) await engine.datasets.create({ projectId, datasetId, location: 'US', properties: {} });
        },
      };
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
};
