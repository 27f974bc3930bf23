// The shape of `pipeline.yaml`, as people write it. JSON Schema for editors is generated from it. Cross-references
// (names, circles, SQL) are checked in read-pipeline.ts and lint.ts, which know file and line.
import * as z from 'zod';
import { explainBadDate, tryPartitionDate } from '../domain/partition-date.ts';
import { processorKinds, scalarTypes, writeStrategies } from '../domain/pipeline.ts';
import { datePlaceholder, sourceFormats } from '../domain/source-files.ts';
import { parseWindow, windowExample } from '../domain/window.ts';

const identifier = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'expected lower-case letters, digits and _, starting with a letter, at most 63');
const tableName = z.string().regex(/^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$/, 'expected dataset.table in lower case, e.g. nba_raw.nbac_schedule');
const ratio = z.number().min(0).max(1);
const date = z.string().superRefine((text, context) => {
  if (tryPartitionDate(text) === undefined) context.addIssue({ code: 'custom', message: explainBadDate(text) });
});
const windowHint = `expected a window such as ${windowExample}`;
// Without quotes YAML reads `[-30d, -1d]` as a list; whoever writes it means a window.
const window = z
  .union([z.string(), z.array(z.union([z.string(), z.number()])).length(2)], { error: windowHint })
  .transform((written) => (typeof written === 'string' ? written : `[${written.join(', ')}]`))
  .refine((text) => parseWindow(text) !== undefined, windowHint);
const types = [...scalarTypes, ...scalarTypes.map((type) => `ARRAY<${type}>` as const)] as const;

const type = z.enum(types, { error: `expected a column type (${scalarTypes.join(', ')}, or ARRAY<...> of one of them)` });
const column = z.union([
  type,
  z.strictObject({
    type,
    required: z.boolean().default(false),
    description: z.string().default(''),
    digits: z.int().min(0).max(15).default(6).describe('FLOAT64: decimal digits that count when rows are hashed or compared'),
  }),
]);
const columns = z.record(identifier, column);

const filtered = { where: z.string().optional().describe('GoogleSQL condition: rows for which it is not true are not counted') };
const severity = { severity: z.enum(['block', 'warn']).default('block') };
const sql = z.string().min(1).describe('GoogleSQL, or the name of a .sql file below the pipeline folder');

const check = z.union([
  z.strictObject({ row_count: z.strictObject({ sql }), ...severity }),
  z.strictObject({ expected_keys: z.strictObject({ columns: z.array(identifier).min(1), sql }), ...severity }),
  z.strictObject({ not_null: z.strictObject({ columns: z.array(identifier).min(1), min_ratio: ratio.default(1), ...filtered }), ...severity }),
  z.strictObject({ not_zero: z.strictObject({ columns: z.array(identifier).min(1), min_ratio: ratio.default(1), ...filtered }), ...severity }),
  z.strictObject({ accepted_range: z.strictObject({ column: identifier, min: z.number().optional(), max: z.number().optional(), ...filtered }), ...severity }),
  z.strictObject({ sql: z.strictObject({ name: identifier, query: sql }), ...severity }),
]);

const critical = z.union([
  identifier,
  z.strictObject({ column: identifier, not_zero: z.boolean().default(false), min_ratio: ratio.default(0.99), ...filtered }),
]);

const upstream = z.union([
  window,
  z.strictObject({
    window,
    strength: z.enum(['hard', 'soft']).default('hard'),
    optional: z.boolean().default(false).describe('waited for where it is planned; never demanded'),
    critical: z.array(critical).default([]),
  }),
]);

const pattern = z
  .string()
  .min(1)
  .refine(
    (text) => !text.includes(datePlaceholder) || /^(?:[^{}]*\/)?[^/*{}]*\{date\}[^/*{}]*$/.test(text),
    'expected {date} once, in the name of the file, without * beside it',
  );

const source = z.strictObject({
  description: z.string().default(''),
  files: z
    .union([pattern, z.array(pattern).min(1)])
    .describe(
      'below the data folder, e.g. play_by_play_*.parquet; {date} in the name of a file says which date it holds. Of several, those with files are read',
    ),
  format: z.enum(sourceFormats).optional().describe('default: by the extension of each file'),
  optional: z.boolean().default(false).describe('where there are no files the source is empty, and no error'),
  date_column: identifier,
  key: z.array(identifier).min(1),
  covers: z.array(z.string().min(1)).min(1).optional().describe('kinds of the calendar that this source has; dates of other kinds are no_source_data'),
  columns,
});

const processor = z.strictObject({
  description: z.string().default(''),
  phase: z.int().min(0),
  kind: z.enum(processorKinds),
  table: tableName,
  file: z.string().optional().describe('default: processors/<name>.sql (sql, load) or processors/<name>.ts (code)'),
  partition_column: identifier,
  key: z.array(identifier).min(1),
  columns,
  upstreams: z.record(tableName, upstream).default({}),
  audits: z.array(check).default([]),
  write: z.enum(writeStrategies).default('merge'),
  timeout_seconds: z.number().positive().default(600),
  retry: z
    .strictObject({
      max_attempts: z.int().min(1).max(20).default(4),
      base_seconds: z.number().positive().default(1),
      max_seconds: z.number().positive().default(60),
    })
    .prefault({}),
  dates_per_task: z.union([z.int().min(1).max(366), z.literal('auto')]).default('auto'),
  max_dates_per_task: z.int().min(1).max(366).default(366),
  covers: z.array(z.string().min(1)).min(1).optional(),
  bootstrap_days: z.int().min(0).max(366).default(0),
  min_history_dates: z.int().min(0).default(0),
  never: z.array(z.union([date, z.strictObject({ first: date, last: date })])).default([]),
  absent: z.array(z.strictObject({ columns: z.array(identifier).min(1), seasons: z.array(z.string()).min(1), reason: z.string().min(1) })).default([]),
});

const phase = z.strictObject({
  name: z.string().min(1),
  on_request: z.boolean().default(false).describe('only requests that name it have it'),
  gate: z
    .strictObject({
      checks: z.array(z.strictObject({ table: tableName, check })).default([]),
      hold: z.boolean().default(false).describe('a person opens the gate once its checks have passed'),
      quorum: ratio.default(1).describe('share of the expected rows that suffices; 1 unless you accept gaps'),
    })
    .prefault({}),
});

export const pipelineSchema = z.strictObject({
  name: identifier,
  description: z.string().default(''),
  calendar: z.strictObject({
    sql: sql.describe('GoogleSQL yielding date DATE, season STRING, kind STRING, items INT64'),
    reads: z.array(tableName).min(1).describe('the sources (source.<name>) and external tables that it reads'),
  }),
  sources: z.record(identifier, source).default({}),
  phases: z.record(z.string().regex(/^(0|[1-9]\d{0,3})$/, 'expected the number of a phase, without leading zeros'), phase),
  processors: z.record(identifier, processor),
});

/** `pipeline.yaml` after validation, defaults filled in. */
export type PipelineYaml = z.output<typeof pipelineSchema>;
