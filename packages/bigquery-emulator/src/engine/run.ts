// One statement under way: what every kind of statement needs while it runs.
import type { Destination, StatementResult } from '../engine-contract.ts';
import { BigQueryProblem } from '../problem.ts';
import type { AnalyzedStatement } from '../statement.ts';
import type { TranslatedStatement } from '@floodgate/sql/translated-statement.ts';
import type { Bindings, Database } from './database.ts';
import type { ScanPlanner } from './scan-plan.ts';
import type { StoredTable } from './stored-table.ts';
import type { Unit, Units } from './unit.ts';

export type PartitionLimits = { readonly perJob: number; readonly perTable: number };

/** What all statements of an engine share. */
export type Services = {
  readonly database: Database;
  readonly units: Units;
  readonly planner: ScanPlanner;
  readonly partitionLimits: PartitionLimits | undefined;
};

export type Work = {
  readonly services: Services;
  readonly unit: Unit;
  readonly analyzed: AnalyzedStatement;
  readonly reads: readonly StoredTable[];
  readonly bindings: Bindings;
  readonly destination: Destination | undefined;
};
export type Run<Kind extends TranslatedStatement['kind']> = Work & { readonly statement: Extract<TranslatedStatement, { kind: Kind }> };

/** Without what it has read: that is asked before it runs. */
export type Outcome = Omit<StatementResult, 'bytesProcessed'>;

export const invalidQuery = (message: string): BigQueryProblem => new BigQueryProblem('invalidQuery', message, 'query');
