/**
 * What is said when a statement cannot be used: the construct by its GoogleSQL name, why, and where.
 * Lines and columns are 1-based and those of the text that was given, comments included.
 */
export interface SqlProblem {
  /** The refused construct by name, e.g. `FARM_FINGERPRINT`, `TABLESAMPLE`, `syntax`. */
  readonly construct: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

/** Thrown inside the package to leave a deep walk; it never crosses the package's edge. */
export class RefusedSql extends Error {
  readonly construct: string;
  /** In the given text. */
  readonly offset: number | undefined;
  /** In the text that the parser saw. */
  readonly parsedOffset: number | undefined;

  constructor(construct: string, message: string, offset?: number, parsedOffset?: number) {
    super(message);
    this.name = 'RefusedSql';
    this.construct = construct;
    this.offset = offset;
    this.parsedOffset = parsedOffset;
  }
}

export function positionOf(sql: string, offset: number): { line: number; column: number } {
  const before = sql.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

export function createProblem(sql: string, construct: string, message: string, offset?: number): SqlProblem {
  return offset === undefined ? { construct, message } : { construct, message, ...positionOf(sql, offset) };
}
