// Which stagings exist and where their rows lie. Rows are in segments (tables of an in-memory database, see
// packages/sql/src/duckdb/stage.ts) or, once preserved, in the database file. The registry is the truth about segments:
// both are gone after a restart, and then a commit answers `staging_missing`. Invariant: a segment is dropped exactly when it takes
// no more rows and no staging in it is left.
import { createHash } from 'node:crypto';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { createSegment, dropSegment, type StagedRows } from '@floodgate/sql/duckdb/stage.ts';
import type { DuckDbSession } from './duckdb-session.ts';

/** A segment takes this many stagings; each new one costs every prepared plan over staging a new binding. */
const maxStagingsPerSegment = 512;
/** ... or this many rows, so that forgetting stagings soon gives memory back. */
const maxRowsPerSegment = 200_000;
/** Jobs of more dates get a segment of their own. */
const maxDatesInSharedSegment = 8;

type Segment = { readonly number: number; readonly signature: string; live: number; stagings: number; rows: number; writers: number; open: boolean };

export type Staged = {
  readonly name: string;
  readonly rows: StagedRows;
  readonly dates: { has(date: PartitionDate): boolean; readonly size: number; keys(): Iterable<PartitionDate> };
  readonly segment: Segment | undefined;
};

/** Two declarations of one table whose staged rows can lie in one segment. */
const signatureOf = (target: TableSpec): string =>
  `${target.table}:${createHash('sha256')
    .update(JSON.stringify(target.columns.map(({ name, type, digits }) => [name, type, digits])))
    .digest('hex')}`;

export class StagingRegistry {
  readonly #byTable = new Map<string, Map<string, Staged>>();
  readonly #open = new Map<string, Promise<Segment>>();
  #segments = 0;
  #stagings = 0n;

  /** A number that no staging of this process had. */
  nextNumber(): bigint {
    this.#stagings += 1n;
    return this.#stagings;
  }

  get(table: string, name: string): Staged | undefined {
    return this.#byTable.get(table)?.get(name);
  }

  names(table: string): readonly string[] {
    return [...(this.#byTable.get(table)?.keys() ?? [])].sort();
  }

  add(table: string, staged: Staged): void {
    const known = this.#byTable.get(table);
    if (known) known.set(staged.name, staged);
    else this.#byTable.set(table, new Map([[staged.name, staged]]));
    if (staged.segment) staged.segment.live += 1;
  }

  /** Forgets a staging; resolves with the segment to drop, where it was the last in it. */
  remove(table: string, name: string): string | undefined {
    const stagings = this.#byTable.get(table);
    const staged = stagings?.get(name);
    stagings?.delete(name);
    if (!staged?.segment) return undefined;
    staged.segment.live -= 1;
    return this.#dropIfUnused(staged.segment);
  }

  /** A segment to stage into. Give it back with `release`, whatever happens. */
  async acquire(session: DuckDbSession, target: TableSpec, dates: number): Promise<Segment> {
    const signature = signatureOf(target);
    if (dates > maxDatesInSharedSegment) {
      const own = await this.#create(session, target, signature);
      own.open = false;
      own.writers += 1;
      return own;
    }
    for (;;) {
      let opening = this.#open.get(signature);
      if (!opening) {
        opening = this.#create(session, target, signature);
        this.#open.set(signature, opening);
        opening.catch(() => this.#open.delete(signature));
      }
      const segment = await opening;
      if (!segment.open) continue;
      segment.writers += 1;
      segment.stagings += 1;
      if (segment.stagings >= maxStagingsPerSegment) this.#close(segment);
      return segment;
    }
  }

  /** Resolves with the statement that drops the segment, where nothing is left in it. */
  release(segment: Segment, rows: number): string | undefined {
    segment.writers -= 1;
    segment.rows += rows;
    if (segment.open && segment.rows >= maxRowsPerSegment) this.#close(segment);
    return this.#dropIfUnused(segment);
  }

  #close(segment: Segment): void {
    segment.open = false;
    this.#open.delete(segment.signature);
  }

  #dropIfUnused(segment: Segment): string | undefined {
    return segment.open || segment.writers > 0 || segment.live > 0 ? undefined : dropSegment(segment.number);
  }

  async #create(session: DuckDbSession, target: TableSpec, signature: string): Promise<Segment> {
    this.#segments += 1;
    const segment: Segment = { number: this.#segments, signature, live: 0, stagings: 0, rows: 0, writers: 0, open: true };
    await session.run(createSegment(target, segment.number));
    return segment;
  }
}

export type { Segment };
