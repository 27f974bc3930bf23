// The commit log of a target and its fence row, made by one statement: two inserts of a fence at once would not conflict on
// BigQuery and leave two, whereas of two CREATE TABLE IF NOT EXISTS one makes the table and its row, the other nothing.
import { commitLogName, quoteTable } from './names.ts';

/** The fence is the log's one row without a date; its generation is the lane's epoch. */
export const createCommitLog = (table: string): string => `CREATE TABLE IF NOT EXISTS ${quoteTable(commitLogName(table))} (
  \`date\` DATE,
  generation INT64 NOT NULL,
  content_hash STRING NOT NULL,
  \`rows\` INT64 NOT NULL,
  backfill_id STRING NOT NULL,
  committed_at TIMESTAMP NOT NULL,
  outcome STRING NOT NULL
)
OPTIONS (description = 'What Floodgate has committed, one row a date; the row without a date is the fence of its lane', labels = [('floodgate', 'commit_log')])
AS SELECT CAST(NULL AS DATE), 0, '', 0, '', TIMESTAMP '1970-01-01 00:00:00+00', 'fence'`;
