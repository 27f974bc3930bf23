import { describe, expect, it } from 'vitest';
import { createEmulatorClock, frozenTime } from './emulator-clock.ts';

describe('the clock', () => {
  it('wakes who sleeps past the new time, in order, and nobody else', async () => {
    const clock = createEmulatorClock(frozenTime(1_000));
    const woken: string[] = [];
    const late = clock.sleep(20).then(() => woken.push('late'));
    const early = clock.sleep(10).then(() => woken.push('early'));
    void clock.sleep(21).then(() => woken.push('never'));
    clock.advance(20);
    await Promise.all([late, early]);
    expect(woken).toEqual(['early', 'late']);
    expect(clock.now()).toBe(1_020);
  });

  it('runs by itself, and ends a sleep that is aborted', async () => {
    const clock = createEmulatorClock();
    await clock.sleep(5);
    const stop = new AbortController();
    const sleeping = clock.sleep(Number.POSITIVE_INFINITY, stop.signal);
    stop.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    await expect(clock.sleep(1, stop.signal)).rejects.toThrow('enough');
    expect(() => clock.advance(-1)).toThrow('forward only');
  });
});
