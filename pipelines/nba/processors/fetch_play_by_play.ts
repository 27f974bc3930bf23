// Play-by-play. Play-in games and Cup finals have none.
import type { CodeContext } from '@floodgate/core/app/deps.ts';
import { fetchFeeds } from './fetch/fetch-feeds.ts';

export const rows = (context: CodeContext) => fetchFeeds(context, [{ name: 'play_by_play', expects: 'covered_games' }]);
