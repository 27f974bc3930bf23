// An analyzer and an engine that know a handful of statements and let a test decide when one ends: for what stands around
// them, jobs, queues, limits and routes. `d.t` is dataset and table; a table is a number of rows with one column `n`.
//
//   SELECT <n>   SELECT FROM d.t   INSERT d.t <n>   UPDATE d.t   HOLD d.t (an UPDATE that waits for `release`)
//   CREATE TABLE d.t   DROP TABLE d.t   FAIL   BEGIN TRANSACTION   COMMIT TRANSACTION   anything else: a syntax error
import type { DuckDBValue } from '@duckdb/node-api';
import type { EmulatorClock } from './control/emulator-clock.ts';
import type { Dataset, Engine, Session, StatementResult, Table } from './engine-contract.ts';
import { BigQueryProblem } from './problem.ts';
import type { AnalyzedStatement, Analyzer, Parameters, StatementKind } from './statement.ts';
import { formatTableId, type DatasetId, type TableId } from './types.ts';

type FakeTable = { table: Table; rows: DuckDBValue[] };
export type FakeEngine = Engine & {
  /** Ends the statements that wait. */
  readonly release: () => void;
  /** How many statements wait now. */
  readonly held: () => number;
  /** Every statement that began, in order, with `@@row_count`. */
  readonly ran: readonly { readonly sql: string; readonly rowCount: unknown }[];
  readonly rolledBack: () => number;
};

const column = { name: 'n', type: { kind: 'INT64' } } as const;
const field = { name: 'n', type: 'INTEGER', mode: 'NULLABLE' } as const;

const parse = (sql: string, context: AnalyzedStatement['context']): AnalyzedStatement => {
  const [, head = '', dataset, table] =
    /^(SELECT FROM|SELECT|INSERT|UPDATE|HOLD|CREATE TABLE|DROP TABLE|FAIL|BEGIN TRANSACTION|COMMIT TRANSACTION)(?: (?:(\w+)\.(\w+))?.*)?$/.exec(sql.trim()) ??
    [];
  const kinds: Readonly<Record<string, StatementKind>> = {
    'SELECT FROM': 'SELECT',
    SELECT: 'SELECT',
    FAIL: 'SELECT',
    INSERT: 'INSERT',
    UPDATE: 'UPDATE',
    HOLD: 'UPDATE',
    'CREATE TABLE': 'CREATE_TABLE',
    'DROP TABLE': 'DROP_TABLE',
    'BEGIN TRANSACTION': 'BEGIN_TRANSACTION',
    'COMMIT TRANSACTION': 'COMMIT_TRANSACTION',
  };
  const kind = kinds[head];
  if (kind === undefined) throw new BigQueryProblem('invalidQuery', `Syntax error: Unexpected identifier "${sql.trim().split(' ')[0]}" at [1:1]`, 'query');
  const id = dataset === undefined || table === undefined ? undefined : { projectId: context.projectId, datasetId: dataset, tableId: table };
  if (id !== undefined && kind !== 'CREATE_TABLE' && context.lookUp(id) === undefined) {
    throw new BigQueryProblem('notFound', `Not found: Table ${formatTableId(id)} was not found in location US at [1:1]`);
  }
  const reads = id !== undefined && kind === 'SELECT' ? [id] : [];
  return {
    kind,
    sql: sql.trim(),
    columns: kind === 'SELECT' ? [column] : [],
    reads,
    context,
    ...(id === undefined || kind === 'SELECT' ? {} : { target: id }),
  };
};

export const createFakeAnalyzer = (): Analyzer => ({
  analyze: async (sql, context) => parse(sql, context),
  splitScript: (sql) => {
    let line = 1;
    return sql
      .split(';')
      .map((piece) => {
        const lead = /^\s*/.exec(piece)?.[0] ?? '';
        const at = line + lead.split('\n').length - 1;
        line += piece.split('\n').length - 1;
        return { sql: piece.trim(), line: at, column: 1 };
      })
      .filter((statement) => statement.sql !== '');
  },
  [Symbol.asyncDispose]: async () => {},
});

export const createFakeEngine = (clock: EmulatorClock): FakeEngine => {
  const datasets = new Map<string, Dataset>();
  const tables = new Map<string, FakeTable>();
  const waiting = new Set<() => void>();
  const ran: { sql: string; rowCount: unknown }[] = [];
  let rolledBack = 0;
  let versions = 0;
  const datasetKey = ({ projectId, datasetId }: DatasetId): string => `${projectId}:${datasetId}`;
  const etag = (): string => `v${(versions += 1)}`;
  const find = (id: TableId): FakeTable => {
    const found = tables.get(formatTableId(id));
    if (found === undefined) throw new BigQueryProblem('notFound', `Not found: Table ${formatTableId(id)}`);
    return found;
  };
  const create: Engine['tables']['create'] = async (draft) => {
    if (tables.has(formatTableId(draft))) throw new BigQueryProblem('duplicate', `Already Exists: Table ${formatTableId(draft)}`);
    const table: Table = { ...draft, createdAt: clock.now(), modifiedAt: clock.now(), etag: etag() };
    tables.set(formatTableId(table), { table, rows: [] });
    return table;
  };
  const anonymous = async (rows: DuckDBValue[]): Promise<TableId> => {
    const id = { projectId: 'p', datasetId: '_anonymous', tableId: `anon${versions}` };
    await create({ ...id, schema: { fields: [field] }, requirePartitionFilter: false, properties: {} });
    find(id).rows = rows;
    return id;
  };

  const openSession = async (): Promise<Session> => {
    let transaction: string | undefined;
    let interrupt = (): void => {};
    const run = async (statement: AnalyzedStatement, parameters: Parameters): Promise<StatementResult> => {
      const { sql, kind, target } = statement;
      ran.push({ sql, rowCount: parameters.get('@@row_count')?.value });
      const none = { columns: statement.columns, totalRows: 0, bytesProcessed: 0 };
      if (sql === 'FAIL') throw new BigQueryProblem('invalidQuery', 'Division by zero: 1 / 0', 'query');
      if (kind === 'BEGIN_TRANSACTION') transaction = 'tx1';
      if (kind === 'COMMIT_TRANSACTION') transaction = undefined;
      if (kind === 'CREATE_TABLE' && target !== undefined) {
        await create({ ...target, schema: { fields: [field] }, requirePartitionFilter: false, properties: {} });
        return { ...none, ddl: { operation: 'CREATE', target } };
      }
      if (kind === 'DROP_TABLE' && target !== undefined) {
        tables.delete(formatTableId(target));
        return { ...none, ddl: { operation: 'DROP', target } };
      }
      if (sql.startsWith('HOLD')) {
        await new Promise<void>((resolve, reject) => {
          waiting.add(resolve);
          interrupt = () => {
            waiting.delete(resolve);
            reject(new BigQueryProblem('stopped', 'interrupted'));
          };
        });
      }
      if (target !== undefined && kind === 'INSERT') {
        const count = Number(/\d+$/.exec(sql)?.[0] ?? 1);
        const { rows } = find(target);
        for (let added = 0; added < count; added += 1) rows.push(String(rows.length));
        return { ...none, dml: { inserted: count, updated: 0, deleted: 0 } };
      }
      if (target !== undefined && kind === 'UPDATE') return { ...none, bytesProcessed: 8, dml: { inserted: 0, updated: find(target).rows.length, deleted: 0 } };
      if (kind !== 'SELECT') return none;
      const [read] = statement.reads;
      const rows = read === undefined ? [/\d+/.exec(sql)?.[0] ?? '0'] : [...find(read).rows];
      return { columns: [column], totalRows: rows.length, rowsIn: await anonymous(rows), bytesProcessed: 8 * rows.length };
    };
    return {
      run,
      dryRun: async (statement) => ({ bytesProcessed: 8 * statement.reads.reduce((sum, id) => sum + find(id).rows.length, 0) }),
      writesOf: ({ kind, target }, destination) => {
        const table = target ?? destination?.table;
        if (table === undefined) return undefined;
        return { table, mode: kind === 'UPDATE' ? 'mutate' : kind === 'INSERT' ? 'insert' : kind === 'SELECT' ? 'overwrite' : 'ddl' };
      },
      inTransaction: () => transaction !== undefined,
      transactionId: () => transaction,
      interrupt: () => interrupt(),
      [Symbol.asyncDispose]: async () => {
        if (transaction !== undefined) rolledBack += 1;
      },
    };
  };

  return {
    release: () => {
      for (const end of waiting) end();
      waiting.clear();
    },
    held: () => waiting.size,
    ran,
    rolledBack: () => rolledBack,
    datasets: {
      create: async (draft) => {
        if (datasets.has(datasetKey(draft))) throw new BigQueryProblem('duplicate', `Already Exists: Dataset ${datasetKey(draft)}`);
        const dataset = { ...draft, createdAt: clock.now(), modifiedAt: clock.now(), etag: etag() };
        datasets.set(datasetKey(draft), dataset);
        return dataset;
      },
      get: (id) => datasets.get(datasetKey(id)),
      projects: () => [...new Set([...datasets.values()].map(({ projectId }) => projectId))],
      patch: async (id, properties, expected) => {
        const before = datasets.get(datasetKey(id));
        if (before === undefined) throw new BigQueryProblem('notFound', `Not found: Dataset ${datasetKey(id)}`);
        if (expected !== undefined && expected !== before.etag) throw new BigQueryProblem('conditionNotMet', 'Precondition Failed');
        const dataset = { ...before, properties, etag: etag() };
        datasets.set(datasetKey(id), dataset);
        return dataset;
      },
      list: (projectId) => [...datasets.values()].filter((dataset) => dataset.projectId === projectId),
      delete: async (id, deleteContents) => {
        const own = [...tables.values()].filter(({ table }) => datasetKey(table) === datasetKey(id));
        if (own.length > 0 && !deleteContents) throw new BigQueryProblem('resourceInUse', `Dataset ${datasetKey(id)} is still in use`);
        for (const { table } of own) tables.delete(formatTableId(table));
        datasets.delete(datasetKey(id));
      },
    },
    tables: {
      create,
      get: (id) => tables.get(formatTableId(id))?.table,
      patch: async (id, { expiresAt, ...change }, expected) => {
        const found = find(id);
        if (expected !== undefined && expected !== found.table.etag) throw new BigQueryProblem('conditionNotMet', 'Precondition Failed');
        const { expiresAt: before, ...rest } = found.table;
        const expires = expiresAt === undefined ? before : (expiresAt ?? undefined);
        found.table = { ...rest, ...change, etag: etag(), ...(expires === undefined ? {} : { expiresAt: expires }) };
        return found.table;
      },
      list: (id) => [...tables.values()].map(({ table }) => table).filter((table) => datasetKey(table) === datasetKey(id)),
      delete: async (id) => void tables.delete(formatTableId(id)),
      stats: async (id) => ({ numRows: find(id).rows.length, numBytes: 8 * find(id).rows.length }),
      read: async (id, { startIndex, maxRows }) => {
        const { rows } = find(id);
        return { columns: [column], fields: [field], rows: rows.slice(startIndex, startIndex + maxRows).map((value) => [value]), totalRows: rows.length };
      },
      insertAll: async (id, rows, { skipInvalid }) => {
        const bad = rows.flatMap((row, index) =>
          typeof row['n'] === 'number' ? [] : [{ index, errors: [{ reason: 'invalid', location: 'n', message: 'no number' }] }],
        );
        const good = rows.filter((row) => typeof row['n'] === 'number');
        if (skipInvalid || bad.length === 0) find(id).rows.push(...good.map((row) => String(row['n'])));
        return bad;
      },
    },
    openSession,
    load: async (files, _format, destination) => {
      const { readFile } = await import('node:fs/promises');
      const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
      const rows = texts.flatMap((text) => text.split('\n').filter((line) => line !== ''));
      const bad = texts.findIndex((text) => text.includes('bad'));
      if (bad >= 0) throw new BigQueryProblem('invalid', `Error while reading data: row 1 of ${files[bad]}`);
      if (!tables.has(formatTableId(destination.table)))
        await create({ ...destination.table, schema: { fields: [field] }, requirePartitionFilter: false, properties: {} });
      find(destination.table).rows.push(...rows);
      return { outputRows: rows.length, outputBytes: 8 * rows.length, inputBytes: texts.join('').length, partitions: [] };
    },
    copy: async (sources, destination) => {
      const rows = sources.flatMap((source) => find(source).rows);
      await create({
        ...destination.table,
        schema: { fields: [field] },
        requirePartitionFilter: false,
        properties: {},
        ...(destination.expiresAt === undefined ? {} : { expiresAt: destination.expiresAt }),
      });
      find(destination.table).rows = rows;
      return { copiedRows: rows.length };
    },
    setStreamingBufferMs: () => {},
    lookUp: (id) => tables.get(formatTableId(id))?.table.schema,
    [Symbol.asyncDispose]: async () => {},
  };
};
