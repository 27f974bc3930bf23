import { expect, test } from 'vitest';
import { SharedWork } from './shared-work.ts';

const never = new AbortController().signal;

test('callers at once share one run, callers after it begin another', async () => {
  const shared = new SharedWork();
  let runs = 0;
  const work = async (): Promise<number> => (runs += 1);
  expect(await Promise.all([shared.run('a', never, work), shared.run('a', never, work), shared.run('b', never, work)])).toEqual([1, 1, 2]);
  expect(await shared.run('a', never, work)).toBe(3);
});

test('a failure is told to all who wait, and is not kept', async () => {
  const shared = new SharedWork();
  const fail = async (): Promise<never> => {
    throw new Error('broken');
  };
  const [one, other] = await Promise.allSettled([shared.run('a', never, fail), shared.run('a', never, fail)]);
  expect([one?.status, other?.status]).toEqual(['rejected', 'rejected']);
  expect(await shared.run('a', never, async () => 1)).toBe(1);
});

test('one who gives up leaves the work to the others; the last one ends it', async () => {
  const shared = new SharedWork();
  const finished = Promise.withResolvers<string>();
  let given: AbortSignal | undefined;
  const work = (signal: AbortSignal): Promise<string> => {
    given = signal;
    return finished.promise;
  };
  const [first, second] = [new AbortController(), new AbortController()];
  const calls = [shared.run('a', first.signal, work), shared.run('a', second.signal, work)];
  first.abort(new Error('first'));
  await expect(calls[0]).rejects.toThrow('first');
  expect(given?.aborted).toBe(false);
  second.abort(new Error('second'));
  await expect(calls[1]).rejects.toThrow('second');
  expect(given?.aborted).toBe(true);
  // Nobody waits for what was given up.
  expect(await shared.run('a', never, async () => 'anew')).toBe('anew');
  finished.resolve('late');
});
