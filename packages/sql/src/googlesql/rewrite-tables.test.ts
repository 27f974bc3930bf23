import { describe, expect, test } from 'vitest';
import { findTables, rewriteTables } from './rewrite-tables.ts';

const loaded = (table: string): string | undefined => (table.startsWith('source.') ? `staging.source_${table.slice(7)}_0f` : undefined);
const rewritten = (sql: string): string => rewriteTables(sql, loaded);

describe('tables of a statement', () => {
  test.each([
    ['SELECT * FROM source.games', 'SELECT * FROM `staging`.`source_games_0f` AS `games`'],
    ['SELECT games.id FROM source.games WHERE games.id > 1', 'SELECT games.id FROM `staging`.`source_games_0f` AS `games` WHERE games.id > 1'],
    ['SELECT g.id FROM source.games AS g', 'SELECT g.id FROM `staging`.`source_games_0f` AS g'],
    ['SELECT g.id FROM source.games g', 'SELECT g.id FROM `staging`.`source_games_0f` g'],
    ['SELECT 1 FROM `source`.`games`', 'SELECT 1 FROM `staging`.`source_games_0f` AS `games`'],
    ['SELECT 1 FROM `source.games` AS g', 'SELECT 1 FROM `staging`.`source_games_0f` AS g'],
    [
      'SELECT 1 FROM source.games JOIN source.odds USING (id) JOIN nba.teams USING (id)',
      'SELECT 1 FROM `staging`.`source_games_0f` AS `games` JOIN `staging`.`source_odds_0f` AS `odds` USING (id) JOIN nba.teams USING (id)',
    ],
    [
      'WITH late AS (SELECT id FROM source.games) SELECT * FROM late WHERE id IN (SELECT id FROM source.games)',
      'WITH late AS (SELECT id FROM `staging`.`source_games_0f` AS `games`) SELECT * FROM late WHERE id IN (SELECT id FROM `staging`.`source_games_0f` AS `games`)',
    ],
    [
      'SELECT 1 FROM source.games UNION ALL SELECT 2 FROM source.games',
      'SELECT 1 FROM `staging`.`source_games_0f` AS `games` UNION ALL SELECT 2 FROM `staging`.`source_games_0f` AS `games`',
    ],
  ])('%s', (sql, expected) => expect(rewritten(sql)).toBe(expected));

  test.each([
    "SELECT 'FROM source.games' AS text FROM nba.teams",
    'SELECT """a\nFROM source.games""" AS text FROM nba.teams',
    'SELECT 1 -- FROM source.games\nFROM nba.teams /* source.games */ # source.games',
    // The name of a CTE stands for it, whatever datasets there are.
    'WITH games AS (SELECT 1 AS id) SELECT id FROM games',
    'WITH source AS (SELECT 1 AS games) SELECT source.games FROM source',
    'SELECT s.`source.games` FROM nba.teams AS s',
    'SELECT 1 AS one',
  ])('are none of the sources: %s', (sql) => expect(rewritten(sql)).toBe(sql));

  test('keep their place behind literals and comments of any length', () => {
    const sql = `-- größe 😀 source.games
SELECT 'it\\'s', r'\\d', "source.games", b'x' FROM /* here */ source.games /* and here */ WHERE name = 'é'`;
    expect(rewritten(sql)).toBe(sql.replace('/* here */ source.games', '/* here */ `staging`.`source_games_0f` AS `games`'));
  });

  test('are found once each, and a text that is no statement is told', () => {
    expect(findTables('SELECT 1 FROM source.b, source.a, source.b')).toEqual({ ok: true, tables: ['source.b', 'source.a'] });
    expect(findTables('SELECT FROM WHERE source.a')).toMatchObject({ ok: false, message: expect.any(String) });
  });
});
