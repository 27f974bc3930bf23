import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { exampleYaml } from './example-pipeline.fixture.ts';
import { formatPipelineJsonSchema, knownKeys, pipelineJsonSchema } from './pipeline-json-schema.ts';

describe('docs/pipeline.schema.json', () => {
  it('is what the schema says today (else run: node docs/generate-schemas.ts)', () => {
    expect(readFileSync(new URL('../../../../docs/pipeline.schema.json', import.meta.url), 'utf8')).toBe(formatPipelineJsonSchema());
  });
});

describe('pipelineJsonSchema', () => {
  const validate = new Ajv2020({ strict: false }).compile(pipelineJsonSchema());

  it('lets editors accept the example and mark an unknown key', () => {
    expect(validate(parse(exampleYaml))).toBe(true);
    expect(validate({ ...parse(exampleYaml), colour: 'red' })).toBe(false);
  });
});

describe('knownKeys', () => {
  it('knows the keys of maps, list entries and alternatives', () => {
    expect(knownKeys(['processors', 'form', 'retry'])).toEqual(['max_attempts', 'base_seconds', 'max_seconds']);
    expect(knownKeys(['processors', 'form', 'upstreams', 'a.b'])).toEqual(['window', 'strength', 'optional', 'critical']);
    expect(knownKeys(['processors', 'form', 'audits', 0])).toContain('accepted_range');
    expect(knownKeys(['processors', 'form', 'audits', 0, 'not_zero'])).toEqual(['columns', 'min_ratio', 'where']);
    expect(knownKeys(['processors'])).toEqual([]);
  });
});
