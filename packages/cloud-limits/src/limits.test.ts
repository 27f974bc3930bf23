// The limits are documented, and what depends on one another fits together.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bigquery, cloudRun, firestore, pubsub } from './limits.ts';
import { refuseOutstandingDml, refusePartitionsOfJob } from './refusals.ts';

const services = { bigquery, pubsub, firestore, cloudRun };

it('every group of limits names the page that it comes from', () => {
  const text = readFileSync(join(import.meta.dirname, 'limits.ts'), 'utf8');
  const groups = Object.values(services).flatMap((service) => Object.keys(service));
  const documented = [...text.matchAll(/\/\*\*(?<comment>(?:(?!\*\/)[\s\S])*)\*\/\n {2}(?<group>\w+): \{/g)].filter(({ groups: found }) =>
    /https:\/\/(docs\.cloud|firebase)\.google\.com\/[\w/.#-]+/.test(found?.['comment'] ?? ''),
  );
  expect(documented.map(({ groups: found }) => found?.['group'])).toEqual(groups);
});

it('every number is positive, and one of time or bytes says so in its name', () => {
  const numbers = Object.entries(services).flatMap(([service, groups]) =>
    Object.entries(groups).flatMap(([group, limits]) =>
      Object.entries(limits as Readonly<Record<string, unknown>>).map(([name, value]) => ({ name: `${service}.${group}.${name}`, value })),
    ),
  );
  expect(numbers.length).toBeGreaterThan(60);
  for (const { name, value } of numbers) {
    if (value instanceof RegExp) continue;
    expect(value, name).toBeGreaterThan(0);
    if (/timeout|deadline|backoff|window$|grace|everyMs/i.test(name) && !name.endsWith('PerWindow')) expect(name).toMatch(/Ms$/);
  }
});

it('a push request ends before Cloud Run would end it', () => {
  expect(pubsub.subscription.maxAckDeadlineMs).toBeLessThan(cloudRun.request.maxTimeoutMs);
});

it('job ids and labels are what BigQuery takes', () => {
  expect(['floodgate_commit_nba_games_12_40', 'a-b', 'x'.repeat(1_024)].every((id) => bigquery.job.idPattern.test(id))).toBe(true);
  expect(['', 'a.b', 'a b', 'ü', 'x'.repeat(1_025)].some((id) => bigquery.job.idPattern.test(id))).toBe(false);
  const { keyPattern, valuePattern } = bigquery.labels;
  expect(['backfill', 'a-b_9', 'größe', 'x'.repeat(63)].every((key) => keyPattern.test(key))).toBe(true);
  expect(['', '9a', 'Backfill', 'a.b', 'x'.repeat(64)].some((key) => keyPattern.test(key))).toBe(false);
  expect(['', '9-x_', 'x'.repeat(63)].every((value) => valuePattern.test(value))).toBe(true);
  expect(['A', 'a:b', 'x'.repeat(64)].some((value) => valuePattern.test(value))).toBe(false);
});

it('refusals carry the limit and the table', () => {
  expect(refuseOutstandingDml('p:d.t').message).toContain('outstanding against table p:d.t, limit is 20.');
  expect(refusePartitionsOfJob(4_001).message).toBe('Too many partitions produced by query, allowed 4000, query produces at least 4001 partitions');
});
