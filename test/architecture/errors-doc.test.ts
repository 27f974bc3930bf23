// Every error code that a person may meet has a row in docs/errors.md, and every row is about a code that exists.
import { expect, test } from 'vitest';
import { objectStoreErrorCodes } from '@floodgate/core/ports/object-store.ts';
import { storeErrorCodes } from '@floodgate/core/ports/status-store.ts';
import { warehouseErrorCodes } from '@floodgate/core/ports/warehouse.ts';
import { classifyCode } from '@floodgate/core/domain/failure.ts';
import { messageBusErrorCodes } from '@floodgate/gcp/pubsub-errors.ts';
import { isTestFile } from './import-table.ts';
import { listSourceFiles, readSource } from './source-files.ts';

type Row = { readonly code: string; readonly cells: readonly string[] };

const rows = readSource('docs/errors.md')
  .split('\n')
  .flatMap((line): Row[] => {
    const code = /^\| `([a-z_]+)` \|/.exec(line)?.[1];
    return code === undefined ? [] : [{ code, cells: line.split('|').map((cell) => cell.trim()) }];
  });

/** Codes as they are thrown (`new FloodgateError('x'`), recorded (`code: 'x'`) and classified, in code that is no test. */
const codesInSources = (): ReadonlySet<string> => {
  const codes = new Set<string>();
  for (const file of listSourceFiles()) {
    // What stands under `code` in the messages about pipeline.yaml are zod's own issues.
    if (isTestFile(file) || !/^(packages|services|cli|pipelines)\//.test(file) || file.endsWith('/pipeline/schema-problems.ts')) continue;
    const text = readSource(file);
    for (const match of text.matchAll(/\bnew \w*Error\(\s*'(?<code>[a-z]+(?:_[a-z]+)*)'/g)) codes.add(match.groups?.['code'] ?? '');
    for (const match of text.matchAll(/\bcode: '(?<code>[a-z]+(?:_[a-z]+)*)'(?!, message: explainBadDate)/g)) codes.add(match.groups?.['code'] ?? '');
  }
  const table = /const classOf[^{]*\{(?<body>[^}]*)\}/.exec(readSource('packages/core/src/domain/failure.ts'))?.groups?.['body'] ?? '';
  for (const match of table.matchAll(/^\s*(?<code>[a-z_]+): '/gm)) codes.add(match.groups?.['code'] ?? '');
  // zod's name for an issue of one's own.
  codes.delete('custom');
  return codes;
};

test('every code has a row that says what it means', () => {
  const codes = new Set([...warehouseErrorCodes, ...storeErrorCodes, ...objectStoreErrorCodes, ...messageBusErrorCodes, ...codesInSources()]);
  // The search itself must not find nothing.
  for (const code of ['audit_failed', 'home_in_use', 'usage', 'deadline_exceeded', 'malformed_message']) expect(codes).toContain(code);
  const documented = new Set(rows.map(({ code }) => code));
  expect([...codes].filter((code) => !documented.has(code))).toEqual([]);
});

test('every row is about a code that exists', () => {
  const codes = new Set<string>([...warehouseErrorCodes, ...storeErrorCodes, ...objectStoreErrorCodes, ...messageBusErrorCodes, ...codesInSources()]);
  expect(rows.filter(({ code }) => !codes.has(code)).map(({ code }) => code)).toEqual([]);
});

test('the class of a task’s error stands there as the table in failure.ts has it', () => {
  const classes = new Set(['permanent', 'data', 'transient', 'rate_limited', 'conflict', 'not_ready', 'halt', 'unknown']);
  // Recorded with their class where they arise, never thrown: failure.ts does not know them.
  const recorded = new Set(['lease_expired', 'audit_failed', 'malformed_message']);
  const said = rows.filter(({ code, cells }) => classes.has(cells[2] ?? '') && !recorded.has(code)).map(({ code, cells }) => `${code} ${cells[2]}`);
  expect(said.length).toBeGreaterThan(25);
  expect(said).toEqual(said.map((each) => each.split(' ')[0] ?? '').map((code) => `${code} ${classifyCode(code)}`));
});
