// Rows and digest per date of sources and tables. A source's digests are kept in the database file for as long as its
// declaration and its files' etags are the same, so that a new process doesn't read millions of rows to learn nothing.
import { createHash } from 'node:crypto';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Column, Source } from '@floodgate/core/domain/pipeline.ts';
import { WarehouseError, type DateRange, type SourceDigest } from '@floodgate/core/ports/warehouse.ts';
import { deleteKeptDigests, insertKeptDigests, selectDigest, selectKeptDigests, sourceRelation } from '@floodgate/sql/duckdb/digest.ts';
import type { DuckDbSession } from './duckdb-session.ts';
import type { SourceCatalog } from './duckdb-sources.ts';
import { fromHashParts } from './duckdb-stage.ts';
import { dateValue } from './duckdb-values.ts';

type Digests = ReadonlyMap<PartitionDate, SourceDigest>;
/** `version` tells which file a date was read of, where every date has its own. */
type KeptDigests = ReadonlyMap<PartitionDate, SourceDigest & { readonly version?: string | undefined }>;

/** In the place of a version where every date has its own. */
const byDate = 'by date';

export const digestRelation = async (
  session: DuckDbSession,
  relation: string,
  dateColumn: string,
  columns: readonly Column[],
  range: DateRange,
): Promise<Digests> => {
  const rows = await session.rows(selectDigest(relation, dateColumn, columns), { first: dateValue(range.first), last: dateValue(range.last) });
  const dates = [...fromHashParts(rows)] as [PartitionDate, { rows: number; contentHash: string }][];
  return new Map(dates.sort(([a], [b]) => (a < b ? -1 : 1)).map(([date, { rows: count, contentHash }]) => [date, { digest: contentHash, rows: count }]));
};

/** All dates of a source are digested in one pass, so that ranges that follow cost nothing. */
const always = { first: '0001-01-01', last: '9999-12-31' } as DateRange;

export class SourceDigests {
  readonly #known = new Map<string, { readonly version: string; readonly digests: Digests }>();

  async read(sources: SourceCatalog, session: DuckDbSession, source: Source, range: DateRange): Promise<Digests> {
    const versions = await sources.versionsByDate(source);
    if (versions !== undefined) return readDated(sources, session, source, range, versions);
    const version = versionOf(await sources.versionOf(source), source);
    let known = this.#known.get(source.name);
    if (known?.version !== version) {
      const kept = await readKept(session, source.name, version);
      known = kept === undefined ? await digestFiles(sources, session, source) : { version, digests: kept };
      this.#known.set(source.name, known);
    }
    return new Map([...known.digests].filter(([date]) => date >= range.first && date <= range.last));
  }
}

/** Digests of files that hold one date each are kept one by one: a date that is landed costs its own reading, not that of all. */
const readDated = async (
  sources: SourceCatalog,
  session: DuckDbSession,
  source: Source,
  range: DateRange,
  files: ReadonlyMap<PartitionDate, string>,
): Promise<Digests> => {
  const versions = new Map([...files].map(([date, file]) => [date, versionOf(file, source)] as const));
  const kept = await readKept(session, source.name, byDate);
  const known = new Map([...(kept ?? [])].filter(([date, { version }]) => versions.get(date) === version));
  const wanted = [...versions.keys()].filter((date) => date >= range.first && date <= range.last).sort();
  const unknown = wanted.filter((date) => !known.has(date));
  const [first, last] = [unknown[0], unknown.at(-1)];
  if (first !== undefined && last !== undefined) {
    const lease = await sources.acquire(session, [source], true);
    try {
      const read = await digestRelation(session, sourceRelation(source.name), source.dateColumn, source.columns, { first, last });
      const after = await sources.versionsByDate(source);
      for (const date of unknown) {
        const file = after?.get(date);
        // A file that was replaced while it was read: what was read may be of either, and is not kept.
        const isSame = file !== undefined && versionOf(file, source) === versions.get(date);
        known.set(date, { ...(read.get(date) ?? { digest: '', rows: 0 }), version: isSame ? versions.get(date) : undefined });
      }
    } catch (error) {
      throw sources.explain(error, [source]);
    } finally {
      lease.release();
    }
    await keep(session, source.name, byDate, new Map([...known].filter(([, { version }]) => version !== undefined)));
  }
  return new Map(
    wanted.flatMap((date) => {
      const { digest, rows } = known.get(date) ?? { digest: '', rows: 0 };
      return rows === 0 ? [] : [[date, { digest, rows }] as const];
    }),
  );
};

/** What the digests depend on; `files` names every file with its etag. */
const versionOf = (files: string, source: Source): string =>
  createHash('sha256')
    .update(`${files}${JSON.stringify(source.columns)}`)
    .digest('hex');

const digestFiles = async (
  sources: SourceCatalog,
  session: DuckDbSession,
  source: Source,
): Promise<{ readonly version: string; readonly digests: Digests }> => {
  const lease = await sources.acquire(session, [source], true);
  try {
    const version = versionOf(lease.version, source);
    const digests = await digestRelation(session, sourceRelation(source.name), source.dateColumn, source.columns, always);
    // A file that was replaced while it was read: what was read may be of either.
    if (versionOf(await sources.versionOf(source), source) === version) await keep(session, source.name, version, digests);
    return { version, digests };
  } catch (error) {
    throw sources.explain(error, [source]);
  } finally {
    lease.release();
  }
};

const readKept = async (session: DuckDbSession, source: string, version: string): Promise<KeptDigests | undefined> => {
  const [row] = await session.rows(selectKeptDigests(), { source, version });
  if (!row) return undefined;
  const entries = JSON.parse(String(row[0])) as readonly (readonly [PartitionDate, number, string, string?])[];
  return new Map(entries.map(([date, rows, digest, file]) => [date, { digest, rows, ...(file === undefined ? {} : { version: file }) }]));
};

const keep = async (session: DuckDbSession, source: string, version: string, digests: KeptDigests): Promise<void> => {
  try {
    await session.transaction(async () => {
      await session.run(deleteKeptDigests(), { source });
      await session.run(insertKeptDigests(), {
        source,
        version,
        digests: JSON.stringify([...digests].map(([date, { rows, digest, version: file }]) => [date, rows, digest, ...(file === undefined ? [] : [file])])),
      });
    });
  } catch (error) {
    // Another call keeps the same digests at this moment: theirs are as good.
    if (!(error instanceof WarehouseError) || error.code !== 'transaction_conflict') throw error;
  }
};
