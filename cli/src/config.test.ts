import { describe, expect, it } from 'vitest';
import { readConfig, shownPath } from './config.ts';

const problemsOf = (flags: Parameters<typeof readConfig>[0], environment: Parameters<typeof readConfig>[1]): string => {
  try {
    readConfig(flags, environment, '/projects');
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('settings', () => {
  it('are the flag, else the variable, else the default', () => {
    const environment = { FLOODGATE_HOME: 'from-variable', FLOODGATE_PORT: '9000' };
    expect(readConfig({}, {}, '/projects')).toMatchObject({ home: '/projects/.floodgate', port: 8_787, logLevel: 'info', pipelineId: 'nba', graceMs: 10_000 });
    expect(readConfig({}, environment, '/projects')).toMatchObject({ home: '/projects/from-variable', port: 9_000 });
    expect(readConfig({ home: '/elsewhere', port: '0' }, environment, '/projects')).toMatchObject({ home: '/elsewhere', port: 0 });
  });

  it('take the data of the pipeline that is run, and know where it was named', () => {
    const environment = { FLOODGATE_NBA_DATA: 'nba', FLOODGATE_WEATHER_DATA: 'weather' };
    expect(readConfig({}, environment, '/projects')).toMatchObject({ dataFolder: '/projects/nba', dataFrom: 'FLOODGATE_NBA_DATA' });
    expect(readConfig({ pipeline: 'weather' }, environment, '/projects')).toMatchObject({ dataFolder: '/projects/weather' });
    expect(readConfig({ data: 'here' }, environment, '/projects')).toMatchObject({ dataFolder: '/projects/here', dataFrom: '--data' });
    expect(readConfig({}, {}, '/projects').dataFolder).toBeUndefined();
  });

  it('tell everything that is wrong with them at once', () => {
    const text = problemsOf({ logLevel: 'loud', workers: '0' }, { FLOODGATE_HOEM: 'x', FLOODGATE_PORT: '70000', FLOODGATE_SOMETHING: '1' });
    expect(text.split('\n')).toEqual([
      '5 settings are not valid:',
      '  FLOODGATE_HOEM: unknown variable; did you mean FLOODGATE_HOME?',
      expect.stringMatching(/^ {2}FLOODGATE_SOMETHING: unknown variable; known are FLOODGATE_BACKEND, FLOODGATE_HOME, /) as unknown as string,
      '  --workers: expected a whole number from 1 to 256, found "0"',
      '  FLOODGATE_PORT: expected a whole number from 0 to 65535, found "70000"',
      '  --log-level: expected one of debug, info, warn, error, found "loud"',
    ]);
  });

  it('ignore variables that are empty and those of others', () => {
    expect(problemsOf({}, { FLOODGATE_PORT: '', FLOODGATE_WHATEVER: '', PATH: '/bin', HOME: '/root' })).toBe('');
  });

  it('draw in place only where somebody looks', () => {
    const redraws = (environment: Record<string, string>, flags = {}): boolean => readConfig(flags, environment, '/projects').mayRedraw;
    expect([redraws({ TERM: 'xterm' }), redraws({ CI: 'true' }), redraws({ TERM: 'dumb' }), redraws({}, { verbose: true })]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it('follow NO_COLOR, FORCE_COLOR and the locale', () => {
    const read = (environment: Record<string, string>) => readConfig({}, environment, '/projects');
    expect([read({}).colour, read({ NO_COLOR: '1', FORCE_COLOR: '1' }).colour, read({ NO_COLOR: '' }).colour, read({ FORCE_COLOR: '1' }).colour]).toEqual([
      'auto',
      'never',
      'auto',
      'always',
    ]);
    expect([read({}).unicode, read({ LANG: 'C' }).unicode, read({ LANG: 'de_DE.UTF-8' }).unicode, read({ LANG: 'C', LC_ALL: 'en_US.utf8' }).unicode]).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });
});

describe('a path', () => {
  it('is shown as it would be typed', () => {
    expect(shownPath('/projects/.floodgate/x', '/projects')).toBe('.floodgate/x');
    expect(shownPath('/projectsshop/x', '/projects')).toBe('/projectsshop/x');
  });
});
