-- Blocks by zone come from the play-by-play, all blocks from the box score: they were 3 apart on the worst real date. Of
-- one zone nothing can be said: a night without a blocked 3-pointer is real.
SELECT game_date AS date, SUM(blocks) AS all_blocks, SUM(paint_blocks + mid_range_blocks + three_pt_blocks) AS blocks_by_zone
FROM staged
WHERE is_active
GROUP BY game_date
HAVING ABS(SUM(paint_blocks + mid_range_blocks + three_pt_blocks) - SUM(IF(paint_blocks IS NULL, 0, blocks))) > GREATEST(3, 0.04 * SUM(blocks))
