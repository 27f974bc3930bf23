// A code processor with a warehouse and nothing else: no settings, no server, nothing fetched. It asks its queries, and where it
// needs more than their answers it ends there.
import { createSurroundings } from '@floodgate/core/app/code-surroundings.ts';
import type { CodeContext, CodeFunction } from '@floodgate/core/app/deps.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Logger } from '@floodgate/core/ports/logger.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { MemoryObjectStore } from './memory-object-store.ts';

const silent: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** The rows up to where it ended. Throws what is no refusal of its own. */
export const runCode = async (code: CodeFunction, dates: readonly PartitionDate[], query: CodeContext['query']): Promise<readonly JsonObject[]> => {
  const { landing, shared, settingsOf } = createSurroundings({ landing: new MemoryObjectStore() });
  const signal = new AbortController().signal;
  const rows: JsonObject[] = [];
  try {
    for await (const row of code({ landing, shared, settings: settingsOf(''), dates, query, clock: systemClock, random: () => 0.5, logger: silent, signal }))
      rows.push(row);
  } catch (error) {
    if (!(error instanceof FloodgateError)) throw error;
  }
  return rows;
};
