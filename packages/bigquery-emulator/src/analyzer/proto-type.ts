// Types as the analyzer's protocol writes them (TypeProto).
import { notImplemented } from '../problem.ts';
import type { ScalarKind, SqlType } from '../types.ts';

export type ProtoType = {
  readonly typeKind: string;
  readonly arrayType?: { readonly elementType: ProtoType } | null;
  readonly structType?: { readonly field?: readonly { readonly fieldName?: string; readonly fieldType: ProtoType }[] } | null;
};

const kindOf = {
  INT64: 'TYPE_INT64',
  FLOAT64: 'TYPE_DOUBLE',
  NUMERIC: 'TYPE_NUMERIC',
  BOOL: 'TYPE_BOOL',
  STRING: 'TYPE_STRING',
  BYTES: 'TYPE_BYTES',
  DATE: 'TYPE_DATE',
  DATETIME: 'TYPE_DATETIME',
  TIME: 'TYPE_TIME',
  TIMESTAMP: 'TYPE_TIMESTAMP',
  JSON: 'TYPE_JSON',
} as const satisfies Record<ScalarKind, string>;
const scalarOf: ReadonlyMap<string, ScalarKind> = new Map(Object.entries(kindOf).map(([scalar, kind]) => [kind, scalar as ScalarKind]));

export function toProtoType(type: SqlType): ProtoType {
  if (type.kind === 'ARRAY') return { typeKind: 'TYPE_ARRAY', arrayType: { elementType: toProtoType(type.element) } };
  if (type.kind !== 'STRUCT') return { typeKind: kindOf[type.kind] };
  return { typeKind: 'TYPE_STRUCT', structType: { field: type.fields.map((field) => ({ fieldName: field.name, fieldType: toProtoType(field.type) })) } };
}

/** `what` is told where the type is none of ours. */
export function fromProtoType(type: ProtoType, what: string): SqlType {
  if (type.arrayType) return { kind: 'ARRAY', element: fromProtoType(type.arrayType.elementType, what) };
  if (type.structType)
    return {
      kind: 'STRUCT',
      fields: (type.structType.field ?? []).map(({ fieldName, fieldType }) => ({ name: fieldName ?? '', type: fromProtoType(fieldType, what) })),
    };
  const kind = scalarOf.get(type.typeKind);
  if (kind === undefined) throw notImplemented(`the type ${type.typeKind.replace('TYPE_', '')} (${what})`);
  return { kind };
}
