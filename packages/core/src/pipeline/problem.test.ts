import { describe, expect, it } from 'vitest';
import { formatProblem, listNames, sortProblems, suggestName, type Problem } from './problem.ts';

const problem: Problem = { file: 'pipeline.yaml', line: 12, column: 5, message: 'expected a, found b', fix: 'write a', severity: 'error' };

describe('formatProblem', () => {
  it('puts the place in front, so that terminals make it clickable', () => {
    expect(formatProblem(problem)).toBe('pipeline.yaml:12:5 error  expected a, found b — write a');
    const { column: _, ...line } = problem;
    expect(formatProblem({ ...line, severity: 'warning' })).toBe('pipeline.yaml:12 warning  expected a, found b — write a');
  });
});

describe('sortProblems', () => {
  it('tells pipeline.yaml first, then each file by line, and nothing twice', () => {
    const at = (file: string, line: number): Problem => ({ ...problem, file, line });
    const sorted = sortProblems([at('b.sql', 2), at('a.sql', 9), at('pipeline.yaml', 3), at('a.sql', 1), at('pipeline.yaml', 3)]);
    expect(sorted.map(({ file, line }) => `${file}:${line}`)).toEqual(['pipeline.yaml:3', 'a.sql:1', 'a.sql:9', 'b.sql:2']);
  });
});

describe('suggestName', () => {
  it('names the nearest, else what there is, else that there is nothing', () => {
    expect(suggestName('gmaes', ['games'], 'a table')).toBe('write "games"');
    expect(suggestName('weather', ['games', 'teams'], 'a table')).toBe('use a table that is declared: games and teams');
    expect(suggestName('weather', [], 'a source')).toBe('declare a source first: there is none');
  });
});

describe('listNames', () => {
  it('is cut short where it would be a page', () => {
    expect(listNames(['a', 'b', 'c', 'd'], 2)).toBe('a, b and 2 more');
    expect(listNames([])).toBe('none');
  });
});
