CREATE TABLE IF NOT EXISTS "_floodgate_preserved"."_source_digests" (source VARCHAR NOT NULL, version VARCHAR NOT NULL, engine VARCHAR NOT NULL, digests VARCHAR NOT NULL)
