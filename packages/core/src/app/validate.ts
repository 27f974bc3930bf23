// Asks about a pipeline's tables without changing anything: can a selection be computed, is all there that should be, are the
// columns that others rely on filled, do the committed rows hold what was promised, would a gate open. For any pipeline, on
// any backend.
import { parsePhases } from '../domain/selection.ts';
import { FloodgateError } from '../domain/errors.ts';
import { bindWarehouse } from './deadline.ts';
import { validateContamination } from './validate-contamination.ts';
import { validateCoverage } from './validate-coverage.ts';
import { validatePreflight } from './validate-preflight.ts';
import { validateGate, validateRange } from './validate-range.ts';
import { repairCommands } from './validate-repair.ts';
import { countStatuses, verdictOf, type Contaminated, type TableReport, type ValidationKind, type ValidationReport, type Verdict } from './validate-report.ts';
import { openScope, type Scope, type Selection, type ValidateDeps, type ValidationProgress } from './validate-scope.ts';

export type ValidationInput = {
  readonly kind: ValidationKind;
  readonly selection: Selection;
  /** Of `gate`: its number. The selection then names no phases. */
  readonly phase?: number;
};

type Found = {
  readonly tables: readonly TableReport[];
  readonly contaminated?: readonly Contaminated[];
  readonly advice?: readonly string[];
  readonly verdict?: Verdict;
};

/** Only what is not there may be made by a validation, so nothing: preparing a table would make it. */
const readOnly = (given: ValidateDeps): ValidateDeps => {
  const deps = bindWarehouse(given);
  return { ...deps, warehouse: { ...deps.warehouse, prepareTable: async () => undefined } };
};

const find = async (deps: ValidateDeps, scope: Scope, { kind, phase }: ValidationInput, signal: AbortSignal): Promise<Found> => {
  switch (kind) {
    case 'preflight':
      return validatePreflight(deps, scope, signal);
    case 'coverage':
      return { tables: await validateCoverage(deps, scope, signal) };
    case 'contamination': {
      const { tables, contaminated, edges } = await validateContamination(deps, scope, signal);
      if (edges > 0) return { tables, contaminated };
      return { tables, verdict: 'ready', advice: ['no edge of this selection declares a critical column: there is nothing to judge'] };
    }
    case 'range':
      return { tables: await validateRange(deps, scope, signal) };
    case 'gate': {
      const tables = await validateGate(deps, scope, signal);
      const holds = scope.plan.pipeline.phases.find(({ number }) => number === phase)?.gate.hold === true;
      return holds && verdictOf(tables) === 'ready'
        ? { tables, verdict: 'held', advice: ['all checks hold; the pipeline asks for a person’s approval of this gate'] }
        : { tables };
    }
  }
};

/** What a person has to do where no backfill can: told once for each kind of thing. */
const adviceOf = (tables: readonly TableReport[]): readonly string[] => {
  const checks = new Set(tables.flatMap(({ problems }) => problems.map(({ check }) => check)));
  const advice: string[] = [];
  if (checks.has('off_calendar'))
    advice.push(
      'dates that have left the calendar are in no backfill: mend the calendar if they belong there; if not, empty them: npx floodgate reconcile --clear-off-calendar',
    );
  if (checks.has('declared_skip'))
    advice.push('rows of dates that are declared to have none are mended by no backfill: delete them, or mend the declaration, and compute what has read them');
  if (checks.has('source')) advice.push('files that are missing are brought by no backfill: put them in place first');
  if (tables.some(({ withoutExpectation }) => withoutExpectation.length > 0))
    advice.push('where nothing independent says what should be there, nobody can say that it is: declare a row_count or expected_keys audit');
  return advice;
};

/**
 * Throws FloodgateError where nothing can be said at all: an unknown pipeline or processor, an empty selection, a calendar that
 * can't be read. Everything else that can't be evaluated is in the report, as such.
 */
export const validate = async (
  given: ValidateDeps,
  input: ValidationInput,
  signal: AbortSignal,
  progress: ValidationProgress = () => undefined,
): Promise<ValidationReport> => {
  const deps = readOnly(given);
  const { kind, phase } = input;
  if (kind === 'gate' && phase === undefined) throw new FloodgateError('usage', 'gate: expected the number of a phase');
  const selection = kind === 'gate' ? { ...input.selection, phases: [phase as number] } : input.selection;
  const scope = await openScope(deps, selection, progress, signal);
  if (kind === 'gate') parsePhases([phase as number], scope.plan.pipeline);
  const { tables, contaminated = [], advice = [], verdict } = await find(deps, scope, input, signal);
  const { calendar } = scope.plan;
  const [first, last] = [calendar.dates[scope.wanted[0] as number], calendar.dates[scope.wanted.at(-1) as number]];
  if (first === undefined || last === undefined) throw new RangeError('a selection without dates was not refused');
  return {
    kind,
    pipeline: scope.plan.pipeline.id,
    phase: kind === 'gate' ? (phase as number) : null,
    verdict: verdict ?? verdictOf(tables),
    dates: {
      wanted: scope.wanted.length,
      first: first.date,
      last: last.date,
      excluded: scope.dates.excluded.length,
      notInCalendar: scope.dates.notInCalendar.length,
    },
    counts: countStatuses(tables),
    tables,
    contaminated,
    repair: repairCommands(scope.plan, tables, contaminated),
    advice: [...advice, ...adviceOf(tables)],
  };
};
