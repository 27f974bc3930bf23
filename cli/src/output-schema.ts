// What `--json` prints, command by command: contracts for scripts. docs/cli-output.schema.json is generated from here; a
// key is added, never renamed. Instants are ISO 8601 in UTC, dates YYYY-MM-DD, durations seconds.
import { backfillStates, gateStates } from '@floodgate/core/contracts/documents.ts';
import { dateStatuses, repairModes, validationKinds, verdicts } from '@floodgate/core/app/validate-report.ts';
import * as z from 'zod';

const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
const count = z.int().min(0);
const counts = z.record(z.string(), count);
const instant = z.iso.datetime();
const exitCode = z.int().min(0).max(5).describe('the exit code of the command');

const check = z.object({
  check: z.string(),
  processor: z.string(),
  severity: z.enum(['block', 'warn']),
  outcome: z.enum(['failed', 'could_not_tell']),
  message: z.string(),
  dates: z.array(date).describe('at most 60'),
});

const gate = z.object({
  state: z.enum(gateStates),
  summary: z.string().describe('why it is not open; empty where it is'),
  repair: z.string().describe('a command that would repair what blocks it; may be empty'),
  checks: z.array(check).describe('the checks that did not pass'),
});

const failure = z.object({
  state: z.enum(['failed', 'quarantined']),
  cause: z.string().describe('the code of the failure, or the name of the audit'),
  message: z.string().describe('of the first date'),
  hint: z.string().optional(),
  processor: z.string(),
  tasks: count,
  dates: z.array(date).describe('all of them'),
});

const taskCounts = counts.describe(
  'tasks by state: succeeded, unchanged, superseded, failed, quarantined, cancelled, and where it is not over waiting, queued, running, staged, committing, unreleased',
);

export const backfillOutput = z
  .object({
    backfillId: z.string(),
    pipeline: z.string(),
    state: z.enum(backfillStates).describe('active: interrupted, paused, or served by another process'),
    paused: z.boolean(),
    exitCode,
    planHash: z.string(),
    resumed: z.boolean().describe('it had been interrupted, and this command went on with it'),
    createdAt: instant,
    endedAt: instant.nullable(),
    seconds: z.number().min(0).describe('from its acceptance to its end, or to now; of a resumed one, of this run'),
    tasks: taskCounts,
    totalTasks: count,
    rows: count.describe('committed by this backfill'),
    processors: z.array(z.object({ processor: z.string(), phase: z.int(), planned: count, tasks: taskCounts, rows: count })),
    gates: z.record(z.string(), gate).describe('by number of the phase'),
    failures: z.array(failure),
    leftOut: counts.describe('partitions (excluded and not_in_calendar: dates) that the plan left out, by reason'),
    warnings: z.array(z.string()),
    home: z.string(),
    warehouse: z.string(),
  })
  .meta({ title: 'floodgate backfill --json (also watch, resume, retry, and demo)' });
export type BackfillOutput = z.output<typeof backfillOutput>;

export const planOutput = z
  .object({
    pipeline: z.string(),
    planHash: z.string(),
    phases: z.array(z.int()),
    dates: z.object({ wanted: count, first: date, last: date, excluded: count, notInCalendar: count }),
    totalTasks: count,
    processors: z.array(
      z.object({
        processor: z.string(),
        phase: z.int(),
        tasks: counts.describe('planned, by reason'),
        leftOut: counts.describe('partitions left out, by reason'),
        rows: count.nullable().describe('estimate from what was measured before; null where nothing is known'),
        seconds: z.number().nullable().describe('computing time, all workers together; null where nothing is known'),
        bytes: z.number().nullable(),
      }),
    ),
    warnings: z.array(z.string()),
  })
  .meta({ title: 'floodgate plan --json (also backfill --dry-run --json)' });
export type PlanOutput = z.output<typeof planOutput>;

export const sqlOutput = z
  .array(z.record(z.string(), z.unknown()))
  .meta({ title: 'floodgate sql --json', description: 'one object per row; DATE as YYYY-MM-DD, numbers beyond 2^53 as text' });

const statusListOutput = z
  .array(
    z.object({
      backfillId: z.string(),
      pipeline: z.string(),
      state: z.enum(backfillStates),
      totalTasks: count,
      createdAt: instant,
      endedAt: instant.nullable(),
      requestedBy: z.string(),
      reason: z.string(),
    }),
  )
  .meta({ title: 'floodgate status --json' });

const problemOutput = z.object({
  file: z.string(),
  line: z.int(),
  column: z.int().optional(),
  severity: z.enum(['error', 'warning']),
  message: z.string(),
  fix: z.string(),
});
const lintOutput = z.object({ pipeline: z.string(), ok: z.boolean(), problems: z.array(problemOutput) }).meta({ title: 'floodgate lint --json' });

export const doctorOutput = z
  .object({
    ok: z.boolean(),
    findings: z.array(z.object({ subject: z.string(), verdict: z.enum(['ok', 'warn', 'fail']), message: z.string(), advice: z.string() })),
  })
  .meta({ title: 'floodgate doctor --json' });
export type DoctorOutput = z.output<typeof doctorOutput>;

const deadLetterOutput = z
  .array(
    z.object({
      id: z.string(),
      kind: z.enum(['task', 'message']),
      state: z.enum(['open', 'replaying', 'closed']),
      backfillId: z.string(),
      processor: z.string(),
      date: z.string(),
      cause: z.string(),
      causeGroup: z.string(),
      message: z.string(),
      attempts: count,
      openedAt: instant,
    }),
  )
  .meta({ title: 'floodgate dlq list --json' });

const dateProblem = z.object({
  date: date.nullable().describe('null: all dates of the table that were asked about'),
  check: z.string(),
  severity: z.enum(['block', 'warn']),
  outcome: z.enum(['failed', 'could_not_tell']),
  message: z.string(),
  offending: count.describe('rows, keys or partitions that offend or are missing'),
  examples: z.array(z.record(z.string(), z.unknown())),
  repair: z.enum(repairModes).describe('how a backfill would mend it; empty where none can'),
});

const tableReport = z.object({
  processor: z.string(),
  table: z.string(),
  phase: z.int().describe('0 for sources and external tables'),
  role: z.enum(['target', 'upstream', 'external', 'source']).describe('upstream: not selected, and read by what is'),
  statuses: z.record(z.string(), z.enum(dateStatuses)).describe('of each date that was asked about'),
  lookback: z.array(date).describe('those of the dates that lie outside of the selection: what it reads through windows'),
  rows: count.nullable().describe('found on these dates; null where they were not counted'),
  expectations: z.array(z.object({ check: z.string(), dates: count, expected: count, found: count })),
  withoutExpectation: z.array(date).describe('dates for which nothing independent says what should be there'),
  problems: z.array(dateProblem),
  notes: z.array(z.string()),
});

export const validationOutput = z
  .object({
    kind: z.enum(validationKinds),
    pipeline: z.string(),
    phase: z.int().nullable().describe('of validate gate'),
    verdict: z.enum(verdicts).describe('not_ready is certain, whatever else could not be evaluated; held: a gate that would wait for a person'),
    exitCode,
    dates: z.object({ wanted: count, first: date, last: date, excluded: count, notInCalendar: count }),
    counts: z.record(z.enum(dateStatuses), count).describe('partitions of all tables by status'),
    tables: z.array(tableReport),
    contaminated: z
      .array(z.object({ processor: z.string(), table: z.string(), direct: z.boolean(), dates: z.array(date) }))
      .describe('committed partitions that have read dates which fail; direct: not only through other tables'),
    repair: z.array(z.string()).describe('commands, upstreams first'),
    advice: z.array(z.string()),
  })
  .meta({ title: 'floodgate validate preflight|coverage|contamination|range|gate --json' });
export type ValidationOutput = z.output<typeof validationOutput>;

const errorOutput = z
  .object({ error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }), exitCode })
  .meta({ title: 'any command with --json that ends with an error' });

const documents = {
  backfill: backfillOutput,
  plan: planOutput,
  validation: validationOutput,
  sql: sqlOutput,
  statusList: statusListOutput,
  lint: lintOutput,
  doctor: doctorOutput,
  deadLetters: deadLetterOutput,
  error: errorOutput,
};

/** The text of docs/cli-output.schema.json. */
export const formatCliOutputSchema = (): string => {
  const definitions = Object.fromEntries(
    Object.entries(documents).map(([name, schema]) => {
      const { $schema: _, ...definition } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' });
      return [name, definition];
    }),
  );
  return `${JSON.stringify(
    {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Output of the floodgate command with --json',
      description:
        'One document per command on standard output; each definition says which command prints it. More keys may come, so ignore those that you don’t know.',
      anyOf: Object.keys(documents).map((name) => ({ $ref: `#/$defs/${name}` })),
      $defs: definitions,
    },
    null,
    2,
  )}\n`;
};
