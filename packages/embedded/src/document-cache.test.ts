import { expect, it } from 'vitest';
import { DocumentCache } from './document-cache.ts';

const text = (bytes: number): string => JSON.stringify({ text: 'x'.repeat(bytes - 11) });

it('gives back the document that it parsed, deeply frozen', () => {
  const cache = new DocumentCache(10_000);
  const document = cache.parse('x/1', 7, '{"list":[{"n":1}]}');
  expect(cache.get('x/1')).toBe(document);
  expect(document).toEqual({ path: 'x/1', version: 7, data: { list: [{ n: 1 }] } });
  expect(() => (document.data['list'] as unknown[]).push(1)).toThrow(TypeError);
  expect(() => Object.assign((document.data['list'] as object[])[0]!, { n: 2 })).toThrow(TypeError);
});

it('gives up the least recently used when the texts exceed its bytes', () => {
  const cache = new DocumentCache(5_000);
  for (const path of ['x/1', 'x/2', 'x/3']) cache.parse(path, 1, text(1_000));
  cache.get('x/1');
  cache.parse('x/4', 1, text(1_000));
  expect(['x/1', 'x/2', 'x/3', 'x/4'].filter((path) => cache.get(path) !== undefined)).toEqual(['x/1', 'x/3', 'x/4']);
});

it('counts a replaced document once', () => {
  const cache = new DocumentCache(5_000);
  cache.parse('x/1', 1, text(1_000));
  for (let version = 1; version < 20; version += 1) cache.parse('x/2', version, text(1_000));
  expect(cache.get('x/1')).toBeDefined();
  expect(cache.get('x/2')!.version).toBe(19);
});

it('keeps nothing that is larger than all of it', () => {
  const cache = new DocumentCache(1_000);
  expect(cache.parse('x/1', 1, text(2_000)).version).toBe(1);
  expect(cache.get('x/1')).toBeUndefined();
});
