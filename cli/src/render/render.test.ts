import type { BackfillStatus } from '@floodgate/core/app/read-status.ts';
import { partitionDate } from '@floodgate/core/domain/partition-date.ts';
import { countStates, packStates, type ProgressState } from '@floodgate/core/domain/progress.ts';
import { describe, expect, it } from 'vitest';
import { renderCommands, withFlags } from './commands.ts';
import { createLiveArea } from './live-area.ts';
import { renderMatrix } from './matrix.ts';
import { formatAge, formatBytes, formatClock, formatDates, formatDuration, formatEta, formatRate } from './numbers.ts';
import { progressModelOf, renderBar, renderHeldUp, renderProgress, renderProgressLine } from './progress.ts';
import { renderQueryResult, toCsv } from './query-result.ts';
import { createStyle, plainStyle, stripStyle, truncate, widthOf } from './style.ts';
import { renderTable } from './table.ts';

const colourful = createStyle({ colour: true, unicode: true });

describe('numbers', () => {
  it.each([
    [12, '12 ms'],
    [999, '999 ms'],
    [1_000, '1.0 s'],
    [59_900, '59.9 s'],
    [59_960, '1 min 00 s'],
    [61_000, '1 min 01 s'],
    [3_599_600, '1 h 00 min'],
    [7_260_000, '2 h 01 min'],
    [400_000_000, '5 days'],
  ])('%i ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('rounds what is left up, so that it never promises too much', () => {
    expect([1, 1_001, 89_000, 91_000, 5_400_001].map(formatEta)).toEqual(['1 s', '2 s', '89 s', '2 min', '1 h 31 min']);
  });

  it('shows a clock, an age, a rate, bytes', () => {
    expect([0, 61_000, 3_723_000].map(formatClock)).toEqual(['0:00', '1:01', '1:02:03']);
    expect([100, 12_300, 125_000].map(formatAge)).toEqual(['just now', '12 s ago', '2 min 05 s ago']);
    expect([0.25, 9.96, 1_234.5].map(formatRate)).toEqual(['0.3', '10.0', '1,235']);
    expect([0, 1_023, 1_536, 5 * 2 ** 30].map(formatBytes)).toEqual(['0 B', '1023 B', '1.5 KiB', '5.0 GiB']);
  });

  it('lists a few dates and counts the rest', () => {
    expect(formatDates(['2024-01-02', '2024-01-01'])).toBe('2024-01-01, 2024-01-02');
    expect(formatDates(['2024-01-01', '2024-01-02', '2024-01-03', '2024-01-04', '2024-01-09'])).toBe(
      '2024-01-01, 2024-01-02, 2024-01-03 and 2 more, to 2024-01-09',
    );
  });
});

describe('style', () => {
  it('measures and cuts text without its colours', () => {
    const text = `${colourful.paint('red', 'abc')}${colourful.bold('defgh')}`;
    expect(widthOf(text)).toBe(8);
    expect(stripStyle(truncate(text, 6))).toBe('abcde…');
    expect(truncate(text, 8)).toBe(text);
  });

  it('closes what it opened in a text that was cut', () => {
    expect(truncate(colourful.paint('red', 'abcdef'), 3)).toBe('\u001b[31mab\u001b[39m…');
  });

  it('writes no escape sequence without colour', () => {
    expect(stripStyle(plainStyle.paint('red', 'x') + plainStyle.bold('y'))).toBe(plainStyle.paint('red', 'x') + plainStyle.bold('y'));
  });
});

describe('a table', () => {
  it('is as wide as its cells, numbers to the right, colours aside', () => {
    expect(
      renderTable(
        [{ title: 'name' }, { title: 'n', align: 'right' }],
        [
          [colourful.bold('a'), '10'],
          ['bcdef', '7'],
        ],
        plainStyle,
      ).map(stripStyle),
    ).toEqual(['  name    n', '  a      10', '  bcdef   7']);
  });
});

const statusOf = (states: Readonly<Record<string, readonly ProgressState[]>>, over: Partial<BackfillStatus['control']> = {}): BackfillStatus => ({
  backfill: {
    backfillId: 'nba-x1',
    pipelineId: 'nba',
    pipelineHash: 'p',
    planHash: 'h',
    sequence: 1,
    state: 'active',
    reprocess: 'missing',
    gate: 'phase',
    priority: 0,
    limits: { maxInFlight: 10 },
    phases: [2, 3],
    tasks: Object.fromEntries(Object.entries(states).map(([id, own]) => [id, own.length])),
    reason: '',
    requestedBy: '',
    request: {},
    createdAt: 0,
    endedAt: null,
    traceparent: '',
  },
  control: { paused: false, cancelled: false, by: '', at: 0, ...over },
  gates: [
    { phase: 2, state: 'open', gate: undefined },
    { phase: 3, state: 'waiting', gate: undefined },
  ],
  processors: Object.entries(states).map(([processorId, own], index) => ({
    processorId,
    phase: index === 0 ? 2 : 3,
    dates: own.map((_, day) => partitionDate(`2024-01-${String(day + 1).padStart(2, '0')}`)),
    states: own,
  })),
  counts: countStates(Object.values(states).map(packStates)),
});

const context = {
  elapsedMs: 65_000,
  rate: 2,
  stopping: false,
  phaseNames: new Map([
    [2, 'raw'],
    [3, 'analytics'],
  ]),
  phaseOf: new Map([
    ['games', 2],
    ['summary', 3],
  ]),
};
const half: readonly ProgressState[] = ['succeeded', 'unchanged', 'failed', 'running', 'unreleased', 'waiting'];

describe('progress', () => {
  it('shows phases with gates, bars, and what is left', () => {
    const model = progressModelOf(statusOf({ games: ['succeeded', 'succeeded'], summary: half }), context);
    expect(renderProgress(model, plainStyle, 80, 40)).toEqual(
      [
        '  phase 2 raw  ✓ gate open',
        `    games         ${'━'.repeat(40)}  2/2`,
        '  phase 3 analytics  ○ gate waiting',
        `    summary       ${'━'.repeat(13)}${'━'.repeat(6)}╍╍╍╍╍╍╍${'─'.repeat(14)}  3/6`,
        '',
        '  5 of 8 dates · 2.0 dates/s · about 2 s left · 1 in flight · 1 did not succeed · 1:05',
      ].map((line) => truncate(line, 80)),
    );
  });

  it('fits a narrow and low terminal', () => {
    const model = progressModelOf(statusOf({ games: ['succeeded', 'succeeded'], summary: half }), context);
    const lines = renderProgress(model, colourful, 40, 5);
    expect(lines.length).toBeLessThanOrEqual(4);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(40);
    expect(stripStyle(lines.join('\n'))).toContain('phase 3');
  });

  it('says it in one line for a log, with the phase that is under way', () => {
    const model = progressModelOf(statusOf({ games: ['succeeded'], summary: half }), context);
    expect(renderProgressLine(model, plainStyle)).toBe(
      '1:05  phase 3 analytics: 3/6, ○ gate waiting  4 of 7 dates  2.0 dates/s  about 2 s left  1 in flight  1 did not succeed',
    );
  });

  it('says that it is paused, cancelled or stopping instead of how long it takes', () => {
    const paused = progressModelOf(statusOf({ games: ['unreleased'], summary: [] }, { paused: true }), context);
    expect(renderProgressLine(paused, plainStyle)).toMatch(/paused$/);
    const stopping = progressModelOf(statusOf({ games: ['running'], summary: [] }), { ...context, stopping: true });
    expect(renderProgressLine(stopping, plainStyle)).toContain('stopping: finishing what is under way');
    expect(renderProgressLine(stopping, plainStyle)).not.toContain('left');
  });

  it('shows processors whose progress was not written yet as not begun', () => {
    const status = statusOf({ games: ['succeeded'], summary: ['succeeded'] });
    const model = progressModelOf({ ...status, processors: [] }, context);
    expect(model.tally).toEqual({ total: 2, good: 0, bad: 0, inFlight: 0 });
    expect(model.phases.map(({ processors }) => processors.length)).toEqual([1, 1]);
  });

  it('never hides a failure, and is full only when all is over', () => {
    const bar = (tally: { good: number; bad: number; inFlight?: number }): string =>
      stripStyle(
        renderBar({ total: 10_000, inFlight: 0, ...tally }, 20, {
          ...plainStyle,
          paint: (colour, text) => (colour === 'red' ? text.replaceAll('━', 'x') : text),
        }),
      );
    expect(bar({ good: 9_998, bad: 1 })).toBe(`${'━'.repeat(19)}x`);
    expect(bar({ good: 9_999, bad: 0 })).toBe(`${'━'.repeat(19)}─`);
    expect(bar({ good: 10_000, bad: 0 })).toBe('━'.repeat(20));
    expect(bar({ good: 0, bad: 10_000 })).toBe('x'.repeat(20));
    for (const good of [0, 1, 4_999, 9_999]) expect(bar({ good, bad: 1, inFlight: 10_000 - good - 1 })).toHaveLength(20);
  });
});

describe('the live area', () => {
  it('draws over what it drew, and not at all when nothing changed', () => {
    const written: string[] = [];
    const area = createLiveArea((text) => void written.push(text));
    area.draw(['a', 'b']);
    area.draw(['a', 'b']);
    area.draw(['c']);
    area.clear();
    area.clear();
    expect(written).toHaveLength(3);
    expect(written[1]).toContain('\u001b[2A');
    expect(written[1]).toContain('c\u001b[K\n\u001b[J');
    expect(written[2]).toBe('\r\u001b[1A\u001b[J\u001b[?25h');
  });
});

describe('the matrix', () => {
  const date = (text: string) => partitionDate(text);
  const processors = [
    {
      processorId: 'games',
      phase: 2,
      dates: [date('2024-01-30'), date('2024-01-31'), date('2024-02-01')],
      states: ['succeeded', 'failed', 'running'] as const,
    },
    { processorId: 'summary', phase: 3, dates: [date('2024-01-31')], states: ['unreleased'] as const },
  ];

  it('has a cell per date, months side by side, and a legend of what occurs', () => {
    expect(renderMatrix(processors, plainStyle, 80)).toEqual([
      '           2024-01 2024-02',
      '  games    █✗      ▶',
      '  summary   ·',
      '',
      '  █ succeeded   ✗ failed   ▶ running   · not begun',
    ]);
  });

  it('puts months below each other where the terminal is narrow', () => {
    const lines = renderMatrix(processors, plainStyle, 30);
    expect(lines.filter((line) => line.includes('2024-'))).toHaveLength(1);
    const days = Array.from({ length: 29 }, (_, day) => date(`2024-02-${String(day + 1).padStart(2, '0')}`));
    const wide = [{ processorId: 'games', phase: 2, dates: [...days, date('2024-03-01')], states: [...days, 0].map(() => 'succeeded' as const) }];
    const narrow = renderMatrix(wide, plainStyle, 44);
    expect(narrow.filter((line) => line.includes('2024-'))).toHaveLength(2);
  });

  it('tells states apart without colours and without Unicode', () => {
    const lines = renderMatrix(processors, createStyle({ colour: false, unicode: false }), 80);
    expect(lines[1]).toBe('  games    SF      >');
  });
});

describe('rows of a query', () => {
  const result = {
    columns: [
      { name: 'day', type: 'DATE' },
      { name: 'n', type: 'INT64' },
    ],
    rows: [
      { day: '2024-01-01', n: 5 },
      { day: null, n: 12 },
    ],
  };

  it('stand in columns, numbers to the right', () => {
    expect(renderQueryResult(result, plainStyle, 80)).toEqual(['  day          n', '  2024-01-01   5', '  NULL        12']);
  });

  it('stand upright where one row is wider than the terminal, and are cut where many are', () => {
    expect(renderQueryResult({ ...result, rows: result.rows.slice(0, 1) }, plainStyle, 10)).toEqual(['  day  2024-01-01', '  n    5']);
    const many = { ...result, rows: [...result.rows, ...result.rows] };
    expect(renderQueryResult(many, plainStyle, 13).at(-1)).toBe('  and 1 more columns: n');
  });

  it('become CSV with quotes where they are needed', () => {
    expect(
      toCsv({
        columns: [
          { name: 'a', type: 'STRING' },
          { name: 'b', type: 'STRING' },
        ],
        rows: [{ a: 'x,"y"', b: null }],
      }),
    ).toBe('a,b\n"x,""y""",\n');
  });
});

describe('what waits because something is wrong', () => {
  it('is told with its cause, and with what to do', () => {
    const failure = {
      code: 'code_version_mismatch',
      class: 'not_ready',
      message: 'a.ts is not as it was planned any more',
      hint: 'or npx floodgate cancel nba-x1',
    };
    expect(renderHeldUp({ processorId: 'a', dates: 2, failure }, plainStyle, ' --home h')).toEqual([
      '! a: 2 dates wait, tried again after pauses (code_version_mismatch)',
      '    a.ts is not as it was planned any more',
      '    or npx floodgate cancel nba-x1 --home h',
    ]);
  });
});

describe('commands for copying', () => {
  it('stand beside what they are for, or below it where that is too wide', () => {
    expect(renderCommands([['npx floodgate up', 'stay']], plainStyle, 80)).toEqual(['  npx floodgate up  stay']);
    expect(renderCommands([['npx floodgate up', 'stay']], plainStyle, 20)).toEqual(['  # stay', '  npx floodgate up']);
  });

  it.each([
    ['wait for it (npx floodgate watch nba-x1), or not', 'wait for it (npx floodgate watch nba-x1 --home h), or not'],
    ['npx floodgate status lists them', 'npx floodgate status --home h lists them'],
    [
      'npx floodgate backfill --pipeline nba --dates 2024-01-01,2024-01-02 --reprocess all',
      'npx floodgate backfill --pipeline nba --dates 2024-01-01,2024-01-02 --reprocess all --home h',
    ],
    [
      'npx floodgate retry nba-x1 tries again; npx floodgate explain nba-x1 says why',
      'npx floodgate retry nba-x1 --home h tries again; npx floodgate explain nba-x1 --home h says why',
    ],
    ['npx floodgate dlq list shows them', 'npx floodgate dlq list --home h shows them'],
    [
      'empty them: npx floodgate reconcile --clear-off-calendar --pipeline nba',
      'empty them: npx floodgate reconcile --clear-off-calendar --pipeline nba --home h',
    ],
    ['npx floodgate resume nba-x1 --home h', 'npx floodgate resume nba-x1 --home h'],
  ])('get the flags of the home: %s', (text, expected) => {
    expect(withFlags(text, ' --home h')).toBe(expected);
    expect(withFlags(text, '')).toBe(text);
  });
});
