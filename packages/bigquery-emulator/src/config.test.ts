import { describe, expect, it } from 'vitest';
import { readOptions } from './config.ts';

describe('the arguments', () => {
  it('have defaults', () => {
    expect(readOptions([], {})).toEqual({ port: 9050, limits: true });
    expect(readOptions(['--port', '0', '--dir', 'd', '--slots', '2', '--no-limits', '--host', '::1'], { STORAGE_EMULATOR_HOST: 'localhost:4443' })).toEqual({
      port: 0,
      folder: 'd',
      slots: 2,
      limits: false,
      host: '::1',
      storageHost: 'localhost:4443',
    });
  });

  it('that are wrong are all named', () => {
    expect(readOptions(['--port', 'x', '--slots', '0'], {})).toEqual({
      problems: ['--port: x is no number from 0 to 65535', '--slots: at least one is needed'],
    });
    expect(readOptions(['--prot', '1'], {})).toEqual({ problems: [expect.stringContaining('--prot')] });
  });
});
