/**
 * The parser takes `FROM (SELECT …) UNION ALL SELECT …` for a FROM over both SELECTs: one query of the union where GoogleSQL has a
 * union of two queries, and other rows without a word. With an alias behind the parenthesis it reads it right, so one is put there.
 */
const SET_OPERATIONS: ReadonlySet<string> = new Set(['UNION', 'INTERSECT', 'EXCEPT']);
/** Words after which a parenthesis or a comma is no longer part of a FROM. ON and USING are not among them: a join may follow. */
const LEAVES_FROM: ReadonlySet<string> = new Set(['SELECT', 'WHERE', 'GROUP', 'HAVING', 'QUALIFY', 'WINDOW', 'ORDER', 'LIMIT', 'SET', 'WHEN', 'VALUES']);

type Level = {
  /** The parenthesis stands where a table may. */
  readonly isTable: boolean;
  isFrom: boolean;
  /** Whether it begins with a query; undefined before its first token. */
  isQuery: boolean | undefined;
};

export const SUBQUERY_ALIAS = 'AS _fg_subquery ';

/** Is told every token but blanks and comments, in their order. */
export class SubqueryAliases {
  readonly #levels: Level[] = [{ isTable: false, isFrom: false, isQuery: undefined }];
  #last = '';
  #closed: Level | undefined;

  /** Whether an alias has to stand before this word. */
  word(word: string): boolean {
    const level = this.#level;
    level.isQuery ??= word === 'SELECT' || word === 'WITH';
    const needsAlias = SET_OPERATIONS.has(word) && this.#last === ')' && this.#closed?.isTable === true && this.#closed.isQuery === true;
    if (word === 'FROM') level.isFrom = true;
    else if (LEAVES_FROM.has(word) || SET_OPERATIONS.has(word)) level.isFrom = false;
    this.#last = word;
    return needsAlias;
  }

  mark(mark: string): void {
    const level = this.#level;
    if (mark === '(') {
      this.#levels.push({ isTable: level.isFrom && (this.#last === 'FROM' || this.#last === 'JOIN' || this.#last === ','), isFrom: false, isQuery: undefined });
    } else if (mark === ')' && this.#levels.length > 1) {
      this.#closed = this.#levels.pop();
      this.#level.isQuery ??= this.#closed?.isQuery === true;
    } else {
      level.isQuery ??= false;
    }
    this.#last = mark;
  }

  get #level(): Level {
    return this.#levels.at(-1) as Level;
  }
}
