/** What one translation carries along: the text, and the problems and parameters found so far. */
import type { Node } from './ast.ts';
import { duckdbTypeOf, parseGoogleType, scalarOf } from './google-types.ts';
import type { LexedSql } from './lexer.ts';
import { printed } from './printed.ts';
import type { Printed } from './printed.ts';
import { known, resolveColumn, UNKNOWN_SHAPE } from './relations.ts';
import type { KnownType, Relation, Shape } from './relations.ts';
import { createProblem, RefusedSql } from './problems.ts';
import type { SqlProblem } from './problems.ts';

/** GoogleSQL types by name: `DATE`, `ARRAY<STRUCT<a INT64>>`. */
export type ParameterTypes = Readonly<Record<string, string>>;

/** GoogleSQL type of a table's column, from the table's written path and the column's name in lower case; undefined: no such column. */
export type ColumnTypes = (path: readonly string[], column: string) => string | undefined;

/** What a whole statement may do and a pipeline's SELECT may not. */
export type StatementMode = {
  /** DuckDB text of a table, from its written path. */
  readonly tableName: (path: readonly string[]) => string;
};

export type TranslationOptions = {
  /** Undefined for a pipeline's SELECT. */
  readonly mode?: StatementMode | undefined;
  /** Without it no column's type is known, and what depends on it is refused or, where DuckDB may tell, left to it. */
  readonly columnTypes?: ColumnTypes | undefined;
};

/** What the files that print parts of a query need of one another; handed over here, so that they don't import in circles. */
export type Printers = {
  readonly query: (context: TranslationContext, node: Node) => string;
  readonly expression: (context: TranslationContext, node: Node) => Printed;
};

export class TranslationContext {
  readonly lexed: LexedSql;
  readonly problems: SqlProblem[] = [];
  readonly parameters = new Set<string>();
  readonly #sql: string;
  readonly #parameterTypes: ParameterTypes;
  readonly #located = new Map<string, number>();
  readonly #printers: Printers;
  readonly mode: StatementMode | undefined;
  readonly #columnTypes: ColumnTypes | undefined;
  #unnests = 0;
  /** The CTEs that can be seen here by lower-case name, and the relations of the enclosing queries, innermost last. */
  #ctes: ReadonlyMap<string, Shape> = new Map();
  #levels: readonly (readonly Relation[])[] = [[]];
  /** Columns of the query that was printed last. */
  shape: Shape = UNKNOWN_SHAPE;
  #aliases: ReadonlyMap<string, Printed> = new Map();
  #aggregateAliases: ReadonlyMap<string, Printed> = new Map();

  constructor(sql: string, lexed: LexedSql, parameterTypes: ParameterTypes, printers: Printers, { mode, columnTypes }: TranslationOptions = {}) {
    this.#sql = sql;
    this.lexed = lexed;
    this.#parameterTypes = parameterTypes;
    this.#printers = printers;
    this.mode = mode;
    this.#columnTypes = columnTypes;
  }

  /** What `work` names with addCte and addRelation is seen by it alone. */
  inScope<Result>(work: () => Result): Result {
    const [ctes, levels] = [this.#ctes, this.#levels];
    this.#levels = [...levels, []];
    try {
      return work();
    } finally {
      [this.#ctes, this.#levels] = [ctes, levels];
    }
  }

  get knowsTypes(): boolean {
    return this.#columnTypes !== undefined;
  }

  addCte(name: string, shape: Shape): void {
    this.#ctes = new Map([...this.#ctes, [name.toLowerCase(), shape]]);
  }

  isCte(name: string): boolean {
    return this.#ctes.has(name.toLowerCase());
  }

  cteShape(name: string): Shape {
    return this.#ctes.get(name.toLowerCase()) ?? UNKNOWN_SHAPE;
  }

  addRelation(relation: Relation): void {
    this.#levels = [...this.#levels.slice(0, -1), [...(this.#levels.at(-1) ?? []), relation]];
  }

  addTable(alias: string, path: readonly string[]): void {
    const typeOf = this.#columnTypes;
    if (typeOf === undefined) return this.addRelation({ alias: alias.toLowerCase(), ...UNKNOWN_SHAPE });
    const column = (name: string): KnownType | undefined => {
      const type = typeOf(path, name);
      return type === undefined ? undefined : known(parseGoogleType(type));
    };
    return this.addRelation({ alias: alias.toLowerCase(), column, isComplete: true });
  }

  /** The relations of FROM, of this query alone. */
  get relations(): readonly Relation[] {
    return this.#levels.at(-1) ?? [];
  }

  isRelation(alias: string): boolean {
    return this.#levels.some((level) => level.some((relation) => relation.alias === alias.toLowerCase()));
  }

  columnType(table: string | undefined, name: string): KnownType {
    return this.knowsTypes ? resolveColumn(this.#levels, table, name) : {};
  }

  /** A query inside an expression or FROM, without parentheses. */
  printQuery(node: Node): string {
    return this.withAliases(new Map(), () => this.#printers.query(this, node));
  }

  printExpression(node: Node): Printed {
    return this.#printers.expression(this, node);
  }

  /**
   * Prints with these names standing for expressions of the SELECT list; with `inAggregates` only inside aggregates
   * and window functions.
   */
  withAliases<Result>(aliases: ReadonlyMap<string, Printed>, work: () => Result, inAggregates = false): Result {
    const [outerAliases, outerPending] = [this.#aliases, this.#aggregateAliases];
    this.#aliases = inAggregates ? new Map() : aliases;
    this.#aggregateAliases = aliases;
    try {
      return work();
    } finally {
      this.#aliases = outerAliases;
      this.#aggregateAliases = outerPending;
    }
  }

  /** Prints what stands inside an aggregate or window function. */
  withinAggregate<Result>(work: () => Result): Result {
    return this.withAliases(this.#aggregateAliases, work);
  }

  aliased(name: string): Printed | undefined {
    return this.#aliases.get(name.toLowerCase());
  }

  /** Names of parameters don't depend on case; a whole statement gets them in lower case. */
  printParameter(written: string): Printed {
    const name = this.mode === undefined ? written : written.toLowerCase();
    if (this.mode !== undefined && name.startsWith('sys_')) throw new RefusedSql(`@${written}`, 'names of parameters that begin with sys_ are taken');
    this.parameters.add(name);
    const text = Object.hasOwn(this.#parameterTypes, name) ? this.#parameterTypes[name] : undefined;
    if (text === undefined) return printed(`$${name}`);
    const type = parseGoogleType(text);
    const scalar = scalarOf(type);
    const sql = `CAST($${name} AS ${duckdbTypeOf(type)})`;
    return scalar === undefined ? { sql, google: type } : printed(sql, scalar);
  }

  /** A value that whoever runs the statement binds by itself: `@@row_count`, the present. */
  printSystemValue(name: 'row_count' | 'now', type: 'INT64' | 'TIMESTAMP'): Printed {
    this.parameters.add(`sys_${name}`);
    return printed(`CAST($sys_${name} AS ${duckdbTypeOf({ kind: type })})`, type);
  }

  /** `offset` is where to point if the refusal itself does not know, in the parsed text. */
  note(refusal: RefusedSql, offset?: number): void {
    const parsed = refusal.parsedOffset ?? offset;
    const at = refusal.offset ?? (parsed === undefined ? undefined : this.lexed.originalOffset(parsed));
    const problem = createProblem(this.#sql, refusal.construct, refusal.message, at);
    const isKnown = this.problems.some((known) => known.message === problem.message && known.line === problem.line && known.column === problem.column);
    if (!isKnown) this.problems.push(problem);
  }

  /** The statement as it was given, between two positions of the parsed text. */
  writtenText(start: number, end: number): string {
    return this.#sql.slice(this.lexed.originalOffset(start), this.lexed.originalOffset(end));
  }

  /** Where a function stands: the parser keeps no place for calls, so the n-th refusal of a name is its n-th call. */
  locate(name: string): number | undefined {
    const word = name.split('.').at(-1) as string;
    const seen = this.#located.get(word) ?? 0;
    this.#located.set(word, seen + 1);
    const places = this.lexed.words.filter((candidate) => candidate.word === word);
    return (places[seen] ?? places.at(-1))?.offset;
  }

  nextUnnestAlias(): string {
    this.#unnests += 1;
    return `_fg_unnest_${this.#unnests}`;
  }
}
