import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StoreError, storeErrorCodes } from '../ports/status-store.ts';
import { WarehouseError, warehouseErrorCodes } from '../ports/warehouse.ts';
import { FloodgateError } from './errors.ts';
import { backoffMs, classifyCode, decideAfterFailure, errorClasses, toFailure, type ErrorClass, type Failure, type TaskErrorCode } from './failure.ts';

const expectedClasses: Readonly<Record<TaskErrorCode, ErrorClass>> = {
  invalid_sql: 'permanent',
  contract_broken: 'permanent',
  schema_mismatch: 'permanent',
  source_missing: 'permanent',
  source_unreadable: 'permanent',
  source_mismatch: 'permanent',
  invalid: 'permanent',
  quarantine_rejected: 'permanent',
  attempts_exhausted: 'permanent',
  data_error: 'data',
  out_of_memory: 'data',
  timeout: 'transient',
  deadline_exceeded: 'transient',
  unavailable: 'transient',
  rate_limited: 'rate_limited',
  quota_exceeded: 'rate_limited',
  cost_limit_exceeded: 'permanent',
  permission_denied: 'permanent',
  location_mismatch: 'permanent',
  streaming_buffer: 'transient',
  transaction_conflict: 'conflict',
  lane_fenced: 'conflict',
  conflict: 'conflict',
  already_exists: 'conflict',
  staging_missing: 'not_ready',
  cancelled: 'not_ready',
  shutdown: 'not_ready',
  code_version_mismatch: 'not_ready',
  upstream_not_ready: 'not_ready',
  inputs_changed: 'not_ready',
  disk_full: 'halt',
  no_source_url: 'permanent',
  source_blocked: 'permanent',
  source_refused: 'data',
  source_unavailable: 'data',
  source_incomplete: 'data',
  processor_error: 'unknown',
  unknown: 'unknown',
};

test.each(Object.entries(expectedClasses))('%s is %s', (code, expected) => expect(classifyCode(code)).toBe(expected));

test('every code of the warehouse and of the store is in the table above', () => {
  for (const code of [...warehouseErrorCodes, ...storeErrorCodes]) expect(Object.keys(expectedClasses)).toContain(code);
});

test('a code that nobody knows is unknown, names of inherited properties too', () => {
  for (const code of ['', 'ECONNRESET', 'toString', '__proto__', 'constructor']) expect(classifyCode(code)).toBe('unknown');
});

describe('a thrown value becomes a failure', () => {
  test('by its code where it is one of ours, its hint included', () => {
    expect(toFailure(new WarehouseError('rate_limited', 'slow down'))).toEqual({ code: 'rate_limited', class: 'rate_limited', message: 'slow down' });
    expect(toFailure(new StoreError('conflict', 'contended'))).toEqual({ code: 'conflict', class: 'conflict', message: 'contended' });
    expect(toFailure(new FloodgateError('disk_full', 'no space', { hint: 'free some' }))).toEqual({
      code: 'disk_full',
      class: 'halt',
      message: 'no space',
      hint: 'free some',
    });
  });
  test('as unknown otherwise, with what it says of itself', () => {
    expect(toFailure(new TypeError('x is not a function'))).toEqual({ code: 'unknown', class: 'unknown', message: 'TypeError: x is not a function' });
    expect(toFailure('stopped')).toEqual({ code: 'unknown', class: 'unknown', message: 'stopped' });
    expect(toFailure(undefined)).toEqual({ code: 'unknown', class: 'unknown', message: 'undefined' });
  });
});

const failureOf = (errorClass: ErrorClass): Failure => ({ code: errorClass, class: errorClass, message: 'x' });
const retry = { maxAttempts: 4, baseMs: 1_000, maxMs: 10_000 };
const decide = (
  errorClass: ErrorClass,
  overrides: { readonly attempt?: number; readonly span?: number; readonly random?: number; readonly retry?: typeof retry } = {},
) => decideAfterFailure({ failure: failureOf(errorClass), attempt: 1, span: 1, retry, random: 0.5, ...overrides });
const arbitraryRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('what becomes of the task', () => {
  test('a permanent error fails at once, with its cause', () => {
    expect(decide('permanent', { span: 8 })).toEqual({ next: 'failed', failure: failureOf('permanent') });
  });
  test('an error of the data halves the span, charging no attempt, and fails the date that stands alone', () => {
    expect(decide('data', { span: 9, attempt: 4 })).toEqual({ next: 'waiting', chargeAttempt: false, delayMs: 0, spanLimit: 5 });
    expect(decide('data')).toEqual({ next: 'failed', failure: failureOf('data') });
  });
  test.each(['transient', 'rate_limited'] as const)('a %s error is tried again as often as the policy says', (errorClass) => {
    expect(decide(errorClass, { attempt: 3 })).toEqual({ next: 'waiting', chargeAttempt: true, delayMs: 2_000 });
    expect(decide(errorClass, { attempt: 4 })).toEqual({ next: 'failed', failure: failureOf(errorClass) });
  });
  test('an unknown error is tried once more, or less where the policy says so', () => {
    expect(decide('unknown', { attempt: 1 })).toEqual({ next: 'waiting', chargeAttempt: true, delayMs: 500 });
    expect(decide('unknown', { attempt: 2 }).next).toBe('failed');
    expect(decide('unknown', { attempt: 1, retry: { ...retry, maxAttempts: 1 } }).next).toBe('failed');
  });
  test.each(['conflict', 'not_ready', 'halt'] as const)("%s is nobody's fault: put back, however often", (errorClass) => {
    expect(decide(errorClass, { attempt: 1_000 })).toMatchObject({ next: 'waiting', chargeAttempt: false });
  });
});

test('code that is not as planned is asked for again after pauses that grow from claim to claim, up to a minute', () => {
  const pauses = [1, 2, 3, 4, 40].map((claims) => {
    const failure = { code: 'code_version_mismatch', class: 'not_ready', message: '' } as const;
    const after = decideAfterFailure({ failure, attempt: 1, span: 3, retry, random: 0.999_999, claims });
    return after.next === 'waiting' ? Math.round(after.delayMs / 1_000) : 0;
  });
  expect(pauses).toEqual([10, 20, 40, 60, 60]);
});

test("no class of errors is tried for ever at the task's own cost", () => {
  fc.assert(
    fc.property(fc.constantFrom(...errorClasses), fc.integer({ min: 1, max: 12 }), arbitraryRandom, (errorClass, maxAttempts, random) => {
      let attempt = 1;
      for (let round = 0; round < 20; round += 1) {
        const after = decide(errorClass, { attempt, random, retry: { ...retry, maxAttempts } });
        if (after.next === 'failed' || !after.chargeAttempt) return;
        attempt += 1;
      }
      expect.unreachable(`${errorClass} was charged 20 attempts of ${maxAttempts}`);
    }),
  );
});

test('halving finds the one failing date of any span, in no more rounds than it takes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 366 }), (dates) => {
      let [span, rounds] = [dates, 0];
      for (;;) {
        const after = decide('data', { span });
        if (after.next === 'failed') break;
        expect(after.spanLimit).toBeLessThan(span);
        span = after.spanLimit ?? 0;
        rounds += 1;
      }
      expect(span).toBe(1);
      expect(rounds).toBe(Math.ceil(Math.log2(dates)));
    }),
  );
});

describe('full jitter', () => {
  test('lies between 0 and the exponential, which is capped', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.integer({ min: 1, max: 600_000 }),
        fc.integer({ min: 1, max: 10_000 }),
        arbitraryRandom,
        (baseMs, maxMs, attempt, random) => {
          const delay = backoffMs({ maxAttempts: 3, baseMs, maxMs }, attempt, random);
          expect(Number.isSafeInteger(delay)).toBe(true);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(Math.min(maxMs, baseMs * 2 ** (attempt - 1)));
        },
      ),
    );
  });
  test('reaches over the whole of it', () => {
    expect([1, 2, 3, 4, 5, 50].map((attempt) => backoffMs(retry, attempt, 0.999_999))).toEqual([999, 1_999, 3_999, 7_999, 9_999, 9_999]);
    expect([1, 2, 50].map((attempt) => backoffMs(retry, attempt, 0))).toEqual([0, 0, 0]);
  });
});
