// What the monitor keeps of tasks and backfills, and a transaction as its checks see it: sorted by what its documents are.
import type {
  AuditRecord,
  BackfillDocument,
  ControlDocument,
  DeadLetterDocument,
  DispatchDocument,
  GateDocument,
  LaneDocument,
  LeaseDocument,
  LedgerYearDocument,
  PipelineStateDocument,
  ProgressDocument,
  TaskDocument,
} from '@floodgate/core/contracts/documents.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { TransitionName } from '@floodgate/core/domain/task-state.ts';
import type { Change } from './crash-points.ts';
import type { PlanWatch } from './monitor-plans.ts';
import type { ProcessKind } from './monitor-transitions.ts';
import type { About } from './result.ts';

export type Report = (invariant: string, message: string, about: About) => void;

export type TaskWatch = {
  readonly path: string;
  readonly backfill: BackfillWatch;
  doc: TaskDocument;
  /** Who released it last, and who found it stale last. */
  releasedBy: string;
  turnedBy: string;
  /** Letter of its state at each revision. */
  readonly codes: string[];
};

export type BackfillWatch = {
  readonly id: string;
  doc: BackfillDocument;
  readonly plan: PlanWatch;
  control: ControlDocument | undefined;
  scheduler: LeaseDocument | undefined;
  readonly gates: Map<number, GateDocument>;
  /** By `processor|date`. */
  readonly tasks: Map<string, TaskWatch>;
  open: number;
  inFlight: number;
  /** Brought into flight by a person, whom no limit binds. */
  readonly accepted: Set<TaskWatch>;
  /** No source changed and no other backfill was active since it was activated. */
  isUndisturbed: boolean;
};

export type Written<T> = { readonly path: string; readonly before: T | undefined; readonly after: T | undefined };
export type TaskMove = {
  readonly watch: TaskWatch;
  readonly before: TaskDocument | undefined;
  readonly after: TaskDocument;
  readonly names: readonly TransitionName[];
};
export type OutboxDocument = { readonly topic: string; readonly attributes: Readonly<Record<string, string>>; readonly data: string };
export type Sent = {
  readonly id: string;
  readonly type: string;
  readonly document: OutboxDocument;
  readonly data: Readonly<Record<string, unknown>>;
  published: number;
  isGone: boolean;
};
export type LaneJob = {
  readonly table: string;
  readonly epoch: number;
  readonly entries: ReadonlyMap<
    PartitionDate,
    { readonly generation: number; readonly staging: string; readonly backfillId: string; readonly watch: TaskWatch }
  >;
};

/** One transaction, sorted. */
export type Applied = {
  readonly process: string;
  readonly kind: ProcessKind;
  readonly moves: TaskMove[];
  readonly forgotten: TaskWatch[];
  readonly backfills: (Written<BackfillDocument> & { readonly watch: BackfillWatch })[];
  readonly controls: (Written<ControlDocument> & { readonly watch: BackfillWatch })[];
  readonly gates: (Written<GateDocument> & { readonly watch: BackfillWatch })[];
  readonly progress: (Written<ProgressDocument> & { readonly watch: BackfillWatch })[];
  readonly schedulers: Written<LeaseDocument>[];
  readonly lanes: Written<LaneDocument>[];
  readonly leases: Written<DispatchDocument>[];
  readonly ledgers: Written<LedgerYearDocument>[];
  readonly letters: Written<DeadLetterDocument>[];
  readonly pipelines: Written<PipelineStateDocument>[];
  /** Written once and never changed: plans, their parts, pipeline versions, decisions. */
  readonly constants: Change[];
  readonly audits: AuditRecord[];
  readonly sent: Sent[];
  readonly removed: Sent[];
};
