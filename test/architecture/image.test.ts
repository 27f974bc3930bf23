// What the services' image holds: everything that their main.ts reaches, and neither an engine of the embedded backend nor anything
// of development.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createDockerignore, listContext, readDockerfile } from '../support/dockerfile.ts';
import { createResolver, readImports, readSource } from './source-files.ts';

const root = join(import.meta.dirname, '../..');
const services = ['planner', 'worker', 'validator'] as const;
const resolve = createResolver();
const stages = readDockerfile(readSource('Dockerfile'));
const context = listContext(root);

type Reached = { readonly files: ReadonlySet<string>; readonly packages: ReadonlyMap<string, ReadonlySet<string>> };

/** Files that are loaded when `entry` runs, and the packages that each of their workspaces imports. */
const reach = (entry: string): Reached => {
  const files = new Set<string>();
  const packages = new Map<string, Set<string>>();
  const note = (file: string, name: string): void => {
    const workspace = /^(?:packages|services|pipelines)\/[^/]+|^cli/.exec(file)?.[0] ?? '';
    packages.set(workspace, (packages.get(workspace) ?? new Set()).add(name));
  };
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const { specifier, isType } of readImports(readSource(file))) {
      if (isType) continue;
      const target = resolve(file, specifier);
      if (target.kind === 'file') visit(target.file);
      if (target.kind === 'package' || target.kind === 'node') note(file, target.name);
      if (!specifier.startsWith('.') && target.kind === 'file') note(file, specifier);
    }
  };
  visit(entry);
  return { files, packages };
};

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

describe.each(services)('the %s', (service) => {
  const { files, packages } = reach(`services/${service}/src/main.ts`);
  const imported = [...packages.values()].flatMap((names) => [...names]);

  test('reaches its backend and its use cases', () => {
    expect(files).toContain('packages/gcp/src/gcp-backend.ts');
    expect(files.size).toBeGreaterThan(60);
    expect(imported).toEqual(expect.arrayContaining(['@google-cloud/pubsub', 'express', 'zod']));
  });

  test('reaches neither DuckDB nor SQLite nor anything of the embedded backend, of development or of tests', () => {
    expect(imported.filter((name) => name.startsWith('@duckdb/') || name === 'node:sqlite')).toEqual([]);
    expect(
      [...files].filter((file) => /^(?:packages\/(?:embedded|emulators|bigquery-emulator|cloud-limits)|cli|test|bench)\/|\.(?:test|fixture)\.ts$/.test(file)),
    ).toEqual([]);
  });

  test('has every package that it imports declared by the workspace that imports it', () => {
    const missing = [...packages].flatMap(([workspace, names]) => {
      const { dependencies = {}, name: own } = JSON.parse(readSource(`${workspace}/package.json`)) as {
        readonly name: string;
        readonly dependencies?: Readonly<Record<string, string>>;
      };
      return [...new Set([...names].filter((name) => !name.startsWith('node:')).map(packageOf))]
        .filter((name) => name !== own && !(name in dependencies))
        .map((name) => `${workspace}: ${name}`);
    });
    expect(missing).toEqual([]);
  });

  test('has every file that it reaches in the image', () => {
    const copied = (stages.at(-1)?.instructions ?? []).flatMap(({ name, text }) =>
      name === 'COPY' && !text.startsWith('--from=') ? text.split(' ').slice(0, -1) : [],
    );
    const isCopied = (file: string): boolean => context.includes(file) && copied.some((source) => file === source || file.startsWith(`${source}/`));
    expect([...files].filter((file) => !isCopied(file))).toEqual([]);
  });
});

describe('the image', () => {
  test('runs on the Node that the project is tested with, as a user who may do nothing', () => {
    const { devDependencies } = JSON.parse(readSource('package.json')) as { readonly devDependencies: Readonly<Record<string, string>> };
    expect(new Set(stages.map(({ base }) => base))).toEqual(new Set([`node:${devDependencies['node']}-slim`]));
    expect(stages.at(-1)?.instructions.filter(({ name }) => name === 'USER')).toEqual([{ name: 'USER', text: 'node' }]);
  });

  test('is built from what its .dockerignore lets in: no tests, no data, no credentials', () => {
    const isIn = createDockerignore(readSource('.dockerignore'));
    const outside = [
      '.git/config',
      '.env',
      'node_modules/zod/index.js',
      'packages/gcp/node_modules/x.js',
      'packages/embedded/src/duckdb-warehouse.ts',
      'services/worker/src/app.test.ts',
      'key.json',
      'cli/src/main.ts',
      'data/games.parquet',
    ];
    expect(outside.filter(isIn)).toEqual([]);
    const inside = [
      'package-lock.json',
      'cli/package.json',
      'packages/embedded/package.json',
      'packages/core/src/domain/plan.ts',
      'pipelines/nba/pipeline.yaml',
      'pipelines/nba/processors/nbac_schedule.sql',
    ];
    expect(inside.filter((path) => !isIn(path))).toEqual([]);
  });

  test('has the package.json of every workspace beside the lock file that names it', () => {
    const { packages } = JSON.parse(readSource('package-lock.json')) as { readonly packages: Readonly<Record<string, unknown>> };
    const workspaces = Object.keys(packages).filter((path) => path !== '' && !path.split('/').includes('node_modules'));
    expect(workspaces.length).toBeGreaterThan(10);
    expect(workspaces.filter((path) => existsSync(join(root, path, 'package.json')) && !context.includes(`${path}/package.json`))).toEqual([]);
  });
});
