// Tables by processor, for examples in what is printed; none where the pipeline can't be read just now.
import { loadPipeline } from './pipeline-files.ts';
import type { Session } from './session.ts';

export const loadTables = async (session: Session, pipelineId: string): Promise<ReadonlyMap<string, string>> => {
  try {
    const pipeline = await loadPipeline({ ...session, config: { ...session.config, pipelineId } });
    return new Map(pipeline.processors.map(({ id, table }) => [id, table]));
  } catch {
    return new Map();
  }
};
