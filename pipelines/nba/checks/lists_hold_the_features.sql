-- The two lists are as long as each other and as the number of features that are there.
SELECT game_date AS date, universal_player_id, feature_count, ARRAY_LENGTH(features) AS features, ARRAY_LENGTH(feature_names) AS names
FROM staged
WHERE ARRAY_LENGTH(features) != feature_count
  OR ARRAY_LENGTH(feature_names) != feature_count
  OR feature_count + missing_feature_count != 37
  OR ARRAY_LENGTH(contributing_game_dates) != games_found
