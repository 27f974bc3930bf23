/**
 * What a SELECT reads and yields, without running it: tables with the dates read of each, parameters, column names,
 * calls that are not deterministic. Where the dates cannot be told the answer is null, never a guess.
 */
import { isBody, nameOf, parseStatement } from './ast.ts';
import type { Json } from './ast.ts';
import { NONDETERMINISTIC } from './functions/refused.ts';
import { lexSql } from './lexer.ts';
import type { LexedSql } from './lexer.ts';
import { createProblem, positionOf, RefusedSql } from './problems.ts';
import type { SqlProblem } from './problems.ts';
import { QueryReader } from './query-reader.ts';
import type { TableReading } from './query-reader.ts';

export interface ReadWindow {
  /** Days relative to @start_date. */
  readonly fromDays: number | 'unbounded';
  /** Days relative to @end_date. */
  readonly toDays: number | 'unbounded';
}

export interface TableRead {
  /** `dataset.table`, or a bare name that is no CTE. */
  readonly table: string;
  readonly window: ReadWindow | null;
  readonly line: number;
}

export type AnalyzeResult =
  | {
      readonly ok: true;
      /** One per reference, in the order of the text. */
      readonly tables: readonly TableRead[];
      readonly parameters: readonly string[];
      readonly columns: readonly string[] | null;
      readonly nondeterministic: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly SqlProblem[] };

/** @param partitionColumns the date column of a table, undefined where it has none or is not known. */
export function analyzeSelect(sql: string, partitionColumns: (table: string) => string | undefined): AnalyzeResult {
  let lexed: LexedSql | undefined;
  try {
    lexed = lexSql(sql);
    const statement = parseStatement(lexed);
    const reader = new QueryReader(partitionColumns);
    const { columns, readings } = reader.read(statement);
    return {
      ok: true,
      tables: mergeReadings(sql, lexed, readings),
      parameters: [...new Set(parametersIn({ [statement.kind]: statement.body }))],
      columns,
      nondeterministic: nondeterministicCalls(lexed),
    };
  } catch (error) {
    if (!(error instanceof RefusedSql)) throw error;
    const offset = error.offset ?? (error.parsedOffset === undefined ? undefined : lexed?.originalOffset(error.parsedOffset));
    return { ok: false, problems: [createProblem(sql, error.construct, error.message, offset)] };
  }
}

/** A table inside a CTE is read once for each reference to the CTE: its window is the widest of them. */
function mergeReadings(sql: string, lexed: LexedSql, readings: readonly (TableReading & { window: ReadWindow | null })[]): readonly TableRead[] {
  const byPlace = new Map<number, { table: string; window: ReadWindow | null }>();
  for (const { table, offset, window } of readings) {
    const known = byPlace.get(offset);
    byPlace.set(offset, { table, window: known === undefined ? window : widest(known.window, window) });
  }
  return [...byPlace]
    .toSorted(([a], [b]) => a - b)
    .map(([offset, { table, window }]) => ({ table, window, line: positionOf(sql, lexed.originalOffset(offset)).line }));
}

function widest(a: ReadWindow | null, b: ReadWindow | null): ReadWindow | null {
  if (a === null || b === null) return null;
  const [fromA, fromB, toA, toB] = [a.fromDays, b.fromDays, a.toDays, b.toDays];
  return {
    fromDays: fromA === 'unbounded' || fromB === 'unbounded' ? 'unbounded' : Math.min(fromA, fromB),
    toDays: toA === 'unbounded' || toB === 'unbounded' ? 'unbounded' : Math.max(toA, toB),
  };
}

function parametersIn(value: Json | undefined): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item: Json) => parametersIn(item));
  if (!isBody(value)) return [];
  const name = isBody(value['column']) ? nameOf(value['column']['name']) : undefined;
  return [...(name?.startsWith('@') === true ? [name.slice(1)] : []), ...Object.values(value).flatMap((inner) => parametersIn(inner))];
}

function nondeterministicCalls(lexed: LexedSql): readonly string[] {
  // CURRENT_DATE and its like may be called without parentheses; RAND is a word like any other there.
  const called = lexed.words.filter(({ word, isCall }) => NONDETERMINISTIC.has(word) && (isCall || word.startsWith('CURRENT_')));
  return [...new Set(called.map(({ word }) => word))];
}
