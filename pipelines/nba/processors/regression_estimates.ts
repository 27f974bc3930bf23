// The learned system: a ridge regression of a player's points on features of ml_feature_store_v2. Each month has one model, fitted
// on the 12 calendar months before it and on nothing later: no row of the month itself, and so none of the date or after it, is
// in it. The warehouse adds up products of features by month; what comes here is one small row a month.
import type { CodeFunction } from '@floodgate/core/app/deps.ts';
import { addMoments, fitRidge, predict, type Model, type Moments } from './ridge-regression.ts';

/** Those that nearly every row with a history has. No betting lines: the model stands beside the market, not on it. */
export const regressionFeatures = [
  'f_points_avg_last_5',
  'f_points_avg_last_10',
  'f_points_avg_season',
  'f_points_std_last_10',
  'f_minutes_avg_last_10',
  'f_usage_rate_last_10',
  'f_points_per_minute_last_10',
  'f_games_in_last_7_days',
  'f_back_to_back',
  'f_home_game',
  'f_shot_zone_mismatch_score',
  'f_pace_score',
  'f_opponent_strength_score',
  'f_team_off_rating_last_10',
  'f_three_pt_rate_last_10',
] as const;

/** With fewer rows there is no model: about 20 dates. */
const minimumRows = 2000;
/** In rows, on standardized features: it keeps the three averages, which say nearly the same, from growing against each other. */
const penalty = 50;
const months = 12;

const values = [...regressionFeatures, 'points'];

const selectMoments = `
SELECT
  FORMAT_DATE('%Y-%m', month_start) AS month,
  COUNT(*) AS row_count,
  ${values.map((name, i) => `SUM(${name}) AS s_${i}`).join(',\n  ')},
  ${values.flatMap((name, i) => values.slice(0, i + 1).map((other, j) => `SUM(${name} * ${other}) AS p_${i}_${j}`)).join(',\n  ')}
FROM (
  SELECT DATE_TRUNC(f.game_date, MONTH) AS month_start, CAST(p.points AS FLOAT64) AS points, ${regressionFeatures.map((name) => `f.${name}`).join(', ')}
  FROM nba_predictions.ml_feature_store_v2 AS f
  JOIN nba_analytics.player_game_summary AS p
    ON p.game_date = f.game_date AND p.universal_player_id = f.universal_player_id
  WHERE f.game_date BETWEEN DATE_SUB(DATE_TRUNC(@start_date, MONTH), INTERVAL ${months} MONTH) AND DATE_SUB(DATE_TRUNC(@end_date, MONTH), INTERVAL 1 DAY)
    AND p.game_date BETWEEN DATE_SUB(DATE_TRUNC(@start_date, MONTH), INTERVAL ${months} MONTH) AND DATE_SUB(DATE_TRUNC(@end_date, MONTH), INTERVAL 1 DAY)
    AND p.minutes_played > 0
    AND p.points IS NOT NULL
    ${regressionFeatures.map((name) => `AND f.${name} IS NOT NULL`).join('\n    ')}
) AS x
GROUP BY month_start`;

const selectFeatures = `
SELECT game_date, game_id, season_year, season_type, universal_player_id, player_lookup, team_abbr, opponent_team_abbr, ${regressionFeatures.join(', ')}
FROM nba_predictions.ml_feature_store_v2
WHERE game_date BETWEEN @start_date AND @end_date`;

/** `2024-01` less 12 is `2023-01`. */
export const monthBefore = (month: string, count: number): string => {
  const index = Number(month.slice(0, 4)) * 12 + Number(month.slice(5, 7)) - 1 - count;
  return `${Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, '0')}`;
};

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000;

export const rows: CodeFunction = async function* ({ dates, query }) {
  const byMonth = new Map<string, Moments>();
  for (const row of await query(selectMoments)) {
    byMonth.set(String(row['month']), {
      rows: Number(row['row_count']),
      sums: values.map((_, i) => Number(row[`s_${i}`])),
      products: values.map((_, i) => Array.from({ length: i + 1 }, (_unused, j) => Number(row[`p_${i}_${j}`]))),
    });
  }
  const models = new Map<string, Model | undefined>();
  const modelOf = (month: string): Model | undefined => {
    if (!models.has(month)) {
      // Oldest first, whatever the order in which they came: sums of doubles depend on it.
      const before = Array.from({ length: months }, (_, i) => byMonth.get(monthBefore(month, months - i)));
      const moments = addMoments(before.filter((part) => part !== undefined));
      models.set(month, moments !== undefined && moments.rows >= minimumRows ? fitRidge(moments, penalty) : undefined);
    }
    return models.get(month);
  };
  const wanted = new Set<string>(dates);
  for (const row of await query(selectFeatures)) {
    const date = String(row['game_date']);
    if (!wanted.has(date)) continue;
    const model = modelOf(date.slice(0, 7));
    const known = regressionFeatures.map((name) => row[name]).filter((value) => value !== null && value !== undefined);
    const isComplete = known.length === regressionFeatures.length;
    yield {
      game_date: date,
      game_id: row['game_id'] ?? null,
      season_year: row['season_year'] ?? null,
      season_type: row['season_type'] ?? null,
      universal_player_id: row['universal_player_id'] ?? null,
      player_lookup: row['player_lookup'] ?? null,
      team_abbr: row['team_abbr'] ?? null,
      opponent_team_abbr: row['opponent_team_abbr'] ?? null,
      regression_points: model !== undefined && isComplete ? rounded(Math.max(0, predict(model, known.map(Number)))) : null,
      training_first_month: model === undefined ? null : monthBefore(date.slice(0, 7), months),
      training_last_month: model === undefined ? null : monthBefore(date.slice(0, 7), 1),
      training_rows: model?.rows ?? null,
      training_rmse: model === undefined ? null : rounded(model.rmse),
    };
  }
};
