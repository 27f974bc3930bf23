// Coverage: what an independent source says should be there, against the committed rows, in keys and never in dates (P1: one
// player of 187 was a covered date; P96: 918 of 918 dates, and one player in one of them). A date for which nothing says what
// should be there is not covered: it is named.
import { countsExpectations, namedAudits, type NamedCheck } from './audit-staged.ts';
import { declaredSkip } from '../domain/ledger.ts';
import type { PartitionDate } from '../domain/partition-date.ts';
import type { Processor } from '../domain/pipeline.ts';
import type { Warehouse } from '../ports/warehouse.ts';
import { asCommitted, gateOf, isAccepted } from './gate-checks.ts';
import { TableFindings, type TableReport } from './validate-report.ts';
import { addFindings, checkCommitted, type RowsResult } from './validate-rows.ts';
import { dateAt, skipStatus, type Scope } from './validate-scope.ts';

type Deps = { readonly warehouse: Warehouse };

/** Statuses of dates before any row is looked at: declared skips, what was never committed, and the rest, which is complete so far. */
export const beginDates = (scope: Scope, processor: Processor, positions: readonly number[], into: TableFindings): readonly PartitionDate[] => {
  const { calendar } = scope.plan;
  const judged: PartitionDate[] = [];
  for (const index of positions) {
    const date = dateAt(calendar, index);
    const skip = declaredSkip(processor, calendar, index);
    if (skip !== undefined) {
      into.begin(date, skipStatus(skip));
      continue;
    }
    into.begin(date, 'complete');
    judged.push(date);
    if (scope.entryOf(processor.id, date) === undefined)
      into.add({ date, check: 'committed', message: 'not computed: the ledger has nothing for it', repair: 'missing' });
  }
  return judged;
};

const expectationsOf = (scope: Scope, processor: Processor, dates: readonly PartitionDate[]): readonly NamedCheck[] => {
  const ofGate = gateOf(scope.plan, processor).checks.filter(({ table }) => table === processor.table);
  const audits = [...processor.audits, ...ofGate].filter(({ check }) => countsExpectations(check));
  // A warning about missing keys is a warning to whoever commits; to whoever asks what is missing it is the answer.
  return namedAudits(scope.plan, processor, audits, dates).map((check) => ({ ...check, severity: 'block' as const }));
};

/** Counts what was demanded and there, per expectation, and names the dates that nothing was demanded of. */
const noteExpectations = (
  checks: readonly NamedCheck[],
  result: RowsResult,
  into: TableFindings,
  judged: readonly PartitionDate[],
  isCommitted: (date: PartitionDate) => boolean,
): void => {
  const covered = new Set<PartitionDate>();
  for (const check of checks) {
    const demanded = result.expectedOf(check);
    if (demanded === undefined) continue;
    const { type } = check.keyed.check;
    let [expected, found, dates] = [0, 0, 0];
    for (const date of judged) {
      const wanted = demanded.get(date);
      if (wanted === undefined || (wanted === 0 && type === 'expected_keys')) continue;
      covered.add(date);
      const offending = result.findings.find((finding) => finding.named === check && finding.date === date)?.offending ?? 0;
      const missing = type === 'expected_keys' ? offending : Math.max(wanted - result.rowsOf(date), 0);
      [expected, found, dates] = [expected + wanted, found + wanted - missing, dates + 1];
    }
    into.expect({ check: check.name, dates, expected, found });
  }
  if (!result.isJudged) return;
  const isComplete = checks.length > 0 && checks.every((check) => result.expectedOf(check) !== undefined);
  for (const date of judged) {
    if (covered.has(date) || !isCommitted(date)) continue;
    // Every expectation was asked, and none of them wants a row there.
    if (isComplete && result.rowsOf(date) === 0) {
      if (into.statusOf(date) === 'complete') into.begin(date, 'empty_ok');
    } else into.lacksExpectation(date);
  }
};

const coverTable = async (deps: Deps, scope: Scope, processor: Processor, signal: AbortSignal): Promise<TableReport> => {
  const { calendar } = scope.plan;
  const into = new TableFindings(processor, 'target');
  const dates = scope.wanted.map((index) => dateAt(calendar, index));
  const judged = beginDates(scope, processor, scope.wanted, into);
  const isJudged = new Set(judged);
  const rowsOf = (date: PartitionDate): number => (isJudged.has(date) ? (scope.entryOf(processor.id, date)?.rows ?? 0) : 0);
  const counted = asCommitted(processor, dates, rowsOf);
  const skipped = new Set(dates.filter((date) => !isJudged.has(date)));
  const expectations = expectationsOf(scope, processor, dates).map((check) => ({
    ...check,
    keyed: { ...check.keyed, exempt: new Set([...(check.keyed.exempt ?? []), ...skipped]) },
  }));
  const hasRows = dates.some((date) => (scope.entryOf(processor.id, date)?.rows ?? 0) > 0);
  const result = await checkCommitted({ ...deps, plan: scope.plan }, { processor, dates, checks: [counted, ...expectations], into, hasRows }, signal);
  const entryOf = (date: PartitionDate) => scope.entryOf(processor.id, date);
  const wasAccepted = ({ named, date }: RowsResult['findings'][number]): boolean => isAccepted(named, entryOf(date));
  // A date without a commit is told to have none; that its rows are missing as well would only say it again.
  const isToldAlready = (date: PartitionDate): boolean => entryOf(date) === undefined && result.rowsOf(date) === 0;
  addFindings(into, result, (finding) => wasAccepted(finding) || skipped.has(finding.date) || isToldAlready(finding.date));
  for (const { date, message, offending } of result.findings)
    if (skipped.has(date)) into.add({ date, check: 'declared_skip', message: `${message}: the pipeline declares that it has none`, offending, repair: '' });
  noteExpectations(expectations, result, into, judged, (date) => entryOf(date) !== undefined);
  if (result.isJudged) into.rows = dates.reduce((sum, date) => sum + result.rowsOf(date), 0);
  const accepted = result.findings.filter(wasAccepted).length;
  if (accepted > 0) into.note(`${accepted} findings were accepted by a person when the rows were committed`);
  if (expectations.length === 0 && judged.length > 0) into.note('it has no row_count and no expected_keys: nothing independent says what should be there');
  return into.report();
};

export const validateCoverage = async (deps: Deps, scope: Scope, signal: AbortSignal): Promise<readonly TableReport[]> => {
  const tables: TableReport[] = [];
  for (const processor of scope.processors) {
    scope.progress({ done: tables.length, total: scope.processors.length, what: processor.table });
    tables.push(await coverTable(deps, scope, processor, signal));
  }
  return tables;
};
