import { expect, it } from 'vitest';
import { ManualClock } from './manual-clock.ts';

it('ends sleeps in the order of their times, those of one time in the order of their beginning', async () => {
  const clock = new ManualClock(1_000);
  const log: string[] = [];
  const sleep = (name: string, ms: number): void => void clock.sleep(ms).then(() => log.push(`${name}@${clock.now()}`));
  sleep('c', 30);
  sleep('a1', 10);
  sleep('b', 20);
  sleep('a2', 10);
  await clock.advance(25);
  expect(log).toEqual(['a1@1010', 'a2@1010', 'b@1020']);
  expect(clock.now()).toBe(1_025);
  await clock.advance(5);
  expect(log.at(-1)).toBe('c@1030');
});

it('ends sleeps that begin on the way', async () => {
  const clock = new ManualClock(0);
  const times: number[] = [];
  void (async () => {
    for (let i = 0; i < 5; i += 1) {
      await clock.sleep(10);
      times.push(clock.now());
    }
  })();
  await clock.advance(45);
  expect(times).toEqual([10, 20, 30, 40]);
});

it('rejects an aborted sleep with the reason, and forgets it', async () => {
  const clock = new ManualClock();
  const reason = new Error('stopped');
  const abort = new AbortController();
  const sleeping = clock.sleep(10, abort.signal);
  expect(clock.sleeping).toBe(1);
  abort.abort(reason);
  await expect(sleeping).rejects.toBe(reason);
  expect(clock.sleeping).toBe(0);
  await expect(clock.sleep(10, AbortSignal.abort(reason))).rejects.toBe(reason);
});

it('says so when what is waited for does not happen', async () => {
  const clock = new ManualClock();
  await expect(clock.advanceUntil(() => false, 1_000)).rejects.toThrow('did not happen within 1000 ms');
  await expect(clock.run(clock.sleep(2_000), 1_000)).rejects.toThrow('did not happen');
});

it('runs a promise to its end', async () => {
  const clock = new ManualClock(0);
  expect(await clock.run(clock.sleep(5_000).then(() => 'slept'))).toBe('slept');
  expect(clock.now()).toBe(5_000);
  await expect(clock.run(Promise.reject(new Error('no')))).rejects.toThrow('no');
});
