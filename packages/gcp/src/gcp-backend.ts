// The whole backend, connected: store, bus, warehouse and objects on their clients. What services, the command line and the
// emulators open. Opening asks nothing of Google, so that resources can be made with it; `check` asks.
import type { BigQuery } from '@google-cloud/bigquery';
import type { PubSub } from '@google-cloud/pubsub';
import type { Storage } from '@google-cloud/storage';
import { storeIndexes } from '@floodgate/core/contracts/store-indexes.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { Ids } from '@floodgate/core/ports/ids.ts';
import type { Logger } from '@floodgate/core/ports/logger.ts';
import type { MessageBus } from '@floodgate/core/ports/message-bus.ts';
import { ObjectStoreError, type ObjectStore } from '@floodgate/core/ports/object-store.ts';
import type { StatusStore } from '@floodgate/core/ports/status-store.ts';
import type { Warehouse } from '@floodgate/core/ports/warehouse.ts';
import { connectBigQuery } from './bigquery-client.ts';
import { BigQueryJobs } from './bigquery-jobs.ts';
import { createBigQueryParts } from './bigquery-parts.ts';
import { BigQueryWarehouse } from './bigquery-warehouse.ts';
import { checkBackend } from './check-backend.ts';
import { connectFirestore, type FirestoreConnection } from './firestore-client.ts';
import { FirestoreStatusStore } from './firestore-status-store.ts';
import { GcsObjectStore } from './gcs-object-store.ts';
import { connectPubSub } from './pubsub-client.ts';
import { PubSubMessageBus } from './pubsub-message-bus.ts';
import { PubSubPushBus } from './pubsub-push-bus.ts';
import { createPushVerifier, type PushVerifier } from './push-token.ts';
import { alwaysPulled, pushAckDeadlineMs } from './resources-pubsub.ts';
import type { GcpSettings } from './settings.ts';
import { connectStorage } from './storage-client.ts';

export type GcpBackendOptions = {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** How messages come. */
  readonly mode: 'pull' | 'push';
  /** What tokens of pushes must be for, and whose they must be. Needed in mode push, but at emulators, which send no tokens. */
  readonly pushAudience?: string | undefined;
  readonly pushServiceAccounts?: readonly string[] | undefined;
};

export type GcpBackend = AsyncDisposable & {
  readonly store: StatusStore;
  readonly bus: MessageBus;
  readonly warehouse: Warehouse;
  readonly objectStore: ObjectStore;
  readonly clients: { readonly pubsub: PubSub; readonly firestore: FirestoreConnection; readonly bigquery: BigQuery; readonly storage: Storage };
  /** For the endpoint that is pushed to; undefined in mode pull. */
  readonly push: { readonly verify: PushVerifier; readonly deliver: PubSubPushBus['deliver'] } | undefined;
  /** Asks whether what was opened can be used. Throws one FloodgateError with all that can't. */
  readonly check: (signal: AbortSignal) => Promise<void>;
};

/** Publishes and pulls by `pull`; what can be pushed is pushed. */
export const joinBuses = (pull: MessageBus, push: Pick<MessageBus, 'subscribe'>): MessageBus => ({
  publish: (messages, signal) => pull.publish(messages, signal),
  subscribe: (spec, handler, options) =>
    alwaysPulled.has(spec.name) ? pull.subscribe(spec, handler, options) : push.subscribe({ ...spec, ackDeadlineMs: pushAckDeadlineMs }, handler, options),
});

const createVerifier = (settings: GcpSettings, { pushAudience, pushServiceAccounts }: GcpBackendOptions): PushVerifier => {
  // The emulator's pushes carry no token; whatever runs on this machine is trusted as the rest of the emulators trust it.
  if (settings.emulators.pubsub !== undefined) return async () => ({ ok: true });
  if (pushAudience === undefined || pushServiceAccounts === undefined)
    throw new FloodgateError('invalid_settings', 'pushes can be taken only where it is known which audience and service accounts their tokens must have');
  return createPushVerifier({ audience: pushAudience, serviceAccounts: pushServiceAccounts });
};

const missingBucket = async (): Promise<never> => {
  throw new ObjectStoreError('not_found', 'no bucket is named', { hint: 'set FLOODGATE_GCP_BUCKET to the bucket of the sources’ files' });
};
/** Nothing is found in it, and nothing can be put there. */
const noBucket: ObjectStore = { list: async () => [], read: missingBucket, write: missingBucket, locate: (key) => `gs:///${key}` };

export const openGcpBackend = async (settings: GcpSettings, options: GcpBackendOptions): Promise<GcpBackend> => {
  const { clock, ids, logger } = options;
  const verify = options.mode === 'push' ? createVerifier(settings, options) : undefined;
  const cleanup = new AsyncDisposableStack();
  const pubsub = connectPubSub(settings);
  cleanup.defer(() => pubsub.close());
  const firestore = cleanup.use(connectFirestore(settings));
  const bigquery = connectBigQuery(settings);
  const storage = connectStorage(settings);
  const files = settings.bucket === undefined ? undefined : new GcsObjectStore(storage.bucket(settings.bucket), { clock, ids });
  const store = new FirestoreStatusStore(firestore, { clock, ids, indexes: storeIndexes });
  const pull = cleanup.use(new PubSubMessageBus(pubsub, { clock, logger }));
  const pushed = new PubSubPushBus({ publisher: pull, projectId: settings.projectId, clock, logger });
  const jobs = new BigQueryJobs(bigquery, settings, { clock, ids });
  const warehouse = new BigQueryWarehouse({ jobs, settings, clock, parts: createBigQueryParts({ jobs, settings, clock, store: files }) });
  const owned = cleanup.move();
  return {
    store,
    bus: verify === undefined ? pull : joinBuses(pull, pushed),
    warehouse,
    objectStore: files ?? noBucket,
    clients: { pubsub, firestore, bigquery, storage },
    push: verify === undefined ? undefined : { verify, deliver: (body, subscription) => pushed.deliver(body, subscription) },
    check: (signal) => checkBackend({ store, jobs }, settings, clock, signal),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
};
