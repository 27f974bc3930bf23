// Who imports whom: every import of every file, resolved, held to import-table.ts. What lint can't see file by file is here
// too: circles, `export *`, and the time read past the Clock.
import { describe, expect, test } from 'vitest';
import { isAllowed, isTestFile, mayImport, nodeModulesOf, packageZones, typeOnlyExceptions, zoneOf, type Zone } from './import-table.ts';
import { createResolver, listSourceFiles, readImports, readSource, type Import, type Target } from './source-files.ts';

type Edge = Import & { readonly from: string; readonly target: Target };

const files = listSourceFiles();
const resolve = createResolver();
const edges: readonly Edge[] = files.flatMap((from) =>
  readImports(readSource(from)).map((found) => ({ ...found, from, target: resolve(from, found.specifier) })),
);
const between = edges.flatMap(({ target, ...edge }) => (target.kind === 'file' ? [{ ...edge, to: target.file }] : []));
const place = ({ from, line, specifier }: Import & { readonly from: string }): string => `${from}:${line} imports ${specifier}`;

/** The zones that a file's exception opens to this import; none where the import does something when it runs. */
const excepted = ({ from, isType }: { readonly from: string; readonly isType: boolean }): readonly Zone[] =>
  isType ? (typeOnlyExceptions[from]?.imports ?? []) : [];

describe('reading imports', () => {
  test('finds every way of writing one, with its line and whether it is erased', () => {
    const text = [
      "import './side-effect.ts';",
      "import * as z from 'zod';",
      'import {',
      '  one,',
      '  type Two,',
      "} from './names.ts';",
      "import type { Three } from './types.ts';",
      "import { type Four, type Five } from './inline-types.ts';",
      "export { six } from './re-export.ts';",
      "export type { Seven } from './type-re-export.ts';",
      ['const late = await import', "('./dynamic.ts');"].join(''),
      "const text = 'import nothing from here';",
    ].join('\n');
    expect(readImports(text).map(({ specifier, line, isType }) => [specifier, line, isType])).toEqual([
      ['./side-effect.ts', 1, false],
      ['zod', 2, false],
      ['./names.ts', 3, false],
      ['./types.ts', 7, true],
      ['./inline-types.ts', 8, true],
      ['./re-export.ts', 9, false],
      ['./type-re-export.ts', 10, true],
      ['./dynamic.ts', 11, false],
    ]);
  });

  test('reaches the files of all packages, by relative paths and by names of workspaces', () => {
    expect(files.length).toBeGreaterThan(200);
    expect(between.some(({ from, to }) => from.startsWith('cli/') && to.startsWith('packages/core/src/app/'))).toBe(true);
    expect(between.some(({ from, to }) => from.startsWith('packages/embedded/') && to.startsWith('packages/sql/src/duckdb/'))).toBe(true);
  });
});

describe('who may import whom', () => {
  test('every file lies in a zone of the table', () => {
    expect(files.filter((file) => zoneOf(file) === undefined)).toEqual([]);
  });

  test('every import names a file that exists', () => {
    expect(edges.filter(({ target }) => target.kind === 'missing').map(place)).toEqual([]);
  });

  test('every import between files is one that the table allows', () => {
    const refused = between.filter((edge) => {
      const [zone, to] = [zoneOf(edge.from), zoneOf(edge.to)];
      return zone === undefined || to === undefined || !(isAllowed({ file: edge.from, zone }, to) || excepted(edge).includes(to));
    });
    expect(refused.map((edge) => `${place(edge)} (${zoneOf(edge.from)} may import ${mayImport[zoneOf(edge.from) ?? 'root'].join(', ') || 'nothing'})`)).toEqual(
      [],
    );
  });

  test('no code imports what is there for tests', () => {
    expect(between.filter(({ from, to }) => !isTestFile(from) && zoneOf(from) !== 'root' && isTestFile(to)).map(place)).toEqual([]);
  });

  test('every exception is still needed', () => {
    const needed = Object.entries(typeOnlyExceptions).filter(([file, { imports }]) =>
      imports.every((zone) => between.some(({ from, to }) => from === file && zoneOf(to) === zone)),
    );
    expect(needed.map(([file]) => file)).toEqual(Object.keys(typeOnlyExceptions));
  });

  test('every package is used only where it belongs', () => {
    const refused = edges.filter(({ from, target }) => {
      if (target.kind !== 'package' && target.kind !== 'node') return false;
      const zone = zoneOf(from);
      const zones = packageZones.find(([pattern]) => pattern.test(target.name))?.[1];
      if (isTestFile(from) || zone === 'root') return target.kind === 'package' && zones === undefined;
      if (zone === undefined) return true;
      if (zones !== undefined) return !zones.includes(zone);
      return target.kind === 'package' || nodeModulesOf[zone]?.includes(target.name) === false;
    });
    expect(refused.map(place)).toEqual([]);
  });
});

/** Groups of files that reach one another (Tarjan), smallest names first. */
const findCircles = (graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] => {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string): number => {
    const index = order.size;
    order.set(file, index);
    stack.push(file);
    let lowest = index;
    for (const next of graph.get(file) ?? []) {
      if (!order.has(next)) lowest = Math.min(lowest, visit(next));
      else if (stack.includes(next)) lowest = Math.min(lowest, low.get(next) ?? order.get(next) ?? index);
    }
    low.set(file, lowest);
    if (lowest === index) {
      const circle = stack.splice(stack.indexOf(file));
      if (circle.length > 1 || graph.get(file)?.includes(file) === true) circles.push(circle.toSorted());
    }
    return lowest;
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return circles;
};

describe('circles', () => {
  test('are found, however long', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['a']],
      ['d', ['e']],
      ['e', []],
      ['f', ['f', 'a']],
    ]);
    expect(findCircles(graph)).toEqual([['a', 'b', 'c'], ['f']]);
  });

  test('there are none among the imports that remain when types are erased', () => {
    const graph = new Map(files.map((file) => [file, between.filter(({ from, isType }) => from === file && !isType).map(({ to }) => to)]));
    expect(findCircles(graph)).toEqual([]);
  });
});

describe('what lint does not see', () => {
  const matches = (pattern: RegExp, among: (file: string) => boolean): readonly string[] =>
    files.filter(among).flatMap((file) =>
      readSource(file)
        .split('\n')
        .flatMap((line, at) => (pattern.test(line) && !/^\s*(\/\/|\*|\/\*)/.test(line) ? [`${file}:${at + 1} ${line.trim()}`] : [])),
    );

  test('no file passes on everything of another', () => {
    expect(matches(/^export \*/, () => true)).toEqual([]);
  });

  test('nobody reads the time past the Clock but adapters and tests', () => {
    const adapters: readonly (Zone | undefined)[] = ['embedded', 'gcp', 'http', 'bigquery-emulator'];
    expect(matches(/\bnew Date\(\)|(?<!new )\bDate\(\)/, (file) => !isTestFile(file) && !adapters.includes(zoneOf(file)))).toEqual([]);
  });

  test('no test is left out or left alone for good', () => {
    expect(
      matches(
        /\b(?:describe|it|test)\.(?:only|todo)\b|\b(?:describe|it|test)\.skip\(/,
        (file) => isTestFile(file) && file !== 'test/architecture/imports.test.ts',
      ),
    ).toEqual([]);
  });
});
