// The life of a process, with an event emitter in the place of `process` and a clock that the test moves.
import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { callHttp } from './http-client.ts';
import { runService, serviceExitCodes, type OpenService, type ServiceConfig, type ServiceContext } from './run-service.ts';

const config: ServiceConfig = { logLevel: 'info', host: '127.0.0.1', port: 0, graceMs: 8_000, startWithinMs: 30_000 };

const unfinished: (() => void)[] = [];
afterEach(() => {
  for (const finish of unfinished.splice(0)) finish();
});

type Options = Partial<Pick<OpenService, 'start' | 'stop' | 'close'>> & {
  readonly readConfig?: () => ServiceConfig;
  readonly open?: (context: ServiceContext) => Promise<void>;
};

const launch = (options: Options = {}) => {
  const clock = new ManualClock();
  const events = new EventEmitter();
  const exits: number[] = [];
  const steps: string[] = [];
  const lines: (Readonly<Record<string, unknown>> & { readonly level: string; readonly message: string })[] = [];
  const log = (level: string) => (fields: object, message: string) => void lines.push({ ...fields, level, message });
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error'), flush: () => undefined };
  let context: ServiceContext | undefined;
  const ended = runService({
    service: 'planner',
    clock,
    process: events,
    exit: (code) => void exits.push(code),
    createLogger: () => logger,
    readConfig: options.readConfig ?? (() => config),
    open: async (_, given) => {
      context = given;
      await options.open?.(given);
      return {
        routers: [],
        start: options.start ?? (async () => void steps.push('start')),
        stop: options.stop ?? (async (graceMs) => void steps.push(`stop ${graceMs}`)),
        isReady: () => true,
        close: options.close ?? (async () => void steps.push('close')),
        about: { holder: 'h1' },
      };
    },
  });
  const started = async (): Promise<{ readonly host: string; readonly port: number }> => {
    await expect.poll(() => lines.some(({ message }) => message === 'service started')).toBe(true);
    const url = new URL(String(lines.find(({ message }) => message === 'service started')?.['address']));
    return { host: url.hostname, port: Number(url.port) };
  };
  return { clock, events, exits, steps, lines, ended, started, halt: () => context?.halt };
};

const statusOf = async (target: { readonly host: string; readonly port: number }, path: string): Promise<string> =>
  callHttp(target, 'GET', path).then(
    ({ status }) => String(status),
    (error: unknown) => (error as Error).message,
  );

describe('a service', () => {
  it('says that it has started, with what tells it from others, and is ready', async () => {
    const { events, lines, ended, started } = launch();
    const target = await started();
    expect(lines.at(-1)).toMatchObject({ message: 'service started', holder: 'h1' });
    expect([await statusOf(target, '/healthz'), await statusOf(target, '/readyz')]).toEqual(['200', '200']);
    events.emit('SIGTERM');
    await ended;
  });

  it('is alive while it starts, and not ready', async () => {
    const gate = Promise.withResolvers<void>();
    // A port of its own must be known before the line that tells it.
    const { createServer } = await import('node:net');
    const probe = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => probe.once('listening', resolve));
    const { port } = probe.address() as { readonly port: number };
    await new Promise((resolve) => probe.close(resolve));
    const { events, ended } = launch({ readConfig: () => ({ ...config, port }), start: () => gate.promise });
    const target = { host: '127.0.0.1', port };
    await expect.poll(() => statusOf(target, '/healthz')).toBe('200');
    expect(await statusOf(target, '/readyz')).toContain('503');
    gate.resolve();
    await expect.poll(() => statusOf(target, '/readyz')).toBe('200');
    events.emit('SIGTERM');
    await ended;
  });

  it.each(['SIGTERM', 'SIGINT'])('ends at %s: not ready, gives back, stops answering, closes its clients, exits with 0', async (signal) => {
    const stopped = Promise.withResolvers<void>();
    let seen = '';
    const service = launch({
      stop: async (graceMs) => {
        seen = `${graceMs} ${await statusOf(target, '/readyz')}`;
        service.steps.push('stop');
        await stopped.promise;
      },
    });
    const target = await service.started();
    service.events.emit(signal);
    await expect.poll(() => seen).toMatch(/^8000 .*503/);
    expect([service.steps, service.exits]).toEqual([['start', 'stop'], []]);
    stopped.resolve();
    expect(await service.ended).toBe(serviceExitCodes.stopped);
    expect([service.steps, service.exits]).toEqual([['start', 'stop', 'close'], [0]]);
    expect(await statusOf(target, '/healthz')).toContain('nobody answers');
  });

  it('exits at once at a second signal', async () => {
    const stuck = Promise.withResolvers<void>();
    unfinished.push(stuck.resolve);
    const { events, exits, started, ended } = launch({ stop: () => stuck.promise });
    await started();
    events.emit('SIGTERM');
    expect(exits).toEqual([]);
    events.emit('SIGINT');
    expect(exits).toEqual([1]);
    stuck.resolve();
    await ended;
  });

  it('exits although something hangs, a little after its grace period', async () => {
    const stuck = Promise.withResolvers<void>();
    unfinished.push(stuck.resolve);
    const { clock, events, exits, lines, started, ended } = launch({ stop: () => stuck.promise });
    await started();
    events.emit('SIGTERM');
    await clock.advance(9_499);
    expect(exits).toEqual([]);
    await clock.advance(1);
    expect(await ended).toBe(0);
    expect(lines.map(({ message }) => message)).toContain('not everything ended in time');
  });

  it('closes its clients although giving back failed', async () => {
    const { events, steps, started, ended } = launch({ stop: async () => Promise.reject(new Error('store gone')) });
    await started();
    events.emit('SIGTERM');
    expect(await ended).toBe(0);
    expect(steps).toEqual(['start', 'close']);
  });

  it('ends with a code of its own where nothing can go on in this process', async () => {
    const { steps, started, halt, ended } = launch();
    await started();
    halt()?.({ code: 'disk_full', class: 'halt', message: 'no space left' });
    expect(await ended).toBe(serviceExitCodes.halted);
    expect(steps).toEqual(['start', 'stop 8000', 'close']);
  });

  it.each(['unhandledRejection', 'uncaughtException'])('logs an %s and ends with 1', async (event) => {
    const { events, exits, lines, started, ended } = launch();
    await started();
    const error = new Error('forgotten');
    events.emit(event, error);
    expect(exits).toEqual([1]);
    expect(lines.at(-1)).toMatchObject({ level: 'error', err: error, event });
    events.emit('SIGTERM');
    await ended;
  });
});

describe('a service that can’t start', () => {
  it('says what is wrong with its settings', async () => {
    const { lines, ended } = launch({
      readConfig: () => {
        throw new FloodgateError('invalid_settings', '2 settings are not valid');
      },
    });
    expect(await ended).toBe(1);
    expect(lines).toMatchObject([{ level: 'error', code: 'invalid_settings' }]);
  });

  it('says what is missing and what to do, and closes what it has opened', async () => {
    const error = new FloodgateError('not_found', 'there is no subscription x', { hint: 'floodgate doctor' });
    const { lines, steps, ended } = launch({ start: async () => Promise.reject(error) });
    expect(await ended).toBe(1);
    expect(lines[0]).toMatchObject({ level: 'error', code: 'not_found', hint: 'floodgate doctor', err: error, message: 'the service could not start' });
    expect(steps).toEqual(['stop 8000', 'close']);
  });

  it('within its deadline ends, and tells what it was doing to stop', async () => {
    let aborted: unknown;
    const { clock, lines, exits, ended } = launch({
      open: ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted = signal.reason;
            reject(signal.reason as Error);
          });
        }),
    });
    await clock.advance(29_999);
    expect(exits).toEqual([]);
    await clock.advance(1);
    expect(await ended).toBe(1);
    expect(lines[0]).toMatchObject({ level: 'error', code: 'timeout' });
    expect(aborted).toMatchObject({ code: 'timeout' });
  });

  it('because it is told to stop meanwhile ends with 0', async () => {
    const { events, exits, lines, ended } = launch({ open: ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject)) });
    events.emit('SIGTERM');
    expect(await ended).toBe(0);
    expect(exits).toEqual([0]);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
