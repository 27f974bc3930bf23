import { expect, it } from 'vitest';
import { createCloudLogger } from './logger.ts';

const linesOf = (
  log: (logger: ReturnType<typeof createCloudLogger>) => void,
  level: 'debug' | 'info' | 'error' = 'debug',
): readonly Record<string, unknown>[] => {
  const lines: string[] = [];
  log(createCloudLogger({ level, fields: { service: 'planner' }, write: (line) => void lines.push(line) }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
};

it('writes lines that Cloud Logging reads: severity, message, time', () => {
  const lines = linesOf((logger) => {
    logger.debug({ n: 1 }, 'one');
    logger.info({ n: 2 }, 'two');
    logger.warn({ n: 3 }, 'three');
    logger.error({ n: 4 }, 'four');
  });
  expect(lines.map(({ severity, message, service, n }) => [severity, message, service, n])).toEqual([
    ['DEBUG', 'one', 'planner', 1],
    ['INFO', 'two', 'planner', 2],
    ['WARNING', 'three', 'planner', 3],
    ['ERROR', 'four', 'planner', 4],
  ]);
  expect(lines.every(({ time }) => /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(String(time)))).toBe(true);
});

it('writes nothing below its level', () => {
  expect(linesOf((logger) => logger.info({}, 'one'), 'error')).toEqual([]);
});

it('names the trace and the span of a message that was handled', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const [line, other] = linesOf((logger) => {
    logger.info({ traceparent }, 'message handled');
    logger.info({ traceparent: 'nonsense' }, 'message handled');
  });
  expect(line).toMatchObject({
    traceparent,
    'logging.googleapis.com/trace': '0af7651916cd43dd8448eb211c80319c',
    'logging.googleapis.com/spanId': 'b7ad6b7169203331',
  });
  expect(other).not.toHaveProperty('logging.googleapis.com/trace');
});

it('hands errors with their stacks to Error Reporting, but not those that were expected', () => {
  const err = new TypeError('broken');
  const [error, warning] = linesOf((logger) => {
    logger.error({ err }, 'failed');
    logger.warn({ err }, 'tried again');
  });
  expect(error).toMatchObject({
    '@type': expect.stringContaining('ReportedErrorEvent'),
    stack_trace: err.stack,
    err: { type: 'TypeError', message: 'broken' },
  });
  expect(warning).toMatchObject({ err: { message: 'broken' } });
  expect(warning).not.toHaveProperty('stack_trace');
});

it('keeps a field that is called message beside the message', () => {
  const [line] = linesOf((logger) => logger.info({ message: 'no such table' }, 'request rejected'));
  expect(line).toMatchObject({ message: 'request rejected', detail: 'no such table' });
});
