// Audits look at exactly the rows that would be committed. What they find is evidence per date; whether a finding blocks
// is the audit's severity. Key and required columns are always checked, and so is shrinking.
import type { Evidence } from '../contracts/documents.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import type { Audit, Processor } from '../domain/pipeline.ts';
import type { JobLabels, KeyedCheck, StagedDate, Warehouse, WarehouseCheck } from '../ports/warehouse.ts';
import { specOf } from './ledger-reader.ts';
import type { LoadedPlan } from './plan-store.ts';

/** Name of a check, for people: unique within its processor. */
const checkName = (check: WarehouseCheck): string => {
  switch (check.type) {
    case 'sql':
      return check.name;
    case 'accepted_range':
      return `accepted_range(${check.column})`;
    case 'not_null':
    case 'not_zero':
    case 'expected_keys':
      return `${check.type}(${check.columns.join(', ')})`;
    default:
      return check.type;
  }
};

export type NamedCheck = { readonly keyed: KeyedCheck; readonly name: string; readonly severity: 'block' | 'warn' };

/** An audit, or a check that no pipeline declares. */
type BuiltIn = { readonly check: WarehouseCheck; readonly severity: Audit['severity'] };

/** Dates on which a check says nothing, because the sources lack all that it looks at for that season. */
const exemptDates = (plan: LoadedPlan, processor: Processor, check: WarehouseCheck, dates: readonly PartitionDate[]): ReadonlySet<PartitionDate> => {
  const columns = check.type === 'not_null' || check.type === 'not_zero' ? check.columns : check.type === 'accepted_range' ? [check.column] : [];
  const seasons = new Set(
    processor.absent.filter(({ columns: absent }) => columns.some((column) => absent.includes(column))).flatMap(({ seasons: names }) => names),
  );
  if (seasons.size === 0) return new Set();
  return new Set(dates.filter((date) => seasons.has(plan.calendar.dates[plan.calendar.indexOf.get(date) as number]?.season ?? '')));
};

/** These audits by name, each with the dates that are exempt from it. */
export const namedAudits = (plan: LoadedPlan, processor: Processor, audits: readonly BuiltIn[], dates: readonly PartitionDate[]): readonly NamedCheck[] =>
  audits.map(({ check, severity }, index) => ({
    keyed: { id: `${processor.id}#${index}`, check, exempt: exemptDates(plan, processor, check, dates) },
    name: checkName(check),
    severity,
  }));

/** Everything that rows of a processor are held to. */
export const checksOf = (plan: LoadedPlan, processor: Processor, audits: readonly Audit[], dates: readonly PartitionDate[]): readonly NamedCheck[] => {
  const required = processor.columns.filter((column) => column.required).map(({ name }) => name);
  const builtIn: readonly BuiltIn[] = [
    { check: { type: 'unique_key', columns: processor.key }, severity: 'block' },
    { check: { type: 'required', columns: required }, severity: 'block' },
  ];
  return namedAudits(plan, processor, [...builtIn, ...audits], dates);
};

export const countsExpectations = (check: WarehouseCheck): boolean => check.type === 'row_count' || check.type === 'expected_keys';

/** Runs all audits of a processor over staged rows. Dates without a finding passed. */
export const auditStaged = async (
  deps: { readonly warehouse: Warehouse },
  input: {
    readonly plan: LoadedPlan;
    readonly processor: Processor;
    readonly staging: string;
    readonly dates: readonly PartitionDate[];
    readonly staged: ReadonlyMap<PartitionDate, StagedDate>;
    /** Rows that the target holds now, per date. */
    readonly rowsBefore: ReadonlyMap<PartitionDate, number>;
    readonly labels: JobLabels;
  },
  signal: AbortSignal,
): Promise<ReadonlyMap<PartitionDate, readonly Evidence[]>> => {
  const { plan, processor, dates } = input;
  const checks = checksOf(plan, processor, processor.audits, dates);
  const { findings } = await deps.warehouse.runChecks(
    {
      target: specOf(processor),
      subject: { staging: input.staging },
      dates,
      checks: checks.map(({ keyed }) => keyed),
      sources: plan.pipeline.sources,
      labels: input.labels,
    },
    signal,
  );
  const evidence = new Map<PartitionDate, Evidence[]>();
  const add = (date: PartitionDate, found: Evidence): void => void evidence.set(date, [...(evidence.get(date) ?? []), found]);
  const byId = new Map(checks.map((check) => [check.keyed.id, check]));
  for (const { checkId, date, message, offending, examples } of findings) {
    const check = byId.get(checkId);
    if (check === undefined) throw new RangeError(`a finding names the unknown check ${checkId}`);
    add(date, { check: check.name, severity: check.severity, message, offending, examples: [...examples] });
  }
  // Fewer rows than before are explained only by an expectation that came from somewhere else and holds (P2: "deleted 12,
  // inserted 2", recorded as success).
  const explains = processor.audits.some(({ check, severity }) => severity === 'block' && countsExpectations(check));
  for (const [date, before] of input.rowsBefore) {
    const rows = input.staged.get(date)?.rows ?? 0;
    if (explains || rows >= before) continue;
    const message = `${rows} rows would replace ${before}, and no row_count or expected_keys audit explains fewer`;
    add(date, { check: 'shrink', severity: 'block', message, offending: before - rows, examples: [] });
  }
  return evidence;
};
