// A process for tests that kill it or steer it from outside: runs one backfill on a home, going on where a former process
// was killed. It says a line of JSON at every moment that a test may want to die in; at the one that it was told to
// stop at, it stops there for good, so that the kill falls exactly into that moment.
// Arguments: home, data folder, request as JSON, then either nothing or `<moment>:<how many of them>`.
import { writeSync } from 'node:fs';
import { openEmbeddedStack } from '@floodgate/cli/embedded-stack.ts';
import { acceptRequest } from '@floodgate/core/app/accept-request.ts';
import type { BackfillRequestInput } from '@floodgate/core/contracts/request.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { createLogger, pipelinesFolder, request } from './engine.ts';

export const moments = ['stage_begin', 'stage_end', 'commit_begin', 'commit_end'] as const;
export type Moment = (typeof moments)[number];
export type Said =
  | { readonly said: Moment; readonly count: number; readonly at: number }
  | { readonly said: 'stopped_at'; readonly moment: Moment }
  | { readonly said: 'accepted'; readonly backfillId: string }
  | { readonly said: 'ended'; readonly state: string }
  | { readonly said: 'closed' }
  | { readonly said: 'error'; readonly message: string };

const [home = '', data = '', json = '{}', stop = ':'] = process.argv.slice(2);
const [stopMoment, stopCount] = stop.split(':');
const input = JSON.parse(json) as BackfillRequestInput;

// Written at once and not when the event loop finds time: the line must be out before the process dies.
const say = (line: Said): void => {
  writeSync(1, `${JSON.stringify(line)}\n`);
};

const counts = new Map<Moment, number>();
const reach = async (moment: Moment): Promise<void> => {
  const count = (counts.get(moment) ?? 0) + 1;
  counts.set(moment, count);
  say({ said: moment, count, at: systemClock.now() });
  if (moment !== stopMoment || count !== Number(stopCount)) return;
  say({ said: 'stopped_at', moment });
  await new Promise(() => undefined);
};

const ended = Promise.withResolvers<string>();
const stack = await openEmbeddedStack({
  home,
  pipelinesFolder,
  dataFolder: data,
  workers: 2,
  logger: createLogger(({ level, message, fields }) => {
    if (level === 'error') say({ said: 'error', message: `${message}: ${String(fields['err'] ?? '')}` });
  }),
  onEnded: (_, state) => ended.resolve(state),
});

// The engine calls these two on this very object: what happens is the same, and it is told.
const { warehouse } = stack;
const [stage, commit] = [warehouse.stage.bind(warehouse), warehouse.commit.bind(warehouse)];
warehouse.stage = async (job, signal) => {
  await reach('stage_begin');
  const staged = await stage(job, signal);
  await reach('stage_end');
  return staged;
};
warehouse.commit = async (batch, signal) => {
  await reach('commit_begin');
  const log = await commit(batch, signal);
  await reach('commit_end');
  return log;
};

await stack.startServices();
const accepted = await acceptRequest(
  stack.plannerDeps,
  { request: request(input), idempotencyKey: 'the-one', traceparent: '', dryRun: false },
  new AbortController().signal,
);
if (accepted.outcome !== 'accepted') throw new Error(JSON.stringify(accepted));
say({ said: 'accepted', backfillId: accepted.backfillId });
say({ said: 'ended', state: await ended.promise });
await stack.stopServices(10_000);
await stack[Symbol.asyncDispose]();
say({ said: 'closed' });
