import { describe, expect, test } from 'vitest';
import { plainStyle } from '@floodgate/cli/render/style.ts';
import type { RunResult, TraceEvent } from './result.ts';
import { firstDifference, formatElapsed, relevantEvents, renderEvents, renderStrikes } from './trace.ts';

const event = (changes: Partial<TraceEvent>): TraceEvent => ({ at: 0, process: 'worker-1.1', what: 'write', text: 'claim', about: [], ...changes });

const resultOf = (events: readonly TraceEvent[], about: readonly string[] | undefined): RunResult => ({
  seed: 1,
  violation: about === undefined ? undefined : { invariant: '4', message: 'm', at: 9, about },
  strikes: [],
  points: {},
  crashes: {},
  transitions: {},
  messages: {},
  outcomes: {},
  codes: {},
  dates: 0,
  backfills: 0,
  simulatedMs: 0,
  wallMs: 0,
  digest: '',
  events,
});

const textsOf = (events: readonly TraceEvent[], about: readonly string[] | undefined): readonly string[] =>
  relevantEvents(resultOf(events, about)).map(({ text }) => text);

describe('what matters', () => {
  const events = [
    event({ text: 'this date', about: ['bf1', 'scores', 'scores|2024-01-02'] }),
    event({ text: 'its neighbour', about: ['bf1', 'scores', 'scores|2024-01-03'] }),
    event({ text: 'a batch with it', what: 'job', about: ['scores', 'scores|2024-01-01', 'scores|2024-01-02'] }),
    event({ text: 'the lane', about: ['scores'] }),
    event({ text: 'another lane', about: ['games'] }),
    event({ text: 'the backfill', about: ['bf1'] }),
    event({ text: 'a gate', about: ['bf1', 'bf1/2'] }),
    event({ text: 'a fault', what: 'fault' }),
    event({ text: 'a death', what: 'process' }),
    event({ text: 'the violation', what: 'violation' }),
  ];

  test('is the date itself, its table and backfill, every fault and death; no neighbour', () => {
    expect(textsOf(events, ['bf1', 'scores', 'scores|2024-01-02'])).toEqual([
      'this date',
      'a batch with it',
      'the lane',
      'the backfill',
      'a fault',
      'a death',
      'the violation',
    ]);
  });

  test('is everything of a backfill, where the violation is about the backfill', () => {
    expect(textsOf(events, ['bf1'])).toEqual(['this date', 'its neighbour', 'the backfill', 'a gate', 'a fault', 'a death', 'the violation']);
  });

  test('is what came last, where the violation names nothing', () => {
    const many = Array.from({ length: 100 }, (_, index) => event({ text: `write ${index}`, about: ['bf1'] }));
    const texts = textsOf([event({ text: 'early fault', what: 'fault' }), ...many], []);
    expect(texts).toHaveLength(31);
    expect([texts[0], texts[1], texts.at(-1)]).toEqual(['early fault', 'write 70', 'write 99']);
  });

  test('is everything, where nothing was violated', () => {
    expect(textsOf(events, undefined)).toHaveLength(events.length);
  });
});

describe('rendering', () => {
  const options = { style: plainStyle, width: 60 };

  test('writes simulated time, process, what and words in columns, long words wrapped below themselves', () => {
    const lines = renderEvents(
      [
        event({ at: 3_723_450, what: 'fault', text: 'crash#1' }),
        event({ at: 5, process: 'planner-1.12', text: 'one two three four five six seven eight nine' }),
      ],
      options,
    );
    expect(lines.join('\n').split('\n')).toEqual([
      '  1:02:03.450  worker-1.1    fault  crash#1',
      '  0:00:00.005  planner-1.12  write  one two three four five six',
      '                                    seven eight nine',
    ]);
  });

  test('says once what happens again and again', () => {
    expect(renderEvents([event({}), event({ at: 1 }), event({ at: 2 }), event({ at: 3, text: 'stage' })], options)).toEqual([
      '  0:00:00.000  worker-1.1  write  claim (3 times)',
      '  0:00:00.003  worker-1.1  write  stage',
    ]);
    expect(renderEvents([event({}), event({ at: 1 })], { ...options, isWhole: true })).toHaveLength(2);
  });

  test('leaves out the middle of a very long story, and says so', () => {
    const many = Array.from({ length: 1_000 }, (_, index) => event({ at: index, text: `write ${index}` }));
    const lines = renderEvents(many, options);
    expect(lines).toHaveLength(251);
    expect(lines[125]).toBe('  … 750 events left out; --all shows them');
    expect(lines.at(-1)).toContain('write 999');
    expect(renderEvents(many, { ...options, isWhole: true })).toHaveLength(1_000);
  });

  test('says of each fault what it is, where there is room', () => {
    const result = { ...resultOf([], []), strikes: [{ kind: 'ack_lost' as const, number: 3, at: 1, where: 'worker-1.1' }] };
    expect(renderStrikes(result, options)).toEqual(['  ack_lost#3  worker-1.1  an ack never arrives']);
    expect(renderStrikes(result, { ...options, width: 30 })).toEqual(['  ack_lost#3  worker-1.1']);
  });

  test('counts time from the beginning of the run', () => {
    expect([0, 59_999, 60_000, 36_000_001].map(formatElapsed)).toEqual(['0:00:00.000', '0:00:59.999', '0:01:00.000', '10:00:00.001']);
  });
});

test('two runs part at the first event that is not the same in both', () => {
  const [a, b, c] = [event({ text: 'a' }), event({ text: 'b' }), event({ text: 'c' })];
  expect(firstDifference([a, b], [a, b])).toBeUndefined();
  expect(firstDifference([a, b], [a, c])).toEqual({ index: 1, one: b, other: c });
  expect(firstDifference([a], [a, c])).toEqual({ index: 1, one: undefined, other: c });
});
