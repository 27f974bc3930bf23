// What the use cases are given. Everything that differs between a laptop, a cloud and a simulation is in here.
import type { Pipeline, Processor } from '../domain/pipeline.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ids } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { MessageBus } from '../ports/message-bus.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { Json, JsonObject, StatusStore } from '../ports/status-store.ts';
import type { Warehouse } from '../ports/warehouse.ts';

export type StoreDeps = {
  readonly store: StatusStore;
  readonly bus: MessageBus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** CloudEvents source of what this service publishes, e.g. `/floodgate/planner`. */
  readonly source: string;
};

export type LeaseSettings = {
  /** Unique to this process incarnation. */
  readonly holder: string;
  /** How long a lease lives without a heartbeat. */
  readonly leaseMs: number;
  /** Holders that are known to be gone without waiting, e.g. former owners of a home that this process owns alone. */
  readonly isKnownDead: (holder: string) => boolean;
};

export type EngineDeps = StoreDeps & { readonly warehouse: Warehouse; readonly lease: LeaseSettings };

/** The pipelines that this deployment ships, as their folders read today. Throws FloodgateError where a folder is invalid. */
export type PipelineCatalog = {
  readonly ids: readonly string[];
  readonly load: (pipelineId: string) => Promise<{ readonly pipeline: Pipeline; readonly files: Readonly<Record<string, string>> } | undefined>;
};

/** What code processors find around them that isn't the warehouse: those that fetch need it, others compute without. */
export type CodeSurroundings = {
  /** Where fetched files are put for the sources to be read from; undefined: this deployment fetches nothing. */
  readonly landing: ObjectStore | undefined;
  /** Settings of a pipeline's code by name, e.g. `source_url`; code reads no environment. */
  readonly settingsOf: (pipelineId: string) => Readonly<Record<string, string>>;
  /** What outlives one dispatch, e.g. how often a server may be asked: made once in the life of this process. */
  readonly shared: <Value>(key: string, make: () => Value) => Value;
};

/** What a `code` processor's function gets. */
export type CodeContext = Pick<CodeSurroundings, 'landing' | 'shared'> & {
  readonly settings: Readonly<Record<string, string>>;
  /** The dates to compute, ascending. */
  readonly dates: readonly PartitionDate[];
  /** Runs a GoogleSQL SELECT; @start_date and @end_date are set. */
  readonly query: (sql: string, params?: Readonly<Record<string, Json>>) => Promise<readonly JsonObject[]>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
};
export type CodeFunction = (context: CodeContext) => AsyncIterable<JsonObject>;

/** Finds the function of a code processor in this build; undefined where the build has another version of its source. */
export type CodeCatalog = (pipelineId: string, processor: Processor) => Promise<CodeFunction | undefined>;
