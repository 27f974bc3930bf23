// The small pipeline of fixtures/shop as somebody would have it on his disk: five days of it, in a folder that a test may change.
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, watch, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { warehouseFile } from '@floodgate/cli/embedded-stack.ts';
import { createHome } from '@floodgate/embedded/home-lock.ts';
import { createTemporaryFolder } from '../../support/temporary-folder.ts';
import { floodgate, main, startFloodgate, startProgram, type Ended, type RunningCommand } from './command.ts';
import { changeByHand } from './data-folder.ts';

export const shopDays = ['2024-03-01', '2024-03-02', '2024-03-03', '2024-03-04', '2024-03-06'] as const;
export const shopRange = ['--start', '2024-03-01', '--end', '2024-03-06'] as const;

/** Waits with the day until a file `go` lies beside it, having said in a file `begun` that it does: a run that a test meets under way. */
const patientMarks = (folder: string): string => `
import { existsSync, writeFileSync } from 'node:fs';
import type { CodeFunction } from '@floodgate/core/app/deps.ts';
export const rows: CodeFunction = async function* ({ query, signal }) {
  writeFileSync('${folder}/begun', '');
  while (!existsSync('${folder}/go')) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const days = await query('SELECT day, amount FROM shop_sums.recent WHERE day BETWEEN @start_date AND @end_date');
  for (const { day, amount } of days) yield { day: String(day), amount: Number(amount), mark: 'good' };
};
`;

const ordersCsv = [
  'order_id,day,season,amount,note',
  ...shopDays.flatMap((day, index) => [`o${index}a,${day},early,${index + 1},`, `o${index}b,${day},early,10,paid`]),
].join('\n');

export type Shop = AsyncDisposable & {
  readonly folder: string;
  readonly home: string;
  readonly warehouse: string;
  readonly orders: string;
  readonly yaml: string;
  /** Flags that lead to it. */
  readonly flags: readonly string[];
  /** Runs a command line on it to its end. */
  run(...args: readonly string[]): Promise<Ended>;
  start(...args: readonly string[]): RunningCommand;
  /** Runs a line that a command printed for copying, as a shell does, with `npx floodgate` leading to this checkout. */
  runPrinted(line: string): Promise<Ended>;
  /** Replaces a text that must be there. */
  edit(file: string, from: string, to: string): Promise<void>;
  changeByHand(...statements: readonly string[]): Promise<void>;
  /** From now on marks wait until they are let go. */
  makePatient(): Promise<void>;
  /** Resolves once marks wait. */
  begun(): Promise<void>;
  letGo(): Promise<void>;
};

export const createShop = async (): Promise<Shop> => {
  const temporary = await createTemporaryFolder();
  const folder = temporary.path;
  const at = { home: join(folder, 'home'), data: join(folder, 'data'), pipelines: join(folder, 'pipelines') };
  await Promise.all([mkdir(at.data), cp(join(import.meta.dirname, '../fixtures'), at.pipelines, { recursive: true })]);
  await createHome(at.home);
  const orders = join(at.data, 'orders_early.csv');
  await writeFile(orders, ordersCsv);
  const warehouse = warehouseFile(at.home);
  await changeByHand(warehouse, [
    'CREATE SCHEMA shop_ext',
    'CREATE TABLE shop_ext.rates (day DATE NOT NULL, season VARCHAR NOT NULL, rate DOUBLE NOT NULL)',
    ...shopDays.map((day) => `INSERT INTO shop_ext.rates VALUES ('${day}', 'early', 2)`),
  ]);
  const flags = ['--home', at.home, '--pipelines', at.pipelines, '--pipeline', 'shop'];
  // The home remembers the data from then on.
  const services = ['up', 'backfill'];
  const line = ([command = '', ...rest]: readonly string[]): readonly string[] => [
    command,
    ...rest,
    ...flags,
    ...(services.includes(command) ? ['--data', at.data] : []),
  ];
  const edit: Shop['edit'] = async (file, from, to) => {
    const text = await readFile(file, 'utf8');
    if (!text.includes(from)) throw new Error(`${file} doesn't contain ${from}`);
    await writeFile(file, text.replace(from, to));
  };
  const marks = join(at.pipelines, 'shop/processors/marks.ts');
  return {
    folder,
    home: at.home,
    warehouse,
    orders,
    yaml: join(at.pipelines, 'shop/pipeline.yaml'),
    flags,
    run: (...args) => floodgate(line(args), { cwd: folder }),
    start: (...args) => startFloodgate(line(args), { cwd: folder }),
    runPrinted: (printed) => startProgram('/bin/sh', ['-c', `npx() { shift; '${process.execPath}' '${main}' "$@"; }\n${printed}`], { cwd: folder }).ended,
    edit,
    changeByHand: (...statements) => changeByHand(warehouse, statements),
    makePatient: () => writeFile(marks, patientMarks(folder)),
    begun: async () => {
      if (existsSync(join(folder, 'begun'))) return;
      for await (const { filename } of watch(folder)) if (filename === 'begun') return;
    },
    letGo: () => writeFile(join(folder, 'go'), ''),
    [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose](),
  };
};
