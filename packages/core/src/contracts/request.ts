// A backfill request, as anybody may publish it: a message, an HTTP body, or the CLI's flags. Unknown keys are refused
// (P54: a script passed `is_backfill`, the processor read `backfill_mode`, and players were dropped silently).
import * as z from 'zod';
import { dateRangeSchema, partitionDateSchema } from './common.ts';

export const reprocessModes = ['missing', 'failed', 'stale', 'all'] as const;
export const gateModes = ['phase', 'window'] as const;

export const requestLimitsSchema = z.strictObject({
  maxInFlight: z.int().min(1).max(10_000).optional(),
  datesPerTask: z.union([z.int().min(1).max(366), z.literal('auto')]).optional(),
});

export const backfillRequestSchema = z.strictObject({
  pipeline: z.string().min(1),
  range: z
    .union([dateRangeSchema, z.array(dateRangeSchema).min(1)])
    .optional()
    .describe('one range of dates or several, first and last included'),
  dates: z.array(partitionDateSchema).min(1).optional().describe('single dates, beside or instead of ranges'),
  exclude: z
    .array(z.union([partitionDateSchema, dateRangeSchema]))
    .default([])
    .describe('dates or ranges to leave out'),
  phases: z
    .union([z.string(), z.int().min(0), z.array(z.int().min(0)).min(1)])
    .optional()
    .describe('"2..3", "2,3" or [2, 3]; default: all'),
  processors: z.array(z.string().min(1)).min(1).optional().describe('names; "name+" adds everything downstream, "+name" everything upstream'),
  reprocess: z.enum(reprocessModes).default('missing'),
  lookback: z.literal('auto').default('auto').describe('upstream partitions in the windows are planned where they are missing or stale'),
  gate: z.enum(gateModes).default('phase'),
  limits: requestLimitsSchema.prefault({}),
  priority: z.int().min(-10).max(10).default(0).describe('higher goes first where several backfills are ready'),
  reason: z.string().max(500).default(''),
  requestedBy: z.string().max(200).default(''),
  idempotencyKey: z.string().min(1).max(200).optional().describe('the same key is decided once; default: the event that carried the request'),
});

export type BackfillRequest = z.output<typeof backfillRequestSchema>;
export type BackfillRequestInput = z.input<typeof backfillRequestSchema>;
