// Who has changed rows of which table, and who does now: what DuckDB can't tell, since it sees conflicts of single rows and
// BigQuery those of tables (transactions) and partitions (statements).
// https://docs.cloud.google.com/bigquery/docs/transactions#transaction_concurrency
// https://docs.cloud.google.com/bigquery/docs/data-manipulation-language#dml_statement_conflicts

/** Partition ids that were updated or deleted in. A table without partitions is one partition. */
export type Touched = ReadonlySet<string>;
export const wholeTable = '__WHOLE__';

/** A unit that updates or deletes rows of a table, from its first such statement until its end. */
export type Writer = { readonly isTransaction: boolean; readonly ended: Promise<void> };

export class WriteHistory {
  #sequence = 0;
  readonly #committed = new Map<number, { readonly sequence: number; readonly touched: Touched }[]>();
  readonly #writers = new Map<number, Set<Writer>>();
  readonly #snapshots = new Map<object, number>();

  /** What is committed from here on is not in the snapshot of `owner`. */
  open(owner: object): void {
    this.#snapshots.set(owner, this.#sequence);
  }

  /** `owner` has ended. */
  close(owner: object): void {
    this.#snapshots.delete(owner);
    const oldest = Math.min(this.#sequence, ...this.#snapshots.values());
    for (const [uid, entries] of this.#committed) {
      const kept = entries.filter(({ sequence }) => sequence > oldest);
      if (kept.length === 0) this.#committed.delete(uid);
      else this.#committed.set(uid, kept);
    }
  }

  writersOf(uid: number): readonly Writer[] {
    return [...(this.#writers.get(uid) ?? [])];
  }

  enter(uid: number, writer: Writer): void {
    const writers = this.#writers.get(uid) ?? new Set();
    this.#writers.set(uid, writers.add(writer));
  }

  leave(uid: number, writer: Writer): void {
    const writers = this.#writers.get(uid);
    writers?.delete(writer);
    if (writers?.size === 0) this.#writers.delete(uid);
  }

  record(uid: number, touched: Touched): void {
    if (touched.size === 0) return;
    this.#sequence += 1;
    this.#committed.set(uid, [...(this.#committed.get(uid) ?? []), { sequence: this.#sequence, touched }]);
  }

  /** Whether rows were changed since the owner's snapshot: in these partitions, or anywhere in the table. */
  hasChangedSince(owner: object, uid: number, where: Touched | 'anywhere'): boolean {
    const since = this.#snapshots.get(owner) ?? 0;
    return (this.#committed.get(uid) ?? []).some(
      ({ sequence, touched }) =>
        sequence > since && (where === 'anywhere' || touched.has(wholeTable) || where.has(wholeTable) || [...touched].some((id) => where.has(id))),
    );
  }
}
