// Facts with a date: totals and scores that anybody can look up, and counts from the README of the data.
import { defense, events, offense, playerBox, players, schedule, teamBox } from './known-fact.ts';
import type { KnownFact } from './known-fact.ts';

type Season = {
  readonly year: number;
  readonly span: { readonly first: string; readonly last: string };
  readonly games: Readonly<Record<string, number>>;
  readonly dates: number;
  readonly playerRows: number;
  readonly events: number;
  /** The data covers it to its end. */
  readonly whole: boolean;
};

const seasons: readonly Season[] = [
  {
    year: 2021,
    span: { first: '2021-10-19', last: '2022-06-16' },
    games: { playin: 6, playoffs: 87, regular: 1230 },
    dates: 213,
    playerRows: 27_931,
    events: 706_157,
    whole: true,
  },
  {
    year: 2022,
    span: { first: '2022-10-18', last: '2023-06-12' },
    games: { playin: 6, playoffs: 84, regular: 1230 },
    dates: 212,
    playerRows: 27_623,
    events: 708_216,
    whole: true,
  },
  {
    year: 2023,
    span: { first: '2023-10-24', last: '2024-06-17' },
    games: { cup_final: 1, playin: 6, playoffs: 82, regular: 1230 },
    dates: 208,
    playerRows: 28_086,
    events: 701_883,
    whole: true,
  },
  // Cut off at the end of 2024; these counts are those of the files themselves.
  {
    year: 2024,
    span: { first: '2024-10-22', last: '2024-12-31' },
    games: { cup_final: 1, regular: 484 },
    dates: 67,
    playerRows: 10_436,
    events: 266_265,
    whole: false,
  },
];

const spanOf = (year: number): Season['span'] => {
  const season = seasons.find((candidate) => candidate.year === year);
  if (season === undefined) throw new RangeError(`no season ${year} among the facts`);
  return season.span;
};

const onDay = (date: string): Season['span'] => ({ first: date, last: date });

const countFacts = seasons.flatMap(({ year, span, games, dates, playerRows, events: eventRows }): readonly KnownFact[] => {
  const total = Object.values(games).reduce((sum, count) => sum + count, 0);
  const rowCount = (table: string, expected: number): KnownFact => ({
    name: `${table} has ${expected} rows in the season of ${year}`,
    span,
    sql: (from) => `SELECT COUNT(*) AS n FROM ${from(table)} AS t WHERE season_year = ${year}`,
    expected: [{ n: expected }],
  });
  return [
    {
      name: `games of the season of ${year} by kind`,
      span,
      sql: (from) => `SELECT season_type, COUNT(*) AS n FROM ${from(schedule)} AS t GROUP BY season_type ORDER BY season_type`,
      expected: Object.entries(games).map(([kind, count]) => ({ season_type: kind, n: count })),
    },
    {
      name: `${dates} dates of the season of ${year} have games`,
      span,
      sql: (from) => `SELECT COUNT(DISTINCT game_date) AS n FROM ${from(schedule)} AS t`,
      expected: [{ n: dates }],
    },
    rowCount(schedule, total),
    rowCount(teamBox, 2 * total),
    rowCount(offense, 2 * total),
    rowCount(defense, 2 * total),
    rowCount(playerBox, playerRows),
    rowCount(players, playerRows),
    rowCount(events, eventRows),
  ];
});

type SeasonTotal = { readonly player: string; readonly year: number; readonly games: number; readonly column: string; readonly total: number };

const seasonTotals: readonly SeasonTotal[] = [
  { player: 'traeyoung', year: 2021, games: 76, column: 'points', total: 2155 },
  { player: 'traeyoung', year: 2021, games: 76, column: 'assists', total: 737 },
  { player: 'joelembiid', year: 2022, games: 66, column: 'points', total: 2183 },
  { player: 'jaysontatum', year: 2022, games: 74, column: 'points', total: 2225 },
  { player: 'lukadoncic', year: 2023, games: 70, column: 'points', total: 2370 },
  { player: 'stephencurry', year: 2023, games: 74, column: 'three_pt_makes', total: 357 },
];

const totalFacts = seasonTotals.flatMap(({ player, year, games, column, total }) =>
  [playerBox, players].map((table): KnownFact => ({
    name: `${player} has ${total} ${column} in ${games} regular games of ${year}, by ${table}`,
    span: spanOf(year),
    sql: (from) => `SELECT COUNT(*) AS games, SUM(${column}) AS total FROM ${from(table)} AS t WHERE player_lookup = '${player}' AND season_type = 'regular'`,
    expected: [{ games, total }],
  })),
);

const records = [
  { team: 'PHX', year: 2021, won: 64 },
  { team: 'MIL', year: 2022, won: 58 },
  { team: 'BOS', year: 2023, won: 64 },
  { team: 'DET', year: 2023, won: 14 },
] as const;

const recordFacts = records.flatMap(({ team, year, won }): readonly KnownFact[] => [
  {
    name: `${team} won ${won} of 82 in the season of ${year}, by the schedule`,
    span: spanOf(year),
    sql: (from) =>
      `SELECT COUNT(*) AS games, SUM(CASE WHEN winning_team_abbr = '${team}' THEN 1 ELSE 0 END) AS won FROM ${from(schedule)} AS t
       WHERE is_regular_season AND (home_team_abbr = '${team}' OR away_team_abbr = '${team}')`,
    expected: [{ games: 82, won }],
  },
  ...[
    { table: offense, column: 'team_abbr' },
    { table: defense, column: 'defending_team_abbr' },
  ].map(({ table, column }): KnownFact => ({
    name: `${team} won ${won} of 82 in the season of ${year}, by ${table}`,
    span: spanOf(year),
    sql: (from) =>
      `SELECT COUNT(*) AS games, SUM(CASE WHEN win_flag THEN 1 ELSE 0 END) AS won FROM ${from(table)} AS t
         WHERE ${column} = '${team}' AND season_type = 'regular'`,
    expected: [{ games: 82, won }],
  })),
]);

const scores = [
  { date: '2022-06-16', away: 'GSW', awayScore: 103, home: 'BOS', homeScore: 90, what: 'last Finals game' },
  { date: '2023-02-24', away: 'SAC', awayScore: 176, home: 'LAC', homeScore: 175, what: 'two overtimes' },
  { date: '2023-06-12', away: 'MIA', awayScore: 89, home: 'DEN', homeScore: 94, what: 'last Finals game' },
  { date: '2024-06-17', away: 'DAL', awayScore: 88, home: 'BOS', homeScore: 106, what: 'last Finals game' },
] as const;

const scoreFacts = scores.map(({ date, away, awayScore, home, homeScore, what }): KnownFact => ({
  name: `${date} ${away} ${awayScore} at ${home} ${homeScore} (${what})`,
  span: onDay(date),
  sql: (from) => `SELECT game_id, away_team_score, home_team_score, winning_team_abbr FROM ${from(schedule)} AS t WHERE home_team_abbr = '${home}'`,
  expected: [
    {
      game_id: `${date.replaceAll('-', '')}_${away}_${home}`,
      away_team_score: awayScore,
      home_team_score: homeScore,
      winning_team_abbr: awayScore > homeScore ? away : home,
    },
  ],
}));

const bigNights = [
  { date: '2023-01-02', player: 'donovanmitchell', points: 71 },
  { date: '2023-02-26', player: 'damianlillard', points: 71 },
  { date: '2024-01-22', player: 'joelembiid', points: 70 },
  { date: '2024-01-26', player: 'lukadoncic', points: 73 },
] as const;

const bigNightFacts = [playerBox, players].flatMap((table) => [
  ...bigNights.map(({ date, player, points }): KnownFact => ({
    name: `${player} scored ${points} on ${date}, by ${table}`,
    span: onDay(date),
    sql: (from) => `SELECT player_lookup, points FROM ${from(table)} AS t WHERE points >= 70`,
    expected: [{ player_lookup: player, points }],
  })),
  ...seasons.map(({ year, span }): KnownFact => ({
    name: `nobody else scored 70 in the season of ${year}, by ${table}`,
    span,
    sql: (from) => `SELECT COUNT(*) AS n FROM ${from(table)} AS t WHERE points >= 70`,
    expected: [{ n: bigNights.filter(({ date }) => date >= span.first && date <= span.last).length }],
  })),
]);

// Ids as the league gives them; every one of these names has something to strip: accents, an apostrophe, a hyphen, a suffix.
const identities = [
  ['deaaronfox', 1628368],
  ['dennisschroder', 203471],
  ['jarenjacksonjr', 1628991],
  ['jonasvalanciunas', 202685],
  ['karlanthonytowns', 1626157],
  ['kristapsporzingis', 204001],
  ['lukadoncic', 1629029],
  ['nikolajokic', 203999],
] as const;

/** Shares of player-games in which the events, from another provider, agree with the box score: lowest of the README's seasons. */
const agreements = [
  { what: 'points', role: 'player_1_id', count: 'SUM(points_scored)', where: 'TRUE', column: 'points', share: 0.9996 },
  { what: 'made shots', role: 'player_1_id', count: 'COUNT(*)', where: 'is_field_goal AND shot_made', column: 'fg_makes', share: 0.9997 },
  { what: 'rebounds', role: 'player_1_id', count: 'COUNT(*)', where: "event_type = 'rebound'", column: 'total_rebounds', share: 0.991 },
  { what: 'assists', role: 'player_2_id', count: 'COUNT(*)', where: "player_2_role = 'assist'", column: 'assists', share: 0.9989 },
  { what: 'blocks', role: 'player_2_id', count: 'COUNT(*)', where: "player_2_role = 'block'", column: 'blocks', share: 0.996 },
] as const;

const agreementFacts = seasons
  .filter(({ whole }) => whole)
  .flatMap(({ year, span }) =>
    agreements.map(({ what, role, count, where, column, share }): KnownFact => ({
      name: `${what} of events and box score agree in ${share * 100} % of the player-games of ${year}`,
      span,
      sql: (from) =>
        `SELECT AVG(CASE WHEN p.${column} = COALESCE(e.told, 0) THEN 1.0 ELSE 0.0 END) >= ${share} AS agree
           FROM ${from(playerBox)} AS p
           LEFT JOIN (SELECT game_id, ${role} AS player_id, ${count} AS told FROM ${from(events)} AS t WHERE ${where} GROUP BY game_id, ${role}) AS e
             ON e.game_id = p.game_id AND e.player_id = p.universal_player_id
           WHERE p.season_type = 'regular'`,
      expected: [{ agree: true }],
    })),
  );

const singleFacts: readonly KnownFact[] = [
  {
    name: "accents, apostrophes, hyphens and dots leave the lookup, and the id stays the league's",
    span: spanOf(2023),
    sql: (from) =>
      `SELECT DISTINCT player_lookup, universal_player_id FROM ${from(players)} AS t
       WHERE player_lookup IN (${identities.map(([lookup]) => `'${lookup}'`).join(', ')}) ORDER BY player_lookup`,
    expected: identities.map(([lookup, id]) => ({ player_lookup: lookup, universal_player_id: String(id) })),
  },
  {
    name: "the events of GSW at POR end one point short of the final score, as the league's feed does",
    span: onDay('2024-10-23'),
    sql: (from) =>
      `SELECT t.game_id, t.points, SUM(e.points_scored) AS told FROM ${from(teamBox)} AS t
       JOIN ${from(events)} AS e ON e.game_id = t.game_id AND e.team_abbr = t.team_abbr
       WHERE t.nba_game_id = '0022400072' AND t.team_abbr = 'GSW' GROUP BY t.game_id, t.points`,
    expected: [{ game_id: '20241023_GSW_POR', points: 140, told: 139 }],
  },
  {
    name: 'overtimes of the three whole seasons and the start of the fourth',
    span: { first: '2021-10-19', last: '2024-12-31' },
    sql: (from) => `SELECT overtime_periods, COUNT(*) AS n FROM ${from(offense)} AS t GROUP BY overtime_periods ORDER BY overtime_periods`,
    expected: [
      { overtime_periods: 0, n: 8436 },
      { overtime_periods: 1, n: 408 },
      { overtime_periods: 2, n: 46 },
      { overtime_periods: 3, n: 4 },
    ],
  },
];

export const seasonFacts: readonly KnownFact[] = [
  ...countFacts,
  ...totalFacts,
  ...recordFacts,
  ...scoreFacts,
  ...bigNightFacts,
  ...agreementFacts,
  ...singleFacts,
];
