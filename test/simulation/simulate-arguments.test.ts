import { describe, expect, test } from 'vitest';
import { parseArguments } from './simulate-arguments.ts';

const read = (line: string) => parseArguments(line === '' ? [] : line.split(' '));

test.each([
  ['', { mode: 'batch', seed: 1, runs: 500, workers: undefined, failFast: false, demandCoverage: false, without: [], json: false }],
  [
    '--seed 7 --runs=20 --workers 3 --fail-fast --demand-coverage --json --without crash,stall',
    { mode: 'batch', seed: 7, runs: 20, workers: 3, failFast: true, demandCoverage: true, without: ['crash', 'stall'], json: true },
  ],
  ['--seed 7 --trace', { mode: 'trace', seed: 7, all: false, only: undefined, without: [], json: false }],
  ['--seed 7 --trace --all --only crash#1,stall#12', { mode: 'trace', seed: 7, all: true, only: ['crash#1', 'stall#12'], without: [], json: false }],
  ['--seed 0 --trace --only none', { mode: 'trace', seed: 0, all: false, only: [], without: [], json: false }],
  ['--help --sed', { mode: 'help' }],
])('%s', (line, value) => {
  expect(read(line)).toEqual({ ok: true, value });
});

describe('a wrong command line says what was expected', () => {
  test.each([
    ['--sed 3', ['unknown flag --sed: did you mean --seed?', 'unexpected "3"']],
    ['--bananas', ['unknown flag --bananas: expected one of --seed, --runs,']],
    ['-s', ['unknown flag -s: expected one of']],
    ['--seed', ['--seed expects a value']],
    ['--seed --json', ['--seed expects a value']],
    ['--seed=', ['--seed expects an integer from 0 to 4294967295, found ""']],
    ['--seed -3', ['--seed expects an integer from 0 to 4294967295, found "-3"']],
    ['--runs 0', ['--runs expects an integer from 1 to 10000000, found "0"']],
    ['--runs 1e3', ['--runs expects an integer from 1 to 10000000, found "1e3"']],
    ['--workers two', ['--workers expects an integer from 1 to 512, found "two"']],
    ['--seed 4294967295 --runs 2', ['--seed and --runs go beyond the last seed, 4294967295']],
    ['--json=yes', ['--json takes no value, found "yes"']],
    ['--seed 1 --seed 2', ['--seed is given twice']],
    ['12', ['unexpected "12": everything is a flag']],
    ['--without crsh', ['--without: unknown kind of fault "crsh": did you mean crash?']],
    ['--without bananas,stall', ['--without: unknown kind of fault "bananas": expected some of crash,']],
    ['--without ,', ['--without expects kinds of faults']],
    ['--trace', ['--trace needs --seed']],
    ['--trace --seed 1 --runs 3 --fail-fast', ['--runs is for many runs, --trace for one', '--fail-fast is for many runs']],
    ['--all', ['--all needs --trace']],
    ['--only crash#1', ['--only needs --trace']],
    ['--trace --seed 1 --only crash', ['--only expects strikes as kind#number (crash#1,stall#2) or none, found "crash"']],
    ['--trace --seed 1 --only crash#0', ['--only expects strikes as kind#number']],
    ['--trace --seed 1 --only stal#1', ['--only: unknown kind of fault "stal": did you mean stall?']],
    ['--runs x --workers y --nothing', ['--nothing', '--runs expects', '--workers expects']],
  ])('%s', (line, expected) => {
    const parsed = read(line);
    const problems = parsed.ok ? [] : parsed.problems;
    for (const text of expected)
      expect(
        problems.some((problem) => problem.includes(text)),
        problems.join('\n'),
      ).toBe(true);
    expect(problems).toHaveLength(expected.length);
  });
});
