// Puts other tables in the place of those that a statement names, by position in its text: comments, literals, aliases and
// everything else stay as they were written, and so do the lines that messages speak of.
import { RefusedSql } from '../problems.ts';
import { findTableReferences, type TableReference } from '../table-references.ts';
import { quoteName, quoteTable } from './names.ts';

export type TablesFound = { readonly ok: true; readonly tables: readonly string[] } | { readonly ok: false; readonly message: string };

const readReferences = (sql: string): readonly TableReference[] | { readonly message: string } => {
  try {
    return findTableReferences(sql);
  } catch (error) {
    if (error instanceof RefusedSql) return { message: `${error.construct}: ${error.message}` };
    throw error;
  }
};

/** Of each `dataset.table` that is named, once. */
export const findTables = (sql: string): TablesFound => {
  const references = readReferences(sql);
  if ('message' in references) return { ok: false, message: references.message };
  return { ok: true, tables: [...new Set(references.map(({ table }) => table))] };
};

/**
 * `replacement` gives `dataset.table`, or undefined for a table that stays. A table without an alias is called by its last
 * name in the statement, so it gets that name as its alias. Throws RefusedSql where the text can't be parsed.
 */
export const rewriteTables = (sql: string, replacement: (table: string) => string | undefined): string => {
  let rewritten = '';
  let done = 0;
  for (const { table, start, end, hasAlias } of findTableReferences(sql)) {
    const other = replacement(table);
    if (other === undefined) continue;
    const alias = hasAlias ? '' : ` AS ${quoteName(table.slice(table.lastIndexOf('.') + 1))}`;
    rewritten += `${sql.slice(done, start)}${quoteTable(other)}${alias}`;
    done = end;
  }
  return rewritten + sql.slice(done);
};
