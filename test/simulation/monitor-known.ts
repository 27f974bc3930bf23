// What the monitor knows: the documents as every transaction left them, by what they are, and what each transaction changed.
// Kept up to date by what is written, never read anew, so that a check costs what moved.
import type {
  AuditRecord,
  BackfillDocument,
  ControlDocument,
  DeadLetterDocument,
  DispatchDocument,
  GateDocument,
  LaneDocument,
  LedgerYearDocument,
  LeaseDocument,
  PipelineStateDocument,
  ProgressDocument,
  TaskDocument,
} from '@floodgate/core/contracts/documents.ts';
import type { LedgerEntry } from '@floodgate/core/domain/ledger.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { CommitLogEntry } from '@floodgate/core/ports/warehouse.ts';
import type { Change } from './crash-points.ts';
import { readPlan, type ReadDocument } from './monitor-plans.ts';
import { inFlightStates, kindOf, openStates, progressCodes, routeOf } from './monitor-transitions.ts';
import type { Applied, BackfillWatch, LaneJob, OutboxDocument, Sent, TaskWatch, Written } from './monitor-watches.ts';

const as = <T>(change: Change): Written<T> => change as unknown as Written<T>;

export class Known {
  readonly backfills = new Map<string, BackfillWatch>();
  /** Expired: somebody may still name them. */
  readonly expired = new Set<string>();
  /** The backfill that was activated last, expired or not. */
  newest: BackfillWatch | undefined;
  readonly tasks = new Map<string, TaskWatch>();
  readonly lanes = new Map<string, LaneDocument>();
  readonly leases = new Map<string, DispatchDocument>();
  readonly ledger = new Map<string, LedgerYearDocument['entries']>();
  readonly letters = new Map<string, DeadLetterDocument>();
  readonly pipelines = new Map<string, PipelineStateDocument>();
  readonly outbox = new Map<string, Sent>();
  /** By job id, as recorded in the lane before the commit was sent. */
  readonly jobs = new Map<string, LaneJob>();
  /** The commit logs, as the commits left them. */
  readonly log = new Map<string, Map<PartitionDate, CommitLogEntry>>();
  /** Highest lane epoch that each table's log has taken. */
  readonly fences = new Map<string, number>();
  /** Ledger entries that a rebuild took away or back, as `processor|date`. */
  readonly rebuilt = new Set<string>();
  readonly #read: ReadDocument;

  constructor(read: ReadDocument) {
    this.#read = read;
  }

  ledgerEntry(pipelineId: string, processorId: string, date: PartitionDate): LedgerEntry | undefined {
    return this.ledger.get(`ledger/${pipelineId}:${processorId}:${Number(date.slice(0, 4))}`)?.[date];
  }

  letterOf({ doc: { backfillId, processorId, date } }: TaskWatch): DeadLetterDocument | undefined {
    return this.letters.get(`${backfillId}|${processorId}|${date}`);
  }

  /** Takes in a transaction, and says what it was. */
  apply(process: string, changes: readonly Change[]): Applied {
    const applied: Applied = {
      process,
      kind: kindOf(process),
      moves: [],
      forgotten: [],
      backfills: [],
      controls: [],
      gates: [],
      progress: [],
      schedulers: [],
      lanes: [],
      leases: [],
      ledgers: [],
      letters: [],
      pipelines: [],
      constants: [],
      audits: [],
      sent: [],
      removed: [],
    };
    // Backfills first: what lies below them belongs to one.
    for (const change of changes) if (isBackfill(change.path)) this.#applyBackfill(applied, change);
    for (const change of changes) if (!isBackfill(change.path)) this.#apply(applied, change);
    for (const lane of applied.lanes) this.#noteJob(lane);
    return applied;
  }

  #applyBackfill(applied: Applied, change: Change): void {
    const written = as<BackfillDocument>(change);
    const { path, after } = written;
    const id = path.slice('backfills/'.length);
    let watch = this.backfills.get(id);
    if (watch === undefined) {
      if (after === undefined) return;
      watch = {
        id,
        doc: after,
        plan: readPlan(this.#read, after.planHash),
        control: undefined,
        scheduler: undefined,
        gates: new Map(),
        tasks: new Map(),
        open: 0,
        inFlight: 0,
        accepted: new Set(),
        isUndisturbed: true,
      };
      this.backfills.set(id, watch);
      this.newest = watch;
    }
    if (after === undefined) {
      this.backfills.delete(id);
      this.expired.add(id);
    } else watch.doc = after;
    applied.backfills.push({ ...written, watch });
  }

  #apply(applied: Applied, change: Change): void {
    const { path } = change;
    const parts = path.split('/');
    switch (parts[0]) {
      case 'backfills':
        return this.#applyBelow(applied, change, parts);
      case 'outbox':
        return this.#applyOutbox(applied, change, parts[1] as string);
      case 'lanes':
        applied.lanes.push(put(this.lanes, path, as<LaneDocument>(change)));
        return;
      case 'leases':
        applied.leases.push(put(this.leases, path, as<DispatchDocument>(change)));
        return;
      case 'ledger':
        applied.ledgers.push(as<LedgerYearDocument>(change));
        if (change.after === undefined) this.ledger.delete(path);
        else this.ledger.set(path, as<LedgerYearDocument>(change).after?.entries ?? {});
        return;
      case 'deadLetters': {
        const letter = as<DeadLetterDocument>(change);
        const { backfillId, processorId, date } = (letter.after ?? letter.before) as DeadLetterDocument;
        applied.letters.push(put(this.letters, (letter.after ?? letter.before)?.kind === 'message' ? path : `${backfillId}|${processorId}|${date}`, letter));
        return;
      }
      case 'pipelines':
        applied.pipelines.push(put(this.pipelines, path, as<PipelineStateDocument>(change)));
        return;
      case 'audit':
        if (change.after !== undefined) applied.audits.push(change.after as unknown as AuditRecord);
        return;
      default:
        applied.constants.push(change);
    }
  }

  #applyBelow(applied: Applied, change: Change, parts: readonly string[]): void {
    const watch = this.backfills.get(parts[1] as string);
    // What a closed backfill leaves behind is deleted before it or with it.
    if (watch === undefined) return;
    switch (parts[2]) {
      case 'tasks':
        return this.#applyTask(applied, as<TaskDocument>(change), watch);
      case 'gates': {
        const gate = as<GateDocument>(change);
        if (gate.after === undefined) watch.gates.delete(Number(parts[3]));
        else watch.gates.set(Number(parts[3]), gate.after);
        applied.gates.push({ ...gate, watch });
        return;
      }
      case 'progress':
        applied.progress.push({ ...as<ProgressDocument>(change), watch });
        return;
      default:
        if (parts[3] === 'scheduler') {
          watch.scheduler = as<LeaseDocument>(change).after;
          applied.schedulers.push(as<LeaseDocument>(change));
        } else {
          watch.control = as<ControlDocument>(change).after;
          applied.controls.push({ ...as<ControlDocument>(change), watch });
        }
    }
  }

  #applyTask(applied: Applied, { path, before, after }: Written<TaskDocument>, backfill: BackfillWatch): void {
    const isOpen = Number(after !== undefined && openStates.has(after.state)) - Number(before !== undefined && openStates.has(before.state));
    const isInFlight = Number(after !== undefined && inFlightStates.has(after.state)) - Number(before !== undefined && inFlightStates.has(before.state));
    backfill.open += isOpen;
    backfill.inFlight += isInFlight;
    const known = this.tasks.get(path);
    if (after === undefined) {
      if (known === undefined) return;
      this.tasks.delete(path);
      backfill.tasks.delete(`${known.doc.processorId}|${known.doc.date}`);
      applied.forgotten.push(known);
      return;
    }
    const watch = known ?? { path, backfill, doc: after, releasedBy: '', turnedBy: '', codes: [] };
    if (known === undefined) {
      this.tasks.set(path, watch);
      backfill.tasks.set(`${after.processorId}|${after.date}`, watch);
    }
    watch.doc = after;
    watch.codes[after.revision] = progressCodes[after.state];
    const names = routeOf(before?.state ?? null, after.state, applied.kind);
    for (const name of names) {
      if (name === 'release' || name === 'release_again') watch.releasedBy = applied.process;
      if (name === 'turn_stale' || name === 'turn_stale_unchanged') watch.turnedBy = applied.process;
      if (name === 'accept') backfill.accepted.add(watch);
    }
    if (!inFlightStates.has(after.state)) backfill.accepted.delete(watch);
    applied.moves.push({ watch, before, after, names });
  }

  #applyOutbox(applied: Applied, { before, after }: Change, id: string): void {
    if (after !== undefined && before === undefined) {
      const document = after as unknown as OutboxDocument;
      const sent: Sent = {
        id,
        type: document.attributes['type'] ?? '',
        document,
        data: JSON.parse(document.data) as Readonly<Record<string, unknown>>,
        published: 0,
        isGone: false,
      };
      this.outbox.set(id, sent);
      applied.sent.push(sent);
      return;
    }
    const sent = this.outbox.get(id);
    if (after !== undefined || sent === undefined || sent.isGone) return;
    sent.isGone = true;
    applied.removed.push(sent);
  }

  /** What a lane is about to commit, as its tasks stand in the transaction that records it. */
  #noteJob({ path, before, after }: Written<LaneDocument>): void {
    if (after === undefined || after.job === null || after.job.jobId === before?.job?.jobId) return;
    const entries = after.job.tasks.flatMap(({ path: taskPath, generation }) => {
      const watch = this.tasks.get(taskPath);
      if (watch === undefined) return [];
      const { date, staged, backfillId } = watch.doc;
      return [[date, { generation, staging: staged?.staging ?? '', backfillId, watch }] as const];
    });
    this.jobs.set(after.job.jobId, { table: path.slice('lanes/'.length), epoch: after.epoch, entries: new Map(entries) });
  }
}

const isBackfill = (path: string): boolean => path.startsWith('backfills/') && !path.includes('/', 'backfills/'.length);

const put = <T>(map: Map<string, T>, key: string, written: Written<T>): Written<T> => {
  if (written.after === undefined) map.delete(key);
  else map.set(key, written.after);
  return written;
};
