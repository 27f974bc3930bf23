// What a simulated run is asked and what it answers. All of it is plain data: runs go to worker threads and come back.
import type { MessageType } from '@floodgate/core/contracts/messages.ts';
import type { TransitionName } from '@floodgate/core/domain/task-state.ts';
import type { Strike } from './chaos.ts';
import type { FaultKind } from './faults.ts';
import type { QuotaReport } from './quotas-report.ts';

export type RunOptions = {
  readonly seed: number;
  /** Faults that never strike in this run. */
  readonly disabled?: readonly FaultKind[];
  /** Single strikes that are left out, as `kind#number`. */
  readonly suppressed?: readonly string[];
  /** Keeps every event of the run, for the trace. */
  readonly trace?: boolean;
};

/** Keys of what an event is about: a backfill's id, a table, `processor|date`, a gate as `backfill/phase`. */
export type About = readonly string[];

export type TraceEvent = {
  /** Milliseconds of simulated time since the run began. */
  readonly at: number;
  readonly process: string;
  readonly what: 'fault' | 'write' | 'publish' | 'deliver' | 'job' | 'operator' | 'source' | 'process' | 'violation';
  readonly text: string;
  readonly about: About;
};

export type Violation = {
  /** Number of the invariant in DESIGN §6, or `liveness`, `crash` (an error that nobody handles), `determinism`. */
  readonly invariant: string;
  readonly message: string;
  readonly at: number;
  readonly about: About;
};

export type Counts = Readonly<Record<string, number>>;

export type RunResult = {
  readonly seed: number;
  readonly violation: Violation | undefined;
  readonly strikes: readonly Strike[];
  /** Crash points that were passed, whether or not anybody died there, as `before claim`. */
  readonly points: Counts;
  /** Crash points at which a process died. */
  readonly crashes: Counts;
  readonly transitions: Readonly<Partial<Record<TransitionName, number>>>;
  /** Deliveries by type. */
  readonly messages: Readonly<Partial<Record<MessageType, number>>>;
  /** Outcomes of the error table, as `class:next`, and the codes that led there, as `code`. */
  readonly outcomes: Counts;
  readonly codes: Counts;
  /** What was asked of the cloud at its worst, where its limits hold. */
  readonly quotas?: QuotaReport | undefined;
  readonly dates: number;
  readonly backfills: number;
  readonly simulatedMs: number;
  readonly wallMs: number;
  /** A digest of every write in order: two runs of one seed have the same. */
  readonly digest: string;
  readonly events: readonly TraceEvent[];
};
