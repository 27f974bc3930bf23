INSERT INTO "_floodgate_preserved"."_source_digests" SELECT $source, $version, version(), $digests
