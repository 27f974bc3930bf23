// What the exit code of a command says. Scripts rely on it: docs/operations.md lists the same table.
import type { Verdict } from '@floodgate/core/app/validate-report.ts';
import type { BackfillState, CheckOutcome, GateState } from '@floodgate/core/contracts/documents.ts';
import type { ProgressCounts } from '@floodgate/core/domain/progress.ts';

export const exitCodes = {
  /** Done, and every gate is open. */
  done: 0,
  /** Finished, with failed or quarantined dates; of a validation: not ready. */
  failed: 1,
  /** The command, its input or the pipeline is wrong; nothing was started. */
  usage: 2,
  /** Every task succeeded and a check holds a gate; the backfill is paused; or a gate would wait for a person. */
  held: 3,
  /** Could not tell: interrupted, cancelled, a check that could not be evaluated, an error of Floodgate or of its surroundings. */
  unknown: 4,
  /** In conflict with a backfill that is active, or with the process that runs on this home. */
  conflict: 5,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export type Ending = {
  readonly state: BackfillState;
  readonly paused: boolean;
  readonly counts: ProgressCounts;
  readonly gates: readonly { readonly state: GateState; readonly checks: readonly Pick<CheckOutcome, 'outcome' | 'severity'>[] }[];
};

/** Failed dates are told before held gates: they are why most gates are held. */
export const exitCodeOf = ({ state, paused, counts, gates }: Ending): ExitCode => {
  if (counts.failed + counts.quarantined > 0) return exitCodes.failed;
  if (state === 'completed') return exitCodes.done;
  if (state === 'cancelled') return exitCodes.unknown;
  if (state === 'active') return paused ? exitCodes.held : exitCodes.unknown;
  const checks = gates.flatMap((gate) => gate.checks);
  const holds = checks.some(({ outcome, severity }) => outcome === 'failed' && severity === 'block');
  return !holds && checks.some(({ outcome }) => outcome === 'could_not_tell') ? exitCodes.unknown : exitCodes.held;
};

/** What is certain comes first: something that is not ready stays so, whatever else could not be evaluated beside it. */
export const exitCodeOfVerdict = (verdict: Verdict): ExitCode => {
  switch (verdict) {
    case 'ready':
      return exitCodes.done;
    case 'held':
      return exitCodes.held;
    case 'not_ready':
      return exitCodes.failed;
    case 'could_not_tell':
      return exitCodes.unknown;
  }
};

const usageCodes = new Set([
  'usage',
  'invalid_request',
  'invalid_settings',
  'unknown_pipeline',
  'unknown_processor',
  'unknown_phase',
  'unknown_backfill',
  'unknown_table',
  'unknown_dead_letter',
  'empty_selection',
  'invalid_pipeline',
  'invalid_sql',
  'no_data',
  'no_home',
  'file_exists',
]);
const conflictCodes = new Set(['overlap', 'home_in_use', 'backfill_paused', 'plan_changed', 'plan_outdated']);

/** Exit code of an error that ends a command. */
export const exitCodeOfError = (code: string): ExitCode =>
  usageCodes.has(code) ? exitCodes.usage : conflictCodes.has(code) ? exitCodes.conflict : exitCodes.unknown;
