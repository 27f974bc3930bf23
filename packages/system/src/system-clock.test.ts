import { expect, it } from 'vitest';
import { systemClock } from './system-clock.ts';

it('tells the time of the system', () => {
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000);
});

it('sleeps at least as long as asked', async () => {
  const startedAt = performance.now();
  await systemClock.sleep(20);
  // Timers may fire up to a millisecond early against this clock.
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(19);
});

it('rejects with the reason of the signal, at once, however long the sleep', async () => {
  const reason = new Error('stopped');
  const abort = new AbortController();
  const sleeping = systemClock.sleep(2 ** 40, abort.signal);
  abort.abort(reason);
  await expect(sleeping).rejects.toBe(reason);
  await expect(systemClock.sleep(10, AbortSignal.abort(reason))).rejects.toBe(reason);
});
