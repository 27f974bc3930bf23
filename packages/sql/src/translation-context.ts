/** What one translation carries along: the text, and the problems and parameters found so far. */
import type { Node } from './ast.ts';
import { DUCKDB_TYPES } from './casts.ts';
import type { LexedSql } from './lexer.ts';
import { printed } from './printed.ts';
import type { Printed, SqlType } from './printed.ts';
import { createProblem } from './problems.ts';
import type { RefusedSql, SqlProblem } from './problems.ts';

export type ParameterTypes = Readonly<Record<string, SqlType>>;

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
  #unnests = 0;
  #aliases: ReadonlyMap<string, Printed> = new Map();
  #aggregateAliases: ReadonlyMap<string, Printed> = new Map();

  constructor(sql: string, lexed: LexedSql, parameterTypes: ParameterTypes, printers: Printers) {
    this.#sql = sql;
    this.lexed = lexed;
    this.#parameterTypes = parameterTypes;
    this.#printers = printers;
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

  printParameter(name: string): Printed {
    this.parameters.add(name);
    const type = this.#parameterTypes[name];
    return type === undefined ? printed(`$${name}`) : printed(`CAST($${name} AS ${DUCKDB_TYPES[type]})`, type);
  }

  /** `offset` is where to point if the refusal itself does not know, in the parsed text. */
  note(refusal: RefusedSql, offset?: number): void {
    const parsed = refusal.parsedOffset ?? offset;
    const at = refusal.offset ?? (parsed === undefined ? undefined : this.lexed.originalOffset(parsed));
    const problem = createProblem(this.#sql, refusal.construct, refusal.message, at);
    const isKnown = this.problems.some((known) => known.message === problem.message && known.line === problem.line && known.column === problem.column);
    if (!isKnown) this.problems.push(problem);
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
