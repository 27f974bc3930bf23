// Looks into source texts where nothing better than the text is at hand.

/** The text with comments blanked out, lines and columns kept. */
const withoutComments = (text: string, lineComment: RegExp): string => {
  const blank = (match: string): string => match.replace(/[^\n]/g, ' ');
  return text.replace(/\/\*[\s\S]*?\*\//g, blank).replace(lineComment, blank);
};

/** Where a name stands first in a SQL text, comments left out. */
export const tryPlaceName = (sql: string, name: string): { readonly line: number; readonly column: number } | undefined => {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const found = new RegExp(`(?<![\\w@])${escaped}(?!\\w)`, 'i').exec(withoutComments(sql, /(--|#).*$/gm));
  if (found === null) return undefined;
  const before = sql.slice(0, found.index).split('\n');
  return { line: before.length, column: (before[before.length - 1] ?? '').length + 1 };
};

const declared = /\bexport\s+(?:const|let|var|(?:async\s+)?function\s*\*?)\s*rows\b/;
const listed = /\bexport\s*\{(?:[^}]*(?:,|\bas\s))?\s*rows\s*[,}]/;

/** Whether a TypeScript file exports `rows`, judged by its text: nothing is run to find out. */
export const exportsRows = (source: string): boolean => {
  const text = withoutComments(source, /(?<!:)\/\/.*$/gm);
  return declared.test(text) || listed.test(text);
};
