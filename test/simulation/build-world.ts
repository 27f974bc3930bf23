// Puts a world together from its scenario, with everything in it that watches: the monitor, the trace, the digest of all
// that happens.
import { subscriptions } from '@floodgate/core/contracts/messages.ts';
import { addDays, partitionDate, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import { createTestCatalog } from '../support/pipeline-folder.ts';
import { createSeededIds } from '../support/seeded-ids.ts';
import { Chaos } from './chaos.ts';
import type { Change } from './crash-points.ts';
import { Monitor } from './monitor.ts';
import { look } from './operators.ts';
import { createOracle } from './oracle.ts';
import { folderOf, functionsOf } from './pipelines.ts';
import { createQuotas } from './quotas.ts';
import type { RunOptions, RunResult, TraceEvent, Violation } from './result.ts';
import type { Scenario } from './scenario.ts';
import { SimulatedBus } from './simulated-bus.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedStore } from './simulated-store.ts';
import { SimulatedWarehouse } from './simulated-warehouse.ts';
import { createSources } from './sources.ts';
import type { SimulatedWorld } from './world.ts';

export type Built = {
  readonly world: SimulatedWorld;
  readonly result: () => RunResult;
  readonly violated: () => boolean;
  readonly report: (violation: Omit<Violation, 'at'>) => void;
};

/** A world of its own for each run. */
export const build = (scenario: Scenario, options: RunOptions): Built => {
  const { random, shape } = scenario;
  const startedAt = performance.now();
  const clock = new SimulatedClock();
  const began = clock.now();
  const events: TraceEvent[] = [];
  const trace: SimulatedWorld['trace'] = (event) => {
    if (options.trace === true) events.push({ ...event, at: clock.now() - began });
  };
  let violation: Violation | undefined;
  const report: Built['report'] = (found) => {
    violation ??= { ...found, at: clock.now() - began };
    trace({ process: '', what: 'violation', text: `${found.invariant}: ${found.message}`, about: found.about });
  };
  const chaos = new Chaos({
    random: random.fork('chaos'),
    now: () => clock.now() - began,
    calm: true,
    rates: scenario.rates,
    disabled: new Set(options.disabled),
    most: 8,
    crashes: scenario.crashes,
    stalls: scenario.stalls,
    suppressed: new Set(options.suppressed),
    onStrike: ({ kind, number, where }) =>
      trace({ process: where.startsWith('the ') ? 'world' : (where.split(' ')[0] ?? ''), what: 'fault', text: `${kind}#${number} at ${where}`, about: [] }),
  });
  const start = partitionDate('2024-01-01');
  const dates = Array.from({ length: scenario.days }, (_, index) => addDays(start, index));
  const calendar: readonly JsonObject[] = dates.map((date) => ({ date, season: '2024', kind: 'regular', items: 2 }));
  const functions = { calendar: () => calendar, ...functionsOf(shape) };
  const ids = createSeededIds(random.int(0, 2 ** 31));
  const folder = folderOf(shape);
  const catalog = createTestCatalog(folder);
  let digest = 0x811c9dc5;
  const quotas = scenario.cloud ? createQuotas({ now: () => clock.now(), mode: 'refuse' }) : undefined;
  const store = new SimulatedStore({
    clock,
    ids,
    random: random.fork('store'),
    beforeCommit: (changes) => quotas?.beforeWrites(changes),
    beforeApply: async (point) => world.ambush?.(point),
    onUnnamed: (message) => report({ invariant: 'crash', message, about: [] }),
    onCommit: (process, changes) => {
      for (const { path, after } of changes) digest = mixText(digest, `${clock.now()} ${process} ${path} ${String(after?.['state'] ?? '')}`);
      quotas?.written(changes);
      monitor.onStoreCommit(process, changes);
      if (options.trace === true) traceChanges(trace, process, changes);
    },
  });
  const warehouse = new SimulatedWarehouse({
    functions,
    clock,
    random: random.fork('warehouse'),
    ...(quotas === undefined ? {} : { admit: (batch, work) => quotas.mutate({ [batch.target.table]: 1, [`${batch.target.table} log`]: 2 }, work) }),
    onCommit: (record) => {
      digest = mixText(digest, `${clock.now()} ${record.jobId} ${record.written.length}`);
      monitor.onWarehouseCommit(record);
      trace({
        process: record.process,
        what: 'job',
        text: `${record.jobId} commits ${record.written.map(({ date, generation }) => `${date}@${generation}`).join(' ')} to ${record.table}`,
        about: [record.table, ...record.written.map(({ date }) => `${record.table.slice(5)}|${date}`)],
      });
    },
  });
  const bus = new SimulatedBus({
    clock,
    chaos,
    random: random.fork('bus'),
    subscriptions: Object.values(subscriptions),
    onPublish: (process, messages) => {
      monitor.onPublish(process, messages);
      for (const { attributes, data } of messages) {
        const isRequest = attributes['type'] === 'floodgate.backfill.requested' && data.includes('"pipeline"') && !data.includes('is_backfill');
        if (isRequest) world.requested.add(`${attributes['source'] ?? ''}#${attributes['id'] ?? ''}`);
      }
      for (const { attributes, data } of messages)
        trace({ process, what: 'publish', text: `${attributes['type'] ?? ''} ${data}`, about: [attributes['subject'] ?? ''] });
    },
    onSettle: (process, { attributes }, settlement) =>
      trace({ process, what: 'deliver', text: `${settlement} ${attributes['type'] ?? ''}`, about: [attributes['subject'] ?? ''] }),
    onDeliver: (process, { attributes }) => trace({ process, what: 'deliver', text: `gets ${attributes['type'] ?? ''}`, about: [attributes['subject'] ?? ''] }),
  });
  const sources = createSources({
    dates,
    random: random.fork('sources'),
    put: (source, date, rows) => warehouse.put(source, date, rows),
    onChange: (source, date, text) => {
      monitor.onSourceChange(source, date);
      trace({ process: 'world', what: 'source', text: `${source} ${date}: ${text}`, about: [`games|${date}`] });
    },
  });
  const oracle = createOracle({ functions, calendar, sourceRows: (_source: string, date: PartitionDate) => sources.rowsOf(date) });
  const monitor: Monitor = new Monitor({ now: () => clock.now() - began, oracle, reader: store.documents, warehouse, onViolation: report });
  const world: SimulatedWorld = {
    scenario,
    dates,
    clock,
    chaos,
    ids,
    catalog,
    store,
    bus,
    warehouse,
    sources,
    killers: new Set(),
    requested: new Set(),
    ambush: undefined,
    quotas,
    monitor,
    trace,
  };
  return {
    world,
    report,
    violated: () => violation !== undefined,
    result: () => ({
      seed: scenario.seed,
      violation,
      strikes: chaos.struck,
      points: chaos.passed,
      crashes: chaos.crashed,
      ...monitor.counts,
      messages: bus.deliveries,
      quotas: quotas?.report(),
      dates: scenario.days,
      backfills: look(world).backfills().length,
      simulatedMs: clock.now() - began,
      wallMs: performance.now() - startedAt,
      digest: (digest >>> 0).toString(16),
      events,
    }),
  };
};

const mixText = (hash: number, text: string): number => {
  let mixed = hash;
  for (let at = 0; at < text.length; at += 1) mixed = Math.imul(mixed ^ text.charCodeAt(at), 0x01000193);
  return mixed;
};

const traceChanges = (trace: SimulatedWorld['trace'], process: string, changes: readonly Change[]): void => {
  for (const change of changes) {
    const { path, before, after } = change;
    const collection = path.split('/').at(-2);
    if (collection === 'outbox' || collection === 'audit' || collection === 'progress') continue;
    const field = (document: JsonObject | undefined, name: string): string => String(document?.[name] ?? '');
    if (collection === 'tasks') {
      const about = [
        field(after ?? before, 'backfillId'),
        field(after ?? before, 'table'),
        `${field(after ?? before, 'processorId')}|${field(after ?? before, 'date')}`,
      ];
      const words =
        after === undefined ? 'deleted' : `${before === undefined ? 'new' : field(before, 'state')} → ${field(after, 'state')}, epoch ${field(after, 'epoch')}`;
      const failure = after?.['failure'] as { readonly code: string } | null | undefined;
      const text = `${field(after ?? before, 'processorId')} ${field(after ?? before, 'date')}: ${words}${failure === null || failure === undefined ? '' : ` (${failure.code})`}`;
      trace({ process, what: 'write', text, about });
    } else {
      const about = [
        field(after ?? before, 'backfillId'),
        field(after ?? before, 'table'),
        collection === 'gates' ? path.replace('backfills/', '').replace('gates/', '') : (path.split('/')[1] ?? ''),
      ];
      const shown = ['state', 'holder', 'epoch', 'rung', 'evaluation', 'paused', 'cancelled', 'sequence'].filter(
        (name) => after !== undefined && Object.hasOwn(after, name) && after[name] !== before?.[name],
      );
      trace({
        process,
        what: 'write',
        text: `${path}${after === undefined ? ' deleted' : `: ${shown.map((name) => `${name} ${field(after, name)}`).join(', ')}`}`,
        about: about.filter((key) => key !== ''),
      });
    }
  }
};
