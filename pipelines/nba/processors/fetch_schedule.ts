// The schedule of a date as it lies in the landing: it was fetched before anything was planned (see fetch/schedule.ts), and here it
// is recorded. How many games are final is what the other feeds are held against.
import type { CodeContext } from '@floodgate/core/app/deps.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { needLanding, readRecord } from './fetch/landing.ts';

export async function* rows(context: CodeContext): AsyncIterable<JsonObject> {
  const landing = needLanding(context.landing);
  const counted = await context.query(`
    SELECT
      game_date,
      COUNT(*) AS games,
      COUNTIF(home_score IS NOT NULL AND away_score IS NOT NULL) AS final_games,
      COUNTIF(home_score IS NOT NULL AND away_score IS NOT NULL AND season_type IN ('regular', 'playoffs')) AS covered_games
    FROM source.games
    WHERE game_date BETWEEN @start_date AND @end_date
    GROUP BY game_date`);
  const byDate = new Map(counted.map((row) => [String(row['game_date']), row]));
  for (const date of context.dates) {
    const record = await readRecord(landing, 'games', date, context.signal);
    if (record === undefined)
      throw new FloodgateError('source_missing', `schedule ${date}: it was not fetched`, {
        hint: 'npx floodgate backfill --source-url <url> fetches it first',
      });
    const { games = 0, final_games = 0, covered_games = 0 } = byDate.get(date) ?? {};
    yield {
      game_date: date,
      feed: 'schedule',
      object_key: record.key,
      rows: record.rows,
      games,
      final_games,
      covered_games,
      bytes: record.bytes,
      sha256: record.sha256,
      fetched_at: record.fetchedAt,
    };
  }
}
