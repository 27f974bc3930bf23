// Lines of players. Nobody knows beforehand who has one.
import type { CodeContext } from '@floodgate/core/app/deps.ts';
import { fetchFeeds } from './fetch/fetch-feeds.ts';

export const rows = (context: CodeContext) => fetchFeeds(context, [{ name: 'player_props', expects: 'nothing' }]);
