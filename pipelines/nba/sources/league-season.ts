// One season of the league: its fixtures, regular ones and those that follow from results, and its games, each of which is
// played when it is asked for. Of games that were played only scores are kept, and a few whole ones for who asks again.
import { createRandom } from './random.ts';
import { playGame, type GameResult } from './simulated-game.ts';
import { plantIncidents, type Incident, type PlantedIncident } from './simulated-incidents.ts';
import { createNight, type Calendar, type Night } from './simulated-night.ts';
import { createPostseason } from './simulated-postseason.ts';
import { createSchedule, finalAt, type Fixture } from './simulated-schedule.ts';
import type { Score } from './simulated-rows.ts';
import { createSeason, type SeasonOptions, type SeasonWorld } from './simulated-season.ts';
import { createSquad, wholeTruth, type Squad } from './simulated-squad.ts';
import { teams } from './simulated-teams.ts';

export type Played = { readonly result: GameResult; readonly nights: readonly [Night, Night] };

export type LeagueSeason = {
  readonly world: SeasonWorld;
  readonly regular: readonly Fixture[];
  readonly planted: readonly PlantedIncident[];
  /** Play-in and play-offs; all games of the regular season are played to find them. */
  readonly postseason: () => readonly Fixture[];
  /** Nothing of the postseason is known before. */
  readonly regularEndsAt: number;
  readonly nightsOf: (fixture: Fixture) => readonly [Night, Night];
  /** What is to be expected of both sides, without the luck of the night. */
  readonly squadsOf: (nights: readonly [Night, Night]) => readonly [Squad, Squad];
  readonly play: (fixture: Fixture) => Played;
  readonly scoreOf: (fixture: Fixture) => Score;
};

const gamesKept = 32;

export const createLeagueSeason = (seed: string, options: SeasonOptions, incidents: readonly Incident[]): LeagueSeason => {
  const world = createSeason(seed, options);
  const { season, startDay, gamesPerTeam } = world;
  const schedule = createSchedule(createRandom(`${seed}/${season}/schedule`), { season, startDay, gamesPerTeam });
  const { fixtures: regular, planted } = plantIncidents(world, schedule, incidents);
  const days: number[][] = teams.map(() => []);
  const note = ({ home, away, day }: Fixture): void => {
    for (const team of [home, away]) days[team]!.push(day);
  };
  for (const fixture of regular) note(fixture);
  const calendar: Calendar = { daysOf: (team) => days[team]! };
  const scores = new Map<string, Score>();
  const kept = new Map<string, Played>();

  const nightsOf = (fixture: Fixture): readonly [Night, Night] => [createNight(world, fixture, true, calendar), createNight(world, fixture, false, calendar)];
  const squadsOf = ([home, away]: readonly [Night, Night], lucky?: ReturnType<typeof createRandom>): readonly [Squad, Squad] => [
    createSquad(world, { night: home, dressed: home.dressed, regulars: home.rotation }, away, wholeTruth, lucky),
    createSquad(world, { night: away, dressed: away.dressed, regulars: away.rotation }, home, wholeTruth, lucky),
  ];
  const play = (fixture: Fixture): Played => {
    const known = kept.get(fixture.gameId);
    if (known !== undefined) return known;
    const nights = nightsOf(fixture);
    const random = createRandom(`${seed}/${fixture.gameId}`);
    const [home, away] = squadsOf(nights, random);
    const played = { nights, result: playGame(random, home, away) };
    scores.set(fixture.gameId, { home: played.result.home.score, away: played.result.away.score });
    kept.set(fixture.gameId, played);
    if (kept.size > gamesKept) kept.delete(kept.keys().next().value!);
    return played;
  };
  const scoreOf = (fixture: Fixture): Score => {
    if (!scores.has(fixture.gameId)) play(fixture);
    return scores.get(fixture.gameId)!;
  };

  let postseason: readonly Fixture[] | undefined;
  return {
    world,
    regular,
    planted,
    regularEndsAt: Math.max(...regular.map(finalAt)),
    postseason: () => {
      if (options.playIn !== true && options.playoffs !== true) return [];
      postseason ??= createPostseason({
        season,
        regular,
        playIn: options.playIn === true,
        playoffs: options.playoffs === true,
        homeWins: (fixture) => {
          // A team's later games must know of this one: when it was, and who is tired.
          if (fixture.seasonType !== 'regular') note(fixture);
          const { home, away } = scoreOf(fixture);
          return home > away;
        },
      });
      return postseason;
    },
    nightsOf,
    squadsOf: (nights) => squadsOf(nights),
    play,
    scoreOf,
  };
};
