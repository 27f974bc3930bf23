import { describe, expect, it } from 'vitest';
import type { Engine } from '../engine-contract.ts';
import { readRowPage } from './pages.ts';

const table = { projectId: 'p', datasetId: 'd', tableId: 't' };

/** A table of so many rows, each its own number, padded to a size. */
const engineOf = (totalRows: number, rowBytes = 0): Engine =>
  ({
    tables: {
      read: async (_id: unknown, { startIndex, maxRows }: { startIndex: number; maxRows: number }) => ({
        columns: [],
        fields: [],
        rows: Array.from({ length: Math.max(0, Math.min(maxRows, totalRows - startIndex)) }, (_, index) => [String(startIndex + index).padEnd(rowBytes)]),
        totalRows,
      }),
    },
  }) as unknown as Engine;

const read = (engine: Engine, startIndex: number, maxResults: number | undefined, limits = true) =>
  readRowPage(engine, table, { startIndex, maxResults, useInt64Timestamp: false, limits });

describe('a page of rows', () => {
  it('holds what was asked for, in order, however many reads that takes', async () => {
    const { rows, nextIndex } = await read(engineOf(12_001), 1, undefined);
    expect(rows.map(({ f }) => f[0]?.v)).toEqual(Array.from({ length: 12_000 }, (_, index) => String(index + 1)));
    expect(nextIndex).toBeUndefined();
    expect((await read(engineOf(12_001), 0, 7_000)).nextIndex).toBe(7_000);
    expect(await read(engineOf(3), 0, 0)).toMatchObject({ rows: [], nextIndex: 0, totalRows: 3 });
    expect(await read(engineOf(3), 9, undefined)).toMatchObject({ rows: [] });
  });

  it('ends at 10 MB, but with one row at least, and not without limits', async () => {
    const first = await read(engineOf(20, 2 ** 20), 0, undefined);
    expect(first.rows).toHaveLength(9);
    expect(first.nextIndex).toBe(9);
    expect((await read(engineOf(2, 11 * 2 ** 20), 0, undefined)).rows).toHaveLength(1);
    expect((await read(engineOf(20, 2 ** 20), 0, undefined, false)).rows).toHaveLength(20);
  });
});
