// What the cross-checks of a pipeline work on, and how they report.
import type { Draft } from './draft.ts';
import type { PipelineYaml } from './pipeline-schema.ts';
import type { Problem } from './problem.ts';
import { formatPath } from './schema-problems.ts';
import type { Path, YamlDocument } from './yaml-document.ts';

export type PipelineDraft = Draft<PipelineYaml>;
export type ProcessorDraft = Draft<PipelineYaml['processors'][string]>;
export type CheckDraft = Draft<PipelineYaml['processors'][string]['audits'][number]>;
export type ColumnsDraft = Draft<PipelineYaml['processors'][string]['columns']>;

export type CheckContext = {
  readonly draft: PipelineDraft;
  readonly files: ReadonlyMap<string, string>;
  readonly report: (path: Path, message: string, fix: string, options?: { readonly atKey?: boolean; readonly severity?: Problem['severity'] }) => void;
};

/** A context whose reports land in `problems`, each at the place of its path. */
export const createCheckContext = (draft: PipelineDraft, files: ReadonlyMap<string, string>, document: YamlDocument, problems: Problem[]): CheckContext => ({
  draft,
  files,
  report: (path, message, fix, { atKey = false, severity = 'error' } = {}) => {
    const place = atKey ? document.placeOfKey(path) : document.placeOf(path);
    problems.push({ ...place, path: formatPath(path), message, fix, severity });
  },
});

/** Processors by name, those that are wrong in part included. */
export const processorsOf = (draft: PipelineDraft): readonly (readonly [string, ProcessorDraft])[] =>
  Object.entries(draft.processors ?? {}).map(([id, processor]) => [id, processor ?? {}]);

/** The type of a declared column; undefined where it isn't declared, or its declaration is wrong. */
export const typeOfColumn = (columns: ColumnsDraft | undefined, name: string): string | undefined => {
  const column = columns?.[name];
  return typeof column === 'string' ? column : column?.type;
};

export const hasColumn = (columns: ColumnsDraft | undefined, name: string): boolean => columns !== undefined && Object.hasOwn(columns, name);
