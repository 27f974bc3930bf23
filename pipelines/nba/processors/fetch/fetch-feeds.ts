// One date of one or several feeds: asked for, held against the schedule, landed, recorded. What has fewer games than the schedule
// says were played, or nothing where something was before, is recorded and not landed: the audits block on the row, and the object of before stays what it was.
import type { CodeContext } from '@floodgate/core/app/deps.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { ask } from './ask.ts';
import { forEach } from './for-each.ts';
import { countGames, keyOf, land, needLanding, readRecord, type Landing } from './landing.ts';

export type Feed = {
  readonly name: string;
  /** Games that the answer must have: all that are final, those with box scores of players and play-by-play, or nobody knows. */
  readonly expects: 'final_games' | 'covered_games' | 'nothing';
};

const fetchOne = async (context: CodeContext, landing: Landing, { name }: Feed, date: string, expected: number | null): Promise<JsonObject> => {
  const answer = await ask(context, name, `/v1/${name}/${date}`);
  const counted = countGames(name, date, answer.text);
  const before = await readRecord(landing, name, date, context.signal);
  const isGone = counted.rows === 0 && (before?.rows ?? 0) > 0;
  const isWhole = !isGone && (expected === null || counted.games >= expected);
  const record = isWhole ? await land(landing, name, date, answer, context) : undefined;
  return {
    game_date: date,
    feed: name,
    object_key: keyOf(name, date),
    is_landed: isWhole,
    rows: counted.rows,
    announced_rows: answer.announced.rows ?? null,
    games: counted.games,
    announced_games: answer.announced.games ?? null,
    expected_games: expected,
    bytes: answer.bytes,
    sha256: answer.sha256,
    announced_sha256: answer.announced.sha256 ?? null,
    fetched_at: record?.fetchedAt ?? new Date(context.clock.now()).toISOString(),
  };
};

/** The rows of `nba_source.<feed>_manifest` for the dates of the context. */
export async function* fetchFeeds(context: CodeContext, feeds: readonly Feed[]): AsyncIterable<JsonObject> {
  const landing = needLanding(context.landing);
  const scheduled = await context.query(
    `SELECT game_date, final_games, covered_games FROM nba_source.schedule_manifest WHERE game_date BETWEEN @start_date AND @end_date`,
  );
  const byDate = new Map(scheduled.map((row) => [String(row['game_date']), row]));
  const wanted = context.dates.flatMap((date) => feeds.map((feed) => ({ date, feed })));
  yield* await forEach(wanted, context.signal, ({ date, feed }, signal) => {
    const expected = feed.expects === 'nothing' ? null : Number(byDate.get(date)?.[feed.expects] ?? 0);
    return fetchOne({ ...context, signal }, landing, feed, date, expected);
  });
}
