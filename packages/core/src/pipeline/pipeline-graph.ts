// The graph of the processors: circles, and the order in which everything comes after what it reads.

export type GraphNode = {
  readonly id: string;
  readonly phase: number;
  /** Ids of the processors whose tables it reads. */
  readonly reads: readonly string[];
};

/**
 * Circles of the graph, each once, as the ids along it in the order of reading, beginning with the smallest id:
 * `[a, b]` where a reads b and b reads a. A processor that reads itself is a circle of one.
 */
export const findCircles = (nodes: readonly GraphNode[]): readonly (readonly string[])[] => {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const done = new Set<string>();
  const circles = new Map<string, readonly string[]>();
  const visit = (id: string, trail: readonly string[]): void => {
    const at = trail.indexOf(id);
    if (at >= 0) {
      const circle = trail.slice(at);
      const first = circle.indexOf([...circle].sort()[0] ?? '');
      const turned = [...circle.slice(first), ...circle.slice(0, first)];
      circles.set(turned.join(' '), turned);
      return;
    }
    if (done.has(id)) return;
    for (const next of [...(byId.get(id)?.reads ?? [])].sort()) if (byId.has(next)) visit(next, [...trail, id]);
    done.add(id);
  };
  for (const { id } of [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1))) visit(id, []);
  return [...circles.values()];
};

/** Ids by phase, then everything after what it reads, then by id. The graph must have no circle. */
export const sortByReads = (nodes: readonly GraphNode[]): readonly string[] => {
  const waiting = [...nodes].sort((a, b) => a.phase - b.phase || (a.id < b.id ? -1 : 1));
  const known = new Set(nodes.map((node) => node.id));
  const sorted = new Set<string>();
  while (waiting.length > 0) {
    const index = waiting.findIndex((node) => node.reads.every((id) => !known.has(id) || sorted.has(id)));
    const [next] = waiting.splice(index, 1);
    if (index < 0 || next === undefined) throw new RangeError('the graph of processors has a circle');
    sorted.add(next.id);
  }
  return [...sorted];
};
