SELECT digests FROM "_floodgate_preserved"."_source_digests" WHERE source = $source AND version = $version AND engine = version()
