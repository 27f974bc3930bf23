// The steps of the Dockerfile, carried out in folders: what can be proven of an image where no Docker is. It knows the instructions
// that the Dockerfile's head names and throws at any other, so that a new one can't pass unnoticed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';

export type Instruction = { readonly name: string; readonly text: string };
export type Stage = { readonly base: string; readonly name: string; readonly instructions: readonly Instruction[] };

export const readDockerfile = (text: string): readonly Stage[] => {
  const stages: { base: string; name: string; instructions: Instruction[] }[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, name = '', rest = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    if (!['FROM', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'EXPOSE', 'ENTRYPOINT', 'CMD'].includes(name))
      throw new Error(`Dockerfile: unknown to this test: ${line}`);
    if (name === 'FROM') {
      const [, base = '', stage = ''] = /^(\S+)(?: AS (\S+))?$/.exec(rest) ?? [];
      stages.push({ base, name: stage, instructions: [] });
    } else stages.at(-1)?.instructions.push({ name, text: rest });
  }
  return stages;
};

/** As Docker has it: `*` within a name, a leading dot included; `**` over any number of folders. */
const toPattern = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('**/', '\u0000')
      .replaceAll('*', '[^/]*')
      .replaceAll('\u0000', '(?:.*/)?')}$`,
  );

/** Whether a path is part of the build's context: the last pattern that matches it, or a folder above it, decides. */
export const createDockerignore = (text: string): ((path: string) => boolean) => {
  const rules = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => (line.startsWith('!') ? { pattern: toPattern(line.slice(1)), isIn: true } : { pattern: toPattern(line), isIn: false }));
  return (path) => {
    const parts = path.split('/');
    const above = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
    return rules.reduce((isIn, rule) => (above.some((each) => rule.pattern.test(each)) ? rule.isIn : isIn), true);
  };
};

/** Files of the project that a build may see, by path with `/`. What lies in folders that hold only the outside is not looked at. */
export const listContext = (root: string): readonly string[] => {
  const isIn = createDockerignore(readFileSync(join(root, '.dockerignore'), 'utf8'));
  return globSync('{*,{cli,packages,services,pipelines}/**/*}', { cwd: root, exclude: (path) => path.split(sep).includes('node_modules') })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => isIn(path) && statSync(join(root, path)).isFile());
};

type Built = { readonly folder: string; readonly workdir: string; readonly environment: Readonly<Record<string, string>>; readonly command: readonly string[] };

const run = async (command: string, cwd: string, environment: NodeJS.ProcessEnv): Promise<void> => {
  const child = spawn('sh', ['-c', command], { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`RUN ${command}\nended with ${code}:\n${output}`);
};

/** The last stage's folder. Commands run with `environment`; absolute paths lie beneath the folder of their stage. */
export const buildImage = async (root: string, into: string, environment: NodeJS.ProcessEnv): Promise<Built> => {
  const context = listContext(root);
  const folders = new Map<string, string>();
  let built: Built | undefined;
  for (const [index, stage] of readDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8')).entries()) {
    const folder = join(into, String(index));
    folders.set(stage.name, folder);
    let workdir = folder;
    const variables: Record<string, string> = {};
    let [entrypoint, command]: [readonly string[], readonly string[]] = [[], []];
    for (const { name, text } of stage.instructions) {
      switch (name) {
        case 'WORKDIR':
          workdir = join(folder, text);
          await mkdir(workdir, { recursive: true });
          break;
        case 'COPY':
          await copy(text, { root, context, folders, workdir });
          break;
        case 'RUN':
          await run(text, workdir, { ...environment, ...variables });
          break;
        case 'ENV':
          variables[text.slice(0, text.indexOf('='))] = text.slice(text.indexOf('=') + 1);
          break;
        case 'ENTRYPOINT':
          entrypoint = JSON.parse(text) as string[];
          break;
        case 'CMD':
          command = JSON.parse(text) as string[];
          break;
        default: // USER and EXPOSE change nothing here
      }
    }
    built = { folder, workdir, environment: variables, command: [...entrypoint, ...command] };
  }
  if (built === undefined) throw new Error('the Dockerfile has no stage');
  return built;
};

type CopyFrom = { readonly root: string; readonly context: readonly string[]; readonly folders: ReadonlyMap<string, string>; readonly workdir: string };

const copy = async (text: string, { root, context, folders, workdir }: CopyFrom): Promise<void> => {
  const words = text.split(' ');
  const from = words[0]?.startsWith('--from=') === true ? words.shift()?.slice('--from='.length) : undefined;
  const target = words.pop() ?? '';
  for (const source of words) {
    if (from !== undefined) {
      // Links of workspaces are relative, and stay what they are.
      await cp(join(folders.get(from) ?? '', source), join(workdir, target), { recursive: true, verbatimSymlinks: true });
      continue;
    }
    const files = context.filter((path) => path === source || path.startsWith(`${source}/`));
    if (files.length === 0) throw new Error(`COPY ${text}: ${source} is not in the context`);
    for (const path of files) {
      const isFile = path === source;
      const to = isFile ? (target.endsWith('/') ? join(target, path.split('/').at(-1) ?? '') : target) : join(target, path.slice(source.length + 1));
      await mkdir(dirname(join(workdir, to)), { recursive: true });
      await cp(join(root, path), join(workdir, to));
    }
  }
};
