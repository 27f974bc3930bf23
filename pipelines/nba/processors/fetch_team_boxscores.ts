// Box scores of teams: of every game that is final.
import type { CodeContext } from '@floodgate/core/app/deps.ts';
import { fetchFeeds } from './fetch/fetch-feeds.ts';

export const rows = (context: CodeContext) => fetchFeeds(context, [{ name: 'team_boxscores', expects: 'final_games' }]);
