// The control endpoint, /emulator/v1/: what tests do to the server. All bodies and answers are JSON.
//
//   GET    /health                 {"ready": true}
//   GET    /clock                  {"now": ms}          POST {"advanceMs": n} or {"at": ms}: forward only; who sleeps wakes
//   GET    /settings               queueMs, runMs, settleMs of every job, slots, streamingBufferMs      PATCH: the same fields
//   GET    /faults                 the rules, with how often each has matched and struck                DELETE: all of them
//   POST   /faults/jobs            {match: {type, labels, sqlContains, jobIdContains}, when: {nth, times, share, seed},
//                                   effect: {queueMs, runMs, settleMs, error: {reason, message}, hang, loseAnswer: reset|503}}
//                                  type STATEMENT: statements of scripts, one by one
//   POST   /faults/calls           {match: {method, pathContains}, when, effect: {latencyMs, error, reset}}
//   DELETE /faults/{id}
//   GET    /jobs                   every job and every statement, in the order in which they came: id, type, state, parent, sql,
//                                  statement type, labels, times, error, affected rows
//   POST   /reset                  datasets, jobs, faults, settings, quotas and insert ids are gone; the clock stays
import { Router } from 'express';
import type { Engine } from '../engine-contract.ts';
import { bodyOf } from '../http/call.ts';
import { checkFields, invalid, readOptionalCount, type JsonObject } from '../http/read-json.ts';
import type { Job } from '../jobs/job.ts';
import type { JobStore } from '../jobs/job-store.ts';
import type { Quotas } from '../jobs/quotas.ts';
import type { Slots } from '../jobs/slots.ts';
import type { StreamingBuffer } from '../jobs/streaming-buffer.ts';
import { BigQueryProblem } from '../problem.ts';
import type { EmulatorClock } from './emulator-clock.ts';
import type { Faults } from './faults.ts';
import { defaultSettings, type Settings } from './settings.ts';

type Dependencies = {
  readonly engine: Engine;
  readonly store: JobStore;
  readonly slots: Slots;
  readonly slotCount: number;
  readonly quotas: Quotas;
  readonly streaming: StreamingBuffer;
  readonly faults: Faults;
  readonly settings: Settings;
  readonly clock: EmulatorClock;
};

const writeExecution = ({ record }: Job): JsonObject => {
  const { projectId, jobId, parentJobId, type, state, configuration, details, createdAt, startedAt, endedAt, errorResult, location } = record;
  const query = configuration['query'] as { readonly query?: string } | undefined;
  return {
    projectId,
    jobId,
    location,
    ...(parentJobId === undefined ? {} : { parentJobId }),
    type,
    state,
    ...(query?.query === undefined ? {} : { sql: query.query }),
    ...(details['statementType'] === undefined ? {} : { statementType: details['statementType'] }),
    ...(details['numDmlAffectedRows'] === undefined ? {} : { numDmlAffectedRows: details['numDmlAffectedRows'] }),
    labels: configuration['labels'] ?? {},
    createdAt,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(errorResult === undefined ? {} : { error: errorResult }),
  };
};

export const createControlRoutes = (dependencies: Dependencies): Router => {
  const { engine, store, slots, slotCount, quotas, streaming, faults, settings, clock } = dependencies;
  let slotsNow = slotCount;
  const showSettings = (): JsonObject => ({ ...settings, slots: slotsNow, running: slots.running(), waiting: slots.waiting() });
  const setSlots = (count: number): void => {
    slotsNow = count;
    slots.setCount(count);
  };

  const routes = Router();
  routes.get('/health', (_request, response) => {
    response.json({ ready: true });
  });
  routes.get('/clock', (_request, response) => {
    response.json({ now: clock.now() });
  });
  routes.post('/clock', (request, response) => {
    const body = bodyOf(request);
    checkFields('', body, { advanceMs: 'known', at: 'known' });
    const at = readOptionalCount(body['at'], 'at');
    const advanceMs = readOptionalCount(body['advanceMs'], 'advanceMs') ?? (at === undefined ? undefined : at - clock.now());
    if (advanceMs === undefined || advanceMs < 0) throw invalid('advanceMs, or at with an instant that is still to come, is needed');
    clock.advance(advanceMs);
    response.json({ now: clock.now() });
  });
  routes.get('/settings', (_request, response) => {
    response.json(showSettings());
  });
  routes.patch('/settings', (request, response) => {
    const body = bodyOf(request);
    checkFields('', body, { queueMs: 'known', runMs: 'known', settleMs: 'known', streamingBufferMs: 'known', slots: 'known' });
    const count = readOptionalCount(body['slots'], 'slots');
    if (count === 0) throw invalid('At least one slot is needed');
    for (const name of ['queueMs', 'runMs', 'settleMs', 'streamingBufferMs'] as const) settings[name] = readOptionalCount(body[name], name) ?? settings[name];
    if (count !== undefined) setSlots(count);
    engine.setStreamingBufferMs(settings.streamingBufferMs);
    response.json(showSettings());
  });
  routes.get('/faults', (_request, response) => {
    response.json({ faults: faults.list() });
  });
  routes.post('/faults/jobs', (request, response) => {
    response.json({ id: faults.addJobRule(bodyOf(request)) });
  });
  routes.post('/faults/calls', (request, response) => {
    response.json({ id: faults.addCallRule(bodyOf(request)) });
  });
  routes.delete('/faults', (_request, response) => {
    faults.clear();
    response.status(204).end();
  });
  routes.delete('/faults/:id', (request, response) => {
    if (!faults.remove(request.params.id)) throw new BigQueryProblem('notFound', `Not found: Fault ${request.params.id}`);
    response.status(204).end();
  });
  routes.get('/jobs', (_request, response) => {
    response.json({ jobs: store.all().map(writeExecution) });
  });
  routes.post('/reset', async (_request, response) => {
    faults.clear();
    Object.assign(settings, defaultSettings);
    engine.setStreamingBufferMs(settings.streamingBufferMs);
    setSlots(slotCount);
    const live = store.all().filter((job) => !job.isDone);
    store.clear();
    // What still runs may hold its tables: its end is awaited, and 30 seconds are long for a statement that was interrupted.
    await Promise.all(live.map((job) => job.waitUntilDone(30_000)));
    for (const projectId of engine.datasets.projects()) {
      for (const { datasetId } of engine.datasets.list(projectId)) await engine.datasets.delete({ projectId, datasetId }, true);
    }
    quotas.clear();
    streaming.clear();
    response.status(204).end();
  });
  return routes;
};
