// The work of load and copy jobs. https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatistics3
import type { Destination, Engine } from '../engine-contract.ts';
import type { EmulatorClock } from '../control/emulator-clock.ts';
import { BigQueryProblem } from '../problem.ts';
import { formatTableId, type TableId } from '../types.ts';
import type { CopySpec, LoadSpec } from './configuration.ts';
import { fetchSources, type SourceFile } from './fetch-sources.ts';
import type { Job } from './job.ts';
import type { Quotas } from './quotas.ts';
import { refuseSnapshot } from './run-statement.ts';
import type { Begin } from './run-query.ts';

type Dependencies = { readonly engine: Engine; readonly quotas: Quotas; readonly clock: EmulatorClock; readonly storageHost: string | undefined };

export type TransferWork = {
  /** `media`: the rows came with the request. */
  readonly load: (job: Job, spec: LoadSpec, begin: Begin, media: SourceFile | undefined) => Promise<void>;
  readonly copy: (job: Job, spec: CopySpec, begin: Begin) => Promise<void>;
};

export const createTransferWork = ({ engine, quotas, clock, storageHost }: Dependencies): TransferWork => {
  const requireDataset = ({ projectId, datasetId }: TableId): { readonly location: string; readonly expirationMs: number } => {
    const dataset = engine.datasets.get({ projectId, datasetId });
    if (dataset === undefined) throw new BigQueryProblem('notFound', `Not found: Dataset ${projectId}:${datasetId}`);
    return { location: dataset.location, expirationMs: Number(dataset.properties['defaultTableExpirationMs'] ?? 0) };
  };

  /** Before the work: place, limits, what the dataset gives its tables. */
  const admit = ({ record }: Job, destination: Destination, type: 'load' | 'copy', partitioned: boolean): Destination => {
    const { location, expirationMs } = requireDataset(destination.table);
    record.location = location;
    const existing = engine.tables.get(destination.table);
    refuseSnapshot(engine, destination.table);
    quotas.beginTableJob(destination.table, type, existing === undefined ? partitioned : existing.partitioning !== undefined);
    return expirationMs > 0 && destination.expiresAt === undefined && existing === undefined
      ? { ...destination, expiresAt: clock.now() + expirationMs }
      : destination;
  };

  const loadFiles = async (
    { record }: Job,
    { format, autodetect, maxBadRecords }: LoadSpec,
    destination: Destination,
    files: readonly SourceFile[],
  ): Promise<void> => {
    try {
      const result = await engine.load(
        files.map(({ path }) => path),
        format,
        destination,
        { autodetect, maxBadRecords },
      );
      quotas.recordPartitions(destination.table, result.partitions.length);
      record.details = {
        inputFiles: String(files.length),
        inputFileBytes: String(result.inputBytes),
        outputRows: String(result.outputRows),
        outputBytes: String(result.outputBytes),
        badRecords: '0',
      };
    } catch (error) {
      if (!(error instanceof BigQueryProblem)) throw error;
      // A client knows its URIs, not our copies of them.
      const named = (text: string): string => files.reduce((known, { path, name }) => known.replaceAll(path, name), text);
      throw new BigQueryProblem(error.reason, named(error.message), error.location === undefined ? undefined : named(error.location), { cause: error });
    }
  };

  return {
    load: async (job, spec, begin, media) => {
      const destination = admit(job, spec.destination, 'load', spec.destination.partitioning !== undefined);
      await begin();
      if (media !== undefined) return await loadFiles(job, spec, destination, [media]);
      await using sources = await fetchSources(spec.sourceUris, storageHost, job.stopSignal);
      job.stopSignal.throwIfAborted();
      return await loadFiles(job, spec, destination, sources.files);
    },
    copy: async (job, spec, begin) => {
      const sources = spec.sources.map((source) => {
        const table = engine.tables.get(source);
        if (table === undefined) throw new BigQueryProblem('notFound', `Not found: Table ${formatTableId(source)}`);
        return table;
      });
      const destination = admit(job, spec.destination, 'copy', sources[0]?.partitioning !== undefined);
      await begin();
      job.stopSignal.throwIfAborted();
      const [base] = sources;
      const takenAt = new Date(clock.now()).toISOString();
      const { copiedRows, partitions } = await engine.copy(spec.sources, destination);
      quotas.recordPartitions(destination.table, partitions?.length ?? 1);
      if (base !== undefined && spec.operation !== 'COPY') {
        const { projectId, datasetId, tableId } = base;
        const definition = { baseTableReference: { projectId, datasetId, tableId }, [spec.operation === 'SNAPSHOT' ? 'snapshotTime' : 'cloneTime']: takenAt };
        const name = spec.operation === 'SNAPSHOT' ? 'snapshotDefinition' : 'cloneDefinition';
        await engine.tables.patch(destination.table, { properties: { ...engine.tables.get(destination.table)?.properties, [name]: definition } });
      }
      job.record.details = { copiedRows: String(copiedRows) };
    },
  };
};
