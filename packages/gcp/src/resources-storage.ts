// The bucket of the sources' files.
import type { Storage } from '@google-cloud/storage';
import { bounded, ensure, inspect, outcomeOfError } from './resource-report.ts';
import type { Difference, EnsuredResource } from './resource-report.ts';

export const ensureBucket = (storage: Storage, bucket: string, location: string, signal: AbortSignal): Promise<EnsuredResource> =>
  ensure(`bucket ${bucket}`, () => storage.createBucket(bucket, { location }), signal);

/**
 * Whether BigQuery loads from a bucket there into datasets here: https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#limitations
 * US takes from anywhere, a region from itself, EU from what lies in it. Dual regions are taken for good: their parts aren't known here.
 */
export const canLoadFrom = (bucketLocation: string, datasetLocation: string): boolean => {
  const [bucket, dataset] = [bucketLocation.toUpperCase(), datasetLocation.toUpperCase()];
  if (dataset === 'US' || bucket === dataset) return true;
  const isDualRegion = /^[A-Z]+\d+$/.test(bucket);
  // London and Zurich are in Europe, and not in EU.
  const isInEu = bucket.startsWith('EUROPE-') && bucket !== 'EUROPE-WEST2' && bucket !== 'EUROPE-WEST6';
  return isDualRegion || (dataset === 'EU' && isInEu);
};

const permissions = ['storage.objects.get', 'storage.objects.list', 'storage.objects.create'];

export const inspectBucket = (
  storage: Storage,
  name: string,
  { location, isEmulator }: { readonly location: string; readonly isEmulator: boolean },
  signal: AbortSignal,
): Promise<readonly Difference[]> => {
  const bucket = storage.bucket(name);
  return inspect(
    `bucket ${name}`,
    {
      missing: `gcloud storage buckets create gs://${name} --location=${location}`,
      denied: 'grant roles/storage.objectUser and roles/storage.legacyBucketReader on it',
    },
    async () => {
      const [found] = await bounded(bucket.getMetadata(), signal);
      // fake-gcs-server calls every bucket's location US-CENTRAL1, and has no permissions.
      if (isEmulator) return [];
      const elsewhere =
        found.location === undefined || canLoadFrom(found.location, location)
          ? []
          : [
              {
                problem: `location: ${found.location}, from where BigQuery loads nothing into datasets in ${location}`,
                hint: `keep the files in a bucket in ${location}: gcloud storage buckets create gs://<bucket> --location=${location}`,
              },
            ];
      return [...elsewhere, ...(await missingPermissions(bucket, signal))];
    },
    signal,
  );
};

const missingPermissions = async (bucket: ReturnType<Storage['bucket']>, signal: AbortSignal): Promise<readonly Omit<Difference, 'resource'>[]> => {
  try {
    const [granted] = await bounded(bucket.iam.testPermissions(permissions), signal);
    return permissions
      .filter((permission) => granted[permission] !== true)
      .map((permission) => ({ problem: `permission ${permission} is missing`, hint: 'grant roles/storage.objectUser on it to whom the services run as' }));
  } catch (error) {
    if (outcomeOfError(error) === 'unsupported') return [];
    throw error;
  }
};
