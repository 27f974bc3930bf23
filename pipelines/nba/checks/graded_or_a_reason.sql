-- A prediction is graded, or says why not; what is graded adds up.
SELECT game_date AS date, universal_player_id, system_id, is_graded, not_graded_reason, actual_points, error
FROM staged
WHERE is_graded != (not_graded_reason IS NULL)
  OR not_graded_reason NOT IN ('not_played', 'no_box_score', 'did_not_play', 'under_half_a_minute', 'no_points')
  OR is_graded != (actual_points IS NOT NULL)
  OR is_graded != (error IS NOT NULL)
  OR ABS(error - (predicted_points - actual_points)) > 0.02
  OR ABS(abs_error - ABS(error)) > 0.02
  OR (recommendation_result IS NOT NULL) != (is_graded AND recommendation IN ('OVER', 'UNDER'))
  OR (recommendation_result = 'PUSH') != (recommendation IN ('OVER', 'UNDER') AND actual_points = current_points_line)
  OR (recommendation_result = 'WON' AND line_result != recommendation)
  OR (recommendation_result = 'LOST' AND line_result = recommendation)
