// With --source-url: the schedule is fetched before anything is planned, since the calendar is made of it, and the phase that
// fetches the rest belongs to every request that doesn't say otherwise.
import { createSurroundings } from '@floodgate/core/app/code-surroundings.ts';
import type { BackfillRequest } from '@floodgate/core/contracts/request.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { ObjectStore } from '@floodgate/core/ports/object-store.ts';
import { listSeasons, refreshSchedule, seasonsOf } from '@floodgate/pipeline-nba/processors/fetch/schedule.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import { loadPipeline } from './pipeline-files.ts';
import type { Session } from './session.ts';

/** First and last date that a request names; undefined: the whole calendar. */
const spanOf = ({ range, dates }: BackfillRequest): readonly [first: string, last: string] | undefined => {
  const ranges = range === undefined ? [] : [range].flat();
  const named = [...ranges.flatMap(({ start, end }) => [start, end]), ...(dates ?? [])].sort();
  const [first, last] = [named[0], named.at(-1)];
  return first === undefined || last === undefined ? undefined : [first, last];
};

/** The request with all phases, that of the sources too, where it names none and the files are to be fetched. */
export const withSources = async (session: Session, request: BackfillRequest): Promise<BackfillRequest> => {
  if (session.config.fetching.sourceUrl === undefined || request.phases !== undefined || request.processors !== undefined) return request;
  const { phases } = await loadPipeline(session);
  return { ...request, phases: phases.map(({ number }) => number) };
};

/** Throws what fetching throws: a schedule that can't be read is an error, never "no games". */
export const refreshSources = async (session: Session, landing: ObjectStore, request: BackfillRequest | undefined): Promise<void> => {
  const { config, print, clock, log, interrupted } = session;
  const { settings, sourceUrl } = config.fetching;
  if (config.pipelineId !== 'nba') {
    throw new FloodgateError('usage', `--source-url: pipeline ${config.pipelineId} fetches nothing`, { hint: 'name the folder of its files with --data' });
  }
  const { shared } = createSurroundings({});
  const asker = { settings, shared, clock, random: () => systemIds.random(), logger: log, signal: interrupted };
  const span = request === undefined ? undefined : spanOf(request);
  const listed = await listSeasons(asker);
  // Windows reach back, and a calendar that begins with the range would hide what they lack.
  const asked = span === undefined ? listed : seasonsOf(...span);
  const seasons = [...listed.filter((season) => season < (asked[0] ?? '')), ...asked];
  const refreshed = await refreshSchedule(asker, landing, seasons);
  const sum = (key: 'games' | 'dates' | 'changed'): string => refreshed.reduce((total, each) => total + each[key], 0).toLocaleString('en-US');
  const names = seasons.length > 2 ? `${seasons[0] ?? ''} to ${seasons.at(-1) ?? ''}` : seasons.join(' and ');
  print.note(`Schedule of ${names} from ${sourceUrl ?? ''}: ${sum('games')} games on ${sum('dates')} dates, ${sum('changed')} of them new or changed`);
};
