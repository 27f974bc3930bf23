// floodgate validate as scripts use it: exit codes and documents over damage that somebody did by hand, and the printed command
// that mends it.
import { rename } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { ValidationOutput } from '@floodgate/cli/output-schema.ts';
import type { Ended } from './support/command.ts';
import { createShop, shopRange, type Shop } from './support/shop.ts';

const documentOf = ({ out }: Ended): ValidationOutput => JSON.parse(out) as ValidationOutput;

const failing = ({ out, err }: Ended): string => {
  const { tables } = documentOf({ out, err, exitCode: null });
  return tables
    .flatMap(({ table, problems }) => problems.filter(({ severity }) => severity === 'block').map(({ date, check }) => `${table} ${date ?? 'all'} ${check}`))
    .join('; ');
};

const validate = (shop: Shop, ...words: readonly string[]): Promise<Ended> => shop.run('validate', ...words, ...shopRange, '--json');

test(
  'before anything has run, only preflight has something to say; with its file away it says what is missing, and makes no table',
  { timeout: 60_000 },
  async () => {
    await using shop = await createShop();
    const data = ['--data', `${shop.folder}/data`] as const;
    expect((await validate(shop, 'coverage')).exitCode).toBe(2);
    const ready = await validate(shop, 'preflight', ...data);
    expect([ready.exitCode, documentOf(ready).verdict]).toEqual([0, 'ready']);
    expect((await shop.run('sql', '--json')).out).not.toContain('shop_raw');
    await rename(shop.orders, `${shop.orders}.away`);
    // The calendar itself is read from the file: without it nobody can tell which dates there are.
    const away = await validate(shop, 'preflight', ...data);
    expect([away.exitCode, away.out]).toEqual([2, expect.stringContaining('"error"')]);
  },
);

test(
  'damage by hand is found by date, with an exit code that is not that of "could not tell", and the printed command mends it',
  { timeout: 90_000 },
  async () => {
    await using shop = await createShop();
    expect((await shop.run('backfill', ...shopRange)).exitCode).toBe(0);
    for (const kind of ['range', 'preflight']) expect([kind, (await validate(shop, kind)).exitCode]).toEqual([kind, 0]);
    // Of these tables only `recent` says what should be there.
    expect((await validate(shop, 'coverage', '--processors', 'recent')).exitCode).toBe(0);
    const untold = await validate(shop, 'coverage');
    expect([untold.exitCode, documentOf(untold).verdict]).toEqual([4, 'could_not_tell']);

    await shop.changeByHand(
      `DELETE FROM shop_raw.orders WHERE order_id = 'o1a'`,
      `INSERT INTO shop_raw.orders SELECT * FROM shop_raw.orders WHERE order_id = 'o3a'`,
      `INSERT INTO shop_raw.orders BY NAME (SELECT * REPLACE (DATE '2024-03-05' AS day) FROM shop_raw.orders WHERE order_id = 'o3b')`,
      `DELETE FROM shop_sums.recent WHERE day = '2024-03-03'`,
    );
    const range = await validate(shop, 'range');
    expect([range.exitCode, failing(range)]).toEqual([
      1,
      'shop_raw.orders 2024-03-02 as_committed; shop_raw.orders 2024-03-04 as_committed; shop_raw.orders 2024-03-04 unique_key; ' +
        'shop_raw.orders 2024-03-05 off_calendar; shop_sums.recent 2024-03-03 as_committed; shop_sums.recent 2024-03-03 row_count',
    ]);
    const gate = await validate(shop, 'gate', '2');
    expect([gate.exitCode, failing(gate)]).toEqual([1, 'shop_sums.recent 2024-03-03 as_committed; shop_sums.recent 2024-03-03 row_count']);
    const text = await shop.run('validate', 'gate', '2', ...shopRange);
    expect(text.out).toMatch(/recent +[^\n]*✗ 1/);
    expect(text.out).toContain('Not ready: 1 date of 1 table fails.');

    // What a person has to delete is told as advice; the rest by the commands, as they stand.
    await shop.changeByHand(`DELETE FROM shop_raw.orders WHERE day = '2024-03-05'`);
    const commands = /To mend it\n((?: {2}npx [^\n]+\n)+)/.exec((await shop.run('validate', 'range', ...shopRange)).out)?.[1] ?? '';
    expect((await shop.runPrinted(commands)).exitCode).toBe(0);
    expect((await validate(shop, 'range')).exitCode).toBe(0);
  },
);

test('a table that is gone fails, and one that can not be read leaves nobody saying that all is well', { timeout: 60_000 }, async () => {
  await using shop = await createShop();
  expect((await shop.run('backfill', ...shopRange)).exitCode).toBe(0);
  await shop.changeByHand('DROP TABLE shop_sums.recent', 'ALTER TABLE shop_sums.season_so_far ADD COLUMN extra INTEGER');
  const gate = await validate(shop, 'gate', '2');
  expect([gate.exitCode, failing(gate)]).toEqual([1, 'shop_sums.recent all table; shop_sums.season_so_far all schema']);
  expect(documentOf(gate).counts).toMatchObject({ complete: 0 });
  await shop.changeByHand('DROP TABLE shop_ext.rates');
  const coverage = await validate(shop, 'coverage', '--processors', 'season_so_far');
  expect(coverage.exitCode).toBe(1);
  // The audit of recent reads the rates; without them nothing can be expected.
  await shop.changeByHand('CREATE TABLE shop_sums.recent AS SELECT 1 AS other');
  expect((await validate(shop, 'coverage', '--processors', 'recent')).exitCode).toBe(1);
});
