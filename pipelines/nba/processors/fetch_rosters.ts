// Injury reports, and the registry of players on the first date of a season. Not every server has them.
import type { CodeContext } from '@floodgate/core/app/deps.ts';
import { fetchFeeds } from './fetch/fetch-feeds.ts';

export const rows = (context: CodeContext) =>
  fetchFeeds(context, [
    { name: 'injury_reports', expects: 'nothing' },
    { name: 'players', expects: 'nothing' },
  ]);
