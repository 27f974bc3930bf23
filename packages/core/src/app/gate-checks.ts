// What a gate holds the committed rows of a table to: the processor's own audits, the checks of its phase, and what later phases
// demand of its columns. Shared by the validator, which decides gates, and by validations, which only ask.
import type { LedgerEntry } from '../domain/ledger.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import type { Audit, CriticalColumn, PhaseGate, Processor } from '../domain/pipeline.ts';
import { checksOf, type NamedCheck } from './audit-staged.ts';
import type { LoadedPlan } from './plan-store.ts';

type Entry = (date: PartitionDate) => LedgerEntry | undefined;

export const gateOf = ({ pipeline }: Pick<LoadedPlan, 'pipeline'>, processor: Processor): PhaseGate =>
  pipeline.phases.find(({ number }) => number === processor.phase)?.gate ?? { checks: [], hold: false, quorum: 1 };

/** A critical column as the audits that it stands for. */
export const asAudits = ({ column, notZero, minRatio, where }: CriticalColumn): readonly Audit[] => {
  const rule = { columns: [column], minRatio, ...(where === undefined ? {} : { where }) };
  const checks: Audit[] = [{ severity: 'block', check: { type: 'not_null', ...rule } }];
  return notZero ? [...checks, { severity: 'block', check: { type: 'not_zero', ...rule } }] : checks;
};

/** What later phases demand of this table's columns: contamination is stopped where it starts. */
const contractsOn = (plan: LoadedPlan, processor: Processor): readonly Audit[] => {
  const audits = plan.pipeline.processors.flatMap(({ upstreams }) =>
    upstreams.filter(({ table }) => table === processor.table).flatMap(({ critical }) => critical.flatMap(asAudits)),
  );
  return [...new Map(audits.map((audit) => [JSON.stringify(audit), audit])).values()];
};

/** As many rows as were committed: rows that somebody deleted or added by hand are noticed without a declared check. */
export const asCommitted = (processor: Processor, dates: readonly PartitionDate[], rowsOf: (date: PartitionDate) => number | undefined): NamedCheck => {
  const expected = new Map(
    dates.flatMap((date) => {
      const rows = rowsOf(date);
      return rows === undefined ? [] : [[date, rows] as const];
    }),
  );
  return { keyed: { id: `${processor.id}#committed`, check: { type: 'rows', expected } }, name: 'as_committed', severity: 'block' };
};

/** Audits that apply to a table at its gate, those of its phase included. */
const gateAuditsOf = (plan: LoadedPlan, processor: Processor): readonly Audit[] => [
  ...processor.audits,
  ...contractsOn(plan, processor),
  ...gateOf(plan, processor).checks.filter(({ table }) => table === processor.table),
];

export const gateChecksOf = (plan: LoadedPlan, processor: Processor, dates: readonly PartitionDate[], entryOf: Entry): readonly NamedCheck[] => [
  asCommitted(processor, dates, (date) => entryOf(date)?.rows),
  ...checksOf(plan, processor, gateAuditsOf(plan, processor), dates),
];

/** A person has accepted these rows although this check does not hold on them. */
export const isAccepted = ({ name }: NamedCheck, entry: LedgerEntry | undefined): boolean => entry?.accepted?.includes(name) ?? false;

/** A quorum is a share of expected rows or keys, so it applies to checks that count them and to nothing else. */
export const isWithinQuorum = (offending: number, expected: number, quorum: number): boolean =>
  expected > 0 && quorum < 1 && offending / expected <= 1 - quorum;
