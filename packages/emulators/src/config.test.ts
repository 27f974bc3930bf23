import { expect, it } from 'vitest';
import { readOptions } from './config.ts';

it('has a value for everything that is not given', () => {
  expect(readOptions([], '/home')).toEqual({
    keep: false,
    services: false,
    pipeline: 'nba',
    pipelines: undefined,
    data: undefined,
    project: 'floodgate-local',
    basePort: undefined,
    folder: undefined,
    envFile: undefined,
  });
});

it('takes folders from where the command was given, and writes the variables to a file when it stays', () => {
  expect(readOptions(['--keep', '--data', '../nba', '--dir', 'bq', '--base-port', '9000'], '/home/me')).toMatchObject({
    data: '/home/nba',
    folder: '/home/me/bq',
    basePort: 9_000,
    envFile: '/home/me/.floodgate/emulators.env',
  });
});

it('says all that is wrong at once', () => {
  expect(() => readOptions(['--services', '--project', 'P', '--base-port', '65530'], '/')).toThrow(
    /--project: .*\n--base-port: .*65529, found "65530"\n--services: /,
  );
});

it('refuses an option that it does not know', () => {
  expect(() => readOptions(['--kep'], '/')).toThrow(/--kep/);
});
