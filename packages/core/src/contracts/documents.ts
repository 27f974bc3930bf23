// The documents of the status store and their paths (DESIGN §5). Every read goes through its schema; the schema is the
// source of the type. Documents tolerate unknown keys, since a rolling deploy has two versions.
import * as z from 'zod';
import { canonicalJson, digestText } from '../domain/digest.ts';
import { ledgerPath } from '../domain/ledger.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import { taskStates } from '../domain/task-state.ts';
import type { JsonObject, StoredDocument } from '../ports/status-store.ts';
import { storedDateSchema } from './common.ts';
import { gateModes, reprocessModes } from './request.ts';

const instant = z.number().describe('milliseconds since 1970-01-01 UTC');
const jsonObject = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null);
const failureSchema = z.object({ code: z.string(), class: z.string(), message: z.string(), hint: z.string().exactOptional() });

// ── backfill ────────────────────────────────────────────────────────────────────────────────────────────────────────

export const backfillStates = ['active', 'blocked', 'completed', 'cancelled'] as const;
export type BackfillState = (typeof backfillStates)[number];

export const backfillSchema = z.object({
  backfillId: z.string(),
  pipelineId: z.string(),
  pipelineHash: z.string(),
  planHash: z.string(),
  /** Given at activation, and anew at every reopening: the upper part of its generations. */
  sequence: z.int(),
  state: z.enum(backfillStates),
  reprocess: z.enum(reprocessModes),
  gate: z.enum(gateModes),
  priority: z.int(),
  limits: z.object({ maxInFlight: z.int(), datesPerTask: z.union([z.int(), z.literal('auto')]).exactOptional() }),
  /** Phases whose gates stand in this backfill, ascending. */
  phases: z.array(z.int()),
  /** Planned tasks per processor, upstreams first. */
  tasks: z.record(z.string(), z.int()),
  reason: z.string(),
  requestedBy: z.string(),
  request: jsonObject,
  createdAt: instant,
  /** When it first reached a state other than active; null while it never did. */
  endedAt: instant.nullable(),
  traceparent: z.string(),
});
export type BackfillDocument = z.output<typeof backfillSchema>;
export const backfillPath = (backfillId: string): string => `backfills/${backfillId}`;

export const controlSchema = z.object({ paused: z.boolean(), cancelled: z.boolean(), by: z.string(), at: instant });
export type ControlDocument = z.output<typeof controlSchema>;
export const controlPath = (backfillId: string): string => `backfills/${backfillId}/control/state`;

/** A right kept by heartbeats: judged dead only by one who has seen the same heartbeat for its length on his own clock. */
export const leaseSchema = z.object({
  holder: z.string(),
  heartbeat: z.int(),
  /** Counts the holders: a fencing token for what is written under the lease. */
  epoch: z.int(),
});
export type LeaseDocument = z.output<typeof leaseSchema>;
export const schedulerLeasePath = (backfillId: string): string => `backfills/${backfillId}/control/scheduler`;

// ── pipelines and plans ─────────────────────────────────────────────────────────────────────────────────────────────

export const pipelineStateSchema = z.object({
  pipelineId: z.string(),
  /** Last sequence number given. */
  sequence: z.int(),
  /** Counts activations and reopenings: a plan is activated only on the count that it was made on. */
  activation: z.int(),
  activeBackfills: z.array(z.string()),
  /** Pipeline version that was activated last: older plans may not be reopened over it. */
  latestHash: z.string().default(''),
});
export type PipelineStateDocument = z.output<typeof pipelineStateSchema>;
export const pipelineStatePath = (pipelineId: string): string => `pipelines/${pipelineId}`;

/** The text of a pipeline's folder, stored under its hash: what a backfill runs is what was planned. */
export const pipelineVersionSchema = z.object({ pipelineId: z.string(), hash: z.string(), files: z.record(z.string(), z.string()), storedAt: instant });
export const pipelineVersionPath = (hash: string): string => `pipelineVersions/${hash}`;

export const planSchema = z.object({
  hash: z.string(),
  pipelineId: z.string(),
  pipelineHash: z.string(),
  calendarDigest: z.string(),
  chunks: z.array(z.string()),
  createdAt: instant,
});
export const planPath = (hash: string): string => `plans/${hash}`;

const planEntryKinds = ['task', 'fresh', 'skip', 'await'] as const;
export const planChunkSchema = z.object({
  processorId: z.string(),
  year: z.int(),
  /** Dates with one kind and reason stand together. */
  groups: z.array(z.object({ kind: z.enum(planEntryKinds), reason: z.string(), dates: z.array(storedDateSchema) })),
});
export const planChunkPath = (hash: string, processorId: string, year: number): string => `plans/${hash}/chunks/${processorId}-${year}`;

/** The calendar that a plan was made with: dates outside it don't exist for this backfill. One document per season. */
export const planCalendarSchema = z.object({
  seasons: z.array(z.object({ season: z.string(), dates: z.array(z.tuple([storedDateSchema, z.array(z.tuple([z.string(), z.int()]))])) })),
});
export const planCalendarPath = (hash: string): string => `plans/${hash}/chunks/calendar`;

// ── tasks ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export const evidenceSchema = z.object({
  check: z.string(),
  severity: z.enum(['block', 'warn']),
  message: z.string(),
  offending: z.number(),
  examples: z.array(jsonObject),
});
export type Evidence = z.output<typeof evidenceSchema>;

const stagedSchema = z.object({
  /** Name of the staging that holds the rows. */
  staging: z.string(),
  contentHash: z.string(),
  rows: z.int(),
  /** Kept beyond the usual life of staging: quarantined rows. */
  preserved: z.boolean(),
});

/** Recorded before the job is submitted, so that a later claim can adopt or cancel it. An older version wrote only the names. */
const stageJobSchema = z.object({
  jobId: z.string(),
  staging: z.string(),
  /** What this date is computed with and from; nothing of an older version is adopted. */
  codeHash: z.string().default(''),
  inputDigest: z.string().default(''),
  inputVersion: z.string().default(''),
  /**
   * How many dates the job computes. Exactly those carry its id, so that a claim of so many tasks with one id has all of
   * them. Their list on each of them would grow with the square of the span.
   */
  dates: z.int().default(0),
});
export type StageJobRecord = z.output<typeof stageJobSchema>;

export const taskSchema = z.object({
  taskId: z.string(),
  backfillId: z.string(),
  pipelineId: z.string(),
  pipelineHash: z.string(),
  processorId: z.string(),
  table: z.string(),
  phase: z.int(),
  date: storedDateSchema,
  state: z.enum(taskStates),
  /** Counts the writes of this document. */
  revision: z.int(),
  /** The backfill's sequence number when the task was last released: the upper part of its generation. */
  sequence: z.int(),
  /** Counts the claims, and everything else after which an older message must not claim. */
  epoch: z.int(),
  /** Executions charged so far. */
  attempt: z.int(),
  reason: z.string(),
  /** Dispatch that carries the task now, and the lease with it; empty when none does. */
  dispatchId: z.string(),
  notBefore: instant,
  /** Largest span that may carry this date: halved each time its span fails on data. */
  spanLimit: z.int(),
  /** The warehouse job of the current execution, or of one whose worker died, until the next claim adopts or cancels it. */
  job: stageJobSchema.nullable(),
  codeHash: z.string(),
  inputDigest: z.string(),
  staged: stagedSchema.nullable(),
  generation: z.int(),
  rewrite: z.boolean(),
  /** The last thing that went wrong, kept while the task waits for its next try. */
  failure: failureSchema.nullable(),
  evidence: z.array(evidenceSchema),
  /** An entry in the dead letters stands for it, to be closed when it succeeds. */
  deadLetter: z.boolean(),
  rows: z.int().nullable(),
  computeMs: z.number(),
  releasedAt: instant,
  claimedAt: instant,
  stagedAt: instant,
  endedAt: instant.nullable(),
  traceparent: z.string(),
});
export type TaskDocument = z.output<typeof taskSchema>;

/** Deterministic: hash first, since sequential ids are hot spots on Firestore; then the words, for people. */
export const taskIdOf = (processorId: string, date: PartitionDate): string => {
  const name = `${processorId}-${date}`;
  const known = taskIds.get(name);
  if (known !== undefined) return known;
  if (taskIds.size >= maxTaskIds) taskIds.clear();
  const id = `${digestText(`${processorId}|${date}`).slice(0, 6)}-${name}`;
  taskIds.set(name, id);
  return id;
};
/** A path is made of them at every look at a task; hashing each time was 2 % of a backfill. */
const taskIds = new Map<string, string>();
const maxTaskIds = 100_000;
export const taskCollection = (backfillId: string): string => `backfills/${backfillId}/tasks`;
export const taskPath = (backfillId: string, processorId: string, date: PartitionDate): string =>
  `${taskCollection(backfillId)}/${taskIdOf(processorId, date)}`;

/** One lease for all tasks of a dispatch: renewing it is one write, however many dates travel together. */
export const dispatchSchema = z.object({
  dispatchId: z.string(),
  backfillId: z.string(),
  holder: z.string(),
  heartbeat: z.int(),
  tasks: z.array(z.object({ path: z.string(), epoch: z.int() })),
  claimedAt: instant,
});
export type DispatchDocument = z.output<typeof dispatchSchema>;
export const dispatchPath = (dispatchId: string): string => `leases/${dispatchId}`;

// ── lanes, ledger, gates, progress ──────────────────────────────────────────────────────────────────────────────────

export const laneSchema = z.object({
  table: z.string(),
  /** Fencing token of the lane, raised by every new holder. */
  epoch: z.int(),
  holder: z.string(),
  heartbeat: z.int(),
  /**
   * The holder will look for staged tasks again before it leaves, so that a doorbell has nothing to write: a lane in service is
   * not written by everybody who stages. The holder takes it back before its last look; who rings after that sets it again.
   */
  rung: z.boolean().default(false),
  job: z.object({ jobId: z.string(), tasks: z.array(z.object({ path: z.string(), generation: z.int() })) }).nullable(),
});
export type LaneDocument = z.output<typeof laneSchema>;
export const lanePath = (table: string): string => `lanes/${table}`;

const ledgerEntrySchema = z.object({
  generation: z.int(),
  contentHash: z.string(),
  rows: z.int(),
  codeHash: z.string(),
  inputDigest: z.string(),
  backfillId: z.string(),
  committedAt: instant,
  computeMs: z.number(),
  accepted: z.array(z.string()).exactOptional(),
});
export const ledgerYearSchema = z.object({ entries: z.record(z.string(), ledgerEntrySchema) });
export type LedgerYearDocument = z.output<typeof ledgerYearSchema>;
export { ledgerPath };

export const gateStates = ['waiting', 'held', 'open', 'blocked'] as const;
export type GateState = (typeof gateStates)[number];

export const checkOutcomeSchema = z.object({
  check: z.string(),
  processorId: z.string(),
  severity: z.enum(['block', 'warn']),
  /** could_not_tell: the check itself failed, which blocks. */
  outcome: z.enum(['passed', 'failed', 'could_not_tell']),
  message: z.string(),
  dates: z.array(storedDateSchema),
  examples: z.array(jsonObject),
});
export type CheckOutcome = z.output<typeof checkOutcomeSchema>;

export const gateSchema = z.object({
  backfillId: z.string(),
  phase: z.int(),
  state: z.enum(gateStates),
  /** Counts evaluations: a decision is written only over the evaluation that it began from. */
  evaluation: z.int(),
  checks: z.array(checkOutcomeSchema),
  /** Sum of the revisions of the phase's tasks that it looked at: whoever finds another sum knows that it is out of date. */
  basis: z.int(),
  /** Why it is not open, in words; empty when it is. */
  summary: z.string(),
  repair: z.string(),
  approvedBy: z.string(),
  evaluatedAt: instant,
});
export type GateDocument = z.output<typeof gateSchema>;
export const gatePath = (backfillId: string, phase: number): string => `backfills/${backfillId}/gates/${phase}`;

export const progressSchema = z.object({
  processorId: z.string(),
  phase: z.int(),
  /** Dates of the plan's tasks, ascending; `states[i]` is the packed state of `dates[i]`. */
  dates: z.array(storedDateSchema),
  states: z.string(),
  /** Revision of the task that each state reflects: progress never goes back. */
  revisions: z.array(z.int()),
  updatedAt: instant,
});
export type ProgressDocument = z.output<typeof progressSchema>;
export const progressPath = (backfillId: string, processorId: string): string => `backfills/${backfillId}/progress/${processorId}`;

// ── requests, dead letters, outbox, audit ───────────────────────────────────────────────────────────────────────────

export const decisionSchema = z.object({
  decision: z.enum(['accepted', 'rejected']),
  backfillId: z.string(),
  /** Why it was rejected. */
  failure: failureSchema.nullable(),
  conflictsWith: z.string(),
  decidedAt: instant,
});
export type DecisionDocument = z.output<typeof decisionSchema>;
export const requestPath = (idempotencyKey: string): string => `requests/${digestText(idempotencyKey)}`;

const deadLetterStates = ['open', 'replaying', 'closed'] as const;
export const deadLetterSchema = z.object({
  deadLetterId: z.string(),
  kind: z.enum(['task', 'message']),
  state: z.enum(deadLetterStates),
  pipelineId: z.string(),
  backfillId: z.string(),
  processorId: z.string(),
  date: z.string(),
  failure: failureSchema,
  /** Entries with one cause: the code and the message without what differs from date to date. */
  causeGroup: z.string(),
  attempts: z.int(),
  /** A malformed message, as it came. */
  message: z.object({ attributes: z.record(z.string(), z.string()), data: z.string() }).nullable(),
  openedAt: instant,
  closedAt: instant.nullable(),
  traceparent: z.string(),
});
export type DeadLetterDocument = z.output<typeof deadLetterSchema>;
export const deadLetterPath = (deadLetterId: string): string => `deadLetters/${deadLetterId}`;
/** Keyed by task, never by message: the bus may dead-letter one message several times. */
export const taskDeadLetterId = (backfillId: string, taskId: string): string => `${digestText(`${backfillId}|${taskId}`).slice(0, 6)}-${backfillId}-${taskId}`;
export const messageDeadLetterId = (attributes: JsonObject, data: string): string => `message-${digestText(canonicalJson({ attributes, data }))}`;

export const outboxSchema = z.object({
  topic: z.string(),
  attributes: z.record(z.string(), z.string()),
  data: z.string(),
  orderingKey: z.string().nullable(),
  createdAt: instant,
});
export const outboxPath = (id: string): string => `outbox/${id}`;

export const auditRecordSchema = z.object({ at: instant, by: z.string(), action: z.string(), subject: z.string(), detail: jsonObject });
export type AuditRecord = z.output<typeof auditRecordSchema>;
export const auditPath = (id: string): string => `audit/${id}`;

/** What was parsed before, by the object that a store hands out again while the document has not changed. */
const parsedBefore = new WeakMap<JsonObject, { readonly schema: z.ZodType; readonly value: unknown }>();

/** A stored document through its schema. A document that does not fit is a bug or a newer version: it throws. */
export const parseDocument = <Schema extends z.ZodType>(schema: Schema, document: StoredDocument): z.output<Schema> => {
  const before = parsedBefore.get(document.data);
  if (before?.schema === schema) return before.value as z.output<Schema>;
  const parsed = schema.safeParse(document.data);
  if (!parsed.success) throw new TypeError(`document ${document.path} does not fit its schema: ${z.prettifyError(parsed.error)}`);
  parsedBefore.set(document.data, { schema, value: parsed.data });
  return parsed.data;
};
