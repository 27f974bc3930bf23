// Says what was skipped and why, and ends every run with one plain line, `412 passed, 0 failed, 3 skipped`, so that a person
// or a program that sees only the end of the output knows how it went. A file that can't be loaded, or an error outside all
// tests, counts as one failure. Before that line: how many tests of each port's contract each implementation has passed.
import { writeSync } from 'node:fs';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

const countModule = (module: TestModule): { readonly passed: number; readonly failed: number; readonly skipped: number } => {
  const states = [...module.children.allTests()].map((test) => test.result().state);
  const [passed, failed] = [states.filter((state) => state === 'passed').length, states.filter((state) => state === 'failed').length];
  const isBroken = failed === 0 && module.state() === 'failed';
  return { passed, failed: isBroken ? 1 : failed, skipped: states.length - passed - failed };
};

/** Suites around a test, from the innermost on. */
const suitesOf = (test: TestCase): readonly TestSuite[] => {
  const suites: TestSuite[] = [];
  for (let { parent } = test as TestCase | TestSuite; parent.type === 'suite'; { parent } = parent) suites.push(parent);
  return suites;
};

/** The reason that `context.skip(reason)` was given; else the name of the outermost suite, which tells it where a whole suite is skipped. */
const reasonOf = (test: TestCase): string => {
  const result = test.result();
  return result.state === 'skipped' && result.note !== undefined ? result.note : (suitesOf(test).at(-1)?.name ?? test.name);
};

const closingLine = (modules: readonly TestModule[], errorsOutside: number): string => {
  const counts = modules.map(countModule);
  const sum = (key: 'passed' | 'failed' | 'skipped'): number => counts.reduce((total, each) => total + each[key], 0);
  return `${sum('passed')} passed, ${sum('failed') + errorsOutside} failed, ${sum('skipped')} skipped`;
};

/** `status store contract: SQLite 93 passed`, a line a port; nothing where a run has no suite of a contract. */
const contractLines = (modules: readonly TestModule[]): readonly string[] => {
  const ports = new Map<string, Map<string, { passed: number; all: number }>>();
  for (const test of modules.flatMap((module) => [...module.children.allTests()])) {
    const [port, implementation] = suitesOf(test).flatMap(({ name }) => /^(.+ contract): (.+)$/.exec(name)?.slice(1) ?? []);
    if (port === undefined || implementation === undefined) continue;
    const counts = ports.get(port) ?? new Map<string, { passed: number; all: number }>();
    const count = counts.get(implementation) ?? { passed: 0, all: 0 };
    ports.set(port, counts.set(implementation, { passed: count.passed + (test.result().state === 'passed' ? 1 : 0), all: count.all + 1 }));
  }
  return [...ports].map(
    ([port, counts]) => `${port}: ${[...counts].map(([implementation, { passed, all }]) => `${implementation} ${passed} of ${all}`).join(', ')} passed`,
  );
};

/** What did not run and why, a line per file: a run on a bare machine must not look like a full one. */
const skippedLines = (modules: readonly TestModule[]): readonly string[] =>
  modules.flatMap((module) => {
    const skipped = [...module.children.allTests()].filter((test) => test.result().state === 'skipped');
    const reasons = new Set(skipped.map(reasonOf));
    return skipped.length === 0 ? [] : [`skipped ${skipped.length} in ${module.relativeModuleId}: ${[...reasons].join('; ')}`];
  });

export class ClosingLineReporter implements Reporter {
  #lines: readonly string[] = [];

  onInit(): void {
    // At the process's end, since the other reporters write after their own onTestRunEnd.
    process.once('exit', () => {
      if (this.#lines.length > 0) writeSync(process.stdout.fd, `\n${this.#lines.join('\n')}\n`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    this.#lines = [...contractLines(modules), ...skippedLines(modules), closingLine(modules, unhandledErrors.length)];
  }
}
