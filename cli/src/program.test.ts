// Commands from their words to text and exit code, in this process: what needs no backfill. Whole backfills are in test/e2e.
import { spawn } from 'node:child_process';
import { cpSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '@floodgate/system/read-settings.ts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from './program.ts';

const pipelines = fileURLToPath(new URL('../../pipelines', import.meta.url));
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floodgate-cli-'));
});
afterEach(() => rm(folder, { recursive: true }));

type Ran = { readonly exitCode: number; readonly out: string; readonly err: string };

const run = async (words: readonly string[], environment: Environment = {}): Promise<Ran> => {
  let [out, err] = ['', ''];
  const terminal = (write: (text: string) => void) => ({ write, isTerminal: false, columns: undefined, rows: undefined });
  const exitCode = await runProgram(words, {
    environment,
    workingFolder: folder,
    out: terminal((text) => void (out += text)),
    err: terminal((text) => void (err += text)),
    interrupted: new AbortController().signal,
  });
  return { exitCode, out, err };
};

const schema = JSON.parse(await readFile(new URL('../../docs/cli-output.schema.json', import.meta.url), 'utf8')) as object;
const ajv = new Ajv2020({ formats: { 'date-time': true }, strict: false });
ajv.addSchema(schema, 'cli');
/** The one document on standard output, which must be as the contract says. */
const documentOf = ({ out }: Ran, name: string): unknown => {
  expect(out.endsWith('\n')).toBe(true);
  const document: unknown = JSON.parse(out);
  expect(ajv.validate({ $ref: `cli#/$defs/${name}` }, document), ajv.errorsText()).toBe(true);
  return document;
};

describe('help', () => {
  it('lists every command in groups, with the exit codes', async () => {
    const { exitCode, out, err } = await run(['--help']);
    expect([exitCode, err]).toEqual([0, '']);
    for (const name of [
      'demo',
      'doctor',
      'lint',
      'plan',
      'backfill',
      'up',
      'status',
      'watch',
      'explain',
      'sql',
      'export',
      'pause',
      'resume',
      'cancel',
      'retry',
      'approve',
      'dlq',
      'quarantine',
      'reconcile',
    ]) {
      expect(out).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    }
    expect(out).toContain('Exit codes:');
  });

  it.each([['backfill'], ['plan'], ['up'], ['dlq', 'replay'], ['quarantine', 'accept'], ['explain']])('of %s is there', async (...words) => {
    const { exitCode, out } = await run([...words, '--help']);
    expect(exitCode).toBe(0);
    expect(out).toContain(`Usage: floodgate ${words.join(' ')}`);
  });

  it('has the selection alike in backfill and plan', async () => {
    const flags = async (name: string): Promise<readonly string[]> =>
      [...(await run([name, '--help'])).out.matchAll(/^ {2}(--[a-z-]+)/gm)].map((match) => match[1] ?? '');
    const [backfill, plan] = [await flags('backfill'), await flags('plan')];
    expect(backfill.filter((flag) => !plan.includes(flag))).toEqual(['--dry-run', '--plan', '--detach', '--decision-within']);
    for (const flag of [
      '--start',
      '--end',
      '--dates',
      '--exclude',
      '--phases',
      '--processors',
      '--reprocess',
      '--gate',
      '--workers',
      '--max-in-flight',
      '--dates-per-task',
      '--reason',
      '--json',
      '--priority',
      '--idempotency-key',
      '--requested-by',
    ])
      expect(plan).toContain(flag);
  });

  it('is shown, as a mistake, where no command is named', async () => {
    const { exitCode, out, err } = await run([]);
    expect([exitCode, out]).toEqual([2, '']);
    expect(err).toContain('Usage: floodgate');
  });

  it('knows the version', async () => {
    expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('a mistake in the words', () => {
  it.each([
    [['backfil'], "unknown command 'backfil'", 'Did you mean backfill?'],
    [['backfill', '--strat', 'x'], "unknown option '--strat'", 'Did you mean --start?'],
    [['backfill', '--start'], "option '--start <date>' argument missing", 'npx floodgate backfill --help'],
    [['status', 'a', 'b'], 'too many arguments', 'npx floodgate status --help'],
    [['dlq', 'show'], "missing required argument 'id'", 'npx floodgate dlq --help'],
    [['backfill', '--start', '2023-02-30', '--end', '2023-03-01'], '--start: "2023-02-30" does not exist', undefined],
    [['backfill', '--reprocess', 'everything'], '--reprocess: expected "missing", "failed", "stale" or "all"', undefined],
    [['lint', '--pipeline', 'nab', '--pipelines', pipelines], 'there is no pipeline "nab"', 'name the pipeline with --pipeline'],
    [['plan', '--pipelines', pipelines, '--data', 'nowhere'], 'there is no data folder', 'npx floodgate demo'],
    [['plan', '--pipelines', pipelines], 'games.parquet (games)', 'FLOODGATE_NBA_DATA'],
    [['status'], 'nothing has run in .floodgate yet', 'npx floodgate demo'],
    [['sql', 'SELECT 1', '--max-rows', '-1'], '--max-rows: expected', undefined],
    [['export', 't', '--format', 'xls'], '--format: expected parquet or csv, found "xls"', undefined],
    [['demo', '--season', '2023'], '--season: expected a season such as 2023-24', undefined],
    [['demo', '--seasons', '5'], '--seasons: expected a whole number from 1 to 4, found "5"', undefined],
  ])('%j is told on standard error with exit code 2, and makes nothing', async (words, message, hint) => {
    const { exitCode, out, err } = await run(words);
    expect(err).toContain(`error: `);
    expect(err).toContain(message);
    if (hint !== undefined) expect(err).toContain(hint);
    expect(err).not.toContain('    at ');
    expect([exitCode, out]).toEqual([2, '']);
    await expect(readFile(join(folder, '.floodgate'))).rejects.toThrow('ENOENT');
  });

  it('is one JSON document with --json', async () => {
    const unknown = await run(['plan', '--strat', 'x', '--json']);
    expect(documentOf(unknown, 'error')).toMatchObject({ error: { code: 'usage' }, exitCode: 2 });
    const dates = await run(['plan', '--start', 'yesterday', '--end', '2024-01-01', '--json']);
    expect(documentOf(dates, 'error')).toMatchObject({ error: { code: 'invalid_request' }, exitCode: 2 });
    const settings = await run(['status', '--json'], { FLOODGATE_HOEM: 'x' });
    expect(documentOf(settings, 'error')).toMatchObject({ error: { code: 'invalid_settings' }, exitCode: 2 });
  });
});

describe('lint', () => {
  const copyOfNba = async (change: (text: string) => string): Promise<string> => {
    const target = join(folder, 'pipelines', 'nba');
    cpSync(join(pipelines, 'nba'), target, { recursive: true });
    const file = join(target, 'pipeline.yaml');
    await writeFile(file, change(await readFile(file, 'utf8')));
    return target;
  };

  it('finds nothing wrong with the pipeline that ships with Floodgate', async () => {
    const ran = await run(['lint', '--pipelines', pipelines, '--json']);
    expect(documentOf(ran, 'lint')).toEqual({ pipeline: 'nba', ok: true, problems: [] });
    expect(ran.exitCode).toBe(0);
  });

  it('shows every problem with its place and what to do', async () => {
    await copyOfNba((text) =>
      text.replace('source.team_boxscores: 0d\n    audits', 'source.team_boxscore: 0d\n    audits').replace('kind: load\n', 'kind: laod\n'),
    );
    const { exitCode, out } = await run(['lint']);
    expect(exitCode).toBe(2);
    expect(out.match(/^error {2}/gm)?.length).toBeGreaterThanOrEqual(2);
    expect(out).toMatch(/at +pipelines\/nba\/pipeline\.yaml:\d+:\d+/);
    expect(out).toContain('laod');
    expect(out).toMatch(/Pipeline nba: \d+ errors/);
  });

  it('shows SQL that does not parse, and upstreams in a circle', async () => {
    const target = await copyOfNba((text) => text);
    await writeFile(join(target, 'processors', 'nbac_schedule.sql'), 'SELECT FROM WHERE');
    const broken = await run(['lint']);
    expect([broken.exitCode, broken.out]).toEqual([2, expect.stringContaining('pipelines/nba/processors/nbac_schedule.sql:')]);
    await mkdir(join(folder, 'pipelines', 'circle'), { recursive: true });
    const processor = (id: string, upstream: string): string =>
      `  ${id}:\n    phase: 1\n    kind: sql\n    table: d.${id}\n    partition_column: day\n    key: [day]\n    columns:\n      day: { type: DATE, required: true }\n    sql: SELECT day FROM d.${upstream} WHERE day BETWEEN @start_date AND @end_date\n    upstreams:\n      d.${upstream}: 0d\n`;
    await writeFile(
      join(folder, 'pipelines', 'circle', 'pipeline.yaml'),
      `name: circle\ncalendar:\n  sql: SELECT DATE '2024-01-01' AS date, 's' AS season, 'k' AS kind, 1 AS items\nphases:\n  "1": { name: one }\nprocessors:\n${processor('a', 'b')}${processor('b', 'a')}`,
    );
    const circle = await run(['lint', '--pipeline', 'circle']);
    expect(circle.exitCode).toBe(2);
    expect(circle.out).toMatch(/circle|cycle/i);
  });
});

describe('doctor', () => {
  it('looks at a home that is not there without making it', async () => {
    const ran = await run(['doctor', '--pipelines', pipelines, '--json']);
    const document = documentOf(ran, 'doctor') as {
      readonly ok: boolean;
      readonly findings: readonly { readonly subject: string; readonly verdict: string }[];
    };
    expect(Object.fromEntries(document.findings.map(({ subject, verdict }) => [subject, verdict]))).toMatchObject({
      node: 'ok',
      home: 'ok',
      process: 'ok',
      store: 'ok',
      warehouse: 'ok',
      pipeline: 'ok',
      data: 'warn',
    });
    expect([document.ok, ran.exitCode]).toEqual([true, 0]);
    await expect(readFile(join(folder, '.floodgate'))).rejects.toThrow('ENOENT');
  });

  it('says what to do about what is broken, and exits with 4', async () => {
    await mkdir(join(folder, 'home'));
    await writeFile(join(folder, 'home', 'floodgate.sqlite'), 'this is no database, however long one looks at it'.repeat(100));
    await mkdir(join(folder, 'empty'));
    const { exitCode, out } = await run(['doctor', '--home', 'home', '--pipelines', pipelines, '--data', 'empty']);
    expect(exitCode).toBe(4);
    expect(out).toMatch(/✗ store/);
    expect(out).toMatch(/✗ data +the data folder .*empty \(--data\) has none of the files/);
    expect(out).toMatch(/\d faults to mend\./);
  });
});

describe('what is loaded', () => {
  /** Which of these packages Node has loaded after an import of these files. */
  const loadedBy = async (...files: readonly string[]): Promise<readonly string[]> => {
    const script = `
      import { registerHooks } from 'node:module';
      const loaded = new Set();
      registerHooks({ load: (url, context, next) => {
        for (const name of ['@duckdb', '@google-cloud', '@polyglot-sql']) if (url.includes('/node_modules/' + name)) loaded.add(name);
        return next(url, context);
      } });
      for (const file of ${JSON.stringify(files.map((file) => (file.startsWith('@') ? import.meta.resolve(file) : new URL(file, import.meta.url).href)))}) await import(file);
      console.log(JSON.stringify([...loaded].sort()));
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => void (out += chunk.toString()));
    await new Promise((resolve) => child.on('close', resolve));
    return JSON.parse(out) as readonly string[];
  };

  it('is no backend before one is chosen, and then only that one', async () => {
    expect(await loadedBy('./program.ts')).toEqual([]);
    expect(await loadedBy('./program.ts', './gcp-backend.ts', '@floodgate/gcp/gcp-backend.ts', './gcp-doctor.ts')).toEqual(['@google-cloud', '@polyglot-sql']);
    expect(await loadedBy('./program.ts', './embedded-backend.ts')).toEqual(['@duckdb', '@polyglot-sql']);
  });
});

describe('the command on the path', () => {
  it('passes words, output and exit code through', async () => {
    const launcher = fileURLToPath(new URL('../bin/floodgate.js', import.meta.url));
    const child = spawn(process.execPath, [launcher, 'status', '--home', join(folder, 'none')], { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '' } });
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => void (err += chunk.toString()));
    const exitCode = await new Promise((resolve) => child.on('exit', resolve));
    expect([exitCode, err]).toEqual([2, expect.stringContaining('nothing has run in')]);
  });
});
