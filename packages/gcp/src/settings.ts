// What the adapters are told. Read from the environment by config.ts of each service and by the command line, never here.

export type GcpSettings = {
  readonly projectId: string;
  /** Where datasets lie and jobs run, e.g. `EU`, `us-central1`. */
  readonly location: string;
  /** Dataset of stagings and loaded sources. */
  readonly stagingDataset: string;
  /** Bucket of the sources' files; undefined: pipelines that read sources fail with source_missing. */
  readonly bucket: string | undefined;
  readonly firestoreDatabase: string;
  /** A statement that would read more fails before it reads; undefined: no limit. */
  readonly maximumBytesBilled: number | undefined;
  /** Of staging jobs; everything that a person or a lane waits for is interactive. */
  readonly stagePriority: 'batch' | 'interactive';
  /** Emulators instead of Google's services, which need no credentials. */
  readonly emulators: EmulatorHosts;
};

/** `host:port` each. */
export type EmulatorHosts = {
  readonly pubsub?: string;
  readonly firestore?: string;
  readonly bigquery?: string;
  readonly storage?: string;
};
