CREATE TABLE IF NOT EXISTS `nba`.`_floodgate_commits_team_games` (
  `date` DATE,
  generation INT64 NOT NULL,
  content_hash STRING NOT NULL,
  `rows` INT64 NOT NULL,
  backfill_id STRING NOT NULL,
  committed_at TIMESTAMP NOT NULL,
  outcome STRING NOT NULL
)
OPTIONS (description = 'What Floodgate has committed, one row a date; the row without a date is the fence of its lane', labels = [('floodgate', 'commit_log')])
AS SELECT CAST(NULL AS DATE), 0, '', 0, '', TIMESTAMP '1970-01-01 00:00:00+00', 'fence'
