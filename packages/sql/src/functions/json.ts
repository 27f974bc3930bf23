/** JSON functions over documents in STRING or JSON, and TO_JSON_STRING. Spelling is GoogleSQL's, or it is refused. */
import type { GoogleType } from '../google-types.ts';
import { printed, quoteString } from '../printed.ts';
import type { Printed } from '../printed.ts';
import { RefusedSql } from '../problems.ts';
import type { KnownType } from '../relations.ts';
import { known } from '../relations.ts';
import { argument, expectArguments, operand } from './call.ts';
import type { FunctionCall, FunctionPrinter } from './call.ts';

/** `$`, `.name`, `."any name"`, `[0]`: what means the same in both engines. */
const PATH = /^\$(\.[A-Za-z_]\w*|\."[^"\\]+"|\[\d+\])*$/u;

function path(call: FunctionCall): string {
  const node = call.args[1];
  // The parser puts `$` where no path is given.
  const isDefault = node === undefined || (node.kind === 'literal' && node.body['value'] === '$');
  const text = isDefault ? '$' : call.stringLiteral(argument(call, 1));
  if (text === undefined || !PATH.test(text)) throw new RefusedSql(call.name, `${call.name}: the path must be a literal of names and positions, like $.a.b[0]`);
  return quoteString(text);
}

function reading(macro: 'fg_json_value' | 'fg_json_query'): FunctionPrinter {
  return (call) => {
    expectArguments(call, 1, 2);
    const value = operand(call, 0);
    if (value.type === 'JSON') {
      // A document of type JSON has its numbers' spelling from its type already.
      const text = `CAST(${value.sql} AS VARCHAR)`;
      if (macro === 'fg_json_query') throw new RefusedSql(call.name, `${call.name} of a JSON value is not supported: it is JSON`);
      return printed(`${macro}(${text}, ${path(call)})`, 'STRING');
    }
    return printed(`${macro}(${value.sql}, ${path(call)})`, 'STRING');
  };
}

export const jsonFunctions: Readonly<Record<string, FunctionPrinter>> = {
  JSON_EXTRACT: reading('fg_json_query'),
  JSON_EXTRACT_SCALAR: reading('fg_json_value'),
  JSON_QUERY: reading('fg_json_query'),
  JSON_VALUE: reading('fg_json_value'),
};

/** DuckDB text of a value's JSON. */
export function jsonText(value: Printed): string {
  return textOf(value.sql, value, 0);
}

function textOf(sql: string, type: KnownType, depth: number): string {
  const { google } = type;
  if (google?.kind === 'ARRAY') {
    const name = `fg_j${depth}`;
    const items = `list_transform(${sql}, lambda ${name}: ${textOf(name, known(google.element), depth + 1)})`;
    return `(CASE WHEN ${sql} IS NULL THEN 'null' ELSE '[' || array_to_string(${items}, ',') || ']' END)`;
  }
  if (google?.kind === 'STRUCT') return structText(sql, google, depth);
  if (type.type === 'JSON' || type.type === 'BYTES' || type.type === 'TIME')
    throw new RefusedSql('TO_JSON_STRING', `TO_JSON_STRING of ${type.type} is not supported`);
  return type.type === 'STRING' ? `coalesce(fg_json_text(${sql}), 'null')` : `fg_json(${sql})`;
}

function structText(sql: string, { fields }: Extract<GoogleType, { kind: 'STRUCT' }>, depth: number): string {
  const texts = fields.map(
    ({ name, type }) => `${quoteString(`${JSON.stringify(name)}:`)} || ${textOf(`struct_extract(${sql}, ${quoteString(name)})`, known(type), depth)}`,
  );
  return `(CASE WHEN ${sql} IS NULL THEN 'null' ELSE '{' || ${texts.join(" || ',' || ")} || '}' END)`;
}
