/** The tables that the corpus reads: small, with NULLs, ties, negative numbers, month ends and letters beyond ASCII. */
import type { ZetaSqlTable } from '../../../../test/support/zetasql.ts';

export const CORPUS_TABLES: readonly ZetaSqlTable[] = [
  {
    name: 'd.vals',
    columns: [
      { name: 'id', type: 'INT64' },
      { name: 'i', type: 'INT64' },
      { name: 'j', type: 'INT64' },
      { name: 'f', type: 'FLOAT64' },
      { name: 'g', type: 'FLOAT64' },
      { name: 'n', type: 'NUMERIC' },
      { name: 's', type: 'STRING' },
      { name: 't', type: 'STRING' },
      { name: 'b', type: 'BOOL' },
      { name: 'x', type: 'STRING' },
    ],
    rows: [
      [1, 5, 2, 2.5, 0.1, '12.5', 'Hello World', 'wor', true, 'a'],
      [2, -5, 2, -2.5, 0.2, '-0.000000001', 'Luka Dončić', 'ci', false, 'b'],
      [3, 0, 3, 0, 3, '0', '', '', null, 'c'],
      [4, null, 1, null, 1, null, null, 'x', true, null],
      [5, 7, null, 3.7, null, '99999999999.123456789', 'abcabc', null, false, 'e'],
      [6, 1_000_000_007, -3, 1e15, 1e-7, '1', '  padded  ', 'abc', true, 'f'],
      [7, -7, 3, 0.30000000000000004, 0.3, '2.000000005', 'été à Nîmes', 'é', null, 'g'],
      [8, 5, -2, -3.5, 7, '-12.5', 'LeBron James Jr.', 'Jr.', true, 'h'],
    ],
  },
  {
    name: 'd.games',
    columns: [
      { name: 'game_id', type: 'STRING' },
      { name: 'game_date', type: 'DATE' },
      { name: 'team_id', type: 'INT64' },
      { name: 'pts', type: 'INT64' },
      { name: 'won', type: 'BOOL' },
      { name: 'pace', type: 'FLOAT64' },
    ],
    rows: [
      ['g1', '2024-01-07', 1, 110, true, 99.5],
      ['g1', '2024-01-07', 2, 100, false, 99.5],
      ['g2', '2024-01-09', 1, 95, false, 101.25],
      ['g2', '2024-01-09', 3, 105, true, 101.25],
      ['g3', '2024-01-12', 2, 120, true, null],
      ['g3', '2024-01-12', 3, 118, false, null],
      ['g4', '2024-01-15', 1, null, null, 97],
      ['g4', '2024-01-15', 4, 101, true, 97],
      ['g5', '2024-01-31', 2, 100, true, 98.125],
      ['g5', '2024-01-31', null, 90, false, 98.125],
    ],
  },
  {
    name: 'd.teams',
    columns: [
      { name: 'team_id', type: 'INT64' },
      { name: 'name', type: 'STRING' },
      { name: 'city', type: 'STRING' },
    ],
    rows: [
      [1, 'Hawks', 'Atlanta'],
      [2, 'Celtics', 'Boston'],
      [3, 'Nets', null],
      [5, 'Bulls', 'Chicago'],
      [null, 'Nobody', null],
    ],
  },
  {
    name: 'd.dates',
    columns: [
      { name: 'id', type: 'INT64' },
      { name: 'd', type: 'DATE' },
      { name: 'e', type: 'DATE' },
      { name: 'ts', type: 'TIMESTAMP' },
      { name: 'us', type: 'TIMESTAMP' },
      { name: 'dt', type: 'DATETIME' },
    ],
    rows: [
      [1, '2024-01-31', '2024-02-29', '2024-01-31 03:04:05.678901', '2024-01-30 23:59:59', '2024-01-31 03:04:05.678901'],
      [2, '2023-12-31', '2024-01-01', '2023-12-31 23:30:00', '2024-01-01 00:30:00', '2023-12-31 23:30:00'],
      [3, '2024-01-07', '2024-01-06', '2024-03-10 12:00:00', '2024-03-10 06:00:00', '2024-03-10 12:00:00'],
      [4, '2021-01-03', '2020-12-28', '1969-12-31 23:59:58.5', '1970-01-01 00:00:00', '1969-12-31 23:59:58.5'],
      [5, null, '2024-05-05', null, '2024-05-05 05:05:05', null],
      [6, '2020-02-29', '2019-02-28', '2020-02-29 12:34:56', '2020-03-01 00:00:00', '2020-02-29 12:34:56'],
      [7, '2024-07-04', '2024-07-04', '2024-07-04 00:00:00', '2024-07-03 12:00:00', '2024-07-04 00:00:00'],
    ],
  },
  {
    name: 'd.lists',
    columns: [
      { name: 'id', type: 'INT64' },
      { name: 'xs', type: 'ARRAY<INT64>' },
      { name: 'ss', type: 'ARRAY<STRING>' },
    ],
    rows: [
      [1, [3, 1, 2], ['b', 'a']],
      [2, [], []],
      [3, [4, null], ['c', null, 'd']],
      [4, [9], ['z']],
    ],
  },
];
