import { expect, test } from 'vitest';
import { translateSelect } from '@floodgate/sql/translate.ts';
import { checkKnownFacts, knownFacts } from './known-facts.ts';

const range = { first: '2023-01-01', last: '2023-01-31' };

test('names are unique, so that a violation says which fact is broken', () => {
  const names = knownFacts.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test.each(knownFacts)('is GoogleSQL that both backends run: $name', ({ sql }) => {
  expect(translateSelect(sql((table) => `(SELECT * FROM ${table} WHERE game_date = DATE '2023-01-01')`))).toMatchObject({ ok: true });
});

test('facts that the range cuts are not checked, laws always are', async () => {
  const { checked } = await checkKnownFacts(async () => [], range);
  expect(checked).toEqual(knownFacts.filter(({ span }) => span === 'any' || (span.first >= range.first && span.last <= range.last)).map(({ name }) => name));
  expect(checked).toContain('donovanmitchell scored 71 on 2023-01-02, by nba_analytics.player_game_summary');
  expect(checked).not.toContain('damianlillard scored 71 on 2023-02-26, by nba_analytics.player_game_summary');
});

test('a table is read where the caller keeps it, and only within the dates of the fact', async () => {
  const asked: string[] = [];
  await checkKnownFacts(
    async (sql) => {
      asked.push(sql);
      return [];
    },
    range,
    (table) => `staging_of.${table.replace('.', '_')}`,
  );
  expect(asked.every((sql) => sql.includes('FROM staging_of.nba_') && !/FROM nba_/.test(sql))).toBe(true);
  expect(asked.some((sql) => sql.includes(`game_date BETWEEN DATE '2023-01-02' AND DATE '2023-01-02'`))).toBe(true);
});

test.each([[71], [71n], ['71']])('an integer may come as number, bigint or text: %o', async (points) => {
  const { violations } = await checkKnownFacts(async () => [{ player_lookup: 'donovanmitchell', points }], range);
  expect(violations.filter((line) => line.startsWith('donovanmitchell'))).toEqual([]);
});

test('a violation tells what was expected and what was found', async () => {
  const { violations } = await checkKnownFacts(async () => [{ player_lookup: 'donovanmitchell', points: 70 }], range);
  expect(violations[0]).toBe(
    'donovanmitchell scored 71 on 2023-01-02, by nba_raw.nbac_gamebook_player_stats: expected ' +
      '{"player_lookup":"donovanmitchell","points":"71"}, found 1 rows: {"player_lookup":"donovanmitchell","points":"70"}',
  );
});
