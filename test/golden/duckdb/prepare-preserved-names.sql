CREATE TABLE IF NOT EXISTS "_floodgate_preserved"."_names" (target VARCHAR NOT NULL, staging VARCHAR NOT NULL, "date" DATE NOT NULL)
