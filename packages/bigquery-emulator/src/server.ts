// Composition of the server: the analyzer, the engine, and what serves them.
import { bigquery } from '@floodgate/cloud-limits/limits.ts';
import { startAnalyzer } from './analyzer/analyzer.ts';
import { createEmulatorClock } from './control/emulator-clock.ts';
import { openEngine } from './engine/engine.ts';
import { serve, type Server, type ServerOptions } from './http/serve.ts';

const { maxPartitionsPerJob, maxPartitions } = bigquery.partitionedTable;

export const startServer = async (options: ServerOptions): Promise<Server> => {
  const clock = options.clock ?? createEmulatorClock();
  const starting = startAnalyzer();
  const opening = openEngine({
    clock,
    ...(options.folder === undefined ? {} : { folder: options.folder }),
    ...(options.memoryLimit === undefined ? {} : { memoryLimit: options.memoryLimit }),
    ...(options.limits ? { partitionLimits: { perJob: maxPartitionsPerJob, perTable: maxPartitions } } : {}),
  });
  try {
    const [analyzer, engine] = await Promise.all([starting, opening]);
    return await serve(options, { analyzer, engine, clock });
  } catch (error) {
    // One of them may have started nevertheless, or the port is taken: nothing is left behind.
    for (const part of await Promise.allSettled([starting, opening])) if (part.status === 'fulfilled') await part.value[Symbol.asyncDispose]();
    throw error;
  }
};
