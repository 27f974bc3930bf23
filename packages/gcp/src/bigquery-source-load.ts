// One table of one source's files: made, filled by one load job, and declared good once its files are known to have been the same
// before and after. See bigquery-sources.ts for the invariants.
import type { Source } from '@floodgate/core/domain/pipeline.ts';
import { describeFiles, listSource, type SourceFormat } from '@floodgate/core/domain/source-files.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import { ObjectStoreError } from '@floodgate/core/ports/object-store.ts';
import { WarehouseError, type WarehouseErrorCode } from '@floodgate/core/ports/warehouse.ts';
import { datasetOf, nameOf } from '@floodgate/sql/googlesql/names.ts';
import type { MaybeResource, Resource } from './bigquery-client.ts';
import { BigQueryJobError, isDuplicate, isNotFound, readFailure, toWarehouseError } from './bigquery-errors.ts';
import { jobName } from './bigquery-job-names.ts';
import { digestOf, type BigQueryJobs } from './bigquery-jobs.ts';
import { fieldOf, tableUri } from './bigquery-tables.ts';
import type { Field } from './bigquery-values.ts';
import type { GcsObjectInfo } from './gcs-object-store.ts';
import type { GcpSettings } from './settings.ts';
import { checkFiles, unreadable, type SourceFiles } from './source-files.ts';

export type SourceFile = GcsObjectInfo;
/** A source of which the format is known, be it by the names of its files. */
type ReadableSource = Source & { readonly format: SourceFormat };

/** Renewed when half of it is over. */
const lifeMs = 7 * 24 * 3_600_000;
const loadTimeoutMs = 3 * 3_600_000;
/** https://docs.cloud.google.com/bigquery/quotas#load_jobs */
const maxUris = 10_000;
/** Job ids of one table; a table that has used them up is dropped and begun anew. */
const maxJobs = 20;
const triesOfCall = 3;

const formats = { parquet: 'PARQUET', csv: 'CSV', ndjson: 'NEWLINE_DELIMITED_JSON' } as const;

/** Codes of a load that failed by what is in the files: the same load would fail again. */
const codesOfFiles: ReadonlySet<WarehouseErrorCode> = new Set(['invalid_sql', 'data_error', 'schema_mismatch', 'contract_broken', 'unknown']);
const transient: ReadonlySet<WarehouseErrorCode> = new Set(['unavailable', 'rate_limited', 'timeout', 'cancelled']);

/** A value or a column that is not as declared; what else a load says of a file is that it can't be read. */
const mismatchWords =
  /could not (parse|convert)|can(not|'t) (convert|be cast)|schema|has type|does not match|non-(record|repeated)|bad (int64|double|bool|numeric|date|timestamp)|invalid (date|time|timestamp|numeric|bool|int64|double)|required field|incompatible/i;

export class SourceLoader {
  readonly #jobs: BigQueryJobs;
  readonly #settings: GcpSettings;
  readonly #clock: Clock;
  readonly #store: SourceFiles;

  constructor(deps: { readonly jobs: BigQueryJobs; readonly settings: GcpSettings; readonly clock: Clock; readonly store: SourceFiles }) {
    [this.#jobs, this.#settings, this.#clock, this.#store] = [deps.jobs, deps.settings, deps.clock, deps.store];
  }

  /** changed: the files are no longer those of the listing, or somebody dropped the table; list again. */
  async ensure(source: ReadableSource, files: readonly SourceFile[], table: string, signal: AbortSignal): Promise<'ready' | 'changed'> {
    const generations = digestOf(files.map(({ key, generation }) => [key, generation]));
    try {
      let found = await this.#get(table, signal);
      if (found?.labels?.floodgate_state === 'loaded') {
        await this.#renew(table, found, signal);
        return 'ready';
      }
      if (found === undefined) {
        if (files.length > maxUris)
          throw new WarehouseError(
            'source_unreadable',
            `source ${source.name}: ${files.length} files match ${describeFiles(source)}, and BigQuery loads ${maxUris} at once`,
            {
              hint: 'combine the files, or narrow the glob',
            },
          );
        await checkFiles(this.#store, source, files, signal);
        await this.#create(source, table, generations, signal);
        found = await this.#get(table, signal);
      }
      // Begun over other uploads, if of the same content: which of them its load has read, nobody knows.
      const isLoaded = found?.labels?.floodgate_files === generations && (await this.#load(source, files, table, String(found.creationTime), signal));
      const listed = isLoaded ? await listSource(source, (glob) => this.#store.list(glob, signal)) : undefined;
      const isSame = listed !== undefined && digestOf(listed.files.map(({ key, generation }) => [key, generation])) === generations;
      if (!isSame) {
        await this.#drop(table, signal);
        return 'changed';
      }
      await this.#patch(table, { labels: { ...labelsOf(generations), floodgate_state: 'loaded' } }, signal);
      return 'ready';
    } catch (error) {
      if (signal.aborted) throw error;
      // A file that was deleted or replaced since the listing, a table that somebody else has dropped for that reason.
      if ((error instanceof ObjectStoreError && error.code === 'not_found') || isNotFound(error)) return 'changed';
      throw error;
    }
  }

  async #get(table: string, signal: AbortSignal): Promise<MaybeResource> {
    try {
      return await this.#jobs.calls.call({ method: 'GET', uri: tableUri(table) }, signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /**
   * Partitioned by month and clustered by date: 4,000 partitions, as many as a job may write, are then 333 years and not 11, and
   * a read of some dates is pruned all the same.
   */
  async #create(source: Source, table: string, generations: string, signal: AbortSignal): Promise<void> {
    const resource = {
      tableReference: this.#reference(table),
      description: `Files of the source ${source.name}: ${describeFiles(source)}`,
      labels: labelsOf(generations),
      schema: schemaOf(source),
      timePartitioning: { type: 'MONTH', field: source.dateColumn },
      clustering: { fields: [source.dateColumn] },
      expirationTime: String(this.#clock.now() + lifeMs),
    };
    try {
      await this.#jobs.calls.call({ method: 'POST', uri: `/datasets/${datasetOf(table)}/tables`, json: resource }, signal);
    } catch (error) {
      // Somebody else was faster, or the answer of an earlier try was lost.
      if (!isDuplicate(error)) throw error;
    }
  }

  /** false: the table is gone or has used up its jobs. Throws what is wrong with the files. */
  async #load(source: ReadableSource, files: readonly SourceFile[], table: string, createdAt: string, signal: AbortSignal): Promise<boolean> {
    // An optional source without files: the table is as it should be.
    if (files.length === 0) return true;
    const configuration = this.#configuration(source, files, table);
    let tries = 0;
    for (let number = 1; number <= maxJobs; number += 1) {
      const { jobId, attached } = await this.#jobs.submit({ configuration }, jobName(`floodgate-${nameOf(table)}-${createdAt}`, number), signal);
      try {
        await this.#jobs.wait(jobId, signal);
        return true;
      } catch (error) {
        if (signal.aborted) throw error;
        const failure = toWarehouseError(error);
        const reason = readFailure(failure.cause).reason;
        // The table has rows already: an earlier job filled it.
        if (reason === 'duplicate') return true;
        if (reason === 'notFound' && failure.message.includes(nameOf(table))) return false;
        if (codesOfFiles.has(failure.code as WarehouseErrorCode)) throw explain(failure, source, files);
        // One that failed in somebody else's hands, or by what has been put right since, says nothing about the next.
        if (attached) continue;
        tries += 1;
        if (tries === triesOfCall || !transient.has(failure.code as WarehouseErrorCode)) throw failure;
        await this.#jobs.calls.pause(tries, signal);
      }
    }
    return false;
  }

  #configuration(source: ReadableSource, files: readonly SourceFile[], table: string): object {
    return {
      labels: { floodgate: 'source', source: source.name.toLowerCase() },
      jobTimeoutMs: String(loadTimeoutMs),
      load: {
        sourceUris: files.map(({ key }) => this.#store.locate(key)),
        sourceFormat: formats[source.format],
        schema: schemaOf(source),
        destinationTable: this.#reference(table),
        createDisposition: 'CREATE_NEVER',
        // All or nothing, and never twice.
        writeDisposition: 'WRITE_EMPTY',
        maxBadRecords: 0,
        // A declaration names the columns that a pipeline needs; files may have more.
        ignoreUnknownValues: true,
        ...(source.format === 'parquet' ? { parquetOptions: { enumAsString: true, enableListInference: true } } : {}),
        ...(source.format === 'csv' ? { skipLeadingRows: 1, allowQuotedNewlines: true, sourceColumnMatch: 'NAME' } : {}),
      },
    };
  }

  /** Whoever uses a table keeps it; several may say so at once, and each says the same. */
  async #renew(table: string, { expirationTime }: Resource, signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    if (Number(expirationTime ?? 0) - now > lifeMs / 2) return;
    await this.#patch(table, { expirationTime: String(now + lifeMs) }, signal);
  }

  async #patch(table: string, json: object, signal: AbortSignal): Promise<void> {
    await this.#jobs.calls.call({ method: 'PATCH', uri: tableUri(table), json }, signal);
  }

  async #drop(table: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#jobs.calls.call({ method: 'DELETE', uri: tableUri(table) }, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #reference(table: string): { readonly projectId: string; readonly datasetId: string; readonly tableId: string } {
    return { projectId: this.#settings.projectId, datasetId: datasetOf(table), tableId: nameOf(table) };
  }
}

/** `required` says that every file has the column, and nothing of its values. */
const schemaOf = ({ columns }: Source): { readonly fields: readonly Field[] } => ({
  fields: columns.map((column) => ({ ...fieldOf(column), ...(column.type.startsWith('ARRAY<') ? {} : { mode: 'NULLABLE' }) })),
});

const labelsOf = (generations: string): Readonly<Record<string, string>> => ({ floodgate: 'source', floodgate_files: generations });

const explain = (failure: Error, source: Source, files: readonly SourceFile[]): WarehouseError => {
  // Of two keys of which one begins the other, the longer is meant.
  const named = files.filter(({ key }) => failure.message.includes(key)).sort((a, b) => b.key.length - a.key.length)[0];
  const file = named?.key ?? (files.length === 1 ? files[0]?.key : undefined) ?? describeFiles(source);
  const cause = failure.cause instanceof BigQueryJobError ? failure.cause : failure;
  if (mismatchWords.test(failure.message)) return new WarehouseError('source_mismatch', `source ${source.name}, file ${file}: ${failure.message}`, { cause });
  return unreadable(source, file, failure.message, cause);
};
