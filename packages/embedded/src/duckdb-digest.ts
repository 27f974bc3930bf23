// Rows and digest per date of sources and tables. A source's digests are kept for as long as its files are the same.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Column, Source } from '@floodgate/core/domain/pipeline.ts';
import type { DateRange, SourceDigest } from '@floodgate/core/ports/warehouse.ts';
import { selectDigest, sourceRelation } from '@floodgate/sql/duckdb/digest.ts';
import type { DuckDbSession } from './duckdb-connections.ts';
import type { SourceCatalog } from './duckdb-sources.ts';
import { fromHashParts } from './duckdb-stage.ts';
import { dateValue } from './duckdb-values.ts';

type Digests = ReadonlyMap<PartitionDate, SourceDigest>;

export const digestRelation = async (session: DuckDbSession, relation: string, dateColumn: string, columns: readonly Column[], range: DateRange): Promise<Digests> => {
  const rows = await session.rows(selectDigest(relation, dateColumn, columns), { first: dateValue(range.first), last: dateValue(range.last) });
  const dates = [...fromHashParts(rows)] as [PartitionDate, { rows: number; contentHash: string }][];
  return new Map(dates.sort(([a], [b]) => (a < b ? -1 : 1)).map(([date, { rows: count, contentHash }]) => [date, { digest: contentHash, rows: count }]));
};

/** All dates of a source are digested in one pass, so that ranges that follow cost nothing. */
const always = { first: '0001-01-01', last: '9999-12-31' } as DateRange;

export class SourceDigests {
  readonly #known = new Map<string, { readonly version: string; readonly digests: Digests }>();

  async read(sources: SourceCatalog, session: DuckDbSession, source: Source, range: DateRange): Promise<Digests> {
    const lease = await sources.acquire(session, [source], true);
    try {
      const version = `${lease.version}${JSON.stringify(source.columns)}`;
      let known = this.#known.get(source.name);
      if (known?.version !== version) {
        known = { version, digests: await digestRelation(session, sourceRelation(source.name), source.dateColumn, source.columns, always) };
        this.#known.set(source.name, known);
      }
      return new Map([...known.digests].filter(([date]) => date >= range.first && date <= range.last));
    } catch (error) {
      throw sources.explain(error, [source]);
    } finally {
      lease.release();
    }
  }
}
