// Declared sources as tables of BigQuery: `source.<name>` in a statement becomes a table of the staging dataset that holds the
// source's files as they are now. Invariants: a table is named by declaration and etags and never changes once it is used; it is
// used only after a listing has shown that its files were the same before and after they were loaded; any number of processes
// load it once.
//
// A table begins empty, with its expiry and the generations of the files that shall be in it. One load job fills it, under an id
// that belongs to this very table, and a label says at last that it is what its name says. Whoever dies in between leaves an empty
// or unlabelled table, with which the next one goes on; one that nobody needs any more expires.
import type { Source } from '@floodgate/core/domain/pipeline.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import { describeFiles, listSource, type ListedSource } from '@floodgate/core/domain/source-files.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import { ObjectStoreError } from '@floodgate/core/ports/object-store.ts';
import { checkListing } from '@floodgate/core/ports/source-listing.ts';
import { WarehouseError, type DateRange, type SourceDigest } from '@floodgate/core/ports/warehouse.ts';
import { findTables, rewriteTables } from '@floodgate/sql/googlesql/rewrite-tables.ts';
import { cancelled } from './bigquery-client.ts';
import type { ResolveSources } from './bigquery-context.ts';
import { digestRelation } from './bigquery-digest.ts';
import { digestOf, type BigQueryJobs } from './bigquery-jobs.ts';
import { SourceLoader, type SourceFile } from './bigquery-source-load.ts';
import type { GcpSettings } from './settings.ts';
import { SharedWork } from './shared-work.ts';
import type { SourceFiles } from './source-files.ts';

/** Files are listed again after this long; digestSource always lists. */
const relistAfterMs = 1_000;
/** A table that is known to be there is looked at again after this long: it is renewed then, or made anew where somebody dropped it. */
const recheckAfterMs = 60_000;
const loadTries = 5;
const keptResultsMs = 12 * 3_600_000;

type Digests = ReadonlyMap<PartitionDate, SourceDigest>;
type Acquired = { readonly table: string; readonly version: string };

export type SourceTablesOptions = {
  readonly jobs: BigQueryJobs;
  readonly settings: GcpSettings;
  readonly clock: Clock;
  /** undefined: every source is missing. */
  readonly store: SourceFiles | undefined;
};

export class SourceTables {
  readonly #jobs: BigQueryJobs;
  readonly #dataset: string;
  readonly #clock: Clock;
  readonly #store: SourceFiles | undefined;
  readonly #loader: SourceLoader | undefined;
  readonly #work = new SharedWork();
  readonly #listings = new Map<string, { readonly listedAt: number; readonly listed: ListedSource<SourceFile> }>();
  readonly #readyAt = new Map<string, number>();
  readonly #digests = new Map<string, { readonly version: string; readonly digests: Digests }>();

  constructor({ jobs, settings, clock, store }: SourceTablesOptions) {
    [this.#jobs, this.#dataset, this.#clock, this.#store] = [jobs, settings.stagingDataset, clock, store];
    this.#loader = store === undefined ? undefined : new SourceLoader({ jobs, settings, clock, store });
  }

  /** The statement over tables that hold the sources' files as they are now, and what tells one state of them from another. */
  readonly resolveSources: ResolveSources = (sql, sources, signal) =>
    told(signal, async () => {
      const wanted = sourcesIn(sql, sources);
      if (wanted.length === 0) return { sql, version: '' };
      const acquired = await Promise.all(wanted.map((source) => this.#acquire(source, false, signal)));
      const tables = new Map(wanted.map(({ name }, index) => [`source.${name}`.toLowerCase(), acquired[index]?.table]));
      return { sql: rewriteTables(sql, (table) => tables.get(table.toLowerCase())), version: digestOf(acquired.map(({ version }) => version)) };
    });

  /** Rows and content hash of each date. All dates are digested in one pass, so that ranges that follow cost nothing. */
  digestSource(source: Source, range: DateRange, signal: AbortSignal): Promise<Digests> {
    return told(signal, async () => {
      const { table, version: files } = await this.#acquire(source, true, signal);
      const version = digestOf([files, source.columns]);
      let known = this.#digests.get(source.name);
      if (known?.version !== version) {
        const digests = await this.#work.run(`digest ${source.name} ${version}`, signal, (given) => this.#digest(source, table, version, given));
        known = { version, digests };
        this.#digests.set(source.name, known);
      }
      return new Map([...known.digests].filter(([date]) => date >= range.first && date <= range.last));
    });
  }

  /**
   * The whole source is read once for all processes: the query has an id that follows from what it reads, and BigQuery keeps the
   * results of a job for a day (https://docs.cloud.google.com/bigquery/docs/cached-results), half of which is used.
   */
  async #digest(source: Source, table: string, version: string, signal: AbortSignal): Promise<Digests> {
    const jobId = `floodgate_digest_${version}_${Math.floor(this.#clock.now() / keptResultsMs)}`;
    const read = (id?: string): Promise<Digests> => digestRelation(this.#jobs, table, source.dateColumn, source.columns, undefined, signal, id);
    try {
      return await read(jobId);
    } catch (error) {
      // The job failed or was given up by somebody else, or its results are gone: asked for ourselves.
      if (signal.aborted) throw error;
      return read();
    }
  }

  async #acquire(source: Source, fresh: boolean, signal: AbortSignal): Promise<Acquired> {
    for (let attempt = 1; attempt <= loadTries; attempt += 1) {
      const { files, format } = await this.#list(source, fresh || attempt > 1, signal);
      const version = versionOf({ ...source, format }, (this.#store as SourceFiles).locate(source.name), files);
      const table = `${this.#dataset}.source_${source.name}_${version}`;
      const readyAt = this.#readyAt.get(table);
      if (readyAt !== undefined && this.#clock.now() - readyAt < recheckAfterMs) return { table, version };
      const outcome = await this.#work.run(table, signal, (given) => (this.#loader as SourceLoader).ensure({ ...source, format }, files, table, given));
      if (outcome === 'ready') {
        this.#readyAt.set(table, this.#clock.now());
        return { table, version };
      }
      this.#readyAt.delete(table);
    }
    throw new WarehouseError('unavailable', `source ${source.name}: its files were replaced again and again while they were loaded`, {
      hint: 'write each file once, under its final name',
    });
  }

  async #list(source: Source, fresh: boolean, signal: AbortSignal): Promise<ListedSource<SourceFile>> {
    const store = this.#store;
    if (store === undefined)
      throw new WarehouseError('source_missing', `source ${source.name}: no bucket is named, so that ${describeFiles(source)} can't be read`, {
        hint: 'set FLOODGATE_GCP_BUCKET to the bucket of the sources’ files',
      });
    const name = describeFiles(source);
    const known = this.#listings.get(name);
    const listedAt = this.#clock.now();
    if (!fresh && known !== undefined && listedAt - known.listedAt < relistAfterMs) return known.listed;
    // A listing that began before a fresh one was asked for may miss what was written before that.
    const list = (given: AbortSignal): Promise<ListedSource<SourceFile>> => listSource(source, (glob) => store.list(glob, given));
    const listed = fresh ? await list(signal) : await this.#work.run(`list ${name}`, signal, list);
    this.#listings.set(name, { listedAt, listed });
    return checkListing(source, listed, (pattern) => store.locate('_').slice(0, -1) + pattern);
  }
}

/** Errors of the object store and of given up calls in the words of the warehouse's port. */
const told = async <Result>(signal: AbortSignal, call: () => Promise<Result>): Promise<Result> => {
  try {
    return await call();
  } catch (error) {
    if (signal.aborted) throw cancelled(signal);
    if (!(error instanceof ObjectStoreError)) throw error;
    throw new WarehouseError('unavailable', error.message, { cause: error, ...(error.hint === undefined ? {} : { hint: error.hint }) });
  }
};

/** `place` tells one bucket from another. */
const versionOf = ({ files: patterns, format, dateColumn, columns }: Source, place: string, files: readonly SourceFile[]): string =>
  digestOf([
    place,
    patterns.length === 1 ? patterns[0] : patterns,
    format,
    dateColumn,
    columns.map(({ name, type, required }) => [name, type, required]),
    files.map(({ key, etag }) => [key, etag]),
  ]).slice(0, 24);

/**
 * The sources that a statement reads: callers pass all that a pipeline declares, and one that a statement doesn't name must not
 * fail it by being absent.
 */
const sourcesIn = (sql: string, sources: readonly Source[]): readonly Source[] => {
  if (sources.length === 0 || !/\bsource`?\s*\.\s*`?\w/i.test(sql)) return [];
  const found = findTables(sql);
  if (!found.ok) throw new WarehouseError('invalid_sql', `the SQL can't be read to find its sources: ${found.message}`);
  const tables = new Set(found.tables.map((table) => table.toLowerCase()));
  return sources.filter(({ name }) => tables.has(`source.${name}`.toLowerCase()));
};
