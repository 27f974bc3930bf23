// What every service is given of a backend, with the clock and the ids of this machine: the use cases' dependencies, under a
// holder of leases that no process has been before.
import type { EngineDeps } from '@floodgate/core/app/deps.ts';
import { createPlanReader, type PlanReader } from '@floodgate/core/app/plan-store.ts';
import type { Logger } from '@floodgate/core/ports/logger.ts';
import type { MessageBus } from '@floodgate/core/ports/message-bus.ts';
import type { StatusStore } from '@floodgate/core/ports/status-store.ts';
import type { Warehouse } from '@floodgate/core/ports/warehouse.ts';
import { logDeliveries } from './logged-bus.ts';
import { systemClock } from './system-clock.ts';
import { systemIds } from './system-ids.ts';

export type EngineOptions = {
  /** Name of the service. */
  readonly service: string;
  readonly logger: Logger;
  readonly leaseMs: number;
};

export const createEngine = (
  { store, bus, warehouse }: { readonly store: StatusStore; readonly bus: MessageBus; readonly warehouse: Warehouse },
  { service, logger, leaseMs }: EngineOptions,
): EngineDeps & { readonly plans: PlanReader } => ({
  store,
  bus: logDeliveries(bus, { clock: systemClock, logger }),
  warehouse,
  clock: systemClock,
  ids: systemIds,
  logger,
  source: `/floodgate/${service}`,
  // Others work beside this process, and one of them may have its place tomorrow: nobody is known to be dead but by silence.
  lease: { holder: systemIds.newId(), leaseMs, isKnownDead: () => false },
  plans: createPlanReader(store),
});
