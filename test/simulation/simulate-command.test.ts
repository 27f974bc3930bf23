// The whole command, over threads whose runs behave as their seed says.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stripStyle } from '@floodgate/cli/render/style.ts';
import { specialSeeds } from './pool-behaviour.ts';
import { runSimulate } from './simulate-command.ts';

type Said = { readonly code: number; readonly out: string; readonly err: string };

const thread = new URL('pool-fixture.ts', import.meta.url);

const ask = async (
  line: string,
  options: { readonly isTerminal?: boolean; readonly interrupted?: AbortSignal; readonly onWrite?: (text: string) => void } = {},
): Promise<Said> => {
  const said = { out: '', err: '' };
  const terminal = (name: 'out' | 'err') => ({
    write: (text: string) => {
      said[name] += text;
      options.onWrite?.(text);
    },
    isTerminal: options.isTerminal ?? false,
    columns: options.isTerminal === true ? 100 : undefined,
    rows: undefined,
  });
  const interrupted = options.interrupted ?? new AbortController().signal;
  const code = await runSimulate(line.split(' '), { out: terminal('out'), err: terminal('err'), interrupted, colour: true, thread });
  return { code, ...said };
};

describe('a batch', () => {
  test('that holds tells how far it is at every tenth, what happened, and ends with 0', async () => {
    const { code, out } = await ask('--seed 40 --runs 20 --workers 2');
    expect(code).toBe(0);
    expect(
      out
        .split('\n')
        .slice(0, 10)
        .map((line) => line.split(',')[0]?.trim()),
    ).toEqual(Array.from({ length: 10 }, (_, index) => `${String((index + 1) * 10).padStart(3)} %  ${(index + 1) * 2} of 20 runs`.trim()));
    expect(out).toContain('✓ no violation in 20 runs, seeds 40 to 59');
    expect(out).toMatch(/job_late +\d+ +100\.0 %/);
    expect(stripStyle(out)).toBe(out);
  });

  test('with violations tells the command that traces each, and ends with 1', async () => {
    const { code, out } = await ask('--seed 1 --runs 30 --workers 2');
    expect(code).toBe(1);
    expect(out).toContain('Invariant 4: 2 runs');
    expect(out).toContain(`✗ seed ${specialSeeds.fails}: scores|2024-01-02 holds rows of generation 7, / its log names 8`);
    expect(out).toContain(`npm run simulate -- --seed ${specialSeeds.failsToo} --trace`);
    expect(out).toContain('✗ 2 violations in 30 runs');
  });

  test('without the fault that makes it fail holds', async () => {
    expect((await ask(`--seed ${specialSeeds.fails} --runs 1 --without job_late`)).code).toBe(0);
  });

  test('ends with 3 where coverage is demanded and something was left out', async () => {
    expect((await ask('--seed 40 --runs 2 --demand-coverage')).code).toBe(3);
  });

  test('draws one line on a terminal, again and again, and takes it away', async () => {
    const { out } = await ask('--seed 40 --runs 5', { isTerminal: true });
    const drawn = out.slice(0, out.indexOf('Crash points'));
    expect(stripStyle(drawn)).toContain('0 of 5 runs, 0.0 runs/s, 0 faults, 0 violations, starting');
    expect(stripStyle(drawn)).toContain('5 of 5 runs');
    expect(drawn).toContain('\u001b[1A\u001b[J');
  });

  test('that is interrupted tells what there is', async () => {
    const interrupt = new AbortController();
    const { code, out } = await ask('--seed 1000 --runs 2000 --workers 1', { interrupted: interrupt.signal, onWrite: () => interrupt.abort() });
    expect(code).toBe(130);
    expect(out).toMatch(/no violation.* in 200 of the 2,000 runs from seed 1000 on/);
  });

  test('gives one document on standard output, and what is for people on the other', async () => {
    const { code, out, err } = await ask('--seed 10 --runs 10 --json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      firstSeed: 10,
      runs: 10,
      violations: { count: 1, byInvariant: [{ invariant: '4', first: [{ seed: specialSeeds.fails }] }] },
    });
    expect(err).toContain('100 %');
  });
});

describe('a trace', () => {
  test('of a failing run tells the faults that it takes and what is about the violation, and how to have it again', async () => {
    const { code, out } = await ask(`--seed ${specialSeeds.fails} --trace`);
    expect(code).toBe(1);
    expect(out).toContain('✗ Invariant 4 at 0:00:04.500 (about bf1, scores|2024-01-02, scores)');
    expect(out).toMatch(/It takes 2 of its 24 faults \(none of them can be left out, \d+ runs\)/);
    expect(out).toContain('job_late#2  worker-1.1  a job starts long after its request was sent');
    expect(out).toContain('claim scores|2024-01-02');
    expect(out).not.toContain('claim scores|2024-01-03');
    expect(out).toContain(`Again: npm run simulate -- --seed ${specialSeeds.fails} --trace --only job_late#2,crash#4`);
  });

  test('with --all leaves nothing out', async () => {
    const { out } = await ask(`--seed ${specialSeeds.fails} --trace --all`);
    expect(out).toContain('claim scores|2024-01-03');
  });

  test('with --only makes the run with those strikes', async () => {
    const kept = await ask(`--seed ${specialSeeds.fails} --trace --only job_late#2,crash#4,stall#1`);
    expect(kept.out).toContain('It takes 2 of its 3 faults');
    const others = await ask(`--seed ${specialSeeds.fails} --trace --only stall#1`);
    expect(others.code).toBe(0);
    expect(others.out).toContain('✓ All invariants hold, twice with the same digest.');
  });

  test('of a run that differs from itself tells where the two part', async () => {
    const { code, out } = await ask(`--seed ${specialSeeds.differs} --trace`);
    expect(code).toBe(1);
    expect(out).toContain(`Broken: determinism: two runs of seed ${specialSeeds.differs} differ (digests 1 and 2)`);
    expect(out).toMatch(/They part at event 1[^]*Then one:\n.*write 1\n +Then the other:\n.*write 2/);
  });

  test('of a run that throws tells what', async () => {
    const { code, out } = await ask(`--seed ${specialSeeds.throws} --trace`);
    expect(code).toBe(1);
    expect(out).toMatch(/^✗ Broken: crash/);
    expect(out).toContain('RangeError: nobody has named this write');
  });

  test('gives one document', async () => {
    const { code, out } = await ask(`--seed ${specialSeeds.fails} --trace --json`);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      seed: specialSeeds.fails,
      deterministic: true,
      violation: { invariant: '4' },
      shrunk: {
        minimal: true,
        strikes: [
          { kind: 'job_late', number: 2 },
          { kind: 'crash', number: 4 },
        ],
      },
    });
    expect(JSON.parse((await ask('--seed 40 --trace --json')).out)).toMatchObject({ seed: 40, deterministic: true, violation: null });
  });
});

test('a wrong command line ends with 2 and starts nothing', async () => {
  const { code, out, err } = await ask('--sed 3 --runs x');
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err.split('\n').slice(0, 3)).toEqual([
    'unknown flag --sed: did you mean --seed?',
    expect.stringContaining('unexpected "3"'),
    expect.stringContaining('--runs expects an integer'),
  ]);
});

test('the command is a program', () => {
  const { status, stdout } = spawnSync(process.execPath, [join(import.meta.dirname, 'simulate.ts'), '--help'], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('Usage: npm run simulate') });
});
