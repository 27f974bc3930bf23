// Reads a pipeline folder: every text file comes in, a validated Pipeline or all of its problems come out. Nothing here
// stops at the first problem: syntax, shape and references are checked side by side on whatever could be read.
import type { Pipeline } from '../domain/pipeline.ts';
import { buildPipeline } from './build-pipeline.ts';
import { createCheckContext } from './check-context.ts';
import { checkProcessors, checkSources } from './check-processors.ts';
import { checkReferences } from './check-references.ts';
import { draftOf } from './draft.ts';
import { checkGeneratedLoads } from './generated-load.ts';
import { readPipelineYaml } from './pipeline-documents.ts';
import { pipelineSchema } from './pipeline-schema.ts';
import { listNames, sortProblems, type Problem } from './problem.ts';
import { describeValue, explainIssues } from './schema-problems.ts';
import { pipelineFile } from './yaml-document.ts';

export type ReadPipelineOutcome =
  | { readonly ok: true; readonly pipeline: Pipeline; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** A version of a pipeline is one document of the status store, of 1 MiB at most. */
const maxPipelineBytes = 1_000_000;

/**
 * `files` holds pipeline.yaml and every other text file of the folder, by path relative to the folder, with `/`. A processor
 * may be declared in pipeline.yaml or in a file of its own, processors/<name>.yaml.
 * Warnings stand among the problems where there are errors too.
 */
export const readPipeline = (files: ReadonlyMap<string, string>): ReadPipelineOutcome => {
  const whole = { file: pipelineFile, line: 1, severity: 'error' } as const;
  if (!files.has(pipelineFile)) {
    const message = `expected ${pipelineFile} in the folder, found ${files.size === 0 ? 'no files' : listNames([...files.keys()].sort(), 5)}`;
    return { ok: false, problems: [{ ...whole, message, fix: 'name the folder that holds it' }] };
  }
  const bytes = new TextEncoder().encode(JSON.stringify([...files])).length;
  if (bytes > maxPipelineBytes) {
    const [largest = ''] = [...files].toSorted(([, a], [, b]) => b.length - a.length).map(([file]) => file);
    const message = `expected files of ${maxPipelineBytes} bytes together, found ${bytes} bytes in ${files.size} files, most of them in ${largest}`;
    return { ok: false, problems: [{ ...whole, message, fix: 'leave out what is no part of the pipeline, or split it into two' }] };
  }
  const document = readPipelineYaml(files);
  const { value, brokenFrom } = document;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const shape: Problem = {
      ...whole,
      message: `expected a map of keys and values in ${pipelineFile}, found ${describeValue(value)}`,
      fix: 'begin with "name: my_pipeline"',
    };
    return { ok: false, problems: document.problems.length > 0 ? document.problems : [shape] };
  }
  const parsed = pipelineSchema.safeParse(value);
  const shape = parsed.success ? [] : explainIssues(parsed.error.issues, document);
  if (brokenFrom.size > 0) {
    // Behind a broken line names may be cut off and keys misplaced: what is said about them would be noise.
    const sure = shape.filter(({ file, line, message }) => line < (brokenFrom.get(file) ?? Number.POSITIVE_INFINITY) && !message.includes('found none'));
    return { ok: false, problems: sortProblems([...document.problems, ...sure]) };
  }
  const references: Problem[] = [];
  const context = createCheckContext(draftOf(pipelineSchema, value), files, document, references);
  checkProcessors(context);
  checkSources(context);
  checkGeneratedLoads(context);
  checkReferences(context);
  const problems = sortProblems([...document.problems, ...shape, ...references]);
  if (!parsed.success || problems.some(({ severity }) => severity === 'error')) return { ok: false, problems };
  return { ok: true, pipeline: buildPipeline(parsed.data, files), warnings: problems };
};
