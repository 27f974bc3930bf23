import { describe, expect, test } from 'vitest';
import {
  allDates,
  diamondPipeline,
  externalPipeline,
  makePipeline,
  makeProcessor,
  makeSeason,
  plainCalendar,
  twoSeasons,
} from '../../../../test/support/pipelines.ts';
import { createCalendar } from './calendar.ts';
import { partitionDate } from './partition-date.ts';
import { parsePhases, selectDates, selectProcessors } from './selection.ts';

const day = partitionDate;
const thrownBy = (run: () => unknown): { readonly code: unknown; readonly message: string } => {
  try {
    run();
  } catch (error) {
    return error as { readonly code: unknown; readonly message: string };
  }
  return expect.unreachable('expected an error');
};

describe('phases', () => {
  // Phases 0, 1 and 3: 2 is a gap.
  const pipeline = makePipeline([makeProcessor('a', { phase: 0 }), makeProcessor('b', { phase: 1 }), makeProcessor('c', { phase: 3 })]);

  test.each([
    ['1', [1]],
    [1, [1]],
    ['0..1', [0, 1]],
    ['0..3', [0, 1, 3]],
    ['2..9', [3]],
    ['0,3', [0, 3]],
    [' 0 , 3 ', [0, 3]],
    ['3,0..1', [0, 1, 3]],
    [
      [3, 0],
      [0, 3],
    ],
  ])('%j selects %j', (input, expected) => expect([...parsePhases(input, pipeline)].sort((a, b) => a - b)).toEqual(expected));

  test.each([
    ['2', 'phases: 2 is no phase of pipeline test; it has 0, 1, 3'],
    [4, 'phases: 4 is no phase of pipeline test; it has 0, 1, 3'],
    ['0,2', 'phases: 2 is no phase of pipeline test; it has 0, 1, 3'],
    ['4..9', 'phases: 4..9 is no phase of pipeline test; it has 0, 1, 3'],
    ['3..1', 'phases: 3..1 runs backwards; write 1..3'],
    ['', 'phases: expected a number, a range or a list such as 3, 2..3 or 2,3; found ""'],
    ['1,', 'phases: expected a number, a range or a list such as 3, 2..3 or 2,3; found ""'],
    ['1-3', 'phases: expected a number, a range or a list such as 3, 2..3 or 2,3; found "1-3"'],
    ['all', 'phases: expected a number, a range or a list such as 3, 2..3 or 2,3; found "all"'],
    [1.5, 'phases: expected a number, a range or a list such as 3, 2..3 or 2,3; found "1.5"'],
    [-1, 'phases: expected a number, a range or a list such as 3, 2..3 or 2,3; found "-1"'],
  ])('%j is refused', (input, message) => {
    expect(thrownBy(() => parsePhases(input, pipeline))).toMatchObject({ code: 'unknown_phase', message });
  });
});

describe('processors', () => {
  const pipeline = diamondPipeline();
  const select = (...processors: readonly string[]): readonly string[] => [...selectProcessors(pipeline, { processors })].sort();

  test('nothing said selects all that are computed, no external table', () => {
    expect([...selectProcessors(pipeline, {})]).toEqual(['games', 'rolling', 'season', 'features']);
    expect([...selectProcessors(externalPipeline(), {})]).toEqual(['games', 'daily']);
  });
  test('names select themselves, tables their processor', () => {
    expect(select('season')).toEqual(['season']);
    expect(select('test.season', 'games')).toEqual(['games', 'season']);
  });
  test('a plus behind adds everything downstream, in front everything upstream, through any number of edges', () => {
    expect(select('games+')).toEqual(['features', 'games', 'rolling', 'season']);
    expect(select('rolling+')).toEqual(['features', 'rolling']);
    expect(select('+features')).toEqual(['features', 'games', 'rolling', 'season']);
    expect(select('+rolling')).toEqual(['games', 'rolling']);
    expect(select('+rolling+')).toEqual(['features', 'games', 'rolling']);
    expect(select('features+')).toEqual(['features']);
  });
  test('upstream stops at external tables', () => {
    expect([...selectProcessors(externalPipeline(), { processors: ['+daily'] })].sort()).toEqual(['daily', 'games']);
  });
  test('phases select theirs, and narrow what names select', () => {
    expect([...selectProcessors(pipeline, { phases: '2..3' })]).toEqual(['rolling', 'season', 'features']);
    expect([...selectProcessors(pipeline, { phases: 2, processors: ['games+'] })].sort()).toEqual(['rolling', 'season']);
  });

  test.each([
    ['rollin', 'processors: "rollin" is no processor of pipeline test; did you mean rolling? Known are games, rolling, season, features'],
    ['+feature', 'processors: "+feature" is no processor of pipeline test; did you mean features? Known are games, rolling, season, features'],
    ['test.raling', 'processors: "test.raling" is no processor of pipeline test; did you mean test.rolling? Known are games, rolling, season, features'],
    ['weather', 'processors: "weather" is no processor of pipeline test; known are games, rolling, season, features'],
    ['+', 'processors: "+" is no processor of pipeline test; known are games, rolling, season, features'],
    ['a+b', 'processors: "a+b" is no processor of pipeline test; known are games, rolling, season, features'],
  ])('%s is refused, with what was probably meant', (name, message) => {
    expect(thrownBy(() => select('games', name))).toMatchObject({ code: 'unknown_processor', message });
  });

  test('an external table is refused as what it is', () => {
    expect(thrownBy(() => selectProcessors(externalPipeline(), { processors: ['weather'] }))).toMatchObject({
      code: 'unknown_processor',
      message: 'processors: "weather" is an external table of pipeline test, which others fill; to compute what reads it, name one of games, daily',
    });
  });
  test('names outside the phases asked for are an error, never nothing to do', () => {
    expect(thrownBy(() => selectProcessors(pipeline, { phases: 3, processors: ['games', 'rolling'] }))).toMatchObject({
      code: 'empty_selection',
      message: 'processors games, rolling lie outside the phases that were asked for',
    });
  });
});

describe('dates', () => {
  const calendar = createCalendar(makeSeason({ season: 'a', start: '2024-01-01', days: 10, isOff: (at) => at === 3 }));

  test('nothing said selects the whole calendar', () => {
    expect(selectDates(twoSeasons(), { exclude: [] })).toEqual({ wanted: new Set(allDates(twoSeasons())), excluded: [], notInCalendar: [] });
  });
  test('every date asked for is wanted, excluded or not in the calendar, in order', () => {
    const selected = selectDates(calendar, {
      range: { start: day('2024-01-02'), end: day('2024-01-06') },
      dates: [day('2024-01-09'), day('2023-12-31')],
      exclude: [day('2024-01-05')],
    });
    expect([...selected.wanted]).toEqual(['2024-01-02', '2024-01-03', '2024-01-06', '2024-01-09']);
    expect(selected.excluded).toEqual(['2024-01-05']);
    expect(selected.notInCalendar).toEqual(['2023-12-31', '2024-01-04']);
  });
  test('several ranges may overlap: a date is selected once', () => {
    const range = [
      { start: day('2024-01-01'), end: day('2024-01-03') },
      { start: day('2024-01-02'), end: day('2024-01-05') },
    ];
    expect([...selectDates(calendar, { range, dates: [day('2024-01-01')], exclude: [] }).wanted]).toEqual([
      '2024-01-01',
      '2024-01-02',
      '2024-01-03',
      '2024-01-05',
    ]);
  });
  test('ranges can be excluded; an excluded date that nobody asked for is not mentioned', () => {
    const exclude = [{ start: day('2024-01-03'), end: day('2024-01-08') }];
    const selected = selectDates(calendar, { range: { start: day('2024-01-01'), end: day('2024-01-05') }, exclude });
    expect([...selected.wanted]).toEqual(['2024-01-01', '2024-01-02']);
    expect(selected.excluded).toEqual(['2024-01-03', '2024-01-05']);
    expect(selected.notInCalendar).toEqual(['2024-01-04']);
  });
  test('exclusions alone narrow the whole calendar', () => {
    expect([...selectDates(plainCalendar('2024-01-01', 3), { exclude: [day('2024-01-02')] }).wanted]).toEqual(['2024-01-01', '2024-01-03']);
  });
  test('a selection without a date is an error that says where the dates went', () => {
    const range = { start: day('2024-01-03'), end: day('2024-01-04') };
    expect(thrownBy(() => selectDates(calendar, { range, exclude: [day('2024-01-03')] }))).toMatchObject({
      code: 'empty_selection',
      message:
        'the selection holds no date of the calendar: 2 dates asked for, 1 not in the calendar, 1 excluded; the calendar goes from 2024-01-01 to 2024-01-10 with 9 dates',
    });
    expect(thrownBy(() => selectDates(createCalendar([]), { exclude: [] })).message).toBe('the selection holds no date: the calendar is empty');
  });
});
