// Four groups, one after the other: everything that is quick and has a namespace of its own runs on both cores; then what runs
// against emulators and mostly waits for them, three files at a time; then whole backfills in homes of their own, two at a time; then
// the simulator, which uses every core by itself. `vitest run <path>` picks files of any.
import { defineConfig } from 'vitest/config';
import { ClosingLineReporter } from './test/support/closing-line-reporter.ts';
import { LongFirstSequencer } from './test/support/long-first-sequencer.ts';

/** What is polled for is there at once on an idle machine; one that does other things takes longer, and one second is vitest's default. */
const expectations = { poll: { timeout: 15_000 } };
const exclude = ['**/node_modules/**', '**/.floodgate/**', 'tools/**'];
/** Each file has emulators of its own, on ports of its own. */
const emulated = ['test/emulators/**/*.test.ts'];
const whole = ['test/{e2e,browser}/**/*.test.ts', 'bench/**/*.test.ts', 'examples/**/*.test.ts'];
const simulated = ['test/simulation/**/*.test.ts'];

export default defineConfig({
  test: {
    // A process per file: DuckDB and SQLite are native, and a file that crashes takes no other with it.
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default', new ClosingLineReporter()],
    sequence: { sequencer: LongFirstSequencer },
    projects: [
      {
        test: {
          name: 'quick',
          include: ['{packages,services,cli,dashboard,pipelines,infra,docs,test}/**/*.test.ts'],
          exclude: [...exclude, ...emulated, ...whole, ...simulated],
          expect: expectations,
          testTimeout: 20_000,
          hookTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'emulated',
          include: emulated,
          exclude,
          expect: expectations,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxConcurrency: 3,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'whole',
          include: whole,
          exclude,
          expect: expectations,
          testTimeout: 240_000,
          hookTimeout: 120_000,
          maxConcurrency: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'simulated',
          include: simulated,
          exclude,
          fileParallelism: false,
          expect: expectations,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxConcurrency: 3,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
