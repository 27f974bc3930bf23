// Gamebooks: box scores of players, and who did not play, why. Play-in games and Cup finals have none.
import type { CodeContext } from '@floodgate/core/app/deps.ts';
import { fetchFeeds } from './fetch/fetch-feeds.ts';

export const rows = (context: CodeContext) =>
  fetchFeeds(context, [
    { name: 'player_boxscores', expects: 'covered_games' },
    { name: 'player_statuses', expects: 'nothing' },
  ]);
