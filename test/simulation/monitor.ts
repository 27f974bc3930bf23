// Sees everything that happens in a simulated run, in the moment in which it takes effect, and says which invariant of
// DESIGN §6 it breaks. It believes nothing that the code under test says of itself: it keeps its own picture of the documents
// (monitor-known.ts) and has its own idea of what follows from what. Each check is a small function in the file of its
// subject, headed by the invariant's number and the reason.
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { TransitionName } from '@floodgate/core/domain/task-state.ts';
import type { OutgoingMessage } from '@floodgate/core/ports/message-bus.ts';
import type { DocumentEngine } from '@floodgate/embedded/optimistic-store.ts';
import type { Change } from './crash-points.ts';
import { checkEnd } from './monitor-end.ts';
import { checkGates } from './monitor-gates.ts';
import { Known } from './monitor-known.ts';
import type { Applied, Report } from './monitor-watches.ts';
import { checkLetters, checkMessages, checkProgress, checkPublish } from './monitor-messages.ts';
import { OperatorChecks, type OperatorEvent } from './monitor-operators.ts';
import { checkBegin } from './monitor-release.ts';
import { completesLikeOracle, createTableChecks, type TableChecks, type WarehouseCommit, type WarehouseView } from './monitor-tables.ts';
import { createTaskChecks } from './monitor-tasks.ts';
import type { Oracle } from './oracle.ts';
import type { Violation } from './result.ts';

export type MonitorOptions = {
  /** Milliseconds since the run began. */
  readonly now: () => number;
  readonly oracle: Oracle;
  /** The documents, read without side effects. */
  readonly reader: DocumentEngine;
  readonly warehouse: WarehouseView;
  readonly onViolation: (violation: Violation) => void;
};

/** What was exercised; the words are those of `RunResult`. */
export type MonitorCounts = {
  readonly transitions: Partial<Record<TransitionName, number>>;
  readonly outcomes: Record<string, number>;
  readonly codes: Record<string, number>;
};

/** Transitions after which the error table has decided how a task goes on. */
const decided: ReadonlySet<TransitionName> = new Set<TransitionName>(['put_back', 'fail', 'fail_commit', 'return_to_lane', 'lose_staging']);

const recordsFailure: ReadonlySet<TransitionName> = new Set<TransitionName>([
  ...decided,
  'hold',
  'quarantine',
  'reject',
  'recover_running',
  'turn_stale',
  'turn_stale_unchanged',
]);

export class Monitor {
  readonly counts: MonitorCounts = { transitions: {}, outcomes: {}, codes: {} };
  /** Stagings that were left at the end and that nobody needs. */
  orphans = 0;
  readonly #options: MonitorOptions;
  readonly #known: Known;
  readonly #report: Report;
  readonly #tables: TableChecks;
  readonly #operators: OperatorChecks;
  readonly #checkTasks = createTaskChecks();

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#known = new Known((path) => options.reader.read(path));
    this.#report = (invariant, message, about) => options.onViolation({ invariant, message, at: options.now(), about });
    this.#tables = createTableChecks(this.#known, options.warehouse, this.#report);
    this.#operators = new OperatorChecks(this.#known, this.#report);
  }

  /** A transaction has been applied; the reader shows it already. */
  onStoreCommit(process: string, changes: readonly Change[]): void {
    const known = this.#known;
    let applied: Applied;
    try {
      applied = known.apply(process, changes);
    } catch (error) {
      this.#report('1', `${process} wrote what nobody can go on from: ${error instanceof Error ? error.message : String(error)}`, []);
      return;
    }
    this.#count(applied);
    this.#noteDisturbance(applied);
    this.#checkTasks(known, applied, this.#report);
    if (applied.moves.length > 0) checkBegin(known, applied, this.#report);
    checkGates(known, applied, this.#report);
    checkMessages(known, applied, this.#report);
    if (applied.moves.length > 0 || applied.letters.length > 0) checkLetters(known, applied, this.#report);
    checkProgress(applied, this.#report);
    this.#tables.onStore(applied);
    this.#operators.onStore(applied);
    for (const change of applied.constants) this.#staysTheSame(process, change);
    completesLikeOracle(this.#options.oracle, this.#options.warehouse, applied, this.#report);
  }

  /** The bus has taken these. */
  onPublish(process: string, messages: readonly OutgoingMessage[]): void {
    checkPublish(this.#known, process, messages, this.#report);
  }

  /** A commit has taken effect; the warehouse shows it already. */
  onWarehouseCommit(commit: WarehouseCommit): void {
    this.#tables.onCommit(commit);
  }

  onSourceChange(_source: string, _date: PartitionDate): void {
    this.#options.oracle.forget();
    for (const watch of this.#known.backfills.values()) watch.isUndisturbed = false;
  }

  onOperator(event: OperatorEvent): void {
    this.#operators.onOperator(event);
  }

  /** When all is quiet and everything has been mended. */
  async atEnd(): Promise<void> {
    const { oracle, reader, warehouse, now } = this.#options;
    this.orphans = await checkEnd({ known: this.#known, oracle, reader, view: warehouse, operators: this.#operators, now: now(), report: this.#report });
  }

  /** (6) A request is decided once, and a plan is what its hash says: neither changes when it is written again. */
  #staysTheSame(process: string, { path, before, after }: Change): void {
    if (before === undefined || after === undefined) return;
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    const isTime = (name: string): boolean => name === 'createdAt' || name === 'storedAt';
    const changed = [...names].find((name) => !isTime(name) && JSON.stringify(before[name]) !== JSON.stringify(after[name]));
    if (changed !== undefined) this.#report('6', `${process} changed ${changed} of ${path}, which never changes`, [path]);
  }

  #noteDisturbance({ backfills }: Applied): void {
    for (const { before, after, watch } of backfills) {
      if (after?.state !== 'active' || before?.state === 'active') continue;
      for (const other of this.#known.backfills.values()) {
        if (other === watch || other.doc.state !== 'active') continue;
        other.isUndisturbed = false;
        watch.isUndisturbed = false;
      }
    }
  }

  #count({ moves }: Applied): void {
    const { transitions, outcomes, codes } = this.counts;
    for (const { after, names } of moves) {
      for (const name of names) transitions[name] = (transitions[name] ?? 0) + 1;
      const { failure, state } = after;
      if (failure === null || !names.some((name) => recordsFailure.has(name))) continue;
      codes[failure.code] = (codes[failure.code] ?? 0) + 1;
      if (!names.some((name) => decided.has(name))) continue;
      const key = `${failure.class}:${state === 'failed' ? 'failed' : 'waiting'}`;
      outcomes[key] = (outcomes[key] ?? 0) + 1;
    }
  }
}
