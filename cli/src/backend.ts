// What commands ask of the backend, whichever it is: embedded, in a home of this machine, or a deployment on Google Cloud.
// Each is loaded only where it is used: neither DuckDB nor Google's clients cost a command anything that doesn't need them.
import type { StoreDeps } from '@floodgate/core/app/deps.ts';
import type { PlanReader } from '@floodgate/core/app/plan-store.ts';
import type { BackfillRequest } from '@floodgate/core/contracts/request.ts';
import type { BackfillOutput, PlanOutput } from './output-schema.ts';
import type { DoctorFinding } from './findings.ts';
import type { WarehouseActions } from './warehouse-actions.ts';

/** What a command in a second terminal needs: the shared store and its bus, no warehouse, no services. */
export type StoreStack = AsyncDisposable & { readonly deps: StoreDeps; readonly plans: PlanReader };

export type RunOutcome = {
  readonly output: BackfillOutput;
  /** Who goes on with it after Ctrl-C, as `findServer` names them. */
  readonly servedBy: string | undefined;
  /** Its end was not waited for, as was asked. */
  readonly detached?: boolean;
};

export type BackfillOptions = {
  readonly command: string;
  /** Refuse where the plan is another one. */
  readonly plan?: string;
  /** Don't wait for the end. */
  readonly detach?: boolean;
  readonly decisionWithinMs?: number;
};

/** `mayBegin`: nothing need have run before. Otherwise a home that nothing has run in is refused. */
export type WithWarehouseOptions = { readonly mayBegin: boolean };

export type Backend = AsyncDisposable & {
  /** What the command's output says about where state and tables are. */
  readonly places: { readonly home: string; readonly warehouse: string };
  /** How often a backfill that others work on is looked at. */
  readonly pollMs: number;
  /** The store; the caller disposes of the stack. Looking makes nothing. */
  readonly openStore: () => Promise<StoreStack>;
  /** Does something with the warehouse, wherever that has to happen. */
  readonly withWarehouse: <Result>(body: (actions: WarehouseActions) => Promise<Result>, options?: WithWarehouseOptions) => Promise<Result>;
  /** Who works on backfills, if not this process, for people and for `servedBy`; undefined: nobody does. */
  readonly findServer: () => Promise<string | undefined>;
  /** What is to be right before a request is planned. */
  readonly prepare: (request?: BackfillRequest) => Promise<void>;
  /** The plan of a request, without making it a backfill. Throws FloodgateError `overlap`. */
  readonly makePlan: (request: BackfillRequest) => Promise<PlanOutput>;
  /** Has a request decided and brings its backfill to its end. */
  readonly runBackfill: (request: BackfillRequest, options: BackfillOptions) => Promise<RunOutcome>;
  /** Brings a backfill that was accepted before to its end, where `findServer` names nobody. */
  readonly goOn: (backfillId: string, command: string) => Promise<RunOutcome>;
  readonly examine: () => Promise<readonly DoctorFinding[]>;
};
