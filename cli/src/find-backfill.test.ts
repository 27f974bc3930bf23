import type { BackfillDocument } from '@floodgate/core/contracts/documents.ts';
import { describe, expect, it } from 'vitest';
import { parseExplainArguments } from './commands/explain.ts';
import { chooseBackfill } from './find-backfill.ts';

const backfill = (backfillId: string, state: BackfillDocument['state'] = 'completed', tasks = 1): BackfillDocument =>
  ({ backfillId, state, tasks: { games: tasks } }) as unknown as BackfillDocument;
const all = [backfill('nba-c3', 'completed', 0), backfill('nba-b2'), backfill('nba-b1', 'blocked')];

describe('the backfill that is meant', () => {
  it('is the named one, or the only one whose name begins so', () => {
    expect(chooseBackfill(all, 'nba-b1').backfillId).toBe('nba-b1');
    expect(chooseBackfill(all, 'nba-c').backfillId).toBe('nba-c3');
  });

  it('is the active one where none is named, else the newest that had anything to do', () => {
    expect(chooseBackfill([...all, backfill('nba-a0', 'active')], undefined).backfillId).toBe('nba-a0');
    expect(chooseBackfill(all, undefined).backfillId).toBe('nba-b2');
    expect(chooseBackfill([backfill('nba-c3', 'completed', 0)], undefined).backfillId).toBe('nba-c3');
  });

  it('is asked for again where the name fits several, none, or there are none', () => {
    expect(() => chooseBackfill(all, 'nba-b')).toThrow('it could be nba-b2 or nba-b1');
    expect(() => chooseBackfill(all, 'nba-b4')).toThrow('did you mean');
    expect(() => chooseBackfill(all, 'zzz')).toThrow('there is no backfill "zzz"');
    expect(() => chooseBackfill([], undefined)).toThrow('no backfills');
  });
});

describe('the words of explain', () => {
  it('are a backfill, a partition, or both', () => {
    expect(parseExplainArguments([])).toEqual({ backfill: undefined });
    expect(parseExplainArguments(['nba-x1'])).toEqual({ backfill: 'nba-x1' });
    expect(parseExplainArguments(['games', '2024-01-01'])).toEqual({ backfill: undefined, processorId: 'games', date: '2024-01-01' });
    expect(parseExplainArguments(['nba-x1', 'games', '2024-01-01'])).toEqual({ backfill: 'nba-x1', processorId: 'games', date: '2024-01-01' });
  });

  it('are refused with a date that does not exist, and where there are too many', () => {
    expect(() => parseExplainArguments(['games', '2024-02-30'])).toThrow('does not exist');
    expect(() => parseExplainArguments(['a', 'b', '2024-01-01', 'd'])).toThrow('at most');
  });
});
