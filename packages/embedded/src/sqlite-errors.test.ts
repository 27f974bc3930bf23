import { expect, it } from 'vitest';
import { StoreError } from '@floodgate/core/ports/status-store.ts';
import { fromSqliteError, isSqliteBusy } from './sqlite-errors.ts';

const sqliteError = (errcode: number): Error => Object.assign(new Error('detail'), { code: 'ERR_SQLITE_ERROR', errcode });

it.each([
  [5, 'unavailable', true],
  [261, 'unavailable', true],
  [517, 'unavailable', true],
  [6, 'unavailable', true],
  [8, 'unavailable', false],
  [10, 'unavailable', false],
  [778, 'unavailable', false],
  [11, 'invalid', false],
  [267, 'invalid', false],
  [13, 'disk_full', false],
  [14, 'unavailable', false],
  [26, 'invalid', false],
  [1, 'unavailable', false],
] as const)('SQLite %i is %s (busy: %s)', (errcode, code, busy) => {
  const error = sqliteError(errcode);
  const mapped = fromSqliteError(error, '/home/floodgate.db');
  expect(mapped).toBeInstanceOf(StoreError);
  expect(mapped).toMatchObject({ code, cause: error, message: expect.stringContaining('/home/floodgate.db') });
  expect(isSqliteBusy(error)).toBe(busy);
});

it('leaves other errors as they are', () => {
  for (const error of [new Error('other'), new StoreError('already_exists', 'x'), 'text', undefined]) {
    expect(fromSqliteError(error, 'f')).toBe(error);
    expect(isSqliteBusy(error)).toBe(false);
  }
});
