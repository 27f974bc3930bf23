import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEmulatorClock, frozenTime } from '../control/emulator-clock.ts';
import { openJobStore } from './job-store.ts';

const clock = createEmulatorClock(frozenTime(1_000));
const draft = (jobId: string) => ({ projectId: 'p', jobId, location: 'US', type: 'QUERY' as const, configuration: {} });

describe('the journal of jobs', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'job-store-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('keeps the last state of every job, past a line that was cut off', () => {
    const store = openJobStore({ folder, clock });
    const done = store.add({ ...draft('done'), requestKey: 'r' });
    done.start();
    done.record.details = { statementType: 'INSERT' };
    done.finish();
    store.remove(store.add(draft('removed')));
    store.add(draft('waiting'));
    appendFileSync(join(folder, 'jobs.jsonl'), '{"put": {"projectId": "p", "jobId": "torn", ');
    using again = openJobStore({ folder, clock });
    expect(again.all().map(({ record }) => [record.jobId, record.state, record.errorResult?.reason])).toEqual([
      ['done', 'DONE', undefined],
      ['waiting', 'DONE', 'jobInternalError'],
    ]);
    expect(again.findRequest('p', 'r')?.record).toEqual(done.record);
    expect(() => again.get({ projectId: 'p', jobId: 'torn' })).toThrow('Not found: Job p:torn');
  });

  it('forgets all at a reset, what still runs included', async () => {
    const store = openJobStore({ folder, clock });
    const job = store.add(draft('j'));
    store.clear();
    expect(job.stopSignal.aborted).toBe(true);
    job.finish();
    store.add(draft('j'));
    using again = openJobStore({ folder, clock });
    expect(again.all()).toHaveLength(1);
    expect(readFileSync(join(folder, 'jobs.jsonl'), 'utf8').trim().split('\n')).toHaveLength(2);
  });
});
