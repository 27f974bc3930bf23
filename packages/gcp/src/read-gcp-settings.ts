// The settings of GcpSettings by their names in the environment, as data: config.ts of a service and of the command line put
// the table beside their own and read them all at once.
import * as z from 'zod';
import type { EmulatorHosts, GcpSettings } from './settings.ts';

/** `host:port`; the scheme that some libraries want in front is taken off. */
const emulatorHost = z
  .string()
  .regex(/^(http:\/\/)?(\[[\da-fA-F:]+\]|[^\s/:]+):\d{1,5}\/?$/, 'expected host:port, e.g. 127.0.0.1:8085')
  .transform((text) => text.replace(/^http:\/\//, '').replace(/\/$/, ''));

const positiveBytes = z
  .string()
  .refine((text) => /^[1-9]\d*$/.test(text) && Number.isSafeInteger(Number(text)), 'expected a whole number of bytes, 1 or more')
  .transform(Number);

const emulatorVariables = {
  pubsub: 'PUBSUB_EMULATOR_HOST',
  firestore: 'FIRESTORE_EMULATOR_HOST',
  bigquery: 'BIGQUERY_EMULATOR_HOST',
  storage: 'STORAGE_EMULATOR_HOST',
} as const satisfies Record<keyof EmulatorHosts, string>;

export const gcpSettingsTable = {
  gcpProject: {
    variable: 'FLOODGATE_GCP_PROJECT',
    // Set by Cloud Shell and by many a deployment.
    otherwise: 'GOOGLE_CLOUD_PROJECT',
    // https://cloud.google.com/resource-manager/docs/creating-managing-projects#before_you_begin, with the prefix of domain-scoped ones.
    schema: z
      .string()
      .regex(/^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/, 'expected the id of a project: 6 to 30 lower-case letters, digits and hyphens (not its number)'),
  },
  // No default: datasets in a place that nobody chose can't be moved.
  gcpLocation: {
    variable: 'FLOODGATE_GCP_LOCATION',
    schema: z.string().regex(/^[A-Za-z][A-Za-z0-9-]*$/, 'expected a location of BigQuery, e.g. EU or us-central1'),
  },
  gcpStagingDataset: {
    variable: 'FLOODGATE_GCP_STAGING_DATASET',
    schema: z.string().regex(/^\w{1,1024}$/, 'expected the name of a dataset: letters, digits and _'),
    initial: 'floodgate_staging',
  },
  gcpBucket: {
    variable: 'FLOODGATE_GCP_BUCKET',
    schema: z.string().regex(/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/, 'expected the name of a bucket, without gs://'),
    initial: undefined,
  },
  gcpFirestoreDatabase: {
    variable: 'FLOODGATE_GCP_FIRESTORE_DATABASE',
    schema: z
      .string()
      .regex(/^(\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9])$/, 'expected (default), or the id of a database: 4 to 63 lower-case letters, digits and hyphens'),
    initial: '(default)',
  },
  gcpMaxBytesBilled: { variable: 'FLOODGATE_GCP_MAX_BYTES_BILLED', schema: positiveBytes, initial: undefined },
  gcpStagePriority: {
    variable: 'FLOODGATE_GCP_STAGE_PRIORITY',
    schema: z.string().pipe(z.enum(['batch', 'interactive'], 'expected one of batch, interactive')),
    initial: 'batch',
  },
  pubsubEmulator: { variable: emulatorVariables.pubsub, schema: emulatorHost, initial: undefined },
  firestoreEmulator: { variable: emulatorVariables.firestore, schema: emulatorHost, initial: undefined },
  bigqueryEmulator: { variable: emulatorVariables.bigquery, schema: emulatorHost, initial: undefined },
  storageEmulator: { variable: emulatorVariables.storage, schema: emulatorHost, initial: undefined },
} as const;

type Values = {
  readonly [Name in keyof typeof gcpSettingsTable]:
    | z.output<(typeof gcpSettingsTable)[Name]['schema']>
    | ((typeof gcpSettingsTable)[Name] extends { readonly initial: infer Initial } ? Initial : never);
};

export const gcpSettingsOf = (values: Values): GcpSettings => {
  const { pubsubEmulator, firestoreEmulator, bigqueryEmulator, storageEmulator } = values;
  return {
    projectId: values.gcpProject,
    location: values.gcpLocation,
    stagingDataset: values.gcpStagingDataset,
    bucket: values.gcpBucket,
    firestoreDatabase: values.gcpFirestoreDatabase,
    maximumBytesBilled: values.gcpMaxBytesBilled,
    stagePriority: values.gcpStagePriority,
    emulators: {
      ...(pubsubEmulator === undefined ? {} : { pubsub: pubsubEmulator }),
      ...(firestoreEmulator === undefined ? {} : { firestore: firestoreEmulator }),
      ...(bigqueryEmulator === undefined ? {} : { bigquery: bigqueryEmulator }),
      ...(storageEmulator === undefined ? {} : { storage: storageEmulator }),
    },
  };
};

/**
 * What is wrong with the settings together. Emulators come all or not at all: nobody wants the status of an emulated BigQuery in
 * the real Firestore. Cloud Storage may be missing where no bucket is named, since nothing is asked of it then.
 */
export const checkGcpSettings = (values: Values): readonly string[] => {
  const { emulators, bucket } = gcpSettingsOf(values);
  const needed = (['pubsub', 'firestore', 'bigquery', 'storage'] as const).filter((name) => name !== 'storage' || bucket !== undefined);
  const names = (part: readonly (keyof EmulatorHosts)[]): string => part.map((name) => emulatorVariables[name]).join(', ');
  const given = Object.keys(emulators) as (keyof EmulatorHosts)[];
  const missing = needed.filter((name) => emulators[name] === undefined);
  if (given.length === 0 || missing.length === 0) return [];
  return [`${names(missing)}: not set although ${names(given)} ${given.length === 1 ? 'is' : 'are'}; emulators can't be mixed with Google's services`];
};
