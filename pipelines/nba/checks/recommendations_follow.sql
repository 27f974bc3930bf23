-- A recommendation says what line and estimate say, on a line that a named book had.
SELECT game_date AS date, universal_player_id, system_id, recommendation, predicted_points, current_points_line, over_probability
FROM staged
WHERE recommendation NOT IN ('OVER', 'UNDER', 'PASS', 'NO_LINE')
  OR (recommendation = 'NO_LINE') != (current_points_line IS NULL)
  OR (recommendation = 'PASS') != (pass_reason IS NOT NULL)
  OR (recommendation = 'OVER' AND (predicted_points <= current_points_line OR over_probability < 0.55))
  OR (recommendation = 'UNDER' AND (predicted_points >= current_points_line OR over_probability > 0.45))
  OR (recommendation IN ('OVER', 'UNDER') AND NOT is_quality_ready)
  OR (current_points_line IS NOT NULL AND (line_is_timed IS NULL OR line_bookmaker IS NULL))
  OR ABS(line_margin - (predicted_points - current_points_line)) > 0.02
