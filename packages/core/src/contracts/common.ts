// Schemas that several contracts share.
import * as z from 'zod';
import { explainBadDate, tryPartitionDate, type PartitionDate } from '../domain/partition-date.ts';

export const partitionDateSchema = z
  .string()
  .superRefine((text, context) => {
    if (tryPartitionDate(text) === undefined) context.addIssue({ code: 'custom', message: explainBadDate(text) });
  })
  .transform((text) => text as PartitionDate);

/** A stored date was checked when it was written. */
export const storedDateSchema = z.custom<PartitionDate>((value) => typeof value === 'string', 'expected a date');

export const dateRangeSchema = z
  .strictObject({ start: partitionDateSchema, end: partitionDateSchema })
  // Dates that don't exist have been told already: their order means nothing.
  .refine(({ start, end }) => start <= end || tryPartitionDate(start) === undefined || tryPartitionDate(end) === undefined, {
    error: ({ input }) => {
      const range = input as { start?: unknown; end?: unknown };
      return `the range ends (${String(range.end)}) before it starts (${String(range.start)}): swap start and end`;
    },
  });
