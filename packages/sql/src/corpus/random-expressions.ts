/** Expressions of a wanted type over the columns in scope, from one seed: valid by construction, and small enough to read. */

export type RandomType = 'INT64' | 'FLOAT64' | 'NUMERIC' | 'STRING' | 'BOOL' | 'DATE' | 'TIMESTAMP';
export interface RandomColumn {
  readonly sql: string;
  readonly type: string;
}

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Mulberry32: a number from 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }
}

export const RANDOM_TYPES: readonly RandomType[] = ['INT64', 'FLOAT64', 'NUMERIC', 'STRING', 'BOOL', 'DATE', 'TIMESTAMP'];

const LITERALS: Readonly<Record<RandomType, readonly string[]>> = {
  INT64: ['0', '1', '2', '-3', '7', '100'],
  FLOAT64: ['0.5', '1.0', '-2.25', '3.7', '1e3', 'CAST(0.1 AS FLOAT64)'],
  NUMERIC: ["NUMERIC '0.5'", "NUMERIC '-1.25'", "NUMERIC '3'", "NUMERIC '0.000000001'", "CAST('12.345678901' AS NUMERIC)"],
  STRING: ["'a'", "''", "'Hello'", "'é b'", "'12'", "'-7'"],
  BOOL: ['TRUE', 'FALSE'],
  DATE: ["DATE '2024-01-15'", "DATE '2023-12-31'", "DATE '2024-02-29'"],
  TIMESTAMP: ["TIMESTAMP '2024-01-31 03:04:05.678901+00'", "TIMESTAMP '2023-12-31 23:30:00+00'"],
};

export class RandomExpressions {
  readonly #random: Random;
  readonly #columns: readonly RandomColumn[];

  constructor(random: Random, columns: readonly RandomColumn[]) {
    this.#random = random;
    this.#columns = columns;
  }

  leaf(type: RandomType): string {
    const columns = this.#columns.filter((column) => column.type === type);
    if (columns.length > 0 && this.#random.chance(0.75)) return this.#random.pick(columns).sql;
    return this.#random.chance(0.1) ? `CAST(NULL AS ${type})` : this.#random.pick(LITERALS[type]);
  }

  /** Navigation functions take no literal NULL. */
  makeNonNull(type: RandomType, depth: number): string {
    const made = this.make(type, depth);
    return made.startsWith('CAST(NULL') ? this.#random.pick(LITERALS[type]) : made;
  }

  make(type: RandomType, depth: number): string {
    if (depth <= 0 || this.#random.chance(0.15)) return this.leaf(type);
    const of = (wanted: RandomType): string => this.make(wanted, depth - 1);
    const ways = [...this.#general(type, of), ...this.#own(type, of)];
    return this.#random.pick(ways)();
  }

  #general(type: RandomType, of: (type: RandomType) => string): readonly (() => string)[] {
    return [
      () => `IF(${of('BOOL')}, ${of(type)}, ${of(type)})`,
      () => `COALESCE(${of(type)}, ${of(type)})`,
      () => `CASE WHEN ${of('BOOL')} THEN ${of(type)} WHEN ${of('BOOL')} THEN ${of(type)} END`,
      () => `NULLIF(${of(type)}, ${of(type)})`,
    ];
  }

  #own(type: RandomType, of: (type: RandomType) => string): readonly (() => string)[] {
    const { below, pick } = { below: (limit: number) => this.#random.below(limit), pick: <Item>(items: readonly Item[]) => this.#random.pick(items) };
    const number = (): RandomType => pick(['INT64', 'FLOAT64', 'NUMERIC']);
    const bounded = (): string => `MOD(${of('INT64')}, 1000)`;
    switch (type) {
      case 'INT64':
        return [
          () => `(${of('INT64')} ${pick(['+', '-'])} ${of('INT64')})`,
          () => `(${bounded()} * ${bounded()})`,
          () => `-(${of('INT64')})`,
          () => `ABS(${of('INT64')})`,
          () => `${pick(['MOD', 'DIV'])}(${of('INT64')}, ${pick(['2', '3', '-7'])})`,
          () => `${pick(['GREATEST', 'LEAST'])}(${of('INT64')}, ${of('INT64')})`,
          () => `LENGTH(${of('STRING')})`,
          () => `STRPOS(${of('STRING')}, ${of('STRING')})`,
          () =>
            `EXTRACT(${pick(['YEAR', 'MONTH', 'DAY', 'DAYOFWEEK', 'DAYOFYEAR', 'WEEK', 'ISOWEEK', 'QUARTER', 'WEEK(MONDAY)', 'ISOYEAR'])} FROM ${of('DATE')})`,
          () => `DATE_DIFF(${of('DATE')}, ${of('DATE')}, ${pick(['DAY', 'WEEK', 'MONTH', 'YEAR', 'ISOWEEK', 'QUARTER', 'WEEK(MONDAY)'])})`,
          () => `SAFE_CAST(${of('STRING')} AS INT64)`,
          () => `CAST(${of('BOOL')} AS INT64)`,
          () => `SAFE_CAST(${of(pick(['FLOAT64', 'NUMERIC']))} AS INT64)`,
          () => `UNIX_SECONDS(${of('TIMESTAMP')})`,
          () => `TIMESTAMP_DIFF(${of('TIMESTAMP')}, ${of('TIMESTAMP')}, ${pick(['SECOND', 'MINUTE', 'HOUR', 'DAY'])})`,
          () => `SIGN(${of('INT64')})`,
          () => `(${of('INT64')} ${pick(['&', '|', '^'])} ${of('INT64')})`,
        ];
      case 'FLOAT64':
        return [
          () => `(${of('FLOAT64')} ${pick(['+', '-', '*'])} ${of(pick(['FLOAT64', 'INT64', 'NUMERIC']))})`,
          () => `(${of(pick(['INT64', 'FLOAT64']))} / ${pick(['2', '3.0', '-7'])})`,
          () => `SAFE_DIVIDE(${of(pick(['INT64', 'FLOAT64']))}, ${of(pick(['INT64', 'FLOAT64']))})`,
          () => `ROUND(CAST(${bounded()} AS FLOAT64) / ${pick(['4', '8', '3'])}, ${below(4)})`,
          () => `${pick(['ABS', 'FLOOR', 'CEIL', 'TRUNC'])}(${of('FLOAT64')})`,
          () => `CAST(${of(number())} AS FLOAT64)`,
          () => `SQRT(ABS(CAST(${of('FLOAT64')} AS FLOAT64)))`,
          () => `${pick(['GREATEST', 'LEAST'])}(${of('FLOAT64')}, ${of(pick(['FLOAT64', 'INT64']))})`,
          () => `SAFE_CAST(${of('STRING')} AS FLOAT64)`,
        ];
      case 'NUMERIC':
        return [
          () => `(${of('NUMERIC')} ${pick(['+', '-'])} ${of(pick(['NUMERIC', 'INT64']))})`,
          () => `(${of('NUMERIC')} * ${pick(['2', '0.44', '-1.5', "NUMERIC '0.333'"])})`,
          () => `(${of('NUMERIC')} / ${pick(['2', '3', '-7', '1.5', "NUMERIC '0.7'"])})`,
          () => `SAFE_DIVIDE(${of('NUMERIC')}, ${bounded()})`,
          () => `ROUND(${of('NUMERIC')}${pick(['', ', 1', ', 2', ', -1'])})`,
          () => `${pick(['ABS', 'FLOOR', 'CEIL', 'TRUNC', 'SIGN'])}(${of('NUMERIC')})`,
          () => `CAST(${of('INT64')} AS NUMERIC)`,
          () => `CAST(ROUND(CAST(${bounded()} AS FLOAT64) / 8, 2) AS NUMERIC)`,
          () => `MOD(${of('NUMERIC')}, ${pick(['3', "NUMERIC '0.7'"])})`,
        ];
      case 'STRING':
        return [
          () => `CONCAT(${of('STRING')}, ${of('STRING')})`,
          () => `(${of('STRING')} || ${of('STRING')})`,
          () => `${pick(['UPPER', 'LOWER', 'TRIM', 'REVERSE', 'LTRIM', 'RTRIM'])}(${of('STRING')})`,
          () => `SUBSTR(${of('STRING')}, ${pick(['1', '2', '-2', '0', '5'])}${pick(['', ', 3', ', 0'])})`,
          () => `REPLACE(${of('STRING')}, ${pick(["'a'", "'l'"])}, ${pick(["''", "'zz'"])})`,
          () => `CAST(${of(pick(['INT64', 'NUMERIC', 'BOOL', 'DATE']))} AS STRING)`,
          () => `FORMAT_DATE('${pick(['%Y-%m-%d', '%Y%m%d', '%A', '%b %d', '%j', '%U', '%V'])}', ${of('DATE')})`,
          () => `LPAD(${of('STRING')}, ${below(9)}, ${pick(["'0'", "'ab'"])})`,
          () => `${pick(['LEFT', 'RIGHT'])}(${of('STRING')}, ${below(5)})`,
          () => `REGEXP_REPLACE(${of('STRING')}, r'${pick(['[aeiou]', '\\s+', '^.', '(l)(.)'])}', '${pick(['', '_', '-'])}')`,
          () => `REGEXP_EXTRACT(${of('STRING')}, r'${pick(['[a-z]+', '^(.).', '\\d+'])}')`,
          () => `SPLIT(${of('STRING')}, ${pick(["' '", "'l'"])})[SAFE_OFFSET(${below(3)})]`,
          () => `FORMAT('%05d|%s', ${of('INT64')}, ${of('STRING')})`,
        ];
      case 'BOOL':
        return [
          () => `(${of(number())} ${pick(['<', '<=', '=', '<>', '>'])} ${of(number())})`,
          () => {
            const side = pick(['STRING', 'DATE', 'TIMESTAMP', 'INT64'] as const);
            return `(${of(side)} ${pick(['<', '<=', '=', '<>', '>', 'IS DISTINCT FROM'])} ${of(side)})`;
          },
          () => `(${of('BOOL')} ${pick(['AND', 'OR'])} ${of('BOOL')})`,
          () => `(NOT ${of('BOOL')})`,
          () => `(${of(pick(RANDOM_TYPES))} IS ${pick(['NULL', 'NOT NULL'])})`,
          () => {
            const side = pick(RANDOM_TYPES.filter((each) => each !== 'BOOL'));
            return `(${of(side)} ${pick(['IN', 'NOT IN'])} (${of(side)}, ${of(side)}))`;
          },
          () => {
            const side = pick(['INT64', 'NUMERIC', 'STRING', 'DATE'] as const);
            return `(${of(side)} BETWEEN ${of(side)} AND ${of(side)})`;
          },
          () => `(${of('STRING')} LIKE ${pick(["'%l%'", "'a_c%'", "'%'", "''"])})`,
          () => `STARTS_WITH(${of('STRING')}, ${of('STRING')})`,
          () => `REGEXP_CONTAINS(${of('STRING')}, r'${pick(['^[A-Z]', 'l+', '\\s', 'é'])}')`,
          () => `(${of('BOOL')} IS ${pick(['TRUE', 'FALSE', 'NOT TRUE'])})`,
        ];
      case 'DATE':
        return [
          () => `DATE_${pick(['ADD', 'SUB'])}(${of('DATE')}, INTERVAL ${pick(['1', '30', '7'])} ${pick(['DAY', 'WEEK', 'MONTH', 'YEAR', 'QUARTER'])})`,
          () => `DATE_ADD(${of('DATE')}, INTERVAL MOD(${of('INT64')}, 50) DAY)`,
          () => `DATE_TRUNC(${of('DATE')}, ${pick(['WEEK', 'MONTH', 'YEAR', 'ISOWEEK', 'QUARTER', 'WEEK(TUESDAY)', 'ISOYEAR'])})`,
          () => `LAST_DAY(${of('DATE')}, ${pick(['MONTH', 'YEAR', 'WEEK', 'QUARTER'])})`,
          () => `DATE(${of('TIMESTAMP')}${pick(['', ", 'America/New_York'"])})`,
          () => `${pick(['GREATEST', 'LEAST'])}(${of('DATE')}, ${of('DATE')})`,
        ];
      case 'TIMESTAMP':
        return [
          () => `TIMESTAMP_${pick(['ADD', 'SUB'])}(${of('TIMESTAMP')}, INTERVAL ${pick(['1', '90'])} ${pick(['SECOND', 'MINUTE', 'HOUR', 'DAY'])})`,
          () => `TIMESTAMP_TRUNC(${of('TIMESTAMP')}, ${pick(['HOUR', 'DAY', 'MINUTE', 'MONTH'])})`,
          () => `TIMESTAMP(${of('DATE')})`,
          () => `${pick(['GREATEST', 'LEAST'])}(${of('TIMESTAMP')}, ${of('TIMESTAMP')})`,
        ];
    }
  }
}
