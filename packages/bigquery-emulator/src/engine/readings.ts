// Every kind of statement as the queries that it amounts to, for the planner.
import type { Assignment, MergeWhen, TranslatedStatement, Value } from '@floodgate/sql/translated-statement.ts';
import type { Reading } from './reading.ts';
import { quoteName } from './sql-text.ts';
import { placeOf, type StoredTable } from './stored-table.ts';

const expressionsOf = (values: readonly Value[]): readonly string[] => values.filter((value) => typeof value === 'string');
const ofAssignments = (set: readonly Assignment[]): readonly string[] => expressionsOf(set.map(({ value }) => value));
const selectOf = (expressions: readonly string[]): string => `SELECT ${['1', ...expressions].join(', ')}`;

/** `target` is the table that a DML statement changes. */
export const readingsOf = (statement: TranslatedStatement, target: StoredTable | undefined): readonly Reading[] => {
  switch (statement.kind) {
    case 'query':
      return [{ sql: statement.sql }];
    case 'create_table':
      return statement.query === undefined ? [] : [{ sql: statement.query }];
    case 'insert':
      return [{ sql: statement.source.kind === 'query' ? statement.source.sql : selectOf(statement.source.rows.flatMap(expressionsOf)) }];
    case 'assert':
      return [{ sql: selectOf([statement.expression]) }];
    case 'update':
    case 'delete': {
      if (target === undefined) return [];
      const values = statement.kind === 'update' ? ofAssignments(statement.set) : [];
      const from = statement.kind === 'update' && statement.from !== undefined ? `, ${statement.from}` : '';
      return [{ sql: `${selectOf(values)} FROM ${placeOf(target)} AS ${quoteName(statement.alias)}${from} WHERE ${statement.where}`, changes: target }];
    }
    case 'merge':
      return target === undefined ? [] : readingsOfMerge(statement, target);
    default:
      return [];
  }
};

const readingsOfMerge = (
  { alias, source, sourceAlias, on, whens }: Extract<TranslatedStatement, { kind: 'merge' }>,
  target: StoredTable,
): readonly Reading[] => {
  const into = `${placeOf(target)} AS ${quoteName(alias)}`;
  const isTable = source.startsWith('data.');
  const from = isTable ? source : `"$source" AS ${quoteName(sourceAlias)}`;
  const setup = isTable ? [] : [`CREATE OR REPLACE TEMP TABLE "$source" AS SELECT * FROM (SELECT ${quoteName(sourceAlias)}.* FROM ${source}) LIMIT 0`];
  const of = (match: MergeWhen['match']): readonly MergeWhen[] => whens.filter((when) => when.match === match);
  const [matched, newcomers, orphans] = [of('matched'), of('not_matched_by_target'), of('not_matched_by_source')];
  const changes = matched.length + orphans.length > 0 ? { changes: target } : {};
  const needsAll = newcomers.length + orphans.length > 0 || matched.length === 0;
  return [
    ...(isTable ? [] : [{ sql: `SELECT ${quoteName(sourceAlias)}.* FROM ${source}` }]),
    {
      setup,
      sql: `${selectOf(matched.flatMap(expressionsOfWhen))} FROM ${into} JOIN ${from} ON ${on}${needsAll ? '' : ` WHERE ${anyOf(matched)}`}`,
      ...changes,
      mayVanish: target,
    },
    ...(newcomers.length === 0 || !isTable ? [] : [{ sql: `${selectOf(newcomers.flatMap(expressionsOfWhen))} FROM ${from}` }]),
    ...(orphans.length === 0 ? [] : [{ sql: `${selectOf(orphans.flatMap(expressionsOfWhen))} FROM ${into} WHERE ${anyOf(orphans)}`, ...changes }]),
  ];
};

const anyOf = (whens: readonly MergeWhen[]): string => whens.map(({ condition }) => `(${condition ?? 'TRUE'})`).join(' OR ');

const expressionsOfWhen = ({ condition, action }: MergeWhen): readonly string[] => {
  const values = action.kind === 'update' ? ofAssignments(action.set) : action.kind === 'insert' ? expressionsOf(action.values) : [];
  return condition === undefined ? values : [condition, ...values];
};
