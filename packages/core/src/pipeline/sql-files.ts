// Where a piece of SQL in pipeline.yaml comes from: written there, or the name of a .sql file of the folder.

/** Whether the text names a file instead of being SQL itself. */
export const isSqlFileName = (text: string): boolean => /^[^\s;()]+\.sql$/i.test(text.trim());

/** A name as people write it (`./checks/a.sql`) as a key of the map of files; undefined where it leaves the folder. */
export const normaliseFileName = (name: string): string | undefined => {
  const parts: string[] = [];
  for (const part of name.trim().replaceAll('\\', '/').split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.pop() === undefined) return undefined;
    if (part !== '..') parts.push(part);
  }
  return parts.join('/');
};

/** The SQL that a value of pipeline.yaml means; undefined where it names a file that isn't there. */
export const resolveSql = (written: string, files: ReadonlyMap<string, string>): string | undefined =>
  isSqlFileName(written) ? files.get(normaliseFileName(written) ?? '') : written;

/** Default file of a processor's source; undefined for the kind that has none. */
export const defaultSourceFile = (id: string, kind: string): string | undefined =>
  kind === 'sql' || kind === 'load' ? `processors/${id}.sql` : kind === 'code' ? `processors/${id}.ts` : undefined;

const importPattern = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;

/**
 * Files of the folder that a TypeScript file imports, directly or through others, sorted; without the file itself.
 * Read off the text: a name in a comment counts as well, which can only make the code's hash change too often.
 */
export const importedFiles = (file: string, files: ReadonlyMap<string, string>): readonly string[] => {
  const seen = new Set([file]);
  const open = [file];
  for (let current = open.pop(); current !== undefined; current = open.pop()) {
    const folder = current.slice(0, current.lastIndexOf('/') + 1);
    for (const match of (files.get(current) ?? '').matchAll(importPattern)) {
      const target = normaliseFileName(`${folder}${match[1] ?? ''}`);
      if (target === undefined || seen.has(target) || !files.has(target)) continue;
      seen.add(target);
      open.push(target);
    }
  }
  seen.delete(file);
  return [...seen].sort();
};
