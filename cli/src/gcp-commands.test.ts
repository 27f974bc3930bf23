// Commands on a deployment, from their words to text and exit code: the real use cases over the store, the bus and the
// warehouse in memory, and planner, workers and validator as a test lets them work. The clock stands still between steps.
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { acceptRequest } from '@floodgate/core/app/accept-request.ts';
import { recordMalformed } from '@floodgate/core/app/reconcile.ts';
import { parseMessage } from '@floodgate/core/contracts/messages.ts';
import { parseRequest } from '@floodgate/core/contracts/parse-request.ts';
import type { MessageBus, OutgoingMessage } from '@floodgate/core/ports/message-bus.ts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { createWorld, never, type World, type WorldOptions } from '../../test/support/world.ts';
import { createGcpStack } from './gcp-stack.ts';
import { runProgram } from './program.ts';

const schema = JSON.parse(await readFile(new URL('../../docs/cli-output.schema.json', import.meta.url), 'utf8')) as object;
const ajv = new Ajv2020({ formats: { 'date-time': true }, strict: false });
ajv.addSchema(schema, 'cli');

type Ran = { readonly exitCode: number; readonly out: string; readonly err: string };

const environment = { FLOODGATE_BACKEND: 'gcp', FLOODGATE_GCP_PROJECT: 'floodgate-test', FLOODGATE_GCP_LOCATION: 'EU', FLOODGATE_PIPELINE: 'test' };

/** A deployment in memory. `planner`: what becomes of a request; nothing where none runs. */
const createDeployment = (options: WorldOptions & { readonly planner?: 'runs' | 'absent' | 'older' } = {}) => {
  const world = createWorld(options);
  const decide = async (message: OutgoingMessage): Promise<void> => {
    const parsed = parseMessage(message.attributes, message.data);
    if (parsed.type !== 'floodgate.backfill.requested') return;
    const request = parseRequest(parsed.data);
    if (!request.ok) throw new Error(request.problems.join('; '));
    const idempotencyKey = request.request.idempotencyKey ?? '';
    await acceptRequest(world.planner(), { request: request.request, idempotencyKey, traceparent: '', dryRun: false }, never);
  };
  const bus: MessageBus = {
    publish: async (messages) => {
      await world.bus.publish(messages);
      for (const message of messages) {
        if (options.planner === 'older') await recordMalformed(world.engine('planner'), message, 'unknown key "gate"');
        else if (options.planner !== 'absent') await decide(message);
      }
    },
    subscribe: () => world.bus.subscribe(),
  };
  const run = (words: readonly string[], interrupted: AbortSignal = never): Promise<Ran> => {
    let [out, err] = ['', ''];
    const terminal = (write: (text: string) => void) => ({ write, isTerminal: false, columns: undefined, rows: undefined });
    return runProgram(words, {
      environment,
      workingFolder: '/nowhere',
      out: terminal((text) => void (out += text)),
      err: terminal((text) => void (err += text)),
      interrupted,
      clock: world.clock,
      openDeployment: async (given) =>
        createGcpStack(
          {
            store: world.store,
            bus,
            warehouse: world.warehouse,
            objectStore: undefined,
            inspect: async () => [],
            [Symbol.asyncDispose]: async () => undefined,
          },
          { ...given, clock: world.clock, ids: world.ids, catalog: world.catalog },
        ),
    }).then((exitCode) => ({ exitCode, out, err }));
  };
  /** Moves time while the command waits for it; what it loads and reads from the disk takes as long as it takes. */
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) {
      if (world.clock.sleeping > 0) await world.clock.advance(500);
      else await setTimeout(1);
    }
  };
  const settled = async (ran: Promise<Ran>): Promise<Ran> => {
    let ended = false;
    void ran.then(() => (ended = true));
    await until(() => ended);
    return ran;
  };
  const requests = (): number => world.bus.all('floodgate.backfill.requested').length;
  /** Runs a command to its end; where it waits for a backfill, the services work. */
  const finish = async (words: readonly string[]): Promise<Ran> => {
    const ran = run(words);
    let ended = false;
    void ran.then(() => (ended = true));
    await until(() => ended || requests() > 0);
    // Published is not decided yet: the planner is at work.
    await world.clock.settle();
    for (const id of await activeOf(world)) await world.drive(id);
    return settled(ran);
  };
  return Object.assign(world, { command: (words: readonly string[]) => settled(run(words)), settled, until, begin: run, finish, requests });
};

const activeOf = async (world: World): Promise<readonly string[]> => {
  const found = await world.store.query({ collection: 'backfills', where: [{ field: 'state', op: '==', value: 'active' }] });
  return found.map(({ path }) => path.split('/')[1] ?? '');
};

const documentOf = ({ out }: Ran, name: string): Record<string, unknown> => {
  const document = JSON.parse(out) as Record<string, unknown>;
  expect(ajv.validate({ $ref: `cli#/$defs/${name}` }, document), ajv.errorsText()).toBe(true);
  return document;
};

test('backfill publishes a request, waits for its decision and for its end, and tells what came of it', async () => {
  const deployment = createDeployment({ days: 3 });
  const { exitCode, out } = await deployment.finish(['backfill']);
  const [first] = await deployment.store.query({ collection: 'backfills' });
  const id = first?.path.split('/')[1] ?? '';
  expect(out).toContain('Request published in project floodgate-test; its decision is looked for every 1 s.');
  expect(out).toContain(`Accepted as ${id}; the deployment in project floodgate-test does the work. Looked at every 2 s`);
  expect(out).toContain(`Backfill ${id} completed`);
  expect(out).toContain('Tables are in BigQuery, project floodgate-test');
  expect(out).not.toMatch(/duckdb|npx floodgate export/);
  expect([exitCode, deployment.requests()]).toEqual([0, 1]);
});

test('backfill --json prints the same document as embedded', async () => {
  const ran = await createDeployment({ days: 2 }).finish(['backfill', '--json']);
  expect(documentOf(ran, 'backfill')).toMatchObject({
    state: 'completed',
    exitCode: 0,
    totalTasks: 6,
    home: '//firestore.googleapis.com/projects/floodgate-test/databases/(default)',
    warehouse: '//bigquery.googleapis.com/projects/floodgate-test',
  });
});

test('validate asks the warehouse of the deployment, and exits with 0, 1 or 4', async () => {
  const deployment = createDeployment({ days: 4 });
  const ask = async (...words: readonly string[]) => {
    const ran = await deployment.command(['validate', ...words, '--json']);
    const { verdict, kind } = documentOf(ran, 'validation');
    return `${String(kind)} ${String(verdict)} ${ran.exitCode}`;
  };
  expect(await ask('preflight')).toBe('preflight ready 0');
  expect(await ask('range')).toBe('range not_ready 1');
  await deployment.drive(await deployment.start());
  expect(await ask('range')).toBe('range ready 0');
  expect(await ask('gate', '2', '--dates', '2024-01-04')).toBe('gate ready 0');
  // No audit of this pipeline says what should be there.
  expect(await ask('coverage')).toBe('coverage could_not_tell 4');
  deployment.warehouse.damage('test.rolling', deployment.date(1), []);
  expect(await ask('gate', '2')).toBe('gate not_ready 1');
  const { out } = await deployment.command(['validate', 'gate', '2']);
  expect(out).toContain('npx floodgate backfill --pipeline test --processors rolling --dates 2024-01-02 --reprocess all');
  expect((await deployment.command(['validate', 'gate', '2', '--phases', '2'])).exitCode).toBe(2);
  expect((await deployment.command(['validate', 'gate', 'two'])).exitCode).toBe(2);
  expect((await deployment.command(['validate', 'gate', '7'])).exitCode).toBe(2);
});

test('a request that the planner rejects ends with its reason and its exit code', async () => {
  const deployment = createDeployment();
  const unknown = await deployment.command(['backfill', '--processors', 'gmaes']);
  expect([unknown.exitCode, unknown.err]).toEqual([2, expect.stringContaining('gmaes')]);
  const id = await deployment.start();
  const overlap = await deployment.command(['backfill', '--reprocess', 'all']);
  expect(overlap.exitCode).toBe(5);
  expect(overlap.err).toContain(`backfill ${id} is already computing`);
  expect(overlap.err).toContain(`npx floodgate watch ${id}`);
  expect(documentOf(await deployment.command(['backfill', '--json']), 'error')).toMatchObject({ error: { code: 'overlap' }, exitCode: 5 });
});

test('where nobody decides, the command says so, and the same key asks for the same decision later', async () => {
  const deployment = createDeployment({ days: 1, planner: 'absent' });
  const { exitCode, out, err } = await deployment.command(['backfill', '--decision-within', '30', '--idempotency-key', 'k1']);
  expect(exitCode).toBe(4);
  expect(out).toContain('Nobody has decided it yet');
  expect(err).toContain('no planner in project floodgate-test has decided the request within 30 s; it is not lost');
  expect(err).toContain('npx floodgate doctor');
  expect(err).toContain(`--idempotency-key 'k1'`);
  // A planner comes and finds the request in its subscription.
  const outcome = await deployment.accept({}, { key: 'k1' });
  if (outcome.outcome !== 'accepted') throw new Error('not accepted');
  await deployment.drive(outcome.backfillId);
  const again = await deployment.command(['backfill', '--idempotency-key', 'k1']);
  expect(again.out).toContain(`Decided before as ${outcome.backfillId}`);
  expect([again.exitCode, deployment.requests()]).toEqual([0, 1]);
});

test('a request that the planner can’t read ends with what is wrong with it', async () => {
  const { exitCode, err } = await createDeployment({ planner: 'older' }).command(['backfill']);
  expect(exitCode).toBe(2);
  expect(err).toContain('the planner could not read the request: unknown key "gate"');
});

test('Ctrl-C leaves the backfill running and says who goes on; before the decision it says how to ask for it', async () => {
  const deployment = createDeployment({ days: 2 });
  const interrupted = new AbortController();
  const ran = deployment.begin(['backfill'], interrupted.signal);
  await deployment.until(() => deployment.requests() > 0);
  await deployment.clock.advance(5_000);
  interrupted.abort(new Error('interrupted by SIGINT'));
  const { exitCode, out } = await deployment.settled(ran);
  const [id = ''] = await activeOf(deployment);
  expect(out).toContain(`Not watching any more: the deployment in project floodgate-test goes on with ${id}.`);
  expect(exitCode).toBe(4);
  expect(await deployment.drive(id)).toBe('completed');

  const absent = createDeployment({ planner: 'absent' });
  const early = new AbortController();
  const waiting = absent.begin(['backfill', '--idempotency-key', 'k2'], early.signal);
  await absent.until(() => absent.requests() > 0);
  await absent.clock.advance(2_000);
  early.abort(new Error('interrupted by SIGINT'));
  const stopped = await absent.settled(waiting);
  expect([stopped.exitCode, stopped.err]).toEqual([4, expect.stringContaining(`--idempotency-key 'k2'`)]);
});

test('--detach returns once the request is accepted', async () => {
  const deployment = createDeployment({ days: 2 });
  const { exitCode, out } = await deployment.command(['backfill', '--detach']);
  const [id = ''] = await activeOf(deployment);
  expect([exitCode, out]).toEqual([0, expect.stringContaining(`Accepted as ${id}`)]);
  expect(out).toContain(`npx floodgate watch ${id}`);
  await deployment.drive(id);
  expect(documentOf(await deployment.command(['backfill', '--detach', '--json']), 'backfill')).toMatchObject({ state: 'active', exitCode: 0 });
});

test('plan is made here, and backfill --plan refuses another one before anything is published', async () => {
  const deployment = createDeployment({ days: 2 });
  const { planHash } = documentOf(await deployment.command(['plan', '--json']), 'plan');
  const other = await deployment.command(['backfill', '--plan', 'another']);
  expect([other.exitCode, other.err]).toEqual([5, expect.stringContaining(`the plan is ${String(planHash)} now, not another`)]);
  expect(deployment.requests()).toBe(0);
  expect((await deployment.finish(['backfill', '--plan', String(planHash)])).exitCode).toBe(0);
});

test('a plan that changed between the look and the decision is cancelled at once', async () => {
  const deployment = createDeployment({ days: 2, planner: 'absent' });
  const { planHash } = documentOf(await deployment.command(['plan', '--json']), 'plan');
  const ran = deployment.begin(['backfill', '--plan', String(planHash), '--idempotency-key', 'k3']);
  await deployment.until(() => deployment.requests() > 0);
  const outcome = await deployment.accept({ processors: ['games'] }, { key: 'k3' });
  if (outcome.outcome !== 'accepted') throw new Error('not accepted');
  const { exitCode, err } = await deployment.settled(ran);
  expect([exitCode, err]).toEqual([5, expect.stringContaining(`not ${String(planHash)}`)]);
  expect(await deployment.drive(outcome.backfillId)).toBe('cancelled');
});

test('pause, resume and cancel are noted, and the services go on', async () => {
  const deployment = createDeployment({ days: 2 });
  const id = await deployment.start();
  expect((await deployment.command(['pause', id])).out).toContain(`${id} paused: nothing new begins.`);
  expect((await deployment.command(['status', id])).out).toMatch(/paused/);
  const resumed = await deployment.command(['resume', id]);
  expect([resumed.exitCode, resumed.out]).toEqual([
    0,
    expect.stringContaining('the deployment in project floodgate-test goes on with it. Follow: npx floodgate watch'),
  ]);
  const cancelled = await deployment.command(['cancel', '--json', id]);
  expect([cancelled.exitCode, JSON.parse(cancelled.out)]).toEqual([0, { backfills: [id], servedBy: 'the deployment in project floodgate-test' }]);
  expect(await deployment.drive(id)).toBe('cancelled');
  expect((await deployment.command(['watch', id])).exitCode).toBe(4);
});

test('a failing date goes to the dead letters, and replay brings it back', async () => {
  let isBroken = true;
  const deployment = createDeployment({
    days: 2,
    functions: {
      features: () => {
        if (isBroken) throw new Error('the source is down');
        return [];
      },
    },
  });
  const failed = await deployment.finish(['backfill']);
  expect([failed.exitCode, failed.out]).toEqual([1, expect.stringContaining('What failed')]);
  const [letter] = JSON.parse((await deployment.command(['dlq', 'list', '--json'])).out) as readonly { readonly id: string; readonly backfillId: string }[];
  expect(letter).toBeDefined();
  expect((await deployment.command(['dlq', 'show', letter?.id ?? ''])).out).toContain('the source is down');
  isBroken = false;
  const replayed = await deployment.command(['dlq', 'replay', '--all']);
  expect(replayed.out).toContain('replayed.');
  expect(await deployment.drive(letter?.backfillId ?? '')).toBe('completed');
  expect((await deployment.command(['status', letter?.backfillId ?? ''])).out).toContain('completed');
});

test('status, explain, sql and reconcile look at the same store and warehouse', async () => {
  const deployment = createDeployment({ days: 2 });
  expect((await deployment.command(['status'])).out).toContain('No backfills yet.');
  await deployment.finish(['backfill']);
  const [backfill] = documentOf(await deployment.command(['status', '--json']), 'statusList') as unknown as readonly { readonly backfillId: string }[];
  expect((await deployment.command(['explain', backfill?.backfillId ?? '', 'games', '2024-01-01'])).out).toContain('succeeded');
  const tables = JSON.parse((await deployment.command(['sql', '--json'])).out) as readonly object[];
  expect(tables).toContainEqual({ table: 'test.games', rows: 4, columns: ['day', 'item', 'value'] });
  expect((await deployment.command(['reconcile'])).out).toContain('Nothing had to be put right.');
});

test.each([
  [['up'], 'floodgate up: expected --backend embedded, found gcp', 'services/planner/src/main.ts'],
  [['demo'], 'floodgate demo: expected --backend embedded, found gcp', 'npx floodgate demo without --backend gcp'],
  [['export', 'test.games'], 'floodgate export: expected --backend embedded, found gcp', `bq extract --destination_format PARQUET 'floodgate-test:test.games'`],
  [['sql', 'SELECT 1', '--dialect', 'duckdb'], '--dialect: expected googlesql', ''],
  [['status', '--home', 'x'], '--home: of --backend embedded', ''],
  [['status', '--backend', 'aws'], '--backend: expected one of embedded, gcp, found "aws"', ''],
])('%j is refused with what to do instead', async (words, message, hint) => {
  const { exitCode, err } = await createDeployment().command(words);
  expect(exitCode).toBe(2);
  expect(err).toContain(message);
  expect(err).toContain(hint);
});
