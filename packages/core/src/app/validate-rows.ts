// Checks over committed rows, one table at a time. A check that can't be evaluated takes no other with it: where all of them
// together fail, each is asked for by itself.
import { toFailure } from '../domain/failure.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import type { Processor } from '../domain/pipeline.ts';
import type { CheckResult, Finding, Warehouse } from '../ports/warehouse.ts';
import type { NamedCheck } from './audit-staged.ts';
import { specOf } from './ledger-reader.ts';
import type { LoadedPlan } from './plan-store.ts';
import type { Damage, TableFindings } from './validate-report.ts';

export type RowsResult = {
  readonly rowsOf: (date: PartitionDate) => number;
  readonly findings: readonly (Finding & { readonly named: NamedCheck })[];
  /** What a check demanded of each date; undefined where it could not be evaluated. */
  readonly expectedOf: (check: NamedCheck) => ReadonlyMap<PartitionDate, number> | undefined;
  /** Whether the rows were looked at. */
  readonly isJudged: boolean;
};

const nothing: RowsResult = { rowsOf: () => 0, findings: [], expectedOf: () => undefined, isJudged: false };

const words = (error: unknown): string => {
  const { message, hint } = toFailure(error);
  return hint === undefined ? message : `${message} (${hint})`;
};

/** Notes that something of the table, or of one date, could not be evaluated. Throws where it is over anyway. */
export const couldNotTell = (into: TableFindings, check: string, error: unknown, signal: AbortSignal, date: PartitionDate | null = null): void => {
  if (signal.aborted) throw error;
  into.add({ date, check, outcome: 'could_not_tell', message: words(error), repair: '' });
};

/** Whether the table is there and as declared; what is not, is noted. `committed`: whether the ledger has rows of it. */
const isReadable = async (warehouse: Warehouse, processor: Processor, into: TableFindings, hasRows: boolean, signal: AbortSignal): Promise<boolean> => {
  const { table } = processor;
  const found = await warehouse.inspectTable(specOf(processor), signal);
  switch (found.state) {
    case 'absent':
      into.add({
        date: null,
        check: 'table',
        message: `there is no table ${table}${hasRows ? ', although the ledger says what it holds' : ': nothing was ever committed'}`,
        repair: hasRows ? 'all' : 'missing',
      });
      return false;
    case 'different':
      into.add({ date: null, check: 'schema', message: `${table} is not as declared: ${found.differences.join('; ')}`, repair: '' });
      return false;
    case 'as_declared':
      if (found.missing.length === 0) return true;
      into.add({
        date: null,
        check: 'schema',
        message: `${table} lacks ${found.missing.join(', ')}, declared since it was filled: the next backfill adds them`,
        repair: 'stale',
      });
      return false;
  }
};

const merge = (results: readonly CheckResult[]): CheckResult => ({
  findings: results.flatMap(({ findings }) => findings),
  expected: new Map(results.flatMap(({ expected }) => [...expected])),
  expectedOf: new Map(results.flatMap(({ expectedOf }) => [...expectedOf])),
  rowsOf: new Map(results.flatMap(({ rowsOf }) => [...rowsOf])),
});

/**
 * Runs the checks over the committed rows of these dates (sorted, distinct). What could not be evaluated is noted in `into`;
 * what was found is the caller's to judge.
 */
export const checkCommitted = async (
  { warehouse, plan }: { readonly warehouse: Warehouse; readonly plan: LoadedPlan },
  input: {
    readonly processor: Processor;
    readonly dates: readonly PartitionDate[];
    readonly checks: readonly NamedCheck[];
    readonly into: TableFindings;
    readonly hasRows: boolean;
  },
  signal: AbortSignal,
): Promise<RowsResult> => {
  const { processor, dates, checks, into } = input;
  if (dates.length === 0 || checks.length === 0) return nothing;
  try {
    if (processor.kind !== 'external' && !(await isReadable(warehouse, processor, into, input.hasRows, signal))) return nothing;
  } catch (error) {
    couldNotTell(into, 'table', error, signal);
    return nothing;
  }
  const run = (some: readonly NamedCheck[]): Promise<CheckResult> =>
    warehouse.runChecks(
      {
        target: specOf(processor),
        subject: 'committed',
        dates,
        checks: some.map(({ keyed }) => keyed),
        sources: plan.pipeline.sources,
        labels: { processor: processor.id, use: 'validate' },
      },
      signal,
    );
  const results: CheckResult[] = [];
  try {
    results.push(await run(checks));
  } catch (error) {
    if (signal.aborted) throw error;
    for (const check of checks) {
      try {
        results.push(await run([check]));
      } catch (own) {
        couldNotTell(into, check.name, own, signal);
      }
    }
  }
  const { findings, expectedOf, rowsOf } = merge(results);
  const byId = new Map(checks.map((check) => [check.keyed.id, check]));
  return {
    rowsOf: (date) => rowsOf.get(date) ?? 0,
    findings: findings.flatMap((finding) => {
      const named = byId.get(finding.checkId);
      return named === undefined ? [] : [{ ...finding, named }];
    }),
    expectedOf: ({ keyed }) => expectedOf.get(keyed.id),
    isJudged: results.length > 0,
  };
};

/** Fewer rows or keys than there should be, and some: the date is partial. */
const damageOf = (result: RowsResult, { named, date }: RowsResult['findings'][number]): Damage => {
  const { type } = named.keyed.check;
  const rows = result.rowsOf(date);
  const isShort = (type === 'rows' || type === 'row_count') && rows < (result.expectedOf(named)?.get(date) ?? 0);
  return rows > 0 && (isShort || type === 'expected_keys') ? 'partial' : 'failed';
};

const committedMessage = (result: RowsResult, { named, date }: RowsResult['findings'][number]): string => {
  const [rows, committed] = [result.rowsOf(date), result.expectedOf(named)?.get(date) ?? 0];
  return `${rows} ${rows === 1 ? 'row is' : 'rows are'} in the table, ${committed} ${committed === 1 ? 'was' : 'were'} committed`;
};

/** Takes what was found into the report of the table. */
export const addFindings = (into: TableFindings, result: RowsResult, isLeftOut: (finding: RowsResult['findings'][number]) => boolean = () => false): void => {
  for (const finding of result.findings) {
    if (isLeftOut(finding)) continue;
    const { named, date, offending, examples } = finding;
    const message = named.keyed.check.type === 'rows' ? committedMessage(result, finding) : finding.message;
    into.add({ date, check: named.name, severity: named.severity, message, offending, examples }, damageOf(result, finding));
  }
};
