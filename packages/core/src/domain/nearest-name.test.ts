import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearestName } from './nearest-name.ts';

const known = ['games', 'team_offense', 'player_game_summary', 'pbp'];

test.each([
  ['gmaes', 'games'],
  ['Games', 'games'],
  ['game', 'games'],
  ['team_ofense', 'team_offense'],
  ['playergamesummary', 'player_game_summary'],
  ['pbb', 'pbp'],
])('for %s, %s was meant', (name, meant) => expect(nearestName(name, known)).toBe(meant));

test.each(['', 'x', 'weather', 'ga', 'team_defence_summary'])('for "%s" nothing is near enough to be worth saying', (name) => {
  expect(nearestName(name, known)).toBeUndefined();
});

test.each([
  ['nba.games', ['nba_raw.games', 'nba_raw.teams'], 'nba_raw.games'],
  ['form.sql', ['checks/teams.sql', 'processors/form.sql'], 'processors/form.sql'],
  ['parition_column', ['partition_column', 'description'], 'partition_column'],
  ['hodl', ['hold'], 'hold'],
])('%s is a slip of one of %j, the right name in the wrong place too', (name, names, meant) => expect(nearestName(name, names)).toBe(meant));

test.each([
  ['d', ['a']],
  ['calendar.sql', ['processors/form.sql']],
])('for %s, none of %j was meant', (name, names) => expect(nearestName(name, names)).toBeUndefined());

test('of nothing, nothing is near', () => expect(nearestName('games', [])).toBeUndefined());

test('a name with one slip in six letters or more is always found again', () => {
  const letters = fc.stringMatching(/^[a-z_]{6,20}$/);
  fc.assert(
    fc.property(letters, fc.nat(), fc.constantFrom('drop', 'double', 'swap'), (name, anywhere, slip) => {
      const at = anywhere % (name.length - 1);
      const [first, second] = [name.charAt(at), name.charAt(at + 1)];
      const changed = { drop: second, double: first + first + second, swap: second + first }[slip];
      expect(nearestName(name.slice(0, at) + changed + name.slice(at + 2), [name])).toBe(name);
    }),
  );
});
