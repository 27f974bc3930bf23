import { countStates, packStates, type ProgressState } from '@floodgate/core/domain/progress.ts';
import { describe, expect, it } from 'vitest';
import { exitCodeOf, exitCodeOfError, exitCodeOfVerdict, type Ending } from './exit-codes.ts';

const ending = (state: Ending['state'], tasks: readonly ProgressState[], gates: Ending['gates'] = [], paused = false): Ending => ({
  state,
  paused,
  counts: countStates([packStates(tasks)]),
  gates,
});
const failed = { outcome: 'failed', severity: 'block' } as const;
const untold = { outcome: 'could_not_tell', severity: 'block' } as const;
const warning = { outcome: 'failed', severity: 'warn' } as const;

describe('the exit code of a backfill', () => {
  it.each([
    ['completed', 0, ending('completed', ['succeeded', 'unchanged', 'superseded'])],
    ['completed with nothing to do', 0, ending('completed', [])],
    ['failed dates', 1, ending('blocked', ['succeeded', 'failed'], [{ state: 'blocked', checks: [failed] }])],
    ['quarantined dates', 1, ending('blocked', ['quarantined'], [{ state: 'blocked', checks: [] }])],
    ['failed dates beside a check that could not be evaluated', 1, ending('blocked', ['failed'], [{ state: 'blocked', checks: [untold] }])],
    ['failed dates of a backfill that was interrupted', 1, ending('active', ['failed', 'waiting'])],
    ['a check that holds the gate', 3, ending('blocked', ['succeeded'], [{ state: 'blocked', checks: [failed, warning] }])],
    ['a gate that waits for approval', 3, ending('blocked', ['succeeded'], [{ state: 'held', checks: [warning] }])],
    ['a check that fails beside one that could not be evaluated', 3, ending('blocked', ['succeeded'], [{ state: 'blocked', checks: [failed, untold] }])],
    ['paused', 3, ending('active', ['succeeded', 'waiting'], [], true)],
    ['a check that could not be evaluated', 4, ending('blocked', ['succeeded'], [{ state: 'blocked', checks: [untold, warning] }])],
    ['interrupted', 4, ending('active', ['succeeded', 'running'])],
    ['cancelled', 4, ending('cancelled', ['succeeded', 'cancelled'])],
  ])('%s: %i', (_, code, input) => {
    expect(exitCodeOf(input)).toBe(code);
  });
});

describe('the exit code of an error', () => {
  it.each([
    ['usage', 2],
    ['invalid_request', 2],
    ['empty_selection', 2],
    ['no_data', 2],
    ['invalid_pipeline', 2],
    ['overlap', 5],
    ['home_in_use', 5],
    ['backfill_paused', 5],
    ['disk_full', 4],
    ['source_unreadable', 4],
    ['something_new', 4],
  ])('%s: %i', (code, exitCode) => {
    expect(exitCodeOfError(code)).toBe(exitCode);
  });
});

describe('the exit code of a validation', () => {
  it.each([
    ['ready', 0],
    ['not_ready', 1],
    ['held', 3],
    ['could_not_tell', 4],
  ] as const)('%s: %i', (verdict, exitCode) => {
    expect(exitCodeOfVerdict(verdict)).toBe(exitCode);
  });
});
