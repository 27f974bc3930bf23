// One job's connection. A statement runs in a unit of its own, again where it lost against another one; BEGIN keeps a unit
// open over the statements that follow.
import { randomUUID } from 'node:crypto';
import { translateStatement } from '@floodgate/sql/translate-statement.ts';
import type { TranslatedStatement } from '@floodgate/sql/translated-statement.ts';
import type { Destination, Session, StatementResult, WriteIntent } from '../engine-contract.ts';
import { BigQueryProblem, notImplemented } from '../problem.ts';
import type { AnalyzedStatement, Parameters, StatementKind } from '../statement.ts';
import { formatTableId, type TableId } from '../types.ts';
import type { Bindings, Connection } from './database.ts';
import { WriteConflict } from './duckdb-errors.ts';
import { runDelete, runTruncate, runUpdate } from './change.ts';
import { runCreateSchema, runCreateTable, runDropSchema, runDropTable } from './ddl.ts';
import { runInsert } from './insert.ts';
import type { Keeper } from './keeper.ts';
import { runMerge } from './merge.ts';
import { bytesOf, readScans } from './reading.ts';
import { readingsOf } from './readings.ts';
import { invalidQuery, type Outcome, type Run, type Services, type Work } from './run.ts';
import { sampleBindings } from './sample-values.ts';
import { runSelect } from './select.ts';
import { bindingsOf, resolvePath, translateFor } from './statement-text.ts';
import type { StoredTable } from './stored-table.ts';
import type { Unit } from './unit.ts';
import type { Writer } from './write-history.ts';

export type SessionSettings = {
  /** How often a statement that lost is run again before it fails. BigQuery's documentation says up to three times. */
  readonly dmlRetries: () => number;
};

const changing = ['update', 'delete', 'merge', 'truncate'] as const;
const isChange = (statement: TranslatedStatement): boolean => changing.some((kind) => kind === statement.kind) && !isInsertOnly(statement);
const isInsertOnly = (statement: TranslatedStatement): boolean =>
  statement.kind === 'merge' && statement.whens.every(({ match }) => match === 'not_matched_by_target');
const isDdl = ({ kind }: TranslatedStatement): boolean =>
  kind === 'create_table' || kind === 'drop_table' || kind === 'create_schema' || kind === 'drop_schema';

/** Who replaces a table as a whole has no conflict with anybody: the last one wins. */
const replacing: ReadonlySet<StatementKind> = new Set(['CREATE_TABLE', 'CREATE_TABLE_AS_SELECT', 'DROP_TABLE', 'CREATE_SCHEMA', 'DROP_SCHEMA', 'INSERT']);
const replaceRetries = 20;

/** Signals that a transaction holds the table: the statement is queued behind it. */
class Queued extends Error {
  override readonly name = 'Queued';
  readonly behind: readonly Writer[];
  constructor(behind: readonly Writer[]) {
    super('queued');
    this.behind = behind;
  }
}

export class EngineSession implements Session {
  readonly #services: Services;
  readonly #keeper: Keeper;
  readonly #settings: SessionSettings;
  readonly #connection: Connection;
  #transaction: Unit | undefined;
  #lastRowCount = 0;
  #isRunning = false;
  #interruption = Promise.withResolvers<never>();

  constructor(services: Services, keeper: Keeper, settings: SessionSettings, connection: Connection) {
    this.#services = services;
    this.#keeper = keeper;
    this.#settings = settings;
    this.#connection = connection;
    this.#interruption.promise.catch(() => undefined);
  }

  readonly run = async (statement: AnalyzedStatement, parameters: Parameters, destination?: Destination): Promise<StatementResult> => {
    if (this.#isRunning) throw new BigQueryProblem('internalError', 'a session runs one statement at a time');
    this.#isRunning = true;
    try {
      switch (statement.kind) {
        case 'BEGIN_TRANSACTION':
          return await this.#begin();
        case 'COMMIT_TRANSACTION':
        case 'ROLLBACK_TRANSACTION':
          return await this.#end(statement.kind);
        default:
          return this.#transaction === undefined
            ? await this.#runAlone(statement, parameters, destination)
            : await this.#runInside(this.#transaction, statement, parameters, destination);
      }
    } finally {
      this.#isRunning = false;
      this.#connection.resume();
      this.#interruption = Promise.withResolvers<never>();
      this.#interruption.promise.catch(() => undefined);
    }
  };

  readonly dryRun = async (statement: AnalyzedStatement, parameters?: Parameters): Promise<{ readonly bytesProcessed: number }> => {
    if (statement.kind.endsWith('_TRANSACTION')) return { bytesProcessed: 0 };
    await this.#keeper.prepare(statement.reads);
    const unit = this.#transaction ?? (await this.#services.units.begin(this.#connection));
    try {
      const { statement: translated, reads } = translateFor(statement, unit);
      const known = new Map([...sampleBindings(statement.context.parameterTypes), ...(parameters ?? new Map())]);
      return { bytesProcessed: await this.#read(unit, statement, translated, reads, bindingsOf(known, unit, 0)) };
    } finally {
      if (this.#transaction === undefined) await this.#services.units.rollback(unit);
    }
  };

  readonly writesOf = (statement: AnalyzedStatement, destination?: Destination): WriteIntent | undefined => {
    if (destination !== undefined) return { table: destination.table, mode: destination.write === 'WRITE_TRUNCATE' ? 'overwrite' : 'insert' };
    const result = translateStatement(statement.sql, { parameterTypes: {}, tableName: () => 'data.t0' });
    const table = statement.target;
    if (!result.ok || table === undefined) return undefined;
    if (isDdl(result.statement)) return { table, mode: 'ddl' };
    if (isChange(result.statement)) return { table, mode: 'mutate' };
    return result.statement.kind === 'insert' || result.statement.kind === 'merge' ? { table, mode: 'insert' } : undefined;
  };

  readonly inTransaction = (): boolean => this.#transaction !== undefined;
  readonly transactionId = (): string | undefined => this.#transaction?.transactionId;

  readonly interrupt = (): void => {
    if (!this.#isRunning) return;
    this.#connection.interrupt();
    this.#interruption.reject(new BigQueryProblem('stopped', 'Job execution was cancelled: User requested cancellation'));
  };

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#transaction !== undefined) await this.#services.units.rollback(this.#transaction);
    this.#transaction = undefined;
    this.#services.database.release(this.#connection);
  }

  async #begin(): Promise<StatementResult> {
    if (this.#transaction !== undefined) throw invalidQuery('BEGIN TRANSACTION inside a transaction: transactions cannot be nested');
    await this.#keeper.prepareAll();
    this.#transaction = await this.#services.units.begin(this.#connection, randomUUID());
    return nothing;
  }

  async #end(kind: 'COMMIT_TRANSACTION' | 'ROLLBACK_TRANSACTION'): Promise<StatementResult> {
    const unit = this.#transaction;
    if (unit === undefined) throw invalidQuery(`${kind.replace('_', ' ')} without an active transaction`);
    this.#transaction = undefined;
    if (kind === 'COMMIT_TRANSACTION') await this.#services.units.commit(unit);
    else await this.#services.units.rollback(unit);
    return nothing;
  }

  /** An error ends the transaction: https://docs.cloud.google.com/bigquery/docs/transactions#transaction_scope */
  async #runInside(unit: Unit, statement: AnalyzedStatement, parameters: Parameters, destination: Destination | undefined): Promise<StatementResult> {
    try {
      if (destination !== undefined) throw notImplemented('a destination table inside a transaction');
      return await this.#execute(unit, statement, parameters, undefined);
    } catch (error) {
      this.#transaction = undefined;
      await this.#services.units.rollback(unit);
      if (!(error instanceof WriteConflict)) throw error;
      const [table] = [...unit.written.values()];
      throw invalidQuery(
        `Transaction is aborted due to concurrent update against table ${table === undefined ? '' : formatTableId(table)}. Transaction ID: ${unit.transactionId ?? ''}`,
      );
    }
  }

  async #runAlone(statement: AnalyzedStatement, parameters: Parameters, destination: Destination | undefined): Promise<StatementResult> {
    const { units } = this.#services;
    await this.#keeper.prepare([
      ...statement.reads,
      ...(statement.target === undefined ? [] : [statement.target]),
      ...(destination === undefined ? [] : [destination.table]),
    ]);
    for (let retries = 0; ;) {
      const unit = await units.begin(this.#connection);
      try {
        const result = await this.#execute(unit, statement, parameters, destination);
        await units.commit(unit);
        return result;
      } catch (error) {
        await units.rollback(unit);
        if (error instanceof Queued) {
          await Promise.race([Promise.all(error.behind.map(({ ended }) => ended)), this.#interruption.promise]);
          continue;
        }
        if (!(error instanceof WriteConflict)) throw error;
        if (retries >= (replacing.has(statement.kind) || destination !== undefined ? replaceRetries : this.#settings.dmlRetries()))
          throw couldNotSerialize(statement.target ?? destination?.table ?? [...unit.written.values()][0]);
        retries += 1;
        await Promise.race([units.othersEnd(unit), this.#interruption.promise]);
      }
    }
  }

  async #execute(unit: Unit, analyzed: AnalyzedStatement, parameters: Parameters, destination: Destination | undefined): Promise<StatementResult> {
    const { statement, reads } = translateFor(analyzed, unit);
    const bindings = bindingsOf(parameters, unit, this.#lastRowCount);
    if (unit.transactionId !== undefined && isDdl(statement))
      // https://docs.cloud.google.com/bigquery/docs/transactions#statements_supported_in_transactions
      throw invalidQuery(`${analyzed.kind.replaceAll('_', ' ')} of a permanent object is not supported inside a transaction`);
    if (unit.transactionId === undefined) this.#queueBehindTransactions(unit, analyzed, statement, destination);
    const bytesProcessed = await this.#read(unit, analyzed, statement, reads, bindings);
    const outcome = await dispatch({ services: this.#services, unit, analyzed, statement, reads, bindings, destination });
    if (outcome.dml !== undefined) this.#lastRowCount = outcome.dml.inserted + outcome.dml.updated + outcome.dml.deleted;
    return { ...outcome, bytesProcessed };
  }

  /** "Conflicting DML statements that run outside of a transaction are queued": https://docs.cloud.google.com/bigquery/docs/transactions#transaction_concurrency */
  #queueBehindTransactions(unit: Unit, analyzed: AnalyzedStatement, statement: TranslatedStatement, destination: Destination | undefined): void {
    const changed = isChange(statement)
      ? targetOf(unit, analyzed, statement)
      : destination?.write === 'WRITE_TRUNCATE'
        ? unit.table(destination.table)
        : undefined;
    if (changed === undefined) return;
    const behind = this.#services.units.transactionsOn(changed.uid);
    if (behind.length > 0) throw new Queued(behind);
  }

  async #read(unit: Unit, analyzed: AnalyzedStatement, statement: TranslatedStatement, reads: readonly StoredTable[], bindings: Bindings): Promise<number> {
    const target = targetOf(unit, analyzed, statement);
    const tables = [
      ...new Map([...reads, ...(target === undefined || statement.kind === 'insert' ? [] : [target])].map((table) => [table.uid, table])).values(),
    ];
    if (tables.length === 0) return 0;
    const scans = await readScans(this.#services, unit, readingsOf(statement, target), tables, bindings, analyzed.sql);
    return bytesOf(unit, scans);
  }
}

const nothing: StatementResult = { columns: [], totalRows: 0, bytesProcessed: 0 };

const targetOf = (unit: Unit, analyzed: AnalyzedStatement, statement: TranslatedStatement): StoredTable | undefined =>
  statement.kind === 'update' || statement.kind === 'delete' || statement.kind === 'merge' || statement.kind === 'truncate' || statement.kind === 'insert'
    ? unit.requireTable(resolvePath(statement.target, analyzed.context))
    : undefined;

const couldNotSerialize = (table: TableId | undefined): BigQueryProblem =>
  invalidQuery(`Could not serialize access to table ${table === undefined ? '' : formatTableId(table)} due to concurrent update`);

const dispatch = async (run: Work & { readonly statement: TranslatedStatement }): Promise<Outcome> => {
  const { statement } = run;
  switch (statement.kind) {
    case 'query':
      return runSelect({ ...run, statement });
    case 'insert':
      return runInsert({ ...run, statement });
    case 'update':
      return runUpdate({ ...run, statement });
    case 'delete':
      return runDelete({ ...run, statement });
    case 'merge':
      return runMerge({ ...run, statement });
    case 'truncate':
      return runTruncate({ ...run, statement });
    case 'create_table':
      return runCreateTable({ ...run, statement });
    case 'drop_table':
      return runDropTable({ ...run, statement });
    case 'create_schema':
      return runCreateSchema({ ...run, statement });
    case 'drop_schema':
      return runDropSchema({ ...run, statement });
    case 'assert':
      return runAssert({ ...run, statement });
    case 'begin':
    case 'commit':
    case 'rollback':
      throw new BigQueryProblem('internalError', `${statement.kind} was analyzed as ${run.analyzed.kind}`);
  }
};

/** https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/debugging-statements#assert */
const runAssert = async ({ unit, statement, bindings }: Run<'assert'>): Promise<Outcome> => {
  const [row] = await unit.connection.rows(`SELECT CAST(${statement.expression} AS BOOLEAN)`, bindings);
  if (row?.[0] !== true) throw invalidQuery(statement.description ?? 'Assertion failed');
  return { columns: [], totalRows: 0 };
};
