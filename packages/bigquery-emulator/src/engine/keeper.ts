// What happens to rows and tables by the clock alone: rows leave the streaming buffer, partitions and tables expire. Done where
// somebody is about to look, so that nothing runs by itself.
import { WriteConflict } from './duckdb-errors.ts';
import { expiredRowsSql } from './partitions.ts';
import type { Services } from './run.ts';
import { quoteName } from './sql-text.ts';
import { bufferOf, placeOf, splitDecorator, type StoredTable } from './stored-table.ts';
import { columnsSql } from './storable.ts';
import type { TableId } from '../types.ts';
import type { Unit } from './unit.ts';

/** Expired tables are cleared away this often. */
const sweepEveryMs = 60_000;

export class Keeper {
  readonly #services: Services;
  #bufferMs = 0;
  #sweptAt = -Infinity;

  constructor(services: Services) {
    this.#services = services;
  }

  get bufferMs(): number {
    return this.#bufferMs;
  }

  /** How long rows of streaming inserts can't be changed. 0, the default: they can at once. */
  setBufferMs(bufferMs: number): void {
    this.#bufferMs = bufferMs;
  }

  /** Where rows of streaming inserts go for now. */
  async streamPlace(unit: Unit, table: StoredTable): Promise<{ readonly place: string; readonly streamedAt: readonly number[] }> {
    if (this.#bufferMs <= 0) return { place: placeOf(table), streamedAt: [] };
    if (!unit.isBuffered(table.uid)) {
      await unit.connection.run(`CREATE TABLE ${bufferOf(table)} (${columnsSql(table.schema.fields)}, "$streamed_at" BIGINT)`);
      unit.changes.push({ kind: 'buffer', id: table, uid: table.uid });
    }
    return { place: bufferOf(table), streamedAt: [this.#services.units.now] };
  }

  /** Before these tables are looked at. */
  async prepare(ids: readonly TableId[]): Promise<void> {
    const { units } = this.#services;
    await this.#sweep();
    for (const id of ids) {
      const table = units.catalog.table(splitDecorator(id).table, units.now);
      if (table === undefined || table.isAnonymous) continue;
      if (units.catalog.view.buffered.has(table.uid)) await this.#flush(table);
      const expired = expiredRowsSql(table, units.now);
      if (expired !== undefined) await this.#expire(table, expired);
    }
  }

  async prepareAll(): Promise<void> {
    const { tables, buffered } = this.#services.units.catalog.view;
    if (buffered.size > 0) await this.prepare([...tables.values()].filter(({ uid }) => buffered.has(uid)));
  }

  async #flush(table: StoredTable): Promise<void> {
    const { units } = this.#services;
    const due = `"$streamed_at" <= ${units.now - this.#bufferMs}`;
    const columns = table.schema.fields.map(({ name }) => quoteName(name)).join(', ');
    await this.#quietly(async (unit) => {
      if ((await unit.connection.number(`SELECT count(*) FROM ${bufferOf(table)} WHERE ${due}`)) === 0) return;
      await unit.connection.run(`INSERT INTO ${placeOf(table)} SELECT ${columns} FROM ${bufferOf(table)} WHERE ${due}`);
      await unit.connection.run(`DELETE FROM ${bufferOf(table)} WHERE ${due}`);
    });
  }

  async #expire(table: StoredTable, expired: string): Promise<void> {
    await this.#quietly(async (unit) => {
      if ((await unit.connection.number(`SELECT count(*) FROM (SELECT 1 FROM ${placeOf(table)} WHERE ${expired} LIMIT 1)`)) === 0) return;
      await unit.connection.run(`DELETE FROM ${placeOf(table)} WHERE ${expired}`);
    });
  }

  async #sweep(): Promise<void> {
    const { units } = this.#services;
    if (units.now < this.#sweptAt + sweepEveryMs) return;
    this.#sweptAt = units.now;
    const { anonymous, tables } = units.catalog.takeExpired(units.now);
    if (anonymous.length > 0)
      await this.#quietly(async ({ connection }) => {
        for (const table of anonymous) await connection.run(`DROP TABLE IF EXISTS ${placeOf(table)}`);
        await connection.run(`DELETE FROM results.main.catalog WHERE uid IN (${anonymous.map(({ uid }) => uid).join(', ')})`);
      });
    if (tables.length > 0)
      await this.#quietly(async (unit) => {
        for (const table of tables) unit.changes.push({ kind: 'table', id: table, before: table, after: undefined });
      });
  }

  /** Who loses here against a statement leaves it to the next look. */
  async #quietly(body: (unit: Unit) => Promise<void>): Promise<void> {
    try {
      await this.#services.units.tryAtomically(body, 1);
    } catch (error) {
      if (!(error instanceof WriteConflict)) throw error;
    }
  }
}
