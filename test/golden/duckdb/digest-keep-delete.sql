DELETE FROM "_floodgate_preserved"."_source_digests" WHERE source = $source
