/** Where a statement names tables, by position in its text: for whoever must rename them there. */
import { isBody, nameOf, parseStatement } from './ast.ts';
import type { Body, Json } from './ast.ts';
import { lexSql } from './lexer.ts';
import type { LexedSql } from './lexer.ts';
import { readTableName } from './table-names.ts';

export interface TableReference {
  /** `dataset.table`. */
  readonly table: string;
  /** Offsets of the name in the text, quotes included, the end exclusive. */
  readonly start: number;
  readonly end: number;
  readonly hasAlias: boolean;
}

/** In the order of the text; bare names (CTEs, `staged`) are left out. Throws RefusedSql where the text cannot be parsed. */
export function findTableReferences(sql: string): readonly TableReference[] {
  const lexed = lexSql(sql);
  const found: TableReference[] = [];
  const statement = parseStatement(lexed);
  collect(lexed, { [statement.kind]: statement.body }, found);
  return found.toSorted((a, b) => a.start - b.start);
}

function collect(lexed: LexedSql, value: Json | undefined, found: TableReference[]): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(lexed, item, found);
  } else if (isBody(value)) {
    if (isBody(value['table']) && isBody(value['table']['name']) && 'catalog' in value['table']) addReference(lexed, value['table'], found);
    for (const inner of Object.values(value)) collect(lexed, inner, found);
  }
}

function addReference(lexed: LexedSql, body: Body, found: TableReference[]): void {
  const { dataset, table } = readTableName(body);
  const spans = [body['schema'], body['name']].flatMap((part) => (isBody(part) && isBody(part['span']) ? [part['span']] : []));
  const first = spans[0]?.['start'];
  const last = spans.at(-1)?.['end'];
  if (dataset === undefined || typeof first !== 'number' || typeof last !== 'number') return;
  found.push({
    table: `${dataset}.${table}`,
    start: lexed.originalOffset(first),
    end: lexed.originalOffset(last),
    hasAlias: nameOf(body['alias']) !== undefined,
  });
}
