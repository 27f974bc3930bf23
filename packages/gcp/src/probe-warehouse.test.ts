// What is said of a target table, from the resource that BigQuery describes it with.
import { expect, test } from 'vitest';
import { partitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { TableSpec } from '@floodgate/core/ports/warehouse.ts';
import { judgeTable } from './probe-warehouse.ts';

const target: TableSpec = {
  table: 'till.noted',
  partitionColumn: 'day',
  key: ['day'],
  columns: [{ name: 'day', type: 'DATE', required: true, digits: 6, description: '' }],
};
const field = (name: string, type: string, mode = 'NULLABLE') => ({ name, type, mode });
const fields = [
  field('day', 'DATE', 'REQUIRED'),
  field('_row_hash', 'STRING'),
  field('_generation', 'INTEGER'),
  field('_backfill_id', 'STRING'),
  field('processed_at', 'TIMESTAMP'),
];
const declared = { type: 'TABLE', schema: { fields }, timePartitioning: { type: 'DAY', field: 'day' } };
const now = Date.parse('2026-01-03T00:00:00Z');
const dayMs = 86_400_000;
const first = partitionDate('2024-01-01');
const judge = (table: object, by = {}) => judgeTable(target, { ...declared, ...table }, { first, now, projectId: 'p1', ...by });

test('a table as it is declared gives no finding', () => {
  expect(judge({})).toEqual([]);
});

test('another schema is told column by column', () => {
  expect(judge({ schema: { fields: [field('day', 'STRING'), ...fields.slice(1)] } })).toMatchObject([
    { verdict: 'fail', message: 'till.noted is not as declared:\n~ day: declared DATE, found STRING' },
  ]);
});

test('partitions that expire before the calendar’s first date is too old are a fault, others are none', () => {
  const expiring = (days: number) => ({ timePartitioning: { type: 'DAY', field: 'day', expirationMs: String(days * dayMs) } });
  expect(judge(expiring(30))).toMatchObject([
    {
      verdict: 'fail',
      message: 'partitions of till.noted expire after 30 days, and the calendar begins on 2024-01-01: expected none, or longer than that',
      advice: 'bq update --time_partitioning_expiration 0 p1:till.noted',
    },
  ]);
  expect(judge(expiring(733))).toMatchObject([{ verdict: 'fail' }]);
  expect(judge(expiring(734))).toEqual([]);
  expect(judge(expiring(5_000), { first: undefined })).toMatchObject([{ verdict: 'warn' }]);
});

test('a table that expires, and one that something else streams into, are told', () => {
  expect(judge({ expirationTime: String(now + dayMs) })).toMatchObject([
    { verdict: 'fail', message: 'till.noted expires as a whole on 2026-01-04T00:00:00.000Z: expected never' },
  ]);
  expect(judge({ streamingBuffer: { estimatedRows: '12' } })).toMatchObject([
    { verdict: 'warn', message: expect.stringContaining('about 12 rows') as unknown },
  ]);
});
