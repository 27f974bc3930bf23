// What tables.get shows of rows that were streamed lately. That DML can't change them is the engine's matter.
// https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables#Streamingbuffer
import type { EmulatorClock } from '../control/emulator-clock.ts';
import type { Settings } from '../control/settings.ts';
import { formatTableId, type TableId } from '../types.ts';

export type BufferState = { readonly rows: number; readonly bytes: number; readonly oldestAt: number };

export type StreamingBuffer = {
  readonly add: (table: TableId, rows: number, bytes: number) => void;
  readonly of: (table: TableId) => BufferState | undefined;
  readonly clear: () => void;
};

export const createStreamingBuffer = (clock: EmulatorClock, settings: Settings): StreamingBuffer => {
  const buffers = new Map<string, BufferState & { readonly newestAt: number }>();
  const of = (table: TableId): BufferState | undefined => {
    const buffer = buffers.get(formatTableId(table));
    if (buffer === undefined || clock.now() - buffer.newestAt < settings.streamingBufferMs) return buffer;
    buffers.delete(formatTableId(table));
    return undefined;
  };
  return {
    add: (table, rows, bytes) => {
      if (settings.streamingBufferMs === 0 || rows === 0) return;
      const before = of(table);
      const now = clock.now();
      buffers.set(formatTableId(table), {
        rows: (before?.rows ?? 0) + rows,
        bytes: (before?.bytes ?? 0) + bytes,
        oldestAt: before?.oldestAt ?? now,
        newestAt: now,
      });
    },
    of,
    clear: () => buffers.clear(),
  };
};
