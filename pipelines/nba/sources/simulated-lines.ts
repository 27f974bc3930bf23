// What bookmakers offer: lines of games, and of players' points. They are made of the true expectation, so that they are
// good; but bookmakers see half of what tiredness, defences by zone and form do, hold wrong opinions of players for weeks
// and ask a little much for stars, so that they can be beaten.
import { createRandom, type Random } from './random.ts';
import { easternInstant, toTimestamp } from './days.ts';
import { expectGame, type Expectation } from './simulated-expectation.ts';
import type { GameResult } from './simulated-game.ts';
import { withoutAccents, withoutSuffix } from './simulated-names.ts';
import type { Night } from './simulated-night.ts';
import type { SimulatedPlayer } from './simulated-players.ts';
import type { OddsRow, PlayerPropRow } from './row-types.ts';
import { commonOf } from './simulated-rows.ts';
import type { Fixture } from './simulated-schedule.ts';
import type { SeasonWorld } from './simulated-season.ts';
import { createSquad, type Sight } from './simulated-squad.ts';
import { teams } from './simulated-teams.ts';

type Spelling = (name: string) => string;
const spellings: readonly Spelling[] = [(name) => name, withoutAccents, (name) => withoutSuffix(withoutAccents(name)).replaceAll('-', ' ')];
const bookmakers = [
  { name: 'draftkings', spell: spellings[1]! },
  { name: 'fanduel', spell: spellings[2]! },
  { name: 'betmgm', spell: spellings[0]! },
  { name: 'caesars', spell: spellings[1]! },
];
const propBookmakers = bookmakers.slice(0, 3);
const seenByBookmakers: Sight = { fatigue: 0.4, zones: 0.35, form: 0.5 };
const expectedRotation = 10;
const fewestMinutes = 18.2;
const daysPerOpinion = 20;

export type Snapshot = { readonly at: number; readonly home: readonly SimulatedPlayer[]; readonly away: readonly SimulatedPlayer[]; readonly name: string };
export type Lines = { readonly odds: readonly OddsRow[]; readonly props: readonly PlayerPropRow[] };

/** American odds of a probability, the bookmaker's margin added. */
const american = (probability: number): number => {
  const asked = Math.min(0.97, Math.max(0.03, probability * 1.045));
  return Math.round(asked > 0.5 ? (-100 * asked) / (1 - asked) : (100 * (1 - asked)) / asked);
};
const half = (value: number): number => Math.round(value * 2) / 2;
/** Of a value in standard deviations; within 2 % of the normal distribution's, and the same on every machine. */
const probabilityOf = (deviations: number): number => 0.5 + (0.4 * deviations) / Math.sqrt(1 + 0.62 * deviations * deviations);

const deviationOfMargin = 13.7;
const deviationOf = (points: number): number => 2.4 + 0.27 * points;
/** Points are skewed: more often than not a player stays below his mean. */
const medianOf = (points: number): number => points - 0.34 - 0.012 * points;

/** What bookmakers think of a player, as a share of his points; wrong for weeks. */
const opinionOf = ({ seed, season, startDay }: SeasonWorld, { id, talent }: SimulatedPlayer, day: number): number =>
  1 + 0.034 * createRandom(`${seed}/${season}/opinion/${id}/${Math.floor((day - startDay) / daysPerOpinion)}`).normal() + (talent > 1.7 ? 0.008 : 0);

/** Without an id a player can be told by his name alone, once he has played and if the bookmaker has not dropped a part of it. */
const canBeTold = ({ startDay }: SeasonWorld, day: number, name: string): boolean => day > startDay + 21 && withoutSuffix(name) === name;

type Offer = { readonly world: SeasonWorld; readonly fixture: Fixture; readonly nights: readonly [Night, Night]; readonly result: GameResult | undefined };

const snapshotsOf = ({ fixture, nights: [home, away] }: Offer, inGame: boolean): Snapshot[] => {
  const morning = Math.min(easternInstant(fixture.day, 10 * 60), fixture.tipOffAt - 4 * 3_600_000);
  const closing = { home: home.dressed, away: away.dressed };
  return [
    { name: 'morning', at: morning, home: home.expectedInTheMorning, away: away.expectedInTheMorning },
    { name: 'closing', at: fixture.tipOffAt - 20 * 60_000, ...closing },
    ...(inGame ? [{ name: 'in_game', at: fixture.tipOffAt + 75 * 60_000, ...closing }] : []),
  ];
};

const oddsOf = (random: Random, { fixture }: Offer, at: number, margin: number, total: number): OddsRow[] => {
  const [common, snapshotUtc] = [commonOf(fixture), toTimestamp(at)];
  return bookmakers.map(({ name }) => {
    const spread = -half(margin + 0.35 * random.normal());
    const line = half(total + 0.5 * random.normal());
    const lean = random.integer(-2, 2) * 2;
    const win = probabilityOf((margin + 0.3 * random.normal()) / deviationOfMargin);
    return {
      ...common,
      home_team: teams[fixture.home]!.code,
      away_team: teams[fixture.away]!.code,
      source: 'simulated',
      bookmaker: name,
      snapshot_utc: snapshotUtc,
      hours_to_tip: Math.round((fixture.tipOffAt - at) / 36_000) / 100,
      home_spread: spread === 0 ? 0 : spread,
      home_spread_price: -110 + lean,
      away_spread_price: -110 - lean,
      total: line,
      over_price: -110 - lean,
      under_price: -110 + lean,
      home_ml: american(win),
      away_ml: american(1 - win),
    };
  });
};

const propsOf = (random: Random, offer: Offer, { at, name }: Snapshot, expectations: readonly Expectation[]): PlayerPropRow[] => {
  const { world, fixture, result } = offer;
  const [common, snapshotUtc] = [commonOf(fixture), toTimestamp(at)];
  const lines = result === undefined ? [] : [...result.home.lines, ...result.away.lines];
  const scored = new Map(lines.map(({ player, points }) => [player, points]));
  return expectations.flatMap(({ players }) =>
    [...players].flatMap(([player, expected]) => {
      if (expected.minutes < fewestMinutes) return [];
      // One player's luck must not depend on who else is offered: late news takes players away.
      const own = createRandom(`${world.seed}/${fixture.gameId}/props/${player.id}`);
      const seen = expected.points * (opinionOf(world, player, fixture.day) + 0.02 * own.normal());
      return propBookmakers.flatMap((bookmaker) => {
        const [mistake, isOffered, isNameless] = [own.normal(), !own.chance(0.05), own.chance(0.004)];
        const nearer = name === 'in_game' ? 0.8 * (scored.get(player) ?? 0) + 0.2 * seen : seen;
        const median = medianOf(nearer * (1 + 0.012 * mistake)) + 0.05 * random.normal();
        const line = Math.max(0.5, Math.floor(median) + 0.5);
        if (!isOffered) return [];
        const over = probabilityOf((median - line) / deviationOf(nearer));
        return {
          ...common,
          home_team: teams[fixture.home]!.code,
          away_team: teams[fixture.away]!.code,
          player_id: isNameless && canBeTold(world, fixture.day, player.name) ? null : player.id,
          player_name: bookmaker.spell(player.name),
          played: result === undefined ? null : scored.has(player),
          market: 'player_points' as const,
          bookmaker: bookmaker.name,
          line,
          over_price: american(over),
          under_price: american(1 - over),
          snapshot_utc: snapshotUtc,
          source: 'simulated',
        };
      });
    }),
  );
};

/** All lines of a game: of the morning, of shortly before it begins, and if asked for of while it is played. */
export const linesOf = (offer: Offer, inGame: boolean): Lines => {
  const { world, fixture, nights, result } = offer;
  const odds: OddsRow[] = [];
  const props: PlayerPropRow[] = [];
  // Opinions of the game don't change between snapshots: what moves is who plays.
  const opinion = createRandom(`${world.seed}/${fixture.gameId}/opinion`);
  const [marginError, totalError] = [1.6 * opinion.normal(), 2.6 * opinion.normal()];
  for (const snapshot of snapshotsOf(offer, inGame)) {
    const random = createRandom(`${world.seed}/${fixture.gameId}/lines/${snapshot.name}`);
    const squad = (index: 0 | 1) =>
      createSquad(
        world,
        { night: nights[index], dressed: index === 0 ? snapshot.home : snapshot.away, regulars: expectedRotation },
        nights[index === 0 ? 1 : 0],
        seenByBookmakers,
      );
    const { home, away } = expectGame(squad(0), squad(1));
    const [margin, total] =
      snapshot.name === 'in_game' && result !== undefined
        ? [result.home.score - result.away.score, result.home.score + result.away.score]
        : [home.points - away.points + marginError, home.points + away.points - 0.7 + totalError];
    odds.push(...oddsOf(random, offer, snapshot.at, margin + 0.4 * random.normal(), total + 0.6 * random.normal()));
    props.push(...propsOf(random, offer, snapshot, [home, away]));
  }
  return { odds, props };
};
