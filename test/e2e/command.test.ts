// The `floodgate` command as scripts and people meet it: a child process, its exit code and what it prints.
import { existsSync, readFileSync } from 'node:fs';
import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { storeFile } from '@floodgate/cli/embedded-stack.ts';
import { launcher, projectFolder, startProgram, type Ended } from './support/command.ts';
import { createShop, shopDays, shopRange } from './support/shop.ts';

const ajv = new Ajv2020({ formats: { 'date-time': true }, strict: false });
ajv.addSchema(JSON.parse(readFileSync(join(projectFolder, 'docs/cli-output.schema.json'), 'utf8')) as object, 'cli');

/** The one document that is all of standard output, of the contract of this name. */
const documentOf = (name: string, { out }: Ended): unknown => {
  expect(out.trimEnd()).not.toContain('\n');
  const document: unknown = JSON.parse(out);
  expect(ajv.validate({ $ref: `cli#/$defs/${name}` }, document), ajv.errorsText()).toBe(true);
  return document;
};

/** Expects this exit code, and shows what was said where it is another. */
const expectExit = (ended: Ended, exitCode: number): Ended => {
  expect(ended.exitCode, `${ended.out}\n${ended.err}`).toBe(exitCode);
  expect(`${ended.out}${ended.err}`, 'piped output has no escape sequences').not.toContain('\u001b');
  return ended;
};

const printedCommands = ({ out }: Ended): readonly string[] => [...out.matchAll(/^ *(npx floodgate .+)$/gm)].map((match) => match[1] ?? '');

/** The only printed command that does this. */
const printedCommand = (ended: Ended, name: string): string => {
  const hits = printedCommands(ended).filter((line) => line.startsWith(`npx floodgate ${name} `));
  expect(hits, ended.out).toHaveLength(1);
  return hits[0] ?? '';
};

type Result = {
  readonly backfillId: string;
  readonly state: string;
  readonly tasks: Readonly<Record<string, number>>;
  readonly leftOut: Readonly<Record<string, number>>;
};

const resultOf = (ended: Ended): Result => documentOf('backfill', ended) as Result;

describe.concurrent('floodgate', { timeout: 180_000 }, () => {
  test('ends with 0 when done, and again with nothing to do; what it prints for copying works', async () => {
    await using shop = await createShop();
    const first = expectExit(await shop.run('backfill', ...shopRange, '--json'), 0);
    expect(resultOf(first)).toMatchObject({ state: 'completed', exitCode: 0, tasks: { succeeded: 20 }, leftOut: { not_in_calendar: 1 } });
    const again = expectExit(await shop.run('backfill', ...shopRange), 0);
    expect(again.out).toMatch(/nothing to do[\s\S]+20 {2}already_fresh/);
    expect(printedCommands(again).map((line) => line.split(' ')[2])).toEqual(['sql', 'export', 'status']);
    for (const line of printedCommands(again)) expectExit(await shop.runPrinted(line), 0);
    expect(existsSync(join(shop.folder, 'marks.parquet'))).toBe(true);
    const rows = documentOf('sql', expectExit(await shop.run('sql', 'SELECT day, orders, amount FROM shop_sums.season_so_far ORDER BY day', '--json'), 0));
    // 10 and 1, 2, 3 … are sold on each day.
    expect(rows).toEqual([0, 11, 23, 36, 50].map((amount, index) => ({ day: shopDays[index], orders: 2 * index, amount })));
  });

  test('ends with 2 and says what is wrong with the command', async () => {
    await using shop = await createShop();
    const mistakes: readonly (readonly [args: readonly string[], said: RegExp])[] = [
      [['backfill', '--start', '2024-02-30', '--end', '2024-03-06'], /--start: "2024-02-30" does not exist/],
      [['backfill', '--start', '2024-03-06', '--end', '2024-03-01'], /ends \(2024-03-01\) before it starts \(2024-03-06\)/],
      [['backfill', ...shopRange, '--processors', 'recnt'], /"recnt".*did you mean recent\?/],
      [['backfill', ...shopRange, '--reproces', 'all'], /unknown option '--reproces'[\s\S]+did you mean --reprocess\?/i],
      [['bakfill'], /unknown command 'bakfill'[\s\S]+did you mean backfill\?/i],
    ];
    for (const [args, said] of mistakes) {
      const ended = expectExit(await shop.run(...args), 2);
      expect(ended.out).toBe('');
      expect(ended.err).toMatch(said);
    }
    const asJson = expectExit(await shop.run('backfill', '--start', 'soon', '--end', 'later', '--json'), 2);
    expect(documentOf('error', asJson)).toMatchObject({ error: { code: 'invalid_request' }, exitCode: 2 });
    expect(documentOf('statusList', await shop.run('status', '--json'))).toEqual([]);
  });

  test('ends with 2 where the pipeline is wrong: SQL that is none, a circle', async () => {
    await using shop = await createShop();
    await shop.edit(join(shop.folder, 'pipelines/shop/processors/recent.sql'), 'GROUP BY r.day', 'GROUP BY BY r.day');
    expect(expectExit(await shop.run('lint'), 2).out).toMatch(/syntax error[^\n]*\n[^\n]*recent\.sql:10:13/);
    await shop.edit(shop.yaml, 'shop_ext.rates: 0d', 'shop_ext.rates: 0d\n      shop_sums.season_so_far: 0d');
    await shop.edit(shop.yaml, '      shop_raw.orders: season', '      shop_raw.orders: season\n      shop_sums.recent: 0d');
    expect(expectExit(await shop.run('backfill', ...shopRange), 2).err).toContain('found recent -> season_so_far -> recent');
  });

  test('ends with 1 over quarantined dates, which are shown, accepted, rejected, and replayed from the dead letters', async () => {
    await using shop = await createShop();
    // Of late were sold 0, 22, 46, 72 and 54, at the rate of 2.
    await shop.edit(shop.yaml, 'shop_sums.recent: 0d', 'shop_sums.recent: 0d\n    audits:\n      - accepted_range: { column: amount, max: 50 }');
    const { backfillId, tasks } = resultOf(expectExit(await shop.run('backfill', ...shopRange, '--json'), 1));
    expect(tasks).toEqual({ succeeded: 18, quarantined: 2 });
    expect(expectExit(await shop.run('quarantine', 'show', 'marks', '2024-03-04'), 0).out).toMatch(/above 50[\s\S]+2024-03-04 +poor +72/);
    expectExit(await shop.run('quarantine', 'accept', 'marks', '2024-03-04', '--reason', 'a fair'), 1);
    expect(JSON.parse((await shop.run('quarantine', 'list', '--json')).out)).toMatchObject([{ backfillId, processor: 'marks', date: '2024-03-06' }]);
    expectExit(await shop.run('quarantine', 'reject', 'marks', '2024-03-06'), 0);
    const [letter, ...others] = documentOf('deadLetters', expectExit(await shop.run('dlq', 'list', '--json'), 0)) as readonly { readonly id: string }[];
    expect([letter, others]).toMatchObject([{ processor: 'marks', date: '2024-03-06', cause: 'quarantine_rejected', state: 'open' }, []]);
    expect(expectExit(await shop.run('dlq', 'show', letter?.id ?? ''), 0).out).toContain('rejected the quarantined rows');
    // Nothing has changed, so it fails the same audit again.
    expect(expectExit(await shop.run('dlq', 'replay', letter?.id ?? ''), 1).out).toMatch(/1 date replayed[\s\S]+1 date quarantined/);
    // All are accepted: the gate does not ask for that audit again, in this backfill and in later ones.
    expectExit(await shop.run('quarantine', 'accept', 'marks', '2024-03-06'), 0);
    expect(documentOf('deadLetters', await shop.run('dlq', 'list', '--json'))).toEqual([]);
    expect(documentOf('sql', await shop.run('sql', 'SELECT day FROM shop_marks.marks ORDER BY day', '--json'))).toEqual(shopDays.map((day) => ({ day })));
    expect(expectExit(await shop.run('backfill', ...shopRange), 0).out).toContain('nothing to do');
  });

  test('ends with 3 where a check holds the gate over rows that somebody deleted, until they are computed again', async () => {
    await using shop = await createShop();
    const check = 'row_count: { sql: "SELECT day AS date, 2 AS expected FROM shop_ext.rates WHERE day BETWEEN @start_date AND @end_date" }';
    await shop.edit(shop.yaml, '"1": { name: load }', `"1": { name: load, gate: { checks: [{ table: shop_raw.orders, check: { ${check} } }] } }`);
    expectExit(await shop.run('backfill', ...shopRange), 0);
    await shop.changeByHand(`DELETE FROM shop_raw.orders WHERE day = '2024-03-03'`);
    const sums = ['backfill', ...shopRange, '--phases', '2..3', '--reprocess', 'all'];
    const held = expectExit(await shop.run(...sums), 3);
    expect(held.out).toMatch(/phase 1 +✗ gate blocked[\s\S]+2024-03-03/);
    expectExit(await shop.run('backfill', ...shopRange, '--phases', '1', '--reprocess', 'all'), 0);
    expectExit(await shop.run(...sums), 0);
  });

  test('ends with 3 where a person must approve, and goes on with the command that it printed', async () => {
    await using shop = await createShop();
    await shop.edit(shop.yaml, '"1": { name: load }', '"1": { name: load, gate: { hold: true } }');
    const held = expectExit(await shop.run('backfill', ...shopRange), 3);
    expect(held.out).toContain('a gate waits for approval');
    expect(expectExit(await shop.runPrinted(printedCommand(held, 'approve')), 0).out).toContain('20 dates');
  });

  test('ends with 4 where a source was cut off, and goes on once it is whole', async () => {
    await using shop = await createShop();
    const whole = await readFile(shop.orders);
    await truncate(shop.orders, 40);
    const cut = expectExit(await shop.run('backfill', ...shopRange, '--json'), 4);
    expect(documentOf('error', cut)).toMatchObject({ error: { message: expect.stringContaining('orders_early.csv') as unknown }, exitCode: 4 });
    await writeFile(shop.orders, whole);
    expectExit(await shop.run('backfill', ...shopRange), 0);
  });

  test('rebuilds a lost ledger from the commit logs', async () => {
    await using shop = await createShop();
    expectExit(await shop.run('backfill', ...shopRange), 0);
    const store = new DatabaseSync(storeFile(shop.home));
    expect(store.prepare(`DELETE FROM documents WHERE path LIKE 'ledger/shop:marks:%'`).run().changes).toBe(1);
    store.close();
    // Whoever opens the home finds the logs ahead of the ledger, so this command has nothing left to do.
    expect(expectExit(await shop.run('reconcile', '--rebuild-ledger'), 0).out).toContain('Nothing had to be put right.');
    expect(expectExit(await shop.run('backfill', ...shopRange, '--reprocess', 'stale'), 0).out).toContain('5 unchanged');
  });

  test('stops at Ctrl-C with 4, and the command that it prints goes on; meanwhile others meet its backfill with 5', async () => {
    await using shop = await createShop();
    await shop.makePatient();
    await using running = shop.start('backfill', ...shopRange, '--grace', '0');
    await shop.begun();
    const overlap = expectExit(await shop.run('backfill', '--dates', '2024-03-02', '--processors', 'marks', '--json'), 5);
    expect(documentOf('error', overlap)).toMatchObject({ error: { code: 'overlap' }, exitCode: 5 });
    running.signal('SIGINT');
    const stopped = expectExit(await running.ended, 4);
    expect(stopped.out).toContain('Interrupted, and nothing is lost');
    await shop.letGo();
    expect(expectExit(await shop.runPrinted(printedCommand(stopped, 'resume')), 0).out).toContain('20 dates');
    expect(documentOf('sql', await shop.run('sql', 'SELECT count(*) AS rows, count(DISTINCT day) AS days FROM shop_marks.marks', '--json'))).toEqual([
      { rows: 5, days: 5 },
    ]);
  });

  test('up serves commands of other processes and requests over HTTP', async () => {
    await using shop = await createShop();
    await shop.makePatient();
    await using up = shop.start('up', '--port', '0', '--grace', '2');
    const [, address = ''] = await up.said(/is up on (http:\S+)/);
    const get = async (path: string): Promise<number> => (await fetch(`${address}${path}`)).status;
    expect([await get('/healthz'), await get('/readyz')]).toEqual([200, 200]);
    const post = async (request: object): Promise<{ readonly status: number; readonly body: unknown }> => {
      const response = await fetch(`${address}/v1/backfills`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
      });
      return { status: response.status, body: await response.json() };
    };
    await using following = shop.start('backfill', ...shopRange, '--json');
    await shop.begun();
    const [, backfillId = ''] = await following.said(/Backfill (shop-\w+)/);

    const bad = await post({ pipeline: 'shop', range: { start: '2024-03-06', end: '2024-03-01' }, gat: 'phase', priority: 99 });
    expect(bad).toMatchObject({
      status: 400,
      body: {
        error: {
          code: 'invalid_request',
          problems: [/ends .* before it starts/, /^priority: /, /"gat"; did you mean "gate"/].map((said) => expect.stringMatching(said) as unknown),
        },
      },
    });
    expect(await post({ pipeline: 'shop', range: { start: '2024-03-01', end: '2024-03-02' } })).toMatchObject({
      status: 409,
      body: { error: { code: 'overlap' }, conflictsWith: backfillId },
    });
    expect(expectExit(await shop.run('up', '--port', '0'), 5).err).toContain(`process ${up.pid}`);

    expect(documentOf('statusList', expectExit(await shop.run('status', '--json'), 0))).toMatchObject([{ backfillId, state: 'active' }]);
    expectExit(await shop.run('pause'), 0);
    await following.said(/paused by /);
    expect(expectExit(await shop.run('resume'), 0).out).toContain(`process ${up.pid} goes on with it`);
    expect(documentOf('sql', expectExit(await shop.run('sql', 'SELECT count(*) AS rows FROM shop_raw.orders', '--json'), 0))).toEqual([{ rows: 10 }]);
    expectExit(await shop.run('export', 'orders', '--to', 'orders.csv'), 0);
    expect((await readFile(join(shop.folder, 'orders.csv'), 'utf8')).split('\n').slice(0, 2)).toEqual([
      'day,order_id,season,amount,note',
      '2024-03-01,o0a,early,1,',
    ]);
    expectExit(await shop.run('export', 'shop_raw.orders', '--to', 'orders.parquet'), 0);
    expect((await readFile(join(shop.folder, 'orders.parquet'))).subarray(0, 4).toString()).toBe('PAR1');

    await shop.letGo();
    expect(resultOf(expectExit(await following.ended, 0))).toMatchObject({ backfillId, state: 'completed', tasks: { succeeded: 20 } });
    const accepted = await post({ pipeline: 'shop', range: { start: '2024-03-01', end: '2024-03-06' }, processors: ['marks'], reprocess: 'all' });
    expect(accepted).toMatchObject({ status: 202, body: { outcome: 'accepted' } });
    await up.said(new RegExp(`${(accepted.body as Result).backfillId} completed`));
    up.signal('SIGTERM');
    expect(expectExit(await up.ended, 0).out).toContain('Stopped.');
  });

  const otherNode = '/usr/bin/node';
  const isOld = existsSync(otherNode);
  test.skipIf(!isOld)(`the launcher hands over to the project's Node where the system's is older (skipped without ${otherNode})`, async () => {
    await using shop = await createShop();
    const run = (...args: readonly string[]): Promise<Ended> => startProgram(otherNode, [launcher, ...args], { cwd: shop.folder }).ended;
    expect(expectExit(await run('--version'), 0).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expectExit(await run('lint', '--pipelines', join(projectFolder, 'pipelines')), 0);
    await rm(shop.home, { recursive: true });
    expect(expectExit(await run('status', ...shop.flags), 2).err).toContain('nothing has run');
  });
});
