import type { DateProblem, TableReport, ValidationReport } from '@floodgate/core/app/validate-report.ts';
import { countStatuses } from '@floodgate/core/app/validate-report.ts';
import { addDays, partitionDate, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import { describe, expect, it } from 'vitest';
import { createStyle, plainStyle, widthOf } from './style.ts';
import { renderValidation } from './validate.ts';

const day = (index: number): PartitionDate => addDays(partitionDate('2024-01-01'), index);

const problem = (change: Partial<DateProblem>): DateProblem => ({
  date: day(1),
  check: 'unique_key',
  severity: 'block',
  outcome: 'failed',
  message: '2 rows share a key',
  offending: 2,
  examples: [],
  repair: 'all',
  ...change,
});

const table = (
  change: Partial<TableReport> & { readonly days?: number; readonly bad?: Readonly<Record<number, TableReport['statuses'][string]>> },
): TableReport => {
  const { days = 4, bad = {}, ...rest } = change;
  return {
    processor: 'games',
    table: 'test.games',
    phase: 1,
    role: 'target',
    statuses: Object.fromEntries(Array.from({ length: days }, (_, index) => [day(index), bad[index] ?? 'complete'])),
    lookback: [],
    rows: 10,
    expectations: [],
    withoutExpectation: [],
    problems: [],
    notes: [],
    ...rest,
  };
};

const report = (tables: readonly TableReport[], change: Partial<ValidationReport> = {}): ValidationReport => ({
  kind: 'coverage',
  pipeline: 'test',
  phase: null,
  verdict: 'not_ready',
  dates: { wanted: 4, first: day(0), last: day(3), excluded: 0, notInCalendar: 0 },
  counts: countStatuses(tables),
  tables,
  contaminated: [],
  repair: [],
  advice: [],
  ...change,
});

const textOf = (of: ValidationReport, flags = ''): string => renderValidation(of, plainStyle, 100, flags).join('\n');

describe('a validation for people', () => {
  it('shows a heat line per table, expected keys, reasons by date, and the command with the flags of the home', () => {
    const games = table({
      bad: { 1: 'partial', 2: 'failed' },
      expectations: [{ check: 'expected_keys(item)', dates: 4, expected: 8, found: 5 }],
      problems: [
        problem({ check: 'expected_keys(item)', message: 'item i1 missing (1 of 2 expected)', examples: [{ item: 'i1' }] }),
        problem({ date: day(2), check: 'expected_keys(item)', message: 'item i0 and item i1 missing (2 of 2 expected)' }),
      ],
    });
    const repair = ['npx floodgate backfill --pipeline test --processors games --dates 2024-01-02..2024-01-03 --reprocess all'];
    expect(textOf(report([games], { repair }), ' --home h --pipeline test')).toBe(
      [
        'Coverage of test  2024-01-01 to 2024-01-04, 4 dates',
        '',
        '  2024-01-01 … 2024-01-04',
        '  games  █▒✗█  █ 2  ▒ 1  ✗ 1  5 of 8 keys',
        '',
        '  █ complete   ▒ partial   ✗ failed',
        '',
        'What is wrong',
        '  ✗ games  2 dates',
        '      2024-01-02  expected_keys(item)  item i1 missing (1 of 2 expected)',
        '      2024-01-03  expected_keys(item)  item i0 and item i1 missing (2 of 2 expected)',
        '',
        'To mend it',
        '  npx floodgate backfill --pipeline test --processors games --dates 2024-01-02..2024-01-03 --reprocess all --home h',
        '',
        '✗ Not ready: 2 dates of 1 table fail.',
      ].join('\n'),
    );
  });

  it('lets neighbouring dates share a sign where there are many, the worst of them shown, within the width', () => {
    const games = table({ days: 900, bad: { 450: 'failed' } });
    const lines = renderValidation(report([games]), plainStyle, 80, '');
    const heat = lines.find((line) => line.startsWith('  games')) ?? '';
    expect(heat.match(/✗/g)).toHaveLength(2); // the date, and its count
    expect(widthOf(heat)).toBeLessThanOrEqual(80);
    expect(lines.join('\n')).toMatch(/one sign: \d+ dates, the worst of them/);
  });

  it('shows a few of many dates with the same reasons, and says which others there are', () => {
    const problems = Array.from({ length: 30 }, (_, index) => problem({ date: day(index), message: `${index} rows share a key` }));
    const text = textOf(report([table({ days: 30, problems })]));
    expect(text).toContain('2024-01-02  unique_key  1 rows share a key');
    expect(text).not.toContain('2024-01-03  unique_key');
    expect(text).toContain('and 2024-01-03, 2024-01-04 and 26 more, to 2024-01-30');
  });

  it('tells apart what fails, what could not be evaluated, and what is only a warning', () => {
    const text = textOf(
      report(
        [
          table({
            bad: { 0: 'unknown', 1: 'unknown', 2: 'unknown', 3: 'unknown' },
            problems: [
              problem({ date: null, check: 'rows', outcome: 'could_not_tell', message: 'no such column' }),
              problem({ severity: 'warn', check: 'odd' }),
            ],
          }),
        ],
        { verdict: 'could_not_tell' },
      ),
    );
    expect(text).toContain('  ? games  all dates\n      rows could not be evaluated  no such column');
    expect(text).toContain('Warnings\n  ! games\n      2024-01-02  odd  2 rows share a key');
    expect(text).toContain('? Could not tell: 4 dates could not be judged. That is no "ready".');
  });

  it('lists who has read rotten dates, and dates that nothing is expected of', () => {
    const contaminated = [{ processor: 'rolling', table: 'test.rolling', direct: false, dates: [day(1), day(2)] }];
    const text = textOf(report([table({ withoutExpectation: [day(3)] })], { kind: 'contamination', contaminated }));
    expect(text).toContain('What has read the dates that fail\n  rolling  2 dates  2024-01-02, 2024-01-03  through other tables');
    expect(text).toContain('Nothing says what should be there\n  games  1 date  2024-01-04');
  });

  it('says what each verdict means, and has no signs but ASCII where the terminal knows no others', () => {
    expect(textOf(report([table({})], { kind: 'gate', phase: 3, verdict: 'ready' }))).toMatch(/^Gate 3 of test[^]*✓ Ready: the gate would open\.$/);
    expect(textOf(report([table({})], { kind: 'gate', phase: 3, verdict: 'held' }))).toContain('asks for a person’s approval');
    const ascii = renderValidation(report([table({ bad: { 1: 'failed' } })]), createStyle({ colour: false, unicode: false }), 100, '');
    expect(ascii.find((line) => line.startsWith('  games'))).toBe('  games  CFCC  C 3  F 1  10 rows');
  });
});
