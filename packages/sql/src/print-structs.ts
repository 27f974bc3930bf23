/** STRUCTs and arrays that are written out, the names of their fields, and TO_JSON_STRING of them. */
import { allowKeys, isBody, isEmpty, nameOf, toList, toNode } from './ast.ts';
import type { Body, Json, Node } from './ast.ts';
import { toDuckdbType } from './casts.ts';
import { jsonText } from './functions/json.ts';
import { toCall } from './node-functions.ts';
import { coerceLiterals, commonType, printed, quoteIdentifier, quoteString } from './printed.ts';
import type { Printed } from './printed.ts';
import { RefusedSql } from './problems.ts';
import { arrayOf, typeOf } from './relations.ts';
import type { TranslationContext } from './translation-context.ts';

export function printTypedStruct(context: TranslationContext, body: Body, to: Json | undefined): Printed {
  const types = isBody(to) ? toList(to['fields']) : [];
  const fields = toList(body['fields']).map((field, index) => {
    const type = types[index];
    const value = toList(field)[1];
    if (!isBody(type) || isEmpty(type['name']) || value === undefined) throw new RefusedSql('STRUCT', 'STRUCT<...>: every field needs a name and a value');
    return `${quoteIdentifier(String(type['name']))} := CAST(${context.printExpression(toNode(value)).sql} AS ${toDuckdbType(type['data_type'])})`;
  });
  return printed(`struct_pack(${fields.join(', ')})`);
}

/** Field by field where a STRUCT is written out, since the types of its fields need not be known then. */
export function printToJsonString(context: TranslationContext, args: readonly Node[]): Printed {
  const [node] = args;
  if (node === undefined || args.length > 1) throw new RefusedSql('TO_JSON_STRING', 'TO_JSON_STRING takes one argument here');
  const print = (value: Node): string => {
    const fields = structArguments(value).map((field) => printStructField(context, field, (inner) => printed(print(inner))));
    if (fields.length === 0) {
      const whole = context.printExpression(value);
      // Tables that a statement reads hold JSON as BigQuery spells it; what a pipeline's SELECT reads may be spelled anyhow.
      if (whole.type === 'JSON' && context.mode !== undefined) return `coalesce(CAST(${whole.sql} AS VARCHAR), 'null')`;
      return jsonText(whole);
    }
    return `('{' || ${fields.map((field) => `${quoteString(`${JSON.stringify(field.name)}:`)} || ${field.value.sql}`).join(" || ',' || ")} || '}')`;
  };
  return printed(print(node), 'STRING');
}

export function printStruct(context: TranslationContext, args: readonly Node[]): Printed {
  return structOf(args.map((node) => printStructField(context, node)));
}

export type StructField = { readonly name: string; readonly value: Printed };

export function printStructField(context: TranslationContext, node: Node, print = (value: Node): Printed => context.printExpression(value)): StructField {
  const name = fieldNameOf(node);
  if (name === undefined) throw new RefusedSql('STRUCT', 'STRUCT: every field needs a name (write x AS name)');
  return { name, value: print(node.kind === 'alias' ? toNode(node.body['this']) : node) };
}

/** DuckDB 1.5 loses the name of a field whose value is a macro's call, where the STRUCT refers to a table of an outer query. */
const keepName = (sql: string): string => (/^\(*fg_/.test(sql) ? `coalesce(${sql})` : sql);

export function structOf(fields: readonly StructField[]): Printed {
  const sql = `struct_pack(${fields.map(({ name, value }) => `${quoteIdentifier(name)} := ${keepName(value.sql)}`).join(', ')})`;
  const types = fields.flatMap(({ name, value }) => {
    const type = typeOf(value);
    return type === undefined ? [] : [{ name, type }];
  });
  return types.length === fields.length ? { sql, google: { kind: 'STRUCT', fields: types } } : { sql };
}

/** The name that GoogleSQL gives to an expression in a SELECT list or a STRUCT; undefined where it is anonymous. */
export function fieldNameOf(node: Node): string | undefined {
  if (node.kind === 'alias') return nameOf(node.body['alias']);
  if (node.kind === 'dot') return nameOf(node.body['field']);
  if (node.kind === 'paren') return fieldNameOf(toNode(node.body['this']));
  const name = node.kind === 'column' ? nameOf(node.body['name']) : undefined;
  return name?.startsWith('@') === true ? undefined : name;
}

/** The field names of ARRAY<STRUCT<...>>; none for other types. */
export function elementFields(type: Json | undefined): readonly string[] {
  const element = isBody(type) ? type['element_type'] : undefined;
  return isBody(element) ? toList(element['fields']).map((field) => (isBody(field) ? String(field['name']) : '')) : [];
}

export function printArrayLiteral(context: TranslationContext, body: Body, fields: readonly string[] = []): Printed {
  allowKeys('ARRAY', body, ['expressions']);
  const items = toList(body['expressions']).map(toNode);
  const names = fields.length > 0 || items[0] === undefined ? fields : structArguments(items[0]).map(fieldNameOf);
  const values = coerceLiterals(items.map((item) => printListItem(context, item, names)));
  const sql = `[${values.map((value) => value.sql).join(', ')}]`;
  const type = commonType(values);
  if (type !== undefined) return { sql, google: { kind: 'ARRAY', element: { kind: type } } };
  return { sql, google: names.length === 0 ? undefined : arrayOf(values[0]) };
}

/** In [STRUCT(1 AS a), STRUCT(2)] the first element names the fields of all. */
function printListItem(context: TranslationContext, item: Node, names: readonly (string | undefined)[]): Printed {
  const fields = structArguments(item);
  if (fields.length === 0 || fields.length !== names.length) return context.printExpression(item);
  return structOf(
    fields.map((field, index) => {
      const name = names[index];
      if (name === undefined) throw new RefusedSql('STRUCT', 'STRUCT: every field needs a name (write x AS name)');
      return { name, value: context.printExpression(field.kind === 'alias' ? toNode(field.body['this']) : field) };
    }),
  );
}

function structArguments(node: Node): readonly Node[] {
  const call = node.kind === 'function' ? toCall(node) : undefined;
  return call?.name === 'STRUCT' ? call.args : [];
}
