// Lines of games. Nobody knows beforehand which bookmaker has which game.
import type { CodeContext } from '@floodgate/core/app/deps.ts';
import { fetchFeeds } from './fetch/fetch-feeds.ts';

export const rows = (context: CodeContext) => fetchFeeds(context, [{ name: 'odds', expects: 'nothing' }]);
