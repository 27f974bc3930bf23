import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { backfillOutput, formatCliOutputSchema, sqlOutput } from './output-schema.ts';

const committed = readFileSync(new URL('../../docs/cli-output.schema.json', import.meta.url), 'utf8');
const schema = JSON.parse(committed) as { readonly $id?: string };
const ajv = new Ajv2020({ formats: { 'date-time': true }, strict: false });
ajv.addSchema(schema, 'cli');
const isValid = (name: string, document: unknown): boolean => ajv.validate({ $ref: `cli#/$defs/${name}` }, document);

describe('docs/cli-output.schema.json', () => {
  it('is what the code says (node cli/src/generate-output-schema.ts)', () => {
    expect(committed).toBe(formatCliOutputSchema());
  });

  const backfill = {
    backfillId: 'nba-x1',
    pipeline: 'nba',
    state: 'completed',
    paused: false,
    exitCode: 0,
    planHash: 'h',
    resumed: false,
    createdAt: '2024-01-01T00:00:00.000Z',
    endedAt: null,
    seconds: 1.5,
    tasks: { succeeded: 2 },
    totalTasks: 2,
    rows: 7,
    processors: [{ processor: 'a', phase: 2, planned: 2, tasks: { succeeded: 2 }, rows: 7 }],
    gates: { 2: { state: 'open', summary: '', repair: '', checks: [] } },
    failures: [],
    leftOut: { already_fresh: 1 },
    warnings: [],
    home: '/h',
    warehouse: '/h/w',
  };

  it('accepts the result of a backfill, and one with keys of a later version', () => {
    expect(backfillOutput.safeParse(backfill).success).toBe(true);
    expect(isValid('backfill', backfill)).toBe(true);
    expect(isValid('backfill', { ...backfill, later: true })).toBe(true);
  });

  it.each([{ state: 'done' }, { exitCode: 9 }, { tasks: { succeeded: -1 } }, { gates: { 2: { state: 'ajar' } } }, { createdAt: 5 }])(
    'refuses a result with %j',
    (change) => {
      expect(isValid('backfill', { ...backfill, ...change })).toBe(false);
    },
  );

  it('says that sql prints a list of rows', () => {
    expect([isValid('sql', [{ day: '2024-01-01', n: 1, none: null }]), isValid('sql', []), isValid('sql', [[1]]), isValid('sql', { rows: [] })]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(sqlOutput.safeParse([{ a: { b: [1] } }]).success).toBe(true);
  });
});
