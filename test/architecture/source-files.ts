// The project's TypeScript files and what each imports, resolved to files. Imports are read from the text: every import of
// this project begins a line or is a dynamic one with a literal.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

const projectRoot = join(import.meta.dirname, '../..');

export type Import = {
  /** As written. */
  readonly specifier: string;
  /** 1-based. */
  readonly line: number;
  /** Erased before it runs. */
  readonly isType: boolean;
};

const staticImport = /^(?:import|export)\s+(?<clause>[^'";]*?\sfrom\s+)?'(?<specifier>[^']+)'/gm;
const dynamicImport = /\bimport\(\s*'(?<specifier>[^']+)'/g;

const isTypeClause = (clause: string): boolean => {
  if (/^type\s/.test(clause)) return true;
  const names = /^\{(?<names>[^}]*)\}/
    .exec(clause)
    ?.groups?.['names']?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return names !== undefined && names.length > 0 && names.every((name) => name.startsWith('type '));
};

export const readImports = (text: string): readonly Import[] => {
  const lineAt = (index: number): number => text.slice(0, index).split('\n').length;
  const found = [
    ...[...text.matchAll(staticImport)].map((match) => ({ match, isType: isTypeClause(match.groups?.['clause'] ?? '') })),
    ...[...text.matchAll(dynamicImport)].map((match) => ({ match, isType: false })),
  ];
  return found.map(({ match, isType }) => ({ specifier: match.groups?.['specifier'] ?? '', line: lineAt(match.index), isType }));
};

const folders = ['packages', 'services', 'cli', 'dashboard', 'pipelines', 'infra', 'examples', 'bench', 'docs', 'test'];

/** Paths from the project's root, with `/`. */
export const listSourceFiles = (): readonly string[] =>
  globSync([`{${folders.join(',')}}/**/*.ts`, '*.ts'], { cwd: projectRoot, exclude: (path) => path.split(sep).includes('node_modules') })
    .map((path) => path.split(sep).join('/'))
    .toSorted();

export const readSource = (file: string): string => readFileSync(join(projectRoot, file), 'utf8');

/** Folder of each workspace by its package's name, and below it the folder that `exports` opens. */
const readWorkspaces = (): ReadonlyMap<string, string> =>
  new Map(
    globSync(['{packages,services,pipelines,examples}/*/package.json', 'cli/package.json', 'infra/package.json'], { cwd: projectRoot }).map((path) => {
      const manifest = JSON.parse(readSource(path)) as { readonly name: string; readonly exports?: Readonly<Record<string, string>> };
      return [manifest.name, join(dirname(path), (manifest.exports?.['./*'] ?? './*').replace(/\*$/, ''))];
    }),
  );

export type Target =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'package' | 'node'; readonly name: string }
  | { readonly kind: 'missing'; readonly file: string };

/** Resolves as Node does here: files by their full name, workspaces through `exports`, the rest by name. */
export const createResolver = (): ((from: string, specifier: string) => Target) => {
  const workspaces = readWorkspaces();
  const toFile = (path: string): Target => {
    const file = path.split(sep).join('/');
    return { kind: existsSync(join(projectRoot, file)) ? 'file' : 'missing', file };
  };
  return (from, specifier) => {
    if (specifier.startsWith('.')) return toFile(relative(projectRoot, join(projectRoot, dirname(from), specifier)));
    if (specifier.startsWith('node:')) return { kind: 'node', name: specifier };
    const [name = '', folder] = [...workspaces].find(([workspace]) => specifier.startsWith(`${workspace}/`)) ?? [];
    return folder === undefined ? { kind: 'package', name: specifier } : toFile(join(folder, specifier.slice(name.length + 1)));
  };
};
