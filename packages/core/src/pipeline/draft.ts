// Rescues what is right in a value that as a whole is not: a wrong `phase` must not hide that `key` names a column which
// doesn't exist. Places of lists and names of records stay, with undefined where the entry itself was wrong.
import * as z from 'zod';

/** A parsed value of which any part may be missing because it was wrong (and has been reported). */
export type Draft<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly (Draft<Item> | undefined)[]
    : { readonly [Key in keyof T]?: Draft<T[Key]> | undefined };

type Rescue = (schema: z.core.$ZodType, value: unknown) => unknown;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

const unwrap = (schema: z.core.$ZodType): z.core.$ZodType => {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) return unwrap(schema.unwrap());
  return schema;
};

/** The members of a union that the value means: those whose required keys it has. */
const meant = (union: z.ZodUnion, value: Readonly<Record<string, unknown>>): z.core.$ZodType | undefined => {
  const objects = union.options.filter((option): option is z.ZodObject => option instanceof z.ZodObject);
  const fitting = objects.filter((option) => Object.entries(option.shape).every(([key, member]) => key in value || z.safeParse(member, undefined).success));
  return fitting[0] ?? (objects.length === 1 ? objects[0] : undefined);
};

const rescue: Rescue = (wrapped, value) => {
  const whole = z.safeParse(wrapped, value);
  if (whole.success) return whole.data;
  const schema = unwrap(wrapped);
  if (schema instanceof z.ZodArray) return Array.isArray(value) ? value.map((item) => rescue(schema.element, item)) : undefined;
  if (!isRecord(value)) return undefined;
  if (schema instanceof z.ZodObject) {
    return Object.fromEntries(Object.entries(schema.shape).map(([key, member]) => [key, rescue(member as z.core.$ZodType, value[key])]));
  }
  if (schema instanceof z.ZodRecord) {
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, rescue(schema.valueType, entry)]));
  }
  const option = schema instanceof z.ZodUnion ? meant(schema, value) : undefined;
  return option === undefined ? undefined : rescue(option, value);
};

export const draftOf = <Schema extends z.ZodType>(schema: Schema, value: unknown): Draft<z.output<Schema>> =>
  (rescue(schema, value) ?? {}) as Draft<z.output<Schema>>;
