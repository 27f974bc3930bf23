// Names and literals of DuckDB.

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const textLiteral = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const commaSeparated = (parts: readonly string[]): string => parts.join(', ');
