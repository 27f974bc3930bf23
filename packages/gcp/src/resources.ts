// Everything that a deployment has, as data: topics and subscriptions, datasets, the bucket, Firestore's indexes. One list, from which
// they are made, with which what is there is compared, and from which infrastructure code can be written.
//
// Making is idempotent and safe from several places at once, and changes nothing that is there: what somebody has set otherwise
// is told as a difference, with the command that puts it right, and never overwritten in silence.
import type { BigQuery } from '@google-cloud/bigquery';
import type { PubSub } from '@google-cloud/pubsub';
import type { Storage } from '@google-cloud/storage';
import { subscriptions } from '@floodgate/core/contracts/messages.ts';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { topics, type Topic } from '@floodgate/core/ports/message-bus.ts';
import type { Difference, EnsuredResource } from './resource-report.ts';
import { firestoreIndexes, type FirestoreIndexes } from './firestore-indexes.ts';
import { ensureDatasets, inspectDatasets, type DeclaredDataset } from './resources-bigquery.ts';
import { ensureIndexes, inspectDatabase, inspectIndexes, type DocumentReader, type IndexAdmin } from './resources-firestore.ts';
import { alwaysPulled, ensurePubSub, inspectPubSub, pushAckDeadlineMs, type DeclaredSubscription, type PushTarget } from './resources-pubsub.ts';
import { ensureBucket, inspectBucket } from './resources-storage.ts';
import type { GcpSettings } from './settings.ts';

export type DeclaredResources = {
  readonly topics: readonly Topic[];
  readonly subscriptions: readonly DeclaredSubscription[];
  readonly datasets: readonly DeclaredDataset[];
  readonly bucket: string | undefined;
  readonly indexes: FirestoreIndexes;
};

/** As connectPubSub, connectBigQuery, connectStorage and connectFirestore give them. */
export type ResourceClients = {
  readonly pubsub: PubSub;
  readonly bigquery: BigQuery;
  readonly storage: Storage;
  readonly firestore: DocumentReader;
  /** `new v1.FirestoreAdminClient()`; without it, as at the emulator, indexes are neither made nor looked at. */
  readonly firestoreAdmin?: IndexAdmin;
};

export type SubscriptionName = keyof typeof subscriptions;

/** `push` for each subscription that is known to be pushed instead of pulled; of the others either is right. */
export const declareResources = (
  settings: GcpSettings,
  targetDatasets: readonly string[],
  push: Readonly<Partial<Record<SubscriptionName, PushTarget>>> = {},
): DeclaredResources => ({
  topics,
  subscriptions: Object.entries(subscriptions).map(([name, spec]) => {
    const target = push[name as SubscriptionName];
    return target === undefined ? { ...spec, mayBePushed: !alwaysPulled.has(spec.name) } : { ...spec, ackDeadlineMs: pushAckDeadlineMs, push: target };
  }),
  datasets: [
    { name: settings.stagingDataset, use: 'staging' },
    ...[...new Set(targetDatasets)].filter((name) => name !== settings.stagingDataset).map((name) => ({ name, use: 'target' as const })),
  ],
  bucket: settings.bucket,
  indexes: firestoreIndexes,
});

/** Datasets of the tables that a pipeline writes, commit logs included. External ones belong to whoever fills them. */
export const targetDatasetsOf = (pipelines: readonly Pick<Pipeline, 'processors'>[]): readonly string[] =>
  [
    ...new Set(pipelines.flatMap(({ processors }) => processors.filter(({ kind }) => kind !== 'external').map(({ table }) => table.split('.', 1)[0] ?? table))),
  ].sort();

/** Makes what is missing. A second call, or one that was cut off, goes on where the first stopped. */
export const ensureResources = async (
  clients: ResourceClients,
  settings: GcpSettings,
  declared: DeclaredResources,
  signal: AbortSignal,
): Promise<readonly EnsuredResource[]> => {
  const parts = await Promise.all([
    ensurePubSub(clients.pubsub, declared.topics, declared.subscriptions, settings.projectId, signal),
    ensureDatasets(clients.bigquery, declared.datasets, settings.location, signal),
    declared.bucket === undefined ? Promise.resolve([]) : ensureBucket(clients.storage, declared.bucket, settings.location, signal),
    clients.firestoreAdmin === undefined ? Promise.resolve([]) : ensureIndexes(clients.firestoreAdmin, clients.firestore.database, declared.indexes, signal),
  ]);
  return parts.flat();
};

/** All differences at once; none: as far as can be told from outside, it is as it must be. */
export const inspectResources = async (
  clients: ResourceClients,
  settings: GcpSettings,
  declared: DeclaredResources,
  signal: AbortSignal,
): Promise<readonly Difference[]> => {
  const parts = await Promise.all([
    inspectPubSub(clients.pubsub, declared.topics, declared.subscriptions, settings.projectId, signal),
    inspectDatasets(clients.bigquery, declared.datasets, settings, signal),
    declared.bucket === undefined
      ? Promise.resolve([])
      : inspectBucket(clients.storage, declared.bucket, { location: settings.location, isEmulator: settings.emulators.storage !== undefined }, signal),
    inspectDatabase(clients.firestore, { name: settings.firestoreDatabase, location: settings.location }, signal),
    clients.firestoreAdmin === undefined ? Promise.resolve([]) : inspectIndexes(clients.firestoreAdmin, clients.firestore.database, declared.indexes, signal),
  ]);
  return parts.flat();
};
