// Declared sources as `source.<name>`. Small ones are tables in memory, ordered by date, since a read of one date from
// Parquet costs several times that of a table; large ones are views over their files. So are those whose files have dates in
// their names: a read of some dates opens the files of those dates alone. Invariant: what a name stands for changes only while
// no call that asked for another definition uses it, and always when the files' etags change.
import type { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Source } from '@floodgate/core/domain/pipeline.ts';
import { formatOfFile, listSource, type ListedSource } from '@floodgate/core/domain/source-files.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { ObjectInfo, ObjectStore } from '@floodgate/core/ports/object-store.ts';
import { checkListing } from '@floodgate/core/ports/source-listing.ts';
import { WarehouseError } from '@floodgate/core/ports/warehouse.ts';
import {
  compressSources,
  createEmptySource,
  createSourceTable,
  createSourceView,
  describeCsv,
  describeParquet,
  dropSourceTable,
  dropSourceView,
  type ReadableSource,
  type SourceColumn,
} from '@floodgate/sql/duckdb/digest.ts';
import { declaredType } from '@floodgate/sql/duckdb/names.ts';
import { acceptsInFile } from './duckdb-coercion.ts';
import type { DuckDbSession } from './duckdb-session.ts';
import { toWarehouseError } from './duckdb-errors.ts';

/** Files are listed again after this long; digestSource always lists. */
const relistAfterMs = 1000;

export type SourceLease = { /** Changes when a definition or a file does. */ readonly version: string; release(): void };

type Installed = { readonly definition: string; etags: string; kind: 'TABLE' | 'VIEW' | 'none'; listedAt: number; users: number };

export class SourceCatalog {
  readonly #store: ObjectStore | undefined;
  readonly #clock: Clock;
  readonly #maxTableBytes: number;
  readonly #installed = new Map<string, Installed>();
  readonly #turns = new Map<string, Promise<unknown>>();
  #idle: (() => void)[] = [];

  constructor(store: ObjectStore | undefined, clock: Clock, maxTableBytes: number) {
    this.#store = store;
    this.#clock = clock;
    this.#maxTableBytes = maxTableBytes;
  }

  /** Makes every `source.<name>` what is declared. `fresh`: whatever happened a moment ago, list the files. */
  async acquire(session: DuckDbSession, sources: readonly Source[], fresh = false): Promise<SourceLease> {
    const held: Installed[] = [];
    const release = (): void => {
      for (const entry of held.splice(0)) entry.users -= 1;
      for (const wake of this.#idle.splice(0)) wake();
    };
    try {
      // In one order for all, so that two calls can't wait for each other.
      for (const source of [...sources].sort((a, b) => (a.name < b.name ? -1 : 1)))
        held.push(await this.#inTurn(source.name, () => this.#ensure(session, source, fresh)));
    } catch (error) {
      release();
      throw error;
    }
    return { version: held.map(({ definition, etags }) => `${definition}@${etags}`).join(), release };
  }

  /** The version that a lease on the source has while its files are these; lists them and reads nothing. */
  async versionOf(source: Source): Promise<string> {
    return `${definitionOf(source)}@${etagsOf((await this.#list(source)).files)}`;
  }

  /** The same for each date where the names of the files say which date they hold; undefined where they don't. */
  async versionsByDate(source: Source): Promise<ReadonlyMap<PartitionDate, string> | undefined> {
    const { files, dates } = await this.#list(source);
    if (dates === undefined) return undefined;
    const filesOf = new Map<PartitionDate, ObjectInfo[]>();
    for (const [index, date] of dates.entries()) filesOf.set(date, [...(filesOf.get(date) ?? []), files[index] as ObjectInfo]);
    return new Map([...filesOf].map(([date, infos]) => [date, `${definitionOf(source)}@${etagsOf(infos)}`]));
  }

  /** An error that names a file of a source is told as one of that source. */
  explain(error: unknown, sources: readonly Source[]): FloodgateError {
    const known = toWarehouseError(error);
    if (known.code === 'cancelled' || known.code === 'contract_broken') return known;
    for (const source of sources) {
      const file = this.#fileIn(known.message, source);
      if (file === undefined) continue;
      if (/convert|cast|transform/i.test(known.message))
        return new WarehouseError('source_mismatch', `source ${source.name}, file ${file}: ${known.message}`, { cause: error });
      return unreadable(source, file, error);
    }
    return known;
  }

  #fileIn(message: string, source: Source): string | undefined {
    for (const pattern of source.files) {
      const folder = this.#locateGlob(pattern).replace(/[^/]*$/, '');
      const [, after] = folder === '' ? [] : message.split(folder);
      if (after !== undefined) return after.split(/["'\s,)]/)[0];
    }
    return undefined;
  }

  async #inTurn<T>(name: string, body: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(name) ?? Promise.resolve();
    const turn = before.then(body, body);
    this.#turns.set(
      name,
      turn.catch(() => undefined),
    );
    return turn;
  }

  async #ensure(session: DuckDbSession, source: Source, fresh: boolean): Promise<Installed> {
    const definition = definitionOf(source);
    const known = this.#installed.get(source.name);
    if (known?.definition === definition && !fresh && this.#clock.now() - known.listedAt < relistAfterMs) {
      known.users += 1;
      return known;
    }
    const listedAt = this.#clock.now();
    const listed = await this.#list(source);
    const etags = etagsOf(listed.files);
    if (known?.definition === definition && known.etags === etags) {
      known.listedAt = listedAt;
      known.users += 1;
      return known;
    }
    while (known && known.definition !== definition && known.users > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    const kind = await this.#install(session, source, listed, known?.kind ?? 'none');
    const entry: Installed = { definition, etags, kind, listedAt, users: 1 };
    this.#installed.set(source.name, entry);
    return entry;
  }

  async #list(source: Source): Promise<ListedSource<ObjectInfo>> {
    const store = this.#store;
    if (!store && !source.optional) throw new WarehouseError('source_missing', `source ${source.name}: the warehouse was opened without a folder of sources`);
    const listed = await listSource(source, (glob) => store?.list(glob) ?? Promise.resolve([]));
    return checkListing(source, listed, (pattern) => this.#locateGlob(pattern));
  }

  async #install(session: DuckDbSession, declared: Source, listed: ListedSource<ObjectInfo>, before: Installed['kind']): Promise<'TABLE' | 'VIEW'> {
    const { files: infos, dates } = listed;
    const source = { ...declared, format: listed.format };
    const files = infos.map(({ key }) => this.#locate(key));
    const columns = infos.length === 0 ? [] : await this.#check(session, source, files, infos);
    const isSmall = infos.reduce((sum, { bytes }) => sum + bytes, 0) <= this.#maxTableBytes;
    const kind = dates === undefined && infos.length > 0 && isSmall ? 'TABLE' : 'VIEW';
    try {
      if (before !== kind && before !== 'none') await session.run(before === 'TABLE' ? dropSourceTable(source.name) : dropSourceView(source.name));
      if (infos.length === 0) await session.run(createEmptySource(source, source.name));
      else if (kind === 'TABLE') await session.run(createSourceTable(source, source.name, files, columns));
      else await session.run(createSourceView(source, source.name, files, columns, dates !== undefined));
      // Compresses it: 887 MB of play-by-play became 95 MB. Refused while others read a source, and then it is only larger.
      if (kind === 'TABLE') await session.run(compressSources()).catch(() => undefined);
    } catch (error) {
      this.#installed.delete(source.name);
      throw this.explain(error, [source]);
    }
    return kind;
  }

  /** Holds every file's columns against the declaration; names file and column of what differs. */
  async #check(session: DuckDbSession, source: ReadableSource, files: readonly string[], infos: readonly ObjectInfo[]): Promise<readonly SourceColumn[]> {
    if (source.format === 'ndjson') return source.columns.map((column) => ({ column, present: true }));
    const present = new Set<string>();
    const problems: string[] = [];
    for (const [index, file] of files.entries()) {
      const key = infos[index]?.key ?? file;
      const found = await this.#describe(session, source, file, key);
      for (const column of source.columns) {
        const type = found.get(column.name);
        if (type !== undefined) present.add(column.name);
        if (type === undefined && column.required) problems.push(`${key}: ${column.name} is missing, declared ${column.type} required`);
        if (type !== undefined && source.format === 'parquet' && !acceptsInFile(column.type, type))
          problems.push(`${key}: ${column.name} is ${declaredType(type)}, declared ${column.type}`);
      }
    }
    for (const column of source.columns) {
      if (!column.required && !present.has(column.name)) problems.push(`${column.name} is in no file, declared ${column.type}`);
    }
    if (problems.length > 0) throw new WarehouseError('source_mismatch', `source ${source.name} is not as declared:\n  ${problems.join('\n  ')}`);
    return source.columns.map((column) => ({ column, present: present.has(column.name) }));
  }

  async #describe(session: DuckDbSession, source: ReadableSource, file: string, key: string): Promise<ReadonlyMap<string, string>> {
    try {
      const rows = await session.rows(source.format === 'parquet' ? describeParquet(file) : describeCsv(file));
      return new Map(rows.map(([name, type]) => [String(name), String(type)]));
    } catch (error) {
      if (toWarehouseError(error).code === 'cancelled') throw error;
      throw unreadable(source, key, error);
    }
  }

  #locate(key: string): string {
    return this.#store?.locate(key) ?? key;
  }

  /** Folder and glob, for people; a store need not locate a glob. */
  #locateGlob(glob: string): string {
    const folder = this.#locate('_').slice(0, -1);
    return `${folder}${glob}`;
  }
}

const definitionOf = ({ files, format, dateColumn, columns }: Source): string =>
  JSON.stringify([files, format ?? null, dateColumn, columns.map(({ name, type, required }) => [name, type, required])]);

const etagsOf = (files: readonly ObjectInfo[]): string => files.map(({ key, etag }) => `${key}:${etag}`).join('\n');

const unreadable = (source: Source, file: string, error: unknown): WarehouseError =>
  new WarehouseError(
    'source_unreadable',
    `source ${source.name}: ${file} can't be read as ${source.format ?? formatOfFile(file)}: ${toWarehouseError(error).message}`,
    {
      cause: error,
      hint: `the file is damaged or was copied only in part: replace ${file}, then replay`,
    },
  );

/**
 * The sources that a statement may read: callers pass all that a pipeline declares, and one that a statement doesn't
 * name must not fail it by being absent.
 */
export const sourcesIn = (sql: readonly string[], sources: readonly Source[]): readonly Source[] =>
  sources.filter(({ name }) => {
    const pattern = new RegExp(`\\bsource[\`"]?\\s*\\.\\s*[\`"]?${name.replaceAll(/[^\w]/g, '\\$&')}\\b`, 'i');
    return sql.some((text) => pattern.test(text));
  });
