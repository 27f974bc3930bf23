// The name that was probably meant, for messages about names that nobody knows.

/** Restricted Damerau-Levenshtein distance: insertions, deletions, substitutions and swaps of neighbours. */
const editDistance = (a: string, b: string): number => {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
};

/** Dataset or folder in front, and the extension behind, apart from the name itself. */
const splitName = (name: string): { readonly place: string; readonly own: string; readonly extension: string } => {
  const extension = /\.(sql|ts)$/.exec(name)?.[0] ?? '';
  const bare = name.slice(0, name.length - extension.length);
  const at = bare.lastIndexOf(extension === '' ? '.' : '/') + 1;
  return { place: bare.slice(0, at), own: bare.slice(at), extension };
};

/** The known name that was probably meant; undefined where none is close enough to be worth saying. */
export const nearestName = (name: string, known: Iterable<string>): string | undefined => {
  const wanted = splitName(name.toLowerCase());
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    const other = splitName(candidate.toLowerCase());
    // The right name in the wrong dataset or folder is many letters away and still the likeliest slip.
    const place = wanted.place === other.place ? 0 : wanted.own === other.own ? 1 : editDistance(wanted.place, other.place);
    const distance = place + editDistance(wanted.own, other.own) + (wanted.extension === other.extension ? 0 : 1);
    // Counted on the name alone: a long folder must not make everything in it alike, and among names of one or two
    // letters everything is near everything.
    const limit = Math.max(wanted.own === other.own ? 2 : 0, wanted.own.length < 3 ? 0 : Math.floor(wanted.own.length / 3));
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { name: candidate, distance };
  }
  return best?.name;
};
