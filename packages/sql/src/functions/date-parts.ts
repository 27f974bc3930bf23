/** Date parts: how they are written in the tree, and what they mean in DuckDB, whose weeks begin on Monday. */
import { isBody, nameOf, toList, toNode } from '../ast.ts';
import type { Json, Node } from '../ast.ts';
import { RefusedSql } from '../problems.ts';

const WEEKDAYS = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'] as const;

export interface DatePart {
  /** Upper case, e.g. MONTH; WEEK also for WEEK(MONDAY). */
  readonly unit: string;
  /** The day a WEEK begins on, Sunday = 0. */
  readonly weekStart: number;
}

/** A part given as an argument: `{var: {this: 'week'}}`, or `{function: {name: 'week', args: [monday]}}`. */
export function toDatePart(construct: string, node: Node | undefined): DatePart {
  if (node === undefined) throw new RefusedSql(construct, `${construct}: the date part is missing`);
  if (node.kind === 'function') {
    const [argument] = toList(node.body['args']);
    if (String(node.body['name']).toUpperCase() === 'WEEK' && argument !== undefined) return weekPart(construct, wordOf(toNode(argument)));
  }
  return { unit: wordOf(node), weekStart: 0 };
}

/** The field of EXTRACT: a string, `{WeekWithModifier: 'monday'}` or `{Custom: 'isoweek'}`. */
export function toExtractPart(field: Json | undefined): DatePart {
  if (typeof field === 'string') return { unit: field.toUpperCase(), weekStart: 0 };
  if (isBody(field) && typeof field['WeekWithModifier'] === 'string') return weekPart('EXTRACT', field['WeekWithModifier'].toUpperCase());
  if (isBody(field) && typeof field['Custom'] === 'string') return { unit: field['Custom'].toUpperCase(), weekStart: 0 };
  throw new RefusedSql('EXTRACT', 'EXTRACT: this part is not supported');
}

/** The part of LAST_DAY: `'Week'`, `{Custom: 'ISOWEEK'}`, `{WeekWithModifier: 'MONDAY'}`, read as a node. */
export function toUnitPart(construct: string, { kind, body }: Node): DatePart {
  if (kind === 'WeekWithModifier' || kind === 'Custom') throw new RefusedSql(construct, `${construct}: this part is not supported`);
  return toDatePart(construct, { kind, body });
}

function weekPart(construct: string, weekday: string): DatePart {
  const weekStart = (WEEKDAYS as readonly string[]).indexOf(weekday);
  if (weekStart < 0) throw new RefusedSql(construct, `${construct}: WEEK(${weekday}) is not a weekday`);
  return { unit: 'WEEK', weekStart };
}

function wordOf(node: Node): string {
  if (node.kind === 'var') return String(node.body['this']).toUpperCase();
  if (node.kind === 'column') return (nameOf(node.body['name']) ?? '').toUpperCase();
  return node.kind.toUpperCase();
}

/**
 * The number of a date's week, counted from the Monday 0001-01-01, the first date there is. DuckDB's own
 * date_diff('week') is not used: it miscounts backwards.
 */
export function weekNumber(date: string, part: DatePart): string {
  return `((${date} - DATE '0001-01-01' + ${(8 - part.weekStart) % 7}) // 7)`;
}

/** Days to add so that a week that begins on `weekStart` becomes a Monday week: Sunday 1, Monday 0, Tuesday -1. */
export function daysToMonday(part: DatePart): number {
  return part.weekStart === 0 ? 1 : 1 - part.weekStart;
}

/** `date + days`, left out where it is 0. */
export function shiftDays(date: string, days: number): string {
  if (days === 0) return date;
  return days > 0 ? `(${date} + ${days})` : `(${date} - ${-days})`;
}
