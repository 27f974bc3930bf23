// The connection to one Firestore database: Google's generated client, one call of the service a method.
//
// Not the `Firestore` class above it: that one repeats calls behind our back, a commit whose answer was lost among them (a create
// would then find its own document and say that it exists), waits for minutes where we want to hear of it, and its transactions lock
// what they read for as long as their body thinks (firestore-transaction.ts).
import { v1 } from '@google-cloud/firestore-api';
import { GoogleAuth, PassThroughClient } from 'google-auth-library';
import { grpc } from 'google-gax';
import type { GcpSettings } from './settings.ts';

export type FirestoreClient = InstanceType<typeof v1.FirestoreClient>;

export type FirestoreConnection = AsyncDisposable & {
  readonly client: FirestoreClient;
  /** `projects/…/databases/…` */
  readonly database: string;
  /** The emulator takes everything from whoever calls himself the owner. */
  readonly headers: Readonly<Record<string, string>>;
  /** Ends the connection; what is under way fails. */
  readonly terminate: () => Promise<void>;
};

export const connectFirestore = (settings: Pick<GcpSettings, 'projectId' | 'firestoreDatabase' | 'emulators'>): FirestoreConnection => {
  const { projectId, firestoreDatabase, emulators } = settings;
  const client = new v1.FirestoreClient({ projectId, ...(emulators.firestore === undefined ? {} : emulatorOptions(emulators.firestore)) });
  const terminate = (): Promise<void> => client.close();
  return {
    client,
    database: `projects/${projectId}/databases/${firestoreDatabase}`,
    headers: emulators.firestore === undefined ? {} : { Authorization: 'Bearer owner' },
    terminate,
    [Symbol.asyncDispose]: terminate,
  };
};

/** For the indexes. Undefined on an emulator, which has none. */
export const connectFirestoreAdmin = ({
  projectId,
  emulators,
}: Pick<GcpSettings, 'projectId' | 'emulators'>): InstanceType<typeof v1.FirestoreAdminClient> | undefined =>
  emulators.firestore === undefined ? new v1.FirestoreAdminClient({ projectId }) : undefined;

const emulatorOptions = (host: string): object => {
  const colon = host.lastIndexOf(':');
  return {
    servicePath: host.slice(0, colon),
    port: Number(host.slice(colon + 1)),
    sslCreds: grpc.credentials.createInsecure(),
    // Without credentials of some kind the client looks for a metadata server.
    auth: new GoogleAuth({ authClient: new PassThroughClient() }),
  };
};
