import { describe, expect, it } from 'vitest';
import { oneOf, readSettings, wholeNumber, type ReadOptions } from './read-settings.ts';

const table = {
  port: { flag: 'port', variable: 'FLOODGATE_PORT', schema: wholeNumber(1, 100), initial: 8 },
  longName: { flag: 'longName', variable: 'FLOODGATE_LONG_NAME', schema: oneOf(['short', 'long']), initial: 'short' },
  project: { variable: 'FLOODGATE_PROJECT', otherwise: 'OTHERS_PROJECT', schema: oneOf(['mine', 'theirs']) },
  limit: { variable: 'FLOODGATE_LIMIT', schema: wholeNumber(0, 9), initial: undefined },
} as const;

const problemsOf = (options: ReadOptions<typeof table>): readonly string[] => {
  try {
    readSettings(table, options);
    return [];
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_settings' });
    return (error as Error).message.split('\n').map((line) => line.trim());
  }
};

describe('settings', () => {
  it('are the flag, else the variable, else another’s variable, else the default', () => {
    const environment = { FLOODGATE_PORT: '9', FLOODGATE_PROJECT: 'mine', OTHERS_PROJECT: 'theirs' };
    expect(readSettings(table, { environment, flags: { port: '10' } })).toEqual({ port: 10, longName: 'short', project: 'mine', limit: undefined });
    expect(readSettings(table, { environment, flags: {} })).toMatchObject({ port: 9, project: 'mine' });
    expect(readSettings(table, { environment: { OTHERS_PROJECT: 'theirs', FLOODGATE_LIMIT: '0' } })).toMatchObject({ port: 8, project: 'theirs', limit: 0 });
  });

  it('tell everything that is wrong with them at once, where it was given', () => {
    expect(problemsOf({ environment: { FLOODGATE_PORT: '0', FLOODGATE_PROT: '1', OTHERS_PROJECT: 'nobody’s' }, flags: { longName: 'tall' } })).toEqual([
      '4 settings are not valid:',
      'FLOODGATE_PROT: unknown variable; did you mean FLOODGATE_PORT?',
      'FLOODGATE_PORT: expected a whole number from 1 to 100, found "0"',
      '--long-name: expected one of short, long, found "tall"',
      'OTHERS_PROJECT: expected one of mine, theirs, found "nobody’s"',
    ]);
  });

  it('that must be given and are not are named, with all their names', () => {
    expect(problemsOf({ environment: { FLOODGATE_PROJECT: '', OTHERS_PROJECT: '' } })).toEqual(['FLOODGATE_PROJECT or OTHERS_PROJECT: not set']);
  });

  it('are checked together once each of them is right', () => {
    const check = ({ port, limit }: { readonly port: number; readonly limit: number | undefined }) => (port > (limit ?? 0) ? ['port: beyond the limit'] : []);
    const environment = { FLOODGATE_PROJECT: 'mine' };
    expect(problemsOf({ environment, check })).toEqual(['port: beyond the limit']);
    expect(problemsOf({ environment: { ...environment, FLOODGATE_LIMIT: '8' }, check })).toEqual([]);
    expect(problemsOf({ environment: { ...environment, FLOODGATE_PORT: 'x' }, check })).toEqual([
      'FLOODGATE_PORT: expected a whole number from 1 to 100, found "x"',
    ]);
  });

  it('leave variables alone that are read elsewhere, and list them among those that are known', () => {
    const environment = { FLOODGATE_PROJECT: 'mine', FLOODGATE_NBA_DATA: 'x', FLOODGATE_ZZZZZZZZZZ: 'y' };
    const [problem] = problemsOf({ environment, alsoKnown: ['FLOODGATE_<PIPELINE>_DATA'], isKnown: (name) => name.endsWith('_DATA') });
    expect(problem).toBe(
      'FLOODGATE_ZZZZZZZZZZ: unknown variable; known are FLOODGATE_PORT, FLOODGATE_LONG_NAME, FLOODGATE_PROJECT, OTHERS_PROJECT, FLOODGATE_LIMIT, FLOODGATE_<PIPELINE>_DATA',
    );
  });
});
