// Runs a pipeline, changes one of its files, and runs what is stale by then, all in one process: as `floodgate up` lives
// on while somebody edits. A process of its own, since Vitest loads modules in its own way.
// Arguments: home, data folder, pipelines folder, request as JSON, file, text in it, text instead. Says one line of JSON.
import { readFile, writeFile } from 'node:fs/promises';
import type { BackfillRequestInput } from '@floodgate/core/contracts/request.ts';
import { openEngine, plannedTasks } from './engine.ts';

export type EditedRun = {
  readonly first: string;
  readonly state: string;
  readonly planned: readonly string[];
  readonly succeeded: readonly string[];
  readonly unchanged: readonly string[];
};

const [home = '', data = '', pipelines = '', json = '', file = '', from = '', to = ''] = process.argv.slice(2);
const input = JSON.parse(json) as BackfillRequestInput;
const engine = await openEngine({ home, data, pipelines });
const first = await engine.run(input);
const text = await readFile(file, 'utf8');
if (!text.includes(from)) throw new Error(`${file} does not contain "${from}"`);
await writeFile(file, text.replace(from, to));
const { state, summary, result } = await engine.run({ ...input, reprocess: 'stale' });
const datesOf = (wanted: string): readonly string[] =>
  result.tasks
    .filter((task) => task.state === wanted)
    .map(({ date }) => date)
    .sort();
await engine[Symbol.asyncDispose]();
const run: EditedRun = { first: first.state, state, planned: plannedTasks(summary), succeeded: datesOf('succeeded'), unchanged: datesOf('unchanged') };
process.stdout.write(`${JSON.stringify(run)}\n`);
