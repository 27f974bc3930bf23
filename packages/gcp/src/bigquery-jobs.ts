// Jobs of BigQuery under ids of ours. Invariants: a job is submitted under one id however often the call is repeated (409:
// it is there already, we attach); whoever gives a job up has cancelled it; a lost answer is followed by asking for the job.
import { createHash } from 'node:crypto';
import type { BigQuery } from '@google-cloud/bigquery';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { Ids } from '@floodgate/core/ports/ids.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { WarehouseError, type JobLabels } from '@floodgate/core/ports/warehouse.ts';
import { BigQueryCalls, cancelled, type Call, type MaybeResource, type Resource } from './bigquery-client.ts';
import { BigQueryJobError, isDuplicate, isNotFound, isTransient, toWarehouseError } from './bigquery-errors.ts';
import type { GcpSettings } from './settings.ts';
import { rowOf, toQueryParameter, typeName, type Field, type Param, type WireRow } from './bigquery-values.ts';

export type Destination = { readonly dataset: string; readonly table: string; readonly clustering?: readonly string[] };
export type Priority = 'batch' | 'interactive';

type JobOptions = {
  /** One of nobody else unless given. */
  readonly jobId?: string;
  readonly labels?: JobLabels;
  /** BigQuery ends the job after this long. */
  readonly timeoutMs?: number;
};

export type QueryRequest = JobOptions & {
  readonly sql: string;
  readonly params?: Readonly<Record<string, Param>>;
  /** A table that is replaced by the result. */
  readonly destination?: Destination;
  readonly priority?: Priority;
  /** Rows that come back; all unless said otherwise. */
  readonly maxRows?: number;
  /** The SQL was accepted by a dry run: what BigQuery complains of while it runs lies in the data. */
  readonly analyzed?: boolean;
};

export type Column = { readonly name: string; readonly type: string };
export type QueryAnswer = {
  readonly jobId: string;
  readonly columns: readonly Column[];
  readonly rows: readonly JsonObject[];
  /** Of DML. */
  readonly affectedRows: number | undefined;
  readonly bytes: number;
};
export type DryRun = { readonly columns: readonly Column[]; readonly bytes: number; readonly statementType: string };

export type LoadRequest = JobOptions & {
  readonly jobId: string;
  readonly destination: Destination;
  readonly format: 'PARQUET' | 'CSV' | 'NEWLINE_DELIMITED_JSON';
  readonly schema: readonly Field[];
  /** Replaces the table unless told to add to it. */
  readonly append?: boolean;
  readonly csv?: { readonly skipLeadingRows: number; readonly nullMarker?: string; readonly allowQuotedNewlines?: boolean };
} & ({ readonly uris: readonly string[] } | { readonly content: Buffer });

export type Submitted = { readonly jobId: string; readonly attached: boolean; readonly resource: Resource };

const pollMs = { first: 20, most: 2_000 };
/** How long one request waits for a job's end; less than the client's timeout. */
const longPollMs = 10_000;
const defaultTimeoutMs = 6 * 3_600_000;
const maxPageRows = 10_000;
/** A cancelled job usually ends within seconds; whoever gave it up doesn't wait longer, a service that was told to stop least of all. */
const cancelWaitMs = 2_000;
const readTries = 3;
const resultTries = 6;

/** https://docs.cloud.google.com/bigquery/docs/labels-intro#requirements: keys begin with a letter, 63 characters. */
export const toLabels = (labels: JobLabels | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(labels ?? {}).map(([key, value]) => {
      const clean = (word: string): string =>
        word
          .toLowerCase()
          .replace(/[^\p{Ll}\p{Lo}\p{N}_-]/gu, '_')
          .slice(0, 63);
      return [clean(/^\p{L}/u.test(key) ? key : `l_${key}`), clean(value)];
    }),
  );

/** Ids of jobs take letters, digits, _ and -, up to 1,024. */
export const toJobId = (id: string): string => {
  const clean = id.replace(/[^A-Za-z0-9_-]/g, '_');
  const hash = (): string => createHash('sha256').update(id).digest('hex').slice(0, 16);
  return clean === id && id.length <= 1000 ? id : `${clean.slice(0, 900)}_${hash()}`;
};

/** Of 40 characters: whether a job that has our id is the one that we would submit. */
export const digestOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 40);

export class BigQueryJobs {
  readonly calls: BigQueryCalls;
  readonly #settings: GcpSettings;
  readonly #clock: Clock;
  readonly #ids: Ids;
  constructor(client: BigQuery, settings: GcpSettings, { clock, ids }: { readonly clock: Clock; readonly ids: Ids }) {
    this.calls = new BigQueryCalls(client, settings, clock, ids);
    this.#settings = settings;
    this.#clock = clock;
    this.#ids = ids;
  }

  /** A query, DML or script to its end. One without an id, that only reads, is tried again where BigQuery failed. */
  async query(request: QueryRequest, signal: AbortSignal): Promise<QueryAnswer> {
    const isRead = request.jobId === undefined && request.destination === undefined && /^\s*(SELECT|WITH|\()/i.test(request.sql);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { jobId } = await this.submitQuery(request, signal);
        return await this.results(jobId, request, signal);
      } catch (error) {
        const again =
          error instanceof WarehouseError && (error.code === 'unavailable' || error.code === 'rate_limited') && error.cause instanceof BigQueryJobError;
        if (!isRead || !again || attempt === readTries || signal.aborted) throw error;
        await this.calls.pause(attempt, signal);
      }
    }
  }

  /** What a statement would yield and read. Costs nothing; a script can't be asked. */
  async dryRun(request: QueryRequest, signal: AbortSignal): Promise<DryRun> {
    const { configuration } = this.#queryConfiguration(request);
    const { maximumBytesBilled: _, ...query } = configuration.query as Record<string, unknown>;
    const body = { configuration: { ...configuration, query, dryRun: true }, jobReference: this.#reference(undefined) };
    const { statistics } = await this.calls.call({ method: 'POST', uri: '/jobs', json: body }, signal);
    const fields: readonly Field[] = statistics.query.schema?.fields ?? [];
    return {
      columns: fields.map((field) => ({ name: field.name, type: typeName(field) })),
      bytes: Number(statistics.totalBytesProcessed ?? 0),
      statementType: String(statistics.query.statementType ?? ''),
    };
  }

  submitQuery(request: QueryRequest, signal: AbortSignal): Promise<Submitted> {
    return this.submit(this.#queryConfiguration(request), request.jobId, signal);
  }

  /** Loads files or content into a table. Resolves with the rows that were written. */
  async load(request: LoadRequest, signal: AbortSignal): Promise<{ readonly jobId: string; readonly rows: number }> {
    const { jobId } = await this.submit(
      {
        configuration: {
          labels: toLabels({ floodgate: 'load', ...request.labels }),
          jobTimeoutMs: String(request.timeoutMs ?? defaultTimeoutMs),
          load: {
            ...('uris' in request ? { sourceUris: request.uris } : {}),
            sourceFormat: request.format,
            schema: { fields: request.schema },
            ...this.#destination(request.destination),
            writeDisposition: request.append === true ? 'WRITE_APPEND' : 'WRITE_TRUNCATE',
            maxBadRecords: 0,
            ...(request.csv === undefined ? {} : request.csv),
          },
        },
      },
      request.jobId,
      signal,
      'content' in request ? request.content : undefined,
    );
    const done = await this.wait(jobId, signal);
    return { jobId, rows: Number(done.statistics?.load?.outputRows ?? 0) };
  }

  /** Resolves once BigQuery has the job. A lost answer is no matter: the same id is sent again, and 409 says that it arrived. */
  async submit(body: { readonly configuration: object }, jobId: string | undefined, signal: AbortSignal, content?: Buffer): Promise<Submitted> {
    const reference = this.#reference(jobId);
    const job = { ...body, jobReference: reference };
    const call: Call =
      content === undefined
        ? { method: 'POST', uri: '/jobs', json: job }
        : {
            method: 'POST',
            uri: this.calls.uploadUri(),
            qs: { uploadType: 'multipart' },
            multipart: [
              { 'Content-Type': 'application/json; charset=UTF-8', body: JSON.stringify(job) },
              { 'Content-Type': 'application/octet-stream', body: content },
            ],
          };
    try {
      const answer = await this.calls.call(call, signal);
      return { jobId: reference.jobId, attached: false, resource: typeof answer === 'string' ? JSON.parse(answer) : answer };
    } catch (error) {
      if (isDuplicate(error)) return { jobId: reference.jobId, attached: true, resource: await this.get(reference.jobId, signal) };
      // Given up while the request was under way: it may have arrived.
      if (signal.aborted) await this.#giveUp(reference.jobId);
      throw error;
    }
  }

  /** The job as BigQuery has it; undefined: it has none of this id. */
  async find(jobId: string, signal: AbortSignal): Promise<MaybeResource> {
    try {
      return await this.get(jobId, signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  get(jobId: string, signal: AbortSignal): Promise<Resource> {
    return this.calls.call({ method: 'GET', uri: `/jobs/${jobId}`, qs: this.#where() }, signal);
  }

  /** Asks for it and waits a while for the end, so that the job writes nothing any more. One that has ended or is unknown is left as it is. */
  async cancel(jobId: string, signal: AbortSignal): Promise<void> {
    try {
      await this.calls.call({ method: 'POST', uri: `/jobs/${jobId}/cancel`, qs: this.#where() }, signal);
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    const until = this.#clock.now() + cancelWaitMs;
    for (let delayMs = pollMs.first; this.#clock.now() < until; delayMs = Math.min(delayMs * 2, 500)) {
      if ((await this.get(jobId, signal)).status.state === 'DONE') return;
      await this.#clock.sleep(delayMs, signal);
    }
  }

  /** Waits for the end. Throws the job's error as ours; where the signal is aborted the job is cancelled. */
  async wait(jobId: string, signal: AbortSignal, analyzed = false): Promise<Resource> {
    try {
      for (let delayMs = pollMs.first; ; delayMs = Math.min(delayMs * 1.5, pollMs.most)) {
        const job = await this.get(jobId, signal);
        if (job.status.state === 'DONE') {
          if (job.status.errorResult !== undefined) throw toWarehouseError(new BigQueryJobError(jobId, job.status.errorResult, analyzed));
          return job;
        }
        await this.#clock.sleep(delayMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      await this.#giveUp(jobId);
      throw cancelled(signal);
    }
  }

  /** Waits for the end of a query, DML or script and reads its rows: of a script, those of its last SELECT. */
  async results(jobId: string, options: { readonly maxRows?: number; readonly analyzed?: boolean }, signal: AbortSignal): Promise<QueryAnswer> {
    const maxRows = options.maxRows ?? Number.POSITIVE_INFINITY;
    const rows: JsonObject[] = [];
    let pageToken: string | undefined;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const qs = {
          ...this.#where(),
          timeoutMs: longPollMs,
          maxResults: Math.min(maxPageRows, maxRows - rows.length),
          'formatOptions.useInt64Timestamp': true,
          ...(pageToken === undefined ? {} : { pageToken }),
        };
        const page = await this.calls.once({ method: 'GET', uri: `/queries/${jobId}`, qs }, signal);
        attempt = 0;
        if (page.jobComplete !== true) continue;
        const fields: readonly Field[] = page.schema?.fields ?? [];
        for (const row of (page.rows ?? []) as readonly WireRow[]) rows.push(rowOf(fields, row));
        pageToken = page.pageToken;
        if (pageToken !== undefined && rows.length < maxRows) continue;
        return {
          jobId,
          columns: fields.map((field) => ({ name: field.name, type: typeName(field) })),
          rows,
          affectedRows: page.numDmlAffectedRows === undefined ? undefined : Number(page.numDmlAffectedRows),
          bytes: Number(page.totalBytesProcessed ?? 0),
        };
      } catch (error) {
        if (signal.aborted) {
          await this.#giveUp(jobId);
          throw cancelled(signal);
        }
        // This call answers with the job's own error as it does with one about itself; only the job tells which it was.
        await this.wait(jobId, signal, options.analyzed);
        if (attempt >= resultTries || !isTransient(error)) throw toWarehouseError(error);
        await this.calls.pause(attempt, signal);
      }
    }
  }

  /** Nobody waits for the job any more: it costs money, and may write. */
  async #giveUp(jobId: string): Promise<void> {
    const patience = new AbortController();
    const ended = new AbortController();
    this.#clock.sleep(cancelWaitMs * 2, ended.signal).then(
      () => patience.abort(new Error(`the job did not end within ${cancelWaitMs * 2} ms`)),
      () => undefined,
    );
    try {
      await this.cancel(jobId, patience.signal);
    } catch (error) {
      throw new WarehouseError('cancelled', `the call was cancelled, but its job ${jobId} could not be: ${(error as Error).message}`, { cause: error });
    } finally {
      ended.abort();
    }
  }

  #reference(jobId: string | undefined): { readonly jobId: string; readonly projectId: string; readonly location: string } {
    return { jobId: toJobId(jobId ?? `floodgate_${this.#ids.newId()}`), projectId: this.#settings.projectId, location: this.#settings.location };
  }

  #where(): { readonly location: string } {
    return { location: this.#settings.location };
  }

  #destination({ dataset, table, clustering }: Destination): object {
    return {
      destinationTable: { projectId: this.#settings.projectId, datasetId: dataset, tableId: table },
      createDisposition: 'CREATE_IF_NEEDED',
      ...(clustering === undefined || clustering.length === 0 ? {} : { clustering: { fields: clustering } }),
    };
  }

  #queryConfiguration(request: QueryRequest): { readonly configuration: Record<string, unknown> } {
    const { maximumBytesBilled } = this.#settings;
    const params = Object.entries(request.params ?? {}).map(([name, param]) => toQueryParameter(name, param));
    return {
      configuration: {
        // Every job has this one, so that all that Floodgate costs is found by it.
        labels: toLabels({ floodgate: 'query', ...request.labels }),
        jobTimeoutMs: String(request.timeoutMs ?? defaultTimeoutMs),
        query: {
          query: request.sql,
          useLegacySql: false,
          priority: (request.priority ?? 'interactive').toUpperCase(),
          ...(params.length === 0 ? {} : { parameterMode: 'NAMED', queryParameters: params }),
          ...(maximumBytesBilled === undefined ? {} : { maximumBytesBilled: String(maximumBytesBilled) }),
          ...(request.destination === undefined ? {} : { ...this.#destination(request.destination), writeDisposition: 'WRITE_TRUNCATE' }),
        },
      },
    };
  }
}
