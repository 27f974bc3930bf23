DROP TABLE IF EXISTS _floodgate_staging.segment_3
