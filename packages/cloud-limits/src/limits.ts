// What Google documents about the services that Floodgate runs on: the one place that knows these numbers. Read by the
// BigQuery emulator and the quota simulator, so that both refuse what the cloud would refuse. Quotas can be raised by
// request, system limits can't; where it matters the comment says which. Values as documented in autumn 2026.

const kB = 1_000;
const MB = 1_000 * kB;
const KiB = 1_024;
const MiB = 1_024 * KiB;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

export const bigquery = {
  /** https://docs.cloud.google.com/bigquery/quotas#data-manipulation-language-statements */
  dml: {
    /** UPDATE, DELETE and MERGE on one table; the rest wait. Statements of one partition conflict even so. */
    runningMutationsPerTable: 2,
    /** Waiting beside those that run; the next one fails at once. */
    queuedMutationsPerTable: 20,
    /** An interactive statement that waited this long fails. Pages of before 2025 say 6 hours. */
    queueTimeoutMs: 7 * hourMs,
    /** INSERT counts as well. A commit of ours is one or two statements on the target and two on its log. */
    statementsPerTablePerWindow: 25,
    statementsWindowMs: 10_000,
    /** INSERT statements of a table that start at once, in any 24 hours; from then on so many run, and so many wait. */
    unhinderedInsertsPerTablePerDay: 1_500,
    runningInsertsPerTable: 10,
    queuedInsertsPerTable: 100,
  },

  /** https://docs.cloud.google.com/bigquery/quotas#partitioned_tables */
  partitionedTable: {
    maxPartitions: 10_000,
    /** Of one load or query job; a query that makes more fails with "Too many partitions produced by query". */
    maxPartitionsPerJob: 4_000,
    /** Column-partitioned. Load, copy and appending or overwriting query jobs count each partition; DML and streaming don't count. */
    partitionModificationsPerDay: 30_000,
    /** The same for a table that is partitioned by ingestion time. */
    ingestionTimePartitionModificationsPerDay: 11_000,
    /** DDL, patches, and every job or DML statement that writes the table. */
    metadataUpdatesPerWindow: 50,
    metadataUpdatesWindowMs: 10_000,
  },

  /** https://docs.cloud.google.com/bigquery/quotas#standard_tables */
  standardTable: {
    /** Load, copy and appending or overwriting query jobs. DML doesn't count. */
    modificationsPerDay: 1_500,
    /** DML statements count here, but are not refused by it: they have the rate of their own above. */
    metadataUpdatesPerWindow: 5,
    metadataUpdatesWindowMs: 10_000,
    maxColumns: 10_000,
    maxColumnNameCharacters: 300,
  },

  /** https://docs.cloud.google.com/bigquery/quotas#load_jobs (failed jobs count) */
  load: {
    /** The page gives it for every table, and refers to the table's own limits for partitioned ones. */
    jobsPerTablePerDay: 1_500,
    jobsPerProjectPerDay: 100_000,
    maxBytesPerJob: 15_000_000 * MB,
    maxUrisPerJob: 10_000,
    timeoutMs: 6 * hourMs,
  },

  /** https://docs.cloud.google.com/bigquery/quotas#copy_jobs (failed jobs count) */
  copy: {
    jobsPerProjectPerDay: 100_000,
    maxSourceTablesPerJob: 1_200,
  },

  /** https://docs.cloud.google.com/bigquery/quotas#query_jobs */
  query: {
    /**
     * How many interactive queries run at once is decided by BigQuery from the slots that are free (query queues); the 100 at
     * once that older pages name are gone. What doesn't run waits, and what doesn't fit there fails.
     */
    queuedInteractivePerProject: 1_000,
    queuedBatchPerProject: 20_000,
    concurrentMultiStatementPerProject: 1_000,
    onDemandSlotsPerProject: 2_000,
    /** Of one attempt; BigQuery makes up to three. Also of one statement within a multi-statement query. */
    timeoutMs: 6 * hourMs,
    multiStatementTimeoutMs: 24 * hourMs,
    /** Comments and white space included. Before the views in it are resolved the page also names 1 MB. */
    maxSqlCharacters: 1_024 * 1_024,
    maxResolvedSqlBytes: 12 * MB,
    maxParameters: 10_000,
    maxRequestBytes: 10 * MB,
    maxReferencedResources: 1_000,
    maxRowBytes: 100 * MB,
  },

  /** https://docs.cloud.google.com/bigquery/quotas#query_jobs (multi-statement transaction) */
  transaction: {
    maxMutatedTables: 100,
    maxPartitionModifications: 100_000,
  },

  /** https://docs.cloud.google.com/bigquery/quotas#api_request_quotas */
  api: {
    requestsPerSecondPerUserPerMethod: 100,
    concurrentRequestsPerUser: 300,
    /** `tables.insert`; a query job that makes its destination table is no such request. */
    tableInsertsPerSecondPerUser: 10,
  },

  /** https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/JobReference */
  job: {
    /** Letters, digits, underscores and dashes. */
    idPattern: /^[A-Za-z0-9_-]{1,1024}$/,
    maxIdCharacters: 1_024,
  },

  /** https://docs.cloud.google.com/bigquery/docs/labels-intro#requirements */
  labels: {
    maxPerResource: 64,
    /** Letters of alphabets without capitals are letters here, too. */
    keyPattern: /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u,
    valuePattern: /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u,
  },
} as const;

export const pubsub = {
  /** https://docs.cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions */
  subscription: {
    defaultAckDeadlineMs: 10_000,
    minAckDeadlineMs: 10_000,
    /** For push it is the request's timeout as well, so that a push endpoint has ten minutes at the most. */
    maxAckDeadlineMs: 600_000,
    /** Both of the retry policy's backoffs. */
    maxBackoffMs: 600_000,
    /** Of the dead-letter policy. Approximate: a message may be dead-lettered a little earlier, later, or twice. */
    minDeliveryAttempts: 5,
    maxDeliveryAttempts: 100,
  },

  /** https://docs.cloud.google.com/pubsub/quotas#resource_limits */
  message: {
    /** The data; "10 MB", which clients read as decimal or binary: the smaller is safe. */
    maxDataBytes: 10 * MB,
    maxAttributes: 100,
    maxAttributeKeyBytes: 256,
    maxAttributeValueBytes: 1_024,
    /** "1 KB": the smaller reading. */
    maxOrderingKeyBytes: 1_000,
  },

  /** https://docs.cloud.google.com/pubsub/quotas#resource_limits */
  publish: {
    maxMessagesPerRequest: 1_000,
    maxBytesPerRequest: 10 * MB,
    /** Of one ordering key. */
    maxBytesPerSecondPerOrderingKey: 1 * MB,
  },

  /** https://docs.cloud.google.com/pubsub/quotas#resource_limits */
  acknowledge: { maxBytesPerRequest: 512 * kB },
} as const;

export const firestore = {
  /**
   * https://firebase.google.com/docs/firestore/best-practices#updates_to_a_single_document: at a high enough rate of writes a
   * document meets contention, latency and errors; which rate depends on the workload. The quotas page named "1 per second,
   * sustained" among its limits until 2021 and names none today. Short bursts pass.
   */
  document: {
    sustainedWritesPerSecond: 1,
    /** Over how long a rate counts as sustained is not documented; this is our choice, on the careful side. */
    sustainedWindowMs: 10_000,
  },

  /** https://docs.cloud.google.com/firestore/quotas#collections_documents_and_fields (Standard edition, native mode) */
  size: {
    /** 4 MiB in the Enterprise edition with MongoDB compatibility. */
    maxDocumentBytes: 1 * MiB,
    maxFieldValueBytes: 1 * MiB - 89,
    maxDocumentNameBytes: 6 * KiB,
    maxIdBytes: 1_500,
    maxMapDepth: 20,
    /** A longer text is indexed by its beginning. */
    maxIndexedFieldBytes: 1_500,
  },

  /** https://docs.cloud.google.com/firestore/quotas#writes_and_transactions */
  transaction: {
    /**
     * No limit since 2023-03-29 (https://docs.cloud.google.com/firestore/docs/release-notes): only request size and time limit.
     * Client libraries for browsers, and many pages, still say 500.
     */
    maxWrites: Number.POSITIVE_INFINITY,
    maxRequestBytes: 10 * MiB,
    timeoutMs: 270_000,
    idleTimeoutMs: 60_000,
    /** On one document of a commit. */
    maxFieldTransforms: 500,
  },

  /** https://firebase.google.com/docs/firestore/query-data/queries#limits_on_or_queries */
  query: {
    /** In disjunctive normal form: `in` with so many values, and the product of two of them. 10 until 2023. */
    maxDisjunctions: 30,
  },

  /** https://docs.cloud.google.com/firestore/quotas#indexes */
  index: {
    maxEntriesPerDocument: 40_000,
    maxEntryBytes: 7.5 * KiB,
    maxEntriesBytesPerDocument: 8 * MiB,
    maxFieldsPerComposite: 100,
    maxComposites: 1_000,
    /** Into a collection whose documents carry a growing value (an instant) in an indexed field; soft. */
    maxWritesPerSecondOfSequentialValues: 500,
  },

  /** https://firebase.google.com/docs/firestore/best-practices#ramping_up_traffic ("500/50/5") */
  ramp: {
    startOperationsPerSecond: 500,
    growthFactor: 1.5,
    growthEveryMs: 5 * minuteMs,
  },
} as const;

export const cloudRun = {
  /** https://docs.cloud.google.com/run/docs/configuring/request-timeout */
  request: {
    defaultTimeoutMs: 300_000,
    /** After it the caller gets a 504 while the container goes on working: hence the fencing. */
    maxTimeoutMs: 3_600_000,
  },

  /** https://docs.cloud.google.com/run/docs/container-contract#lifecycle */
  shutdown: {
    /** From SIGTERM to SIGKILL; it can't be changed. */
    graceMs: 10_000,
  },

  /** https://docs.cloud.google.com/run/docs/about-concurrency */
  instance: { maxConcurrentRequests: 1_000 },
} as const;
