// What is known about these seasons without computing it: totals and scores that anybody can look up, counts from the
// README of the data, and laws that hold in any range (players add up to their team). Each fact is a query with the rows
// it must give. The SQL stays within what GoogleSQL and DuckDB have in common, so that it runs on either backend.

export type Query = (sql: string) => Promise<readonly Record<string, unknown>[]>;

/** Names a table's rows inside the fact's dates, as a parenthesised SELECT. */
type From = (table: string) => string;

export type KnownFact = {
  readonly name: string;
  /** Dates that the tables must cover for the fact to hold; a law has none and holds in every range. */
  readonly span: { readonly first: string; readonly last: string } | 'any';
  readonly sql: (from: From) => string;
  readonly expected: readonly Readonly<Record<string, string | number | boolean>>[];
};

const schedule = 'nba_raw.nbac_schedule';
const teamBox = 'nba_raw.nbac_team_boxscore';
const playerBox = 'nba_raw.nbac_gamebook_player_stats';
const events = 'nba_raw.bigdataball_play_by_play';
const offense = 'nba_analytics.team_offense_game_summary';
const defense = 'nba_analytics.team_defense_game_summary';
const players = 'nba_analytics.player_game_summary';

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
  [playerBox, players].map(
    (table): KnownFact => ({
      name: `${player} has ${total} ${column} in ${games} regular games of ${year}, by ${table}`,
      span: spanOf(year),
      sql: (from) =>
        `SELECT COUNT(*) AS games, SUM(${column}) AS total FROM ${from(table)} AS t WHERE player_lookup = '${player}' AND season_type = 'regular'`,
      expected: [{ games, total }],
    }),
  ),
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
  ].map(
    ({ table, column }): KnownFact => ({
      name: `${team} won ${won} of 82 in the season of ${year}, by ${table}`,
      span: spanOf(year),
      sql: (from) =>
        `SELECT COUNT(*) AS games, SUM(CASE WHEN win_flag THEN 1 ELSE 0 END) AS won FROM ${from(table)} AS t
         WHERE ${column} = '${team}' AND season_type = 'regular'`,
      expected: [{ games: 82, won }],
    }),
  ),
]);

const scores = [
  { date: '2022-06-16', away: 'GSW', awayScore: 103, home: 'BOS', homeScore: 90, what: 'last Finals game' },
  { date: '2023-02-24', away: 'SAC', awayScore: 176, home: 'LAC', homeScore: 175, what: 'two overtimes' },
  { date: '2023-06-12', away: 'MIA', awayScore: 89, home: 'DEN', homeScore: 94, what: 'last Finals game' },
  { date: '2024-06-17', away: 'DAL', awayScore: 88, home: 'BOS', homeScore: 106, what: 'last Finals game' },
] as const;

const scoreFacts = scores.map(
  ({ date, away, awayScore, home, homeScore, what }): KnownFact => ({
    name: `${date} ${away} ${awayScore} at ${home} ${homeScore} (${what})`,
    span: onDay(date),
    sql: (from) =>
      `SELECT game_id, away_team_score, home_team_score, winning_team_abbr FROM ${from(schedule)} AS t WHERE home_team_abbr = '${home}'`,
    expected: [
      {
        game_id: `${date.replaceAll('-', '')}_${away}_${home}`,
        away_team_score: awayScore,
        home_team_score: homeScore,
        winning_team_abbr: awayScore > homeScore ? away : home,
      },
    ],
  }),
);

const bigNights = [
  { date: '2023-01-02', player: 'donovanmitchell', points: 71 },
  { date: '2023-02-26', player: 'damianlillard', points: 71 },
  { date: '2024-01-22', player: 'joelembiid', points: 70 },
  { date: '2024-01-26', player: 'lukadoncic', points: 73 },
] as const;

const bigNightFacts = [playerBox, players].flatMap((table) => [
  ...bigNights.map(
    ({ date, player, points }): KnownFact => ({
      name: `${player} scored ${points} on ${date}, by ${table}`,
      span: onDay(date),
      sql: (from) => `SELECT player_lookup, points FROM ${from(table)} AS t WHERE points >= 70`,
      expected: [{ player_lookup: player, points }],
    }),
  ),
  ...seasons.map(
    ({ year, span }): KnownFact => ({
      name: `nobody else scored 70 in the season of ${year}, by ${table}`,
      span,
      sql: (from) => `SELECT COUNT(*) AS n FROM ${from(table)} AS t WHERE points >= 70`,
      expected: [{ n: bigNights.filter(({ date }) => date >= span.first && date <= span.last).length }],
    }),
  ),
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
    agreements.map(
      ({ what, role, count, where, column, share }): KnownFact => ({
        name: `${what} of events and box score agree in ${share * 100} % of the player-games of ${year}`,
        span,
        sql: (from) =>
          `SELECT AVG(CASE WHEN p.${column} = COALESCE(e.told, 0) THEN 1.0 ELSE 0.0 END) >= ${share} AS agree
           FROM ${from(playerBox)} AS p
           LEFT JOIN (SELECT game_id, ${role} AS player_id, ${count} AS told FROM ${from(events)} AS t WHERE ${where} GROUP BY game_id, ${role}) AS e
             ON e.game_id = p.game_id AND e.player_id = p.universal_player_id
           WHERE p.season_type = 'regular'`,
        expected: [{ agree: true }],
      }),
    ),
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

/** A law's query gives the rows that break it. */
const law = (name: string, sql: KnownFact['sql']): KnownFact => ({ name, span: 'any', sql, expected: [] });

const laws: readonly KnownFact[] = [
  ...[teamBox, offense, defense].map((table) =>
    law(
      `every final game has two rows in ${table}, and no other game any`,
      (from) =>
        `SELECT s.game_id AS scheduled, t.game_id AS found FROM (SELECT game_id FROM ${from(schedule)} AS g WHERE game_status = 3) AS s
         FULL JOIN (SELECT game_id, COUNT(*) AS n FROM ${from(table)} AS r GROUP BY game_id) AS t ON t.game_id = s.game_id
         WHERE s.game_id IS NULL OR t.game_id IS NULL OR t.n != 2`,
    ),
  ),
  ...[playerBox, players].map((table) =>
    law(
      `players of ${table} add up to their team in every regular and playoff game`,
      (from) =>
        `SELECT b.game_id, b.team_abbr, b.points, p.points AS of_players FROM ${from(teamBox)} AS b
         LEFT JOIN (SELECT game_id, team_abbr, SUM(points) AS points, SUM(fg_attempts) AS shots, SUM(assists) AS assists
                    FROM ${from(table)} AS r GROUP BY game_id, team_abbr) AS p
           ON p.game_id = b.game_id AND p.team_abbr = b.team_abbr
         WHERE b.season_type IN ('regular', 'playoffs')
           AND (p.points IS NULL OR p.points != b.points OR p.shots != b.fg_attempts OR p.assists != b.assists)`,
    ),
  ),
  law(
    'the box score has the final score of the schedule',
    (from) =>
      `SELECT s.game_id, b.team_abbr, b.points FROM ${from(schedule)} AS s LEFT JOIN ${from(teamBox)} AS b ON b.game_id = s.game_id
       WHERE s.game_status = 3 AND (b.points IS NULL OR b.points != CASE WHEN b.is_home THEN s.home_team_score ELSE s.away_team_score END)`,
  ),
  law(
    'events add up to the final score, GSW at POR of 2024-10-23 aside',
    (from) =>
      `SELECT b.game_id, b.team_abbr, b.points, e.told FROM ${from(teamBox)} AS b
       LEFT JOIN (SELECT game_id, team_abbr, SUM(points_scored) AS told FROM ${from(events)} AS t GROUP BY game_id, team_abbr) AS e
         ON e.game_id = b.game_id AND e.team_abbr = b.team_abbr
       WHERE b.season_type IN ('regular', 'playoffs') AND NOT (b.nba_game_id = '0022400072' AND b.team_abbr = 'GSW')
         AND (e.told IS NULL OR e.told != b.points)`,
  ),
  law(
    'the last period of the events tells the overtimes that the minutes tell',
    (from) =>
      `SELECT o.game_id, o.overtime_periods, e.periods FROM ${from(offense)} AS o
       JOIN (SELECT game_id, MAX(period) AS periods FROM ${from(events)} AS t GROUP BY game_id) AS e ON e.game_id = o.game_id
       WHERE o.overtime_periods != e.periods - 4`,
  ),
  law(
    'each game has one winner, and both margins cancel out',
    (from) =>
      `SELECT game_id FROM ${from(offense)} AS t GROUP BY game_id
       HAVING SUM(CASE WHEN win_flag THEN 1 ELSE 0 END) != 1 OR SUM(margin_of_victory) != 0`,
  ),
  law(
    "the defence allowed what the opponent's offence did",
    (from) =>
      `SELECT d.game_id, d.defending_team_abbr FROM ${from(defense)} AS d
       LEFT JOIN ${from(offense)} AS o ON o.game_id = d.game_id AND o.team_abbr = d.opponent_team_abbr
       WHERE o.game_id IS NULL OR o.points_scored != d.points_allowed OR o.win_flag = d.win_flag
         OR COALESCE(o.team_paint_attempts, -1) != COALESCE(d.opp_paint_attempts, -1)
         OR COALESCE(o.team_mid_range_makes, -1) != COALESCE(d.opp_mid_range_makes, -1)
         OR ABS(o.offensive_rating - d.defensive_rating) > 0.000001 OR ABS(o.pace - d.opponent_pace) > 0.000001`,
  ),
  law(
    'zones exist exactly where events do, and made shots add up over them',
    (from) =>
      `SELECT game_id, team_abbr FROM ${from(offense)} AS t
       WHERE (season_type IN ('regular', 'playoffs')) != (team_paint_attempts IS NOT NULL)
         OR team_paint_makes + team_mid_range_makes + three_pt_makes != fg_makes
         OR ABS(team_paint_attempts + team_mid_range_attempts + three_pt_attempts - fg_attempts) > 2`,
  ),
  law(
    'each team starts five players',
    (from) =>
      `SELECT game_id, team_abbr FROM ${from(players)} AS t GROUP BY game_id, team_abbr
       HAVING SUM(CASE WHEN starter_flag THEN 1 ELSE 0 END) != 5`,
  ),
  law(
    'a player wins with his team',
    (from) =>
      `SELECT p.game_id, p.player_lookup FROM ${from(players)} AS p
       LEFT JOIN ${from(offense)} AS o ON o.game_id = p.game_id AND o.team_abbr = p.team_abbr
       WHERE o.game_id IS NULL OR p.win_flag != o.win_flag`,
  ),
  law(
    'usage is absent at no minutes, and within 0 and 100 where it is not',
    (from) =>
      `SELECT game_id, player_lookup, minutes_played, usage_rate FROM ${from(players)} AS t
       WHERE usage_rate < 0 OR usage_rate > 100 OR (minutes_played = 0 AND usage_rate IS NOT NULL)
         OR (minutes_played >= 5 AND usage_rate IS NULL)`,
  ),
  law(
    'an identity has one lookup, however the league spells the name',
    (from) => `SELECT universal_player_id FROM ${from(players)} AS t GROUP BY universal_player_id HAVING COUNT(DISTINCT player_lookup) != 1`,
  ),
];

export const knownFacts: readonly KnownFact[] = [
  ...countFacts,
  ...totalFacts,
  ...recordFacts,
  ...scoreFacts,
  ...bigNightFacts,
  ...agreementFacts,
  ...singleFacts,
  ...laws,
];

// Drivers give integers as numbers, bigints or texts; their text is the same.
const canonical = (rows: readonly Record<string, unknown>[]): readonly string[] =>
  rows.map((row) => JSON.stringify(Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)]))));

export type FactCheck = { readonly checked: readonly string[]; readonly violations: readonly string[] };

/**
 * Checks all facts that lie within the range. `nameTable` says where a table stands, e.g. another dataset; by default
 * under its own name. Facts that the range cuts are not among `checked`.
 */
export const checkKnownFacts = async (
  query: Query,
  range: { readonly first: string; readonly last: string },
  nameTable: (table: string) => string = (table) => table,
): Promise<FactCheck> => {
  const checked: string[] = [];
  const violations: string[] = [];
  for (const { name, span, sql, expected } of knownFacts) {
    const dates = span === 'any' ? range : span;
    if (dates.first < range.first || dates.last > range.last) continue;
    const found = canonical(
      await query(sql((table) => `(SELECT * FROM ${nameTable(table)} WHERE game_date BETWEEN DATE '${dates.first}' AND DATE '${dates.last}')`)),
    );
    checked.push(name);
    const wanted = canonical(expected);
    if (found.length === wanted.length && found.every((row, index) => row === wanted[index])) continue;
    violations.push(`${name}: expected ${wanted.join(' ') || 'no rows'}, found ${found.length} rows: ${found.slice(0, 3).join(' ')}`);
  }
  return { checked, violations };
};
