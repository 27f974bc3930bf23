// JSON Schema of pipeline.yaml, generated from the zod schema: for editors (completion, hover texts) and for telling
// people which keys are known at a place.
import * as z from 'zod';
import { pipelineSchema } from './pipeline-schema.ts';

export type JsonSchema = z.core.JSONSchema.JSONSchema;

/** `# yaml-language-server: $schema=…` in the first line of a pipeline.yaml makes editors use it. */
export const pipelineJsonSchema = (): JsonSchema => ({
  ...z.toJSONSchema(pipelineSchema, { io: 'input' }),
  title: 'Floodgate pipeline',
  description: 'pipeline.yaml: phases, processors, sources, calendar and checks of a pipeline.',
});

/** The text of docs/pipeline.schema.json. */
export const formatPipelineJsonSchema = (): string => `${JSON.stringify(pipelineJsonSchema(), null, 2)}\n`;

const alternatives = (schema: JsonSchema): readonly JsonSchema[] =>
  (schema.anyOf ?? []).length === 0 ? [schema] : (schema.anyOf ?? []).flatMap((each) => (typeof each === 'boolean' ? [] : alternatives(each)));

const child = (schema: JsonSchema, part: string | number): readonly JsonSchema[] => {
  const next = schema.properties?.[part] ?? (typeof part === 'number' ? schema.items : schema.additionalProperties);
  return typeof next === 'object' && !Array.isArray(next) ? alternatives(next) : [];
};

/** Keys that may stand at a path of pipeline.yaml, of all alternatives together; empty where any name may. */
export const knownKeys = (path: readonly (string | number)[]): readonly string[] => {
  let schemas: readonly JsonSchema[] = [pipelineJsonSchema()];
  for (const part of path) schemas = schemas.flatMap((schema) => child(schema, part));
  return [...new Set(schemas.flatMap((schema) => Object.keys(schema.properties ?? {})))];
};
