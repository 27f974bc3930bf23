import { describe, expect, it } from 'vitest';
import { isSameSelection, requestOf, type SelectionFlags } from './selection-flags.ts';

const problemsOf = (flags: SelectionFlags): readonly string[] => {
  try {
    requestOf(flags, 'nba');
    return [];
  } catch (error) {
    return (error as Error).message.split('\n').map((line) => line.trim());
  }
};

describe('the selection', () => {
  it('is everything without flags', () => {
    expect(requestOf({ requestedBy: 'me' }, 'nba')).toEqual({
      pipeline: 'nba',
      exclude: [],
      reprocess: 'missing',
      lookback: 'auto',
      gate: 'phase',
      limits: {},
      priority: 0,
      reason: '',
      requestedBy: 'me',
    });
  });

  it('takes ranges, dates, exclusions, processors and limits', () => {
    const request = requestOf(
      {
        start: '2024-01-01',
        end: '2024-01-31',
        dates: ['2024-03-01', '2024-02-01..2024-02-05'],
        exclude: ['2024-01-05', '2024-01-07..2024-01-09'],
        processors: ['a+', '+b'],
        phases: '2..3',
        maxInFlight: '5',
        datesPerTask: 'auto',
        priority: '-3',
        reprocess: 'all',
        gate: 'window',
      },
      'nba',
    );
    expect(request).toMatchObject({
      range: [
        { start: '2024-01-01', end: '2024-01-31' },
        { start: '2024-02-01', end: '2024-02-05' },
      ],
      dates: ['2024-03-01'],
      exclude: ['2024-01-05', { start: '2024-01-07', end: '2024-01-09' }],
      processors: ['a+', '+b'],
      phases: '2..3',
      limits: { maxInFlight: 5, datesPerTask: 'auto' },
      priority: -3,
      reprocess: 'all',
      gate: 'window',
    });
    expect(requestOf({ datesPerTask: '7' }, 'nba').limits).toEqual({ datesPerTask: 7 });
  });

  it('names flags in what it says about them, all at once', () => {
    expect(problemsOf({ start: '2024-02-30', end: '2024-03-01' })).toEqual(['--start: "2024-02-30" does not exist: 2024-02 has 29 days']);
    expect(problemsOf({ start: '2024-02-02', end: '2024-02-01', maxInFlight: 'many', reprocess: 'al', gate: 'fase', exclude: ['x'] })).toEqual([
      '5 things are wrong with the selection:',
      '--start, --end: the range ends (2024-02-01) before it starts (2024-02-02): swap start and end',
      expect.stringMatching(/^--exclude: .*"x"/) as unknown as string,
      '--reprocess: expected "missing", "failed", "stale" or "all", found "al"',
      expect.stringMatching(/^--gate: .*found "fase"/) as unknown as string,
      '--max-in-flight: expected a whole number from 1 to 10000, found "many"',
    ]);
  });

  it('wants both ends of a range', () => {
    expect(problemsOf({ start: '2024-01-01' })).toEqual(['--start is given and --end is not: expected both, or neither for the whole calendar']);
    expect(problemsOf({ end: '2024-01-01' })).toEqual(['--end is given and --start is not: expected both, or neither for the whole calendar']);
  });

  it('says of a range in --dates that it runs backwards', () => {
    expect(problemsOf({ dates: ['2024-01-05..2024-01-01'] })[0]).toMatch(/^--dates: the range ends/);
  });
});

describe('the same selection', () => {
  const base = requestOf({ start: '2024-01-01', end: '2024-01-31', phases: '2', requestedBy: 'me' }, 'nba');
  it('is the same whoever asks, however fast', () => {
    expect(
      isSameSelection(base, requestOf({ start: '2024-01-01', end: '2024-01-31', phases: '2', requestedBy: 'you', maxInFlight: '3', reason: 'again' }, 'nba')),
    ).toBe(true);
  });
  it.each([{ end: '2024-02-01' }, { phases: '3' }, { reprocess: 'all' }, { exclude: ['2024-01-01'] }, { gate: 'window' }])('is another with %j', (flags) => {
    expect(isSameSelection(base, requestOf({ start: '2024-01-01', end: '2024-01-31', phases: '2', ...flags }, 'nba'))).toBe(false);
  });
});
