// The result of a backfill as one document, from the task documents: what the summary shows and --json prints.
import { leftOutOf } from '@floodgate/core/app/describe-plan.ts';
import type { PlanReader } from '@floodgate/core/app/plan-store.ts';
import { readBackfillResult, type BackfillResult } from '@floodgate/core/app/read-status.ts';
import { controlPath, controlSchema, parseDocument, type GateDocument, type TaskDocument } from '@floodgate/core/contracts/documents.ts';
import { countStates, packStates, type ProgressCounts } from '@floodgate/core/domain/progress.ts';
import { processorById } from '@floodgate/core/domain/pipeline.ts';
import type { StoreReader } from '@floodgate/core/ports/status-store.ts';
import { withoutName } from './render/checks.ts';
import { exitCodeOf } from './exit-codes.ts';
import type { BackfillOutput } from './output-schema.ts';

type Failures = BackfillOutput['failures'];

/** Without what differs from date to date, so that one cause is told once. */
const causeOf = (message: string): string => message.replaceAll(/\d+/g, '#');

const failureOf = (task: TaskDocument): Omit<Failures[number], 'tasks' | 'dates'> | undefined => {
  const common = { processor: task.processorId };
  if (task.state === 'failed') {
    const { code, message, hint } = task.failure ?? { code: 'unknown', message: 'no cause was recorded' };
    return { ...common, state: 'failed', cause: code, message, ...(hint === undefined ? {} : { hint }) };
  }
  if (task.state !== 'quarantined') return undefined;
  const evidence = task.evidence.find(({ severity }) => severity === 'block') ?? task.evidence[0];
  const cause = evidence?.check ?? 'audit';
  return { ...common, state: 'quarantined', cause, message: withoutName(cause, evidence?.message ?? 'an audit failed') };
};

/** Failed and quarantined dates by processor and cause, the most frequent first. */
const groupFailures = (tasks: readonly TaskDocument[]): Failures => {
  const groups = new Map<string, Failures[number] & { dates: string[] }>();
  for (const task of [...tasks].sort((a, b) => (a.date < b.date ? -1 : 1))) {
    const failure = failureOf(task);
    if (failure === undefined) continue;
    const key = [failure.state, failure.processor, failure.cause, causeOf(failure.message)].join('|');
    const group = groups.get(key) ?? { ...failure, tasks: 0, dates: [] };
    group.tasks += 1;
    group.dates.push(task.date);
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => b.tasks - a.tasks);
};

const nonZero = (counts: ProgressCounts): Record<string, number> => Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));

const gateOutput = (state: BackfillOutput['gates'][string]['state'], gate: GateDocument | undefined): BackfillOutput['gates'][string] => ({
  state,
  summary: gate?.summary ?? '',
  repair: gate?.repair ?? '',
  checks: (gate?.checks ?? []).flatMap(({ check, processorId, severity, outcome, message, dates }) =>
    outcome === 'passed' ? [] : [{ check, processor: processorId, severity, outcome, message, dates: [...dates] }],
  ),
});

const processorsOf = ({ backfill, tasks }: BackfillResult, phaseOf: (id: string) => number): BackfillOutput['processors'] =>
  Object.entries(backfill.tasks).map(([processor, planned]) => {
    const own = tasks.filter(({ processorId }) => processorId === processor);
    const counts = countStates([packStates(own.map(({ state }) => state))]);
    return { processor, phase: phaseOf(processor), planned, tasks: nonZero({ ...counts, unreleased: planned - own.length }), rows: rowsOf(own) };
  });

const rowsOf = (tasks: readonly TaskDocument[]): number => tasks.reduce((sum, { state, rows }) => sum + (state === 'succeeded' ? (rows ?? 0) : 0), 0);

export type OutputInput = {
  readonly store: StoreReader;
  readonly plans: PlanReader;
  readonly backfillId: string;
  readonly now: number;
  readonly home: string;
  readonly warehouse: string;
  /** Instant from which this run counts, where it is not the backfill's own beginning. */
  readonly resumedAt?: number;
};

/** Undefined where there is no such backfill. */
export const readBackfillOutput = async ({ store, plans, backfillId, now, home, warehouse, resumedAt }: OutputInput): Promise<BackfillOutput | undefined> => {
  const result = await readBackfillResult(store, backfillId);
  if (result === undefined) return undefined;
  const { backfill, counts, gates, tasks } = result;
  const control = await store.get(controlPath(backfillId));
  const paused = control !== undefined && parseDocument(controlSchema, control).paused && backfill.state === 'active';
  const plan = await plans.plan(backfill.planHash);
  const leftOut = leftOutOf(plan, backfill.request);
  const until = backfill.state === 'active' ? now : (backfill.endedAt ?? now);
  return {
    backfillId,
    pipeline: backfill.pipelineId,
    state: backfill.state,
    paused,
    exitCode: exitCodeOf({ state: backfill.state, paused, counts, gates: gates.map(({ state, gate }) => ({ state, checks: gate?.checks ?? [] })) }),
    planHash: backfill.planHash,
    resumed: resumedAt !== undefined,
    createdAt: new Date(backfill.createdAt).toISOString(),
    endedAt: backfill.endedAt === null || backfill.state === 'active' ? null : new Date(backfill.endedAt).toISOString(),
    seconds: Math.max(until - (resumedAt ?? backfill.createdAt), 0) / 1_000,
    tasks: nonZero(counts),
    totalTasks: Object.values(backfill.tasks).reduce((sum, planned) => sum + planned, 0),
    rows: rowsOf(tasks),
    processors: processorsOf(result, (id) => processorById(plan.pipeline, id)?.phase ?? 0),
    gates: Object.fromEntries(gates.map(({ phase, state, gate }) => [String(phase), gateOutput(state, gate)])),
    failures: groupFailures(tasks),
    leftOut: { ...leftOut.counts },
    warnings: [...leftOut.warnings],
    home,
    warehouse,
  };
};
