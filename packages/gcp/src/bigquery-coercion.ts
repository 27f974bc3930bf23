// Which yielded types a declared column takes, and how the value gets the declared type: what GoogleSQL coerces without CAST
// (INT64 to NUMERIC and FLOAT64, NUMERIC to FLOAT64), text for JSON, and nothing that could lose or reinterpret a value.
import type { Column } from '@floodgate/core/domain/pipeline.ts';
import { WarehouseError, type TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { quoteName, textLiteral } from '@floodgate/sql/googlesql/names.ts';
import type { Projection } from '@floodgate/sql/googlesql/stage.ts';

const widens: Readonly<Record<string, readonly string[]>> = { NUMERIC: ['INT64'], FLOAT64: ['INT64', 'NUMERIC'] };

const coerce = (column: Column, found: string | undefined): Projection | { readonly problem: string } => {
  if (found === undefined) return { problem: `- ${column.name} ${column.type} is missing` };
  const name = quoteName(column.name);
  if (found === column.type) return { column, expression: name };
  if (column.type === 'JSON' && found === 'STRING') return { column, expression: `PARSE_JSON(${name})` };
  if (widens[column.type]?.includes(found) === true) return { column, expression: `CAST(${name} AS ${column.type})` };
  const problem = `~ ${column.name}: declared ${column.type}, the SELECT yields ${found}`;
  // GoogleSQL calls an untyped NULL an INT64, and an untyped [] an ARRAY of them; only a value shows whether it was one.
  if (found === 'INT64' && !column.type.startsWith('ARRAY'))
    return { column, expression: `IF(${name} IS NULL, CAST(NULL AS ${column.type}), CAST(ERROR(${textLiteral(problem.slice(2))}) AS ${column.type}))` };
  return { problem };
};

export const projectionsOf = (target: TableSpec, yielded: readonly { readonly name: string; readonly type: string }[]): readonly Projection[] => {
  const types = new Map(yielded.map(({ name, type }) => [name.toLowerCase(), type]));
  const declared = new Set(target.columns.map(({ name }) => name.toLowerCase()));
  const coerced = target.columns.map((column) => coerce(column, types.get(column.name.toLowerCase())));
  const names = yielded.map(({ name }) => name);
  const problems = [
    ...coerced.flatMap((each) => ('problem' in each ? [each.problem] : [])),
    ...names.filter((name) => !declared.has(name.toLowerCase())).map((name) => `+ ${name} is not declared`),
    ...names.filter((name, index) => names.findIndex((other) => other.toLowerCase() === name.toLowerCase()) !== index).map((name) => `+ ${name} comes twice`),
  ];
  if (problems.length > 0)
    throw new WarehouseError('contract_broken', `the SELECT for ${target.table} does not yield what is declared:\n  ${problems.join('\n  ')}`);
  return coerced.flatMap((each) => ('problem' in each ? [] : [each]));
};
