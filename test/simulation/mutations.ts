// Proves that the simulator sees: every file of `mutations/` plants one mistake that a good engineer could make, and the
// simulator has to find it. Each mistake is a diff against product code, applied to a copy of the project, never to the
// project itself. By hand: `node test/simulation/mutations.ts [--runs N] [--note] [name ...]`; --note writes into each file what found it.
import { spawn } from 'node:child_process';
import { cp, glob, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const projectRoot = resolve(import.meta.dirname, '../..');
const mutationsFolder = join(import.meta.dirname, 'mutations');

export type Mutation = {
  readonly name: string;
  /** The mistake, in a sentence. */
  readonly bug: string;
  /** The invariants of DESIGN §6 that it breaks, and how. */
  readonly breaks: string;
  /** Which invariant found it when somebody looked last, and at which seed; undefined where nothing has found it so far. */
  readonly foundBy: string | undefined;
  /** Path of the diff. */
  readonly patch: string;
  /** What the diff changes, below the project's root. */
  readonly files: readonly string[];
  /** Lines added and taken away. */
  readonly lines: number;
};

export type Verdict =
  /** `runs`: how many seeds it took. */
  | { readonly verdict: 'found'; readonly invariant: string; readonly message: string; readonly seed: number; readonly runs: number }
  | { readonly verdict: 'survived'; readonly runs: number }
  /** The diff does not apply, or the simulator could not run. */
  | { readonly verdict: 'error'; readonly message: string };

/** Seeds that a mutation has to be found in. Unchanged, the code passes all of them. */
export const mutationRuns = 200;
/** Of the code as it is, in a copy: that the copies find nothing by themselves. simulation.test.ts looks at more of it. */
export const controlRuns = 40;
/** One simulated run takes about 100 ms; a mutation may make it slower, but not for ever. */
const maxWallMs = 900_000;

/** What a diff says of itself: `# bug:`, `# breaks:` and `# found by:` lines before it, continued on further `# ` lines. */
const readHeader = (text: string): ReadonlyMap<string, string> => {
  const fields = new Map<string, string>();
  let field = '';
  for (const line of text.split('\n')) {
    if (!line.startsWith('# ')) break;
    const [, name, first = ''] = /^# (bug|breaks|found by): (.*)$/.exec(line) ?? [];
    field = name ?? field;
    fields.set(field, name === undefined ? `${fields.get(field) ?? ''} ${line.slice(2)}` : first);
  }
  return fields;
};

const readMutation = async (patch: string): Promise<Mutation> => {
  const text = await readFile(patch, 'utf8');
  const header = readHeader(text);
  const changed = text.split('\n').filter((line) => /^[+-]/.test(line) && !/^(?:\+\+\+|---) /.test(line));
  return {
    name: basename(patch, '.diff'),
    bug: header.get('bug') ?? '',
    breaks: header.get('breaks') ?? '',
    foundBy: header.get('found by'),
    patch,
    files: [...text.matchAll(/^(?:---|\+\+\+) (?:[ab]\/)?(.+)$/gm)].map(([, file = '']) => file).filter((file, at, all) => all.indexOf(file) === at),
    lines: changed.length,
  };
};

export const readMutations = async (): Promise<readonly Mutation[]> => {
  const patches = (await readdir(mutationsFolder)).filter((name) => name.endsWith('.diff')).sort();
  return Promise.all(patches.map((name) => readMutation(join(mutationsFolder, name))));
};

type Ended = { readonly code: number | null; readonly out: string; readonly err: string };

const run = async (program: string, args: readonly string[], cwd: string, signal?: AbortSignal): Promise<Ended> => {
  const limit = AbortSignal.timeout(maxWallMs);
  const child = spawn(program, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A copy is no repository, whatever it lies in.
    env: { ...process.env, NO_COLOR: '1', GIT_CEILING_DIRECTORIES: dirname(cwd) },
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    killSignal: 'SIGKILL',
  });
  const { promise, resolve: end, reject } = Promise.withResolvers<Ended>();
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.on('error', (error) => reject(limit.aborted ? new Error(`${args.join(' ')}: not finished after ${maxWallMs / 60_000} minutes`) : error));
  child.on('close', (code) => end({ code, out, err }));
  return promise;
};

/** Why a mutation does not fit the code any more; undefined where it does. */
export const whyNotApplicable = async ({ name, patch }: Mutation, folder: string = projectRoot): Promise<string | undefined> => {
  const { code, err } = await run('git', ['apply', '--check', patch], folder);
  if (code === 0) return undefined;
  return (
    `mutations/${name}.diff does not apply to the code as it is now:\n${err.trim()}\n` +
    'The code around the planted mistake has changed. Make the same mistake in the new code of a scratch clone ' +
    '(`git apply --reject` shows what still fits), and put the output of `git diff` below the # lines of the file.'
  );
};

/** The seed at which somebody saw it found. */
const notedSeed = ({ foundBy }: Mutation): number | undefined => {
  const [, seed] = / at seed (\d+)$/.exec(foundBy ?? '') ?? [];
  return seed === undefined ? undefined : Number(seed);
};

/** A copy of the project that can be broken. */
type Copy = AsyncDisposable & {
  /** Breaks it, runs the seeds, mends it. Without a mutation: as it is. */
  readonly try: (mutation: Mutation | undefined, options: TryOptions) => Promise<Verdict>;
};

type TryOptions = {
  /** Seeds 1 to this number. */
  readonly runs: number;
  /** The seed that the mutation's file names comes first, the others only where that one doesn't find it. */
  readonly notedFirst?: boolean;
  readonly signal: AbortSignal;
};

/** Folders of the npm workspaces, as package.json has them. */
const workspacePatterns = async (): Promise<readonly string[]> =>
  (JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8')) as { readonly workspaces: readonly string[] }).workspaces;

/** Packages from outside are the project's own, ours are those of the copy. */
const linkModules = async (root: string, patterns: readonly string[]): Promise<void> => {
  const modules = join(root, 'node_modules');
  await mkdir(join(modules, '@floodgate'), { recursive: true });
  for (const entry of await readdir(join(projectRoot, 'node_modules'))) {
    const isCache = entry.startsWith('.') && entry !== '.bin';
    if (entry !== '@floodgate' && !isCache) await symlink(join(projectRoot, 'node_modules', entry), join(modules, entry));
  }
  for await (const file of glob(
    patterns.map((pattern) => `${pattern}/package.json`),
    { cwd: root },
  )) {
    const { name } = JSON.parse(await readFile(join(root, file), 'utf8')) as { readonly name: string };
    await symlink(join(root, dirname(file)), join(modules, name));
  }
};

const createCopy = async (): Promise<Copy> => {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'floodgate-mutation-')));
  const patterns = await workspacePatterns();
  const isSource = (path: string): boolean => !['node_modules', '.floodgate', 'mutations'].includes(basename(path));
  for (const folder of new Set([...patterns.map((pattern) => pattern.split('/')[0] ?? ''), 'test']))
    await cp(join(projectRoot, folder), join(root, folder), { recursive: true, filter: isSource });
  for (const file of ['package.json', 'tsconfig.json', 'vitest.config.ts']) await cp(join(projectRoot, file), join(root, file));
  await linkModules(root, patterns);
  return {
    try: async (mutation, { runs, notedFirst, signal }) => {
      if (mutation === undefined) return simulate(root, 1, Math.min(runs, controlRuns), signal);
      const problem = await whyNotApplicable(mutation, root);
      if (problem !== undefined) return { verdict: 'error', message: problem };
      const before = await Promise.all(mutation.files.map(async (file) => [join(root, file), await readFile(join(root, file))] as const));
      try {
        const { code, err } = await run('git', ['apply', mutation.patch], root);
        if (code !== 0) return { verdict: 'error', message: err };
        const noted = notedFirst === true ? notedSeed(mutation) : undefined;
        const first = noted === undefined || noted > runs ? undefined : await simulate(root, noted, 1, signal);
        return first?.verdict === 'found' ? { ...first, runs: first.seed } : await simulate(root, 1, runs, signal);
      } finally {
        for (const [file, bytes] of before) await writeFile(file, bytes);
      }
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
};

/** What `simulate.ts --json` says that is of interest here. */
type Document = {
  readonly runs: number;
  readonly violations: {
    readonly byInvariant: readonly { readonly invariant: string; readonly first: readonly { readonly seed: number; readonly message: string }[] }[];
  };
};

const simulate = async (root: string, seed: number, runs: number, signal: AbortSignal): Promise<Verdict> => {
  const args = ['test/simulation/simulate.ts', '--seed', String(seed), '--runs', String(runs), '--fail-fast', '--workers', '1', '--json'];
  const { code, out, err } = await run(process.execPath, args, root, signal);
  // Exit code 1 alone is no violation: it is also that of a process that could not even load its modules.
  const document = code === 0 || code === 1 ? readDocument(out) : undefined;
  if (document === undefined) return { verdict: 'error', message: `the simulator ended with ${code}: ${err.trim().slice(-2_000)}` };
  const [first] = document.violations.byInvariant;
  const [seen] = first?.first ?? [];
  if (first === undefined || seen === undefined) return { verdict: 'survived', runs: document.runs };
  return { verdict: 'found', invariant: first.invariant, message: seen.message, seed: seen.seed, runs: document.runs };
};

const readDocument = (text: string): Document | undefined => {
  try {
    return JSON.parse(text) as Document;
  } catch {
    return undefined; // it ended before it had said anything
  }
};

/** Tries them in order, `copies` at once, each in a copy of its own. Undefined stands for the code as it is. */
export const tryMutations = async (
  mutations: readonly (Mutation | undefined)[],
  options: TryOptions & {
    readonly copies: number;
    readonly onVerdict: (mutation: Mutation | undefined, verdict: Verdict) => void;
  },
): Promise<void> => {
  const left = [...mutations.entries()];
  const work = async (): Promise<void> => {
    await using copy = await createCopy();
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [, mutation] = next;
      options.onVerdict(mutation, await copy.try(mutation, options));
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.copies, mutations.length) }, work));
};

const describeVerdict = (verdict: Verdict): readonly string[] => {
  switch (verdict.verdict) {
    case 'found':
      return [verdict.invariant, String(verdict.seed)];
    case 'survived':
      return ['not found', `${verdict.runs} seeds`];
    case 'error':
      return ['error', ''];
    default:
      return verdict satisfies never;
  }
};

/** Writes into a mutation's file what found it. */
const noteVerdict = async ({ patch }: Mutation, verdict: Verdict): Promise<void> => {
  if (verdict.verdict === 'error') return;
  const lines = (await readFile(patch, 'utf8')).split('\n').filter((line) => !line.startsWith('# found by: '));
  const found = verdict.verdict === 'found' ? [`# found by: ${verdict.invariant} at seed ${verdict.seed}`] : [];
  const at = lines.findIndex((line) => !line.startsWith('# '));
  await writeFile(patch, [...lines.slice(0, at), ...found, ...lines.slice(at)].join('\n'));
};

/** A table in Markdown, as docs/simulation.md has it. */
export const renderTable = (verdicts: ReadonlyMap<Mutation, Verdict>): string => {
  const rows = [['mutation', 'found by invariant', 'at seed'], ...[...verdicts].map(([{ name }, verdict]) => [name, ...describeVerdict(verdict)])];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  return [lines[0], `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...lines.slice(1)].join('\n');
};

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runs: { type: 'string', default: String(mutationRuns) }, note: { type: 'boolean' } },
  });
  const all = await readMutations();
  const unknown = positionals.filter((name) => !all.some((mutation) => mutation.name === name));
  if (unknown.length > 0) throw new RangeError(`no mutation ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}`);
  const chosen = positionals.length === 0 ? all : all.filter(({ name }) => positionals.includes(name));
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  const verdicts = new Map<Mutation, Verdict>();
  let isSound = true;
  await tryMutations([undefined, ...chosen], {
    copies: 2,
    runs: Number(values.runs),
    signal: interrupted.signal,
    onVerdict: (mutation, verdict) => {
      if (mutation !== undefined) verdicts.set(mutation, verdict);
      if (mutation === undefined) isSound = verdict.verdict === 'survived';
      process.stderr.write(
        `${mutation?.name ?? 'the code as it is'}: ${describeVerdict(verdict).join(', ')}${'message' in verdict ? `: ${verdict.message}` : ''}\n`,
      );
    },
  });
  process.stdout.write(
    `${renderTable(new Map(chosen.flatMap((mutation) => (verdicts.has(mutation) ? [[mutation, verdicts.get(mutation) as Verdict]] : []))))}\n`,
  );
  if (isSound && values.note === true) for (const [mutation, verdict] of verdicts) await noteVerdict(mutation, verdict);
  process.exitCode = isSound && [...verdicts.values()].every(({ verdict }) => verdict === 'found') ? 0 : 1;
};

if (import.meta.main) await main();
