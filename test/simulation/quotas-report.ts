// What a simulated run has asked of the cloud at its worst, and which documented limits that is beyond.
import { bigquery, firestore, pubsub } from '@floodgate/cloud-limits/limits.ts';
import type { HotDocument } from '@floodgate/cloud-limits/sustained-write-meter.ts';

export type PerTable = Readonly<Record<string, number>>;

/** Plain data. Peaks are over the limit's own window: ten seconds, a day. */
export type QuotaReport = {
  /** The ten documents with the most writes in ten seconds. */
  readonly hottestDocuments: readonly HotDocument[];
  readonly outstandingMutations: PerTable;
  readonly dmlStatements: PerTable;
  readonly metadataUpdates: PerTable;
  readonly partitionModifications: PerTable;
  readonly loadJobs: PerTable;
  readonly mostPartitionsOfJob: number;
  readonly mostMessagesOfRequest: number;
  readonly largestMessageBytes: number;
  readonly subscriptions: Readonly<Record<string, { readonly deliveryAttempt: number; readonly tookMs: number }>>;
  /** What was refused, by limit and subject: `hot document lanes/a`. */
  readonly refused: Readonly<Record<string, number>>;
};

/**
 * Every limit that a run went beyond, or was refused at, in words; nothing for a run that the cloud would have borne. A push
 * delivery has to end within the longest ack deadline; a pulled one is extended.
 */
export const exceededLimits = (report: QuotaReport, delivery: 'push' | 'pull'): readonly string[] => {
  const { dml, partitionedTable, load } = bigquery;
  const over = (what: string, peaks: PerTable, limit: number): readonly string[] =>
    Object.entries(peaks)
      .filter(([, peak]) => peak > limit)
      .map(([subject, peak]) => `${what} ${subject}: ${peak}, limit ${limit}`);
  const { sustainedWritesPerSecond, sustainedWindowMs } = firestore.document;
  const byPath = Object.fromEntries(report.hottestDocuments.map(({ path, writes }) => [path, writes]));
  const tookMs = Object.fromEntries(Object.entries(report.subscriptions).map(([name, peaks]) => [name, peaks.tookMs]));
  return [
    ...over('writes in 10 s of', byPath, (sustainedWritesPerSecond * sustainedWindowMs) / 1_000),
    ...over('outstanding DML of', report.outstandingMutations, dml.runningMutationsPerTable + dml.queuedMutationsPerTable),
    ...over('DML statements in 10 s of', report.dmlStatements, dml.statementsPerTablePerWindow),
    ...over('metadata updates in 10 s of', report.metadataUpdates, partitionedTable.metadataUpdatesPerWindow),
    ...over('partition modifications a day of', report.partitionModifications, partitionedTable.partitionModificationsPerDay),
    ...over('load jobs a day of', report.loadJobs, load.jobsPerTablePerDay),
    ...over('partitions of', { 'one job': report.mostPartitionsOfJob }, partitionedTable.maxPartitionsPerJob),
    ...over('messages of', { 'one request': report.mostMessagesOfRequest }, pubsub.publish.maxMessagesPerRequest),
    ...over('bytes of', { 'one message': report.largestMessageBytes }, pubsub.message.maxDataBytes),
    ...(delivery === 'push' ? over('milliseconds of a delivery of', tookMs, pubsub.subscription.maxAckDeadlineMs) : []),
    ...Object.entries(report.refused).map(([what, times]) => `refused ${times} times: ${what}`),
  ];
};
