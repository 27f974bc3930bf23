// Rows that were streamed lately. On BigQuery a statement that would change them fails; here that is a setting, since most
// tests stream and go on: https://docs.cloud.google.com/bigquery/docs/data-manipulation-language#limitations
import type { EmulatorClock } from '../control/emulator-clock.ts';
import type { Settings } from '../control/settings.ts';
import { BigQueryProblem } from '../problem.ts';
import { formatTableId, type TableId } from '../types.ts';

export type BufferState = { readonly rows: number; readonly bytes: number; readonly oldestAt: number };

export type StreamingBuffer = {
  readonly add: (table: TableId, rows: number, bytes: number) => void;
  readonly of: (table: TableId) => BufferState | undefined;
  /** Throws for a table that has streamed rows. */
  readonly check: (table: TableId, statement: string) => void;
  readonly clear: () => void;
};

export const createStreamingBuffer = (clock: EmulatorClock, settings: Settings): StreamingBuffer => {
  const buffers = new Map<string, (BufferState & { readonly newestAt: number }) | undefined>();
  const of = (table: TableId): (BufferState & { readonly newestAt: number }) | undefined => {
    const buffer = buffers.get(formatTableId(table));
    if (buffer === undefined || clock.now() - buffer.newestAt < settings.streamingBufferMs) return buffer;
    buffers.delete(formatTableId(table));
    return undefined;
  };
  return {
    add: (table, rows, bytes) => {
      const before = of(table);
      const now = clock.now();
      if (settings.streamingBufferMs === 0 || rows === 0) return;
      buffers.set(formatTableId(table), {
        rows: (before?.rows ?? 0) + rows,
        bytes: (before?.bytes ?? 0) + bytes,
        oldestAt: before?.oldestAt ?? now,
        newestAt: now,
      });
    },
    of,
    check: (table, statement) => {
      if (of(table) === undefined) return;
      const what = statement === 'TRUNCATE_TABLE' ? 'TRUNCATE DML' : 'UPDATE or DELETE';
      const { projectId, datasetId, tableId } = table;
      throw new BigQueryProblem(
        'invalidQuery',
        `${what} statement over table ${projectId}.${datasetId}.${tableId} would affect rows in the streaming buffer, which is not supported`,
        'query',
      );
    },
    clear: () => buffers.clear(),
  };
};
