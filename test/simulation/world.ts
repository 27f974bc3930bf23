// The world that a run happens in, put together from its scenario.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Ids } from '@floodgate/core/ports/ids.ts';
import type { TestCatalog } from '../support/pipeline-folder.ts';
import type { Chaos } from './chaos.ts';
import type { CrashPoint } from './crash-points.ts';
import type { Monitor } from './monitor.ts';
import type { Quotas } from './quotas.ts';
import type { TraceEvent } from './result.ts';
import type { Scenario } from './scenario.ts';
import type { SimulatedBus } from './simulated-bus.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { SimulatedStore } from './simulated-store.ts';
import type { SimulatedWarehouse } from './simulated-warehouse.ts';
import type { Sources } from './sources.ts';

export type SimulatedWorld = {
  readonly scenario: Scenario;
  readonly dates: readonly PartitionDate[];
  readonly clock: SimulatedClock;
  readonly chaos: Chaos;
  readonly ids: Ids;
  readonly catalog: TestCatalog;
  readonly store: SimulatedStore;
  readonly bus: SimulatedBus;
  readonly warehouse: SimulatedWarehouse;
  readonly sources: Sources;
  /** Keys of the requests that the bus has taken. */
  readonly requested: Set<string>;
  /** What waits for the moment in which somebody is about to write. */
  ambush: ((point: CrashPoint) => Promise<void>) | undefined;
  /** Dates that kill whoever computes them. */
  readonly killers: Set<PartitionDate>;
  readonly quotas: Quotas | undefined;
  readonly monitor: Monitor;
  readonly trace: (event: Omit<TraceEvent, 'at'>) => void;
};
