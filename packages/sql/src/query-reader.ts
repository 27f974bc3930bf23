/**
 * Walks a query scope by scope: which tables it reads, which columns it yields, and which of them are dates whose
 * bounds are known. A CTE is walked anew for each reference, since each may be bounded differently.
 */
import { isBody, isEmpty, nameOf, offsetOf, toList, toNode } from './ast.ts';
import type { Body, Json, Node } from './ast.ts';
import { DateBounds } from './date-bounds.ts';
import type { DateVariable } from './date-bounds.ts';
import { addPredicate, readDate } from './date-predicates.ts';
import type { PredicateScope } from './date-predicates.ts';
import { fieldNameOf } from './print-structs.ts';
import { readTableName } from './table-names.ts';

export interface TableReading {
  readonly table: string;
  /** In the parsed text. */
  readonly offset: number;
}
interface OpenReading extends TableReading {
  readonly date: DateVariable | undefined;
}
interface Relation {
  readonly alias: string | undefined;
  /** Dates by lower-case column name. */
  readonly dates: ReadonlyMap<string, DateVariable>;
  /** null where they are not known. */
  readonly columns: readonly string[] | null;
}
type QueryShape = Pick<Relation, 'dates' | 'columns'>;
interface Environment {
  readonly ctes: ReadonlyMap<string, () => QueryShape>;
  /** Relations of the enclosing queries, for correlated subqueries. */
  readonly outer: readonly Relation[];
}

const QUERY_KINDS = new Set(['select', 'union', 'intersect', 'except']);

export class QueryReader {
  readonly #partitionColumns: (table: string) => string | undefined;
  readonly #bounds = new DateBounds();
  readonly #readings: OpenReading[] = [];

  constructor(partitionColumns: (table: string) => string | undefined) {
    this.#partitionColumns = partitionColumns;
  }

  read(statement: Node): {
    columns: readonly string[] | null;
    readings: readonly (TableReading & { window: { fromDays: number | 'unbounded'; toDays: number | 'unbounded' } | null })[];
  } {
    const { columns } = this.#query(statement, { ctes: new Map(), outer: [] });
    const solved = this.#bounds.solve();
    const readings = this.#readings.map(({ table, offset, date }) => {
      if (date === undefined) return { table, offset, window: null };
      const { from, to } = solved(date);
      const isOpen = !Number.isFinite(from) || !Number.isFinite(to);
      if (isOpen && date.isUnclear) return { table, offset, window: null };
      return {
        table,
        offset,
        window: { fromDays: Number.isFinite(from) ? from : ('unbounded' as const), toDays: Number.isFinite(to) ? to : ('unbounded' as const) },
      };
    });
    return { columns, readings };
  }

  #query(node: Node, environment: Environment): QueryShape {
    const { body } = node;
    if (node.kind === 'subquery') return this.#query(toNode(body['this']), environment);
    const { inside, readRest } = this.#withCtes(body, environment);
    const shape = node.kind === 'select' ? this.#select(body, inside) : this.#setOperation(body, inside);
    readRest();
    return shape;
  }

  #setOperation(body: Body, environment: Environment): QueryShape {
    const left = this.#query(toNode(body['left']), environment);
    const right = this.#query(toNode(body['right']), environment);
    return this.#combine(left, right, isEmpty(body['limit']));
  }

  /** A set operation's date may be either side's; a bound on the result bounds both sides. */
  #combine(left: QueryShape, right: QueryShape, isTransparent: boolean): QueryShape {
    const dates = new Map<string, DateVariable>();
    for (const [index, column] of (left.columns ?? []).entries()) {
      const [a, b] = [left.dates.get(column.toLowerCase()), right.dates.get((right.columns?.[index] ?? '').toLowerCase())];
      if (a === undefined || b === undefined) continue;
      const merged = this.#bounds.add();
      merged.hullOf.push(a, b);
      if (isTransparent) for (const side of [a, b]) this.#equate(side, merged);
      dates.set(column.toLowerCase(), merged);
    }
    return { columns: left.columns, dates };
  }

  /** Bounds `inner` by whatever bounds `outer`. */
  #equate(inner: DateVariable, outer: DateVariable): void {
    inner.lower.push({ by: outer, days: 0 });
    inner.upper.push({ by: outer, days: 0 });
  }

  /**
   * What nothing refers to is read by nobody, but it stands in the text: `readRest` reports its tables by its own
   * predicates once the query around it has been read.
   */
  #withCtes(body: Body, environment: Environment): { inside: Environment; readRest: () => void } {
    const clause = body['with'];
    let { ctes } = environment;
    const unread = new Map<string, () => QueryShape>();
    for (const cte of isBody(clause) ? toList(clause['ctes']) : []) {
      if (!isBody(cte)) continue;
      const name = (nameOf(cte['alias']) ?? '').toLowerCase();
      const visible = ctes;
      const read = (): QueryShape => this.#query(toNode(cte['this']), { ctes: visible, outer: environment.outer });
      unread.set(name, read);
      ctes = new Map([
        ...ctes,
        [
          name,
          () => {
            unread.delete(name);
            return read();
          },
        ],
      ]);
    }
    const readRest = (): void => {
      for (const name of [...unread.keys()].toReversed()) {
        const read = unread.get(name);
        unread.delete(name);
        read?.();
      }
    };
    return { inside: { ...environment, ctes }, readRest };
  }

  #select(body: Body, environment: Environment): QueryShape {
    const relations: Relation[] = [];
    if (isBody(body['from'])) for (const item of toList(body['from']['expressions'])) relations.push(...this.#source(toNode(item), environment, relations));
    this.#joins(body['joins'], environment, relations);
    const scope = this.#scope(relations, environment, () => true);
    if (isBody(body['where_clause'])) addPredicate(scope, toNode(body['where_clause']['this']));
    for (const key of ['expressions', 'where_clause', 'having', 'qualify', 'order_by', 'group_by'])
      this.#nested(body[key], { ...environment, outer: [...relations, ...environment.outer] });
    return this.#shape(body, relations, scope);
  }

  #joins(joins: Json | undefined, environment: Environment, relations: Relation[]): void {
    for (const join of toList(joins)) {
      if (!isBody(join)) continue;
      const before = [...relations];
      const added = this.#source(toNode(join['this']), environment, relations);
      relations.push(...added);
      const isOf = (side: readonly Relation[]) => (variable: DateVariable) => side.some(({ dates }) => [...dates.values()].includes(variable));
      const bounded: Readonly<Record<string, (variable: DateVariable) => boolean>> = { Left: isOf(added), Right: isOf(before), Full: () => false };
      const isBounded = bounded[String(join['kind'])] ?? isOf(relations);
      const scope = this.#scope(relations, environment, isBounded);
      if (!isEmpty(join['on'])) {
        addPredicate(scope, toNode(join['on']));
        this.#nested(join['on'], { ...environment, outer: [...relations, ...environment.outer] });
      }
      for (const column of toList(join['using'])) {
        const name = (nameOf(column) ?? '').toLowerCase();
        const [left, right] = [before, added].map((side) => side.map(({ dates }) => dates.get(name)).find((date) => date !== undefined));
        if (left === undefined || right === undefined) continue;
        if (isBounded(left)) this.#equate(left, right);
        if (isBounded(right)) this.#equate(right, left);
      }
    }
  }

  #scope(relations: readonly Relation[], { outer }: Environment, isBounded: (variable: DateVariable) => boolean): PredicateScope {
    const own = new Set(relations.flatMap(({ dates }) => [...dates.values()]));
    return {
      bounds: this.#bounds,
      resolve: (table, column) => resolveDate(relations, table, column) ?? resolveDate(outer, table, column),
      // A subquery's predicate limits what the subquery reads, never the query around it.
      isBounded: (variable) => own.has(variable) && isBounded(variable),
    };
  }

  #source(node: Node, environment: Environment, before: readonly Relation[]): readonly Relation[] {
    const { kind, body } = node;
    if (kind === 'table') return [this.#table(body, environment)];
    if (kind === 'subquery')
      return [{ ...this.#query(toNode(body['this']), { ...environment, outer: [...before, ...environment.outer] }), alias: nameOf(body['alias']) }];
    if (kind === 'joined_table') {
      const relations = [...this.#source(toNode(body['left']), environment, before)];
      this.#joins(body['joins'], environment, relations);
      return relations;
    }
    return [this.#unnest(node, environment, before)];
  }

  #table(body: Body, { ctes }: Environment): Relation {
    const { dataset, table } = readTableName(body);
    const alias = nameOf(body['alias']) ?? table;
    const cte = dataset === undefined ? ctes.get(table.toLowerCase()) : undefined;
    if (cte !== undefined) return { ...cte(), alias };
    const name = dataset === undefined ? table : `${dataset}.${table}`;
    const column = this.#partitionColumns(name);
    const date = column === undefined ? undefined : this.#bounds.add();
    this.#readings.push({ table: name, offset: offsetOf(body) ?? 0, date });
    return { alias, columns: null, dates: column === undefined || date === undefined ? new Map() : new Map([[column.toLowerCase(), date]]) };
  }

  /** UNNEST(GENERATE_DATE_ARRAY(a, b)) AS day is a date between a and b. */
  #unnest(node: Node, environment: Environment, before: readonly Relation[]): Relation {
    const inner = node.kind === 'alias' ? toNode(node.body['this']) : node;
    const alias = nameOf(node.kind === 'alias' ? node.body['alias'] : inner.body['alias']);
    const columns = alias === undefined ? null : [alias];
    const list = inner.kind === 'unnest' ? toNode(inner.body['this']) : undefined;
    this.#nested(inner.body['this'], { ...environment, outer: [...before, ...environment.outer] });
    const [from, to] = list?.kind === 'function' && String(list.body['name']).toUpperCase() === 'GENERATE_DATE_ARRAY' ? toList(list.body['args']) : [];
    if (alias === undefined || from === undefined || to === undefined) return { alias, columns, dates: new Map() };
    const date = this.#bounds.add();
    const scope = this.#scope(before, environment, () => false);
    const [low, high] = [readDate(scope, toNode(from)), readDate(scope, toNode(to))];
    const self = { base: date, low: 0, high: 0 };
    if (low !== undefined && low !== 'constant') this.#bounds.atMost(low, self, 0, (variable) => variable === date);
    if (high !== undefined && high !== 'constant') this.#bounds.atMost(self, high, 0, (variable) => variable === date);
    return { alias, columns, dates: new Map([[alias.toLowerCase(), date]]) };
  }

  /** Subqueries inside expressions. */
  #nested(value: Json | undefined, environment: Environment): void {
    if (Array.isArray(value)) {
      for (const item of value) this.#nested(item, environment);
    } else if (isBody(value)) {
      const [entry, ...others] = Object.entries(value);
      if (entry !== undefined && others.length === 0 && QUERY_KINDS.has(entry[0])) this.#query(toNode(value), environment);
      else for (const inner of Object.values(value)) this.#nested(inner, environment);
    }
  }

  /** Columns and dates that a SELECT yields. */
  #shape(body: Body, relations: readonly Relation[], scope: PredicateScope): QueryShape {
    // Rows that a window function or LIMIT saw cannot be left out by a filter around them.
    const isTransparent = isEmpty(body['limit']) && isEmpty(body['qualify']) && !hasWindow(body['expressions']);
    const columns: string[] = [];
    const dates = new Map<string, DateVariable>();
    let isKnown = true;
    let anonymous = 0;
    const yieldDate = (name: string, base: DateVariable, low: number, high: number): void => {
      const date = this.#bounds.add();
      date.lower.push({ by: base, days: low });
      date.upper.push({ by: base, days: high });
      if (isTransparent && scope.isBounded(base)) {
        base.lower.push({ by: date, days: -high });
        base.upper.push({ by: date, days: -low });
      }
      dates.set(name.toLowerCase(), date);
    };
    for (const item of toList(body['expressions']).map(toNode)) {
      if (item.kind !== 'star') {
        const name = fieldNameOf(item) ?? `f${anonymous++}_`;
        columns.push(name);
        const term = readDate(scope, item.kind === 'alias' ? toNode(item.body['this']) : item);
        if (term !== undefined && term !== 'constant') yieldDate(name, term.base, term.low, term.high);
        continue;
      }
      const table = nameOf(item.body['table'])?.toLowerCase();
      const excluded = new Set(toList(item.body['except']).map((column) => (nameOf(column) ?? '').toLowerCase()));
      const replaced = new Set(toList(item.body['replace']).map((column) => (isBody(column) ? (nameOf(column['alias']) ?? '').toLowerCase() : '')));
      for (const relation of relations.filter(({ alias }) => table === undefined || alias?.toLowerCase() === table)) {
        if (relation.columns === null) isKnown = false;
        else columns.push(...relation.columns.filter((column) => !excluded.has(column.toLowerCase()) && !columns.includes(column)));
        for (const [name, date] of relation.dates) if (!excluded.has(name) && !replaced.has(name) && !dates.has(name)) yieldDate(name, date, 0, 0);
      }
    }
    return { columns: isKnown ? columns : null, dates };
  }
}

function resolveDate(relations: readonly Relation[], table: string | undefined, column: string): DateVariable | undefined {
  const candidates = table === undefined ? relations : relations.filter(({ alias }) => alias?.toLowerCase() === table.toLowerCase());
  return candidates.map(({ dates }) => dates.get(column.toLowerCase())).find((date) => date !== undefined);
}

function hasWindow(value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.some((item: Json) => hasWindow(item));
  return isBody(value) && ('window_function' in value || Object.values(value).some((inner) => hasWindow(inner)));
}
