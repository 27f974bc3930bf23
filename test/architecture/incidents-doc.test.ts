// docs/incidents.md: every incident once, every file that it names there, and every test that it quotes in the file that it names.
import { existsSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { readSource } from './source-files.ts';

const root = join(import.meta.dirname, '../..');
const text = readSource('docs/incidents.md');

const definitions = new Map([...text.matchAll(/^\[([^\]]+)\]: (\S+)$/gm)].map(([, name = '', target = '']) => [name, normalize(join('docs', target))]));

type Row = { readonly incident: string; readonly group: string; readonly cells: readonly string[] };

/** Rows of incidents; `group` is the number of the section, empty for the open ones. */
const rows = text.split(/^## /m).flatMap((section): readonly Row[] =>
  section.split('\n').flatMap((line) => {
    const [, incident, ...cells] = line.split(' | ').flatMap((cell, index) => (index === 0 ? ['', cell.replace(/^\| /, '')] : [cell.replace(/ \|$/, '')]));
    return incident !== undefined && /^P\d+$/.test(incident) ? [{ incident, group: /^\d+/.exec(section)?.[0] ?? '', cells }] : [];
  }),
);
const open = rows.filter(({ group }) => group === '');
const closed = rows.filter(({ group }) => group !== '');

/** Each quoted name with the file before it. */
const quotedIn = (cell: string): readonly { readonly file: string; readonly name: string }[] => {
  let file = '';
  return [...cell.matchAll(/\[(?<link>[^\]]+)\]|“(?<name>[^”]+)”/g)].flatMap(({ groups }) => {
    if (groups?.['link'] !== undefined) file = definitions.get(groups['link']) ?? '';
    return groups?.['name'] === undefined ? [] : [{ file, name: groups['name'] }];
  });
};

test('each incident, P1 to P108, stands there once', () => {
  const named = [...text.matchAll(/\bP\d+\b/g)].map(([name]) => name).toSorted((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
  expect(named).toEqual(Array.from({ length: 108 }, (_, index) => `P${index + 1}`));
  expect(rows).toHaveLength(108);
});

test('every row has a verdict and a test, and every open one its reason and what it needs', () => {
  for (const { incident, cells } of closed) {
    expect(cells, incident).toHaveLength(3);
    expect(cells[1], incident).toMatch(/^\*\*(impossible|visible)\*\*/);
    expect(quotedIn(cells[2] ?? ''), incident).not.toEqual([]);
  }
  for (const { incident, cells } of open) {
    expect(cells, incident).toHaveLength(4);
    for (const cell of cells) expect(cell, incident).not.toBe('');
  }
});

test('the summary counts what the rows say', () => {
  const counts = Array.from({ length: 10 }, (_, index) => {
    const group = String(index + 1);
    const own = closed.filter((row) => row.group === group);
    const [impossible, visible] = ['impossible', 'visible'].map((verdict) => own.filter(({ cells }) => cells[1]?.startsWith(`**${verdict}**`)).length);
    const left = open.filter(({ cells }) => cells[0] === group).length;
    return [own.length + left, impossible ?? 0, visible ?? 0, left];
  });
  const total = counts.reduce((sum, each) => sum.map((value, at) => value + (each[at] ?? 0)), [0, 0, 0, 0]);
  const summary = [...text.matchAll(/^\| (?:\[\d+ [^|]+|\*\*all\*\*) \| (.+) \|$/gm)].map(([, numbers = '']) =>
    numbers.split(' | ').map((number) => Number(number.replaceAll('*', ''))),
  );
  expect(summary).toEqual([...counts, total]);
});

test('every link is defined, used, and leads to a file', () => {
  const used = new Set([...text.matchAll(/\[([^\]]+)\](?![:(\]])/g)].map(([, name = '']) => name));
  expect([...used].filter((name) => !definitions.has(name))).toEqual([]);
  expect([...definitions.keys()].filter((name) => !used.has(name))).toEqual([]);
  expect([...definitions.values()].filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

const quotes = ["'", '"', '`'];

/** A whole name of a test or of a row of one that is run; or, behind a value that is put into it, its end. */
const isTestOf = (source: string, name: string): boolean =>
  quotes.some((quote) => source.includes(`${quote}${name}${quote}`) || source.includes(`} ${name}${quote}`)) &&
  !quotes.some((quote) => ['skip', 'todo', 'fails'].some((not) => source.includes(`.${not}(${quote}${name}${quote}`)));

test('every test that is quoted is one of the file that is named', () => {
  const wrong = rows.flatMap(({ incident, cells }) =>
    cells.flatMap(quotedIn).flatMap(({ file, name }) => {
      const source = /\.(?:test|contract)\.ts$/.test(file) ? readSource(file) : '';
      return isTestOf(source, name) ? [] : [`${incident}: ${file} “${name}”`];
    }),
  );
  expect(wrong).toEqual([]);
  expect(rows.flatMap(({ cells }) => cells.flatMap(quotedIn)).length).toBeGreaterThan(150);
});

// Written out, they would be taken for tests of this file that are left out.
const [skip, todo] = ['skip', 'todo'];
test.each([
  ['is there', "test('holds', () => {", true],
  ['is there behind a value', 'test(`at ${kills} holds`, () => {', true],
  ['is gone', "test('held once', () => {", false],
  ['has another name now', "test('holds and more', () => {", false],
  ['is skipped', `test.${skip}('holds', () => {`, false],
  ['is still to be written', `test.${todo}('holds');`, false],
])('a test that %s is told from one that is not', (_, source, isThere) => expect(isTestOf(source, 'holds')).toBe(isThere));
