import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findCircles, sortByReads, type GraphNode } from './pipeline-graph.ts';

/** Graphs without circles: a node only reads nodes before it, in its own phase or an earlier one. */
const acyclic = fc.array(fc.record({ phase: fc.integer({ min: 0, max: 3 }), picks: fc.array(fc.nat(), { maxLength: 4 }) }), { maxLength: 12 }).map((raw) => {
  const nodes: GraphNode[] = [];
  for (const [index, { phase, picks }] of raw.entries()) {
    const readable = nodes.filter((node) => node.phase <= phase);
    nodes.push({ id: `n${(index * 7) % 13}`, phase, reads: readable.length === 0 ? [] : picks.map((pick) => readable[pick % readable.length]?.id ?? '') });
  }
  return nodes;
});

describe('sortByReads', () => {
  it('puts every processor behind what it reads and behind earlier phases, whatever the order it was given in', () => {
    fc.assert(
      fc.property(acyclic, fc.infiniteStream(fc.nat()), (nodes, random) => {
        const sorted = sortByReads(nodes);
        expect([...sorted].sort()).toEqual(nodes.map(({ id }) => id).sort());
        const at = new Map(sorted.map((id, index) => [id, index]));
        for (const { id, reads } of nodes) for (const read of reads) expect(at.get(read)).toBeLessThan(at.get(id) ?? -1);
        const phases = sorted.map((id) => nodes.find((node) => node.id === id)?.phase ?? -1);
        expect(phases).toEqual([...phases].sort((a, b) => a - b));
        const shuffled = nodes
          .map((node) => ({ node, key: random.next().value ?? 0 }))
          .sort((a, b) => a.key - b.key)
          .map(({ node }) => node);
        expect(sortByReads(shuffled)).toEqual(sorted);
        expect(findCircles(nodes)).toEqual([]);
      }),
    );
  });

  it('refuses a circle', () => {
    expect(() =>
      sortByReads([
        { id: 'a', phase: 1, reads: ['b'] },
        { id: 'b', phase: 1, reads: ['a'] },
      ]),
    ).toThrow('circle');
  });
});

describe('findCircles', () => {
  const node = (id: string, ...reads: readonly string[]): GraphNode => ({ id, phase: 1, reads });

  it('names each circle once, from its smallest id on', () => {
    expect(findCircles([node('c', 'a'), node('b', 'c'), node('a', 'b'), node('x', 'a')])).toEqual([['a', 'b', 'c']]);
    expect(findCircles([node('a', 'b'), node('b', 'a'), node('y', 'z'), node('z', 'y')])).toEqual([
      ['a', 'b'],
      ['y', 'z'],
    ]);
  });

  it('counts a processor that reads itself', () => {
    expect(findCircles([node('a', 'a')])).toEqual([['a']]);
  });
});
