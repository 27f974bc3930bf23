// Logs as JSON lines, fields first: to a file, to standard error, or both. Errors go in with their stacks.
import type { Logger } from '@floodgate/core/ports/logger.ts';
import { pino, type Logger as PinoLogger } from 'pino';

export type LoggerOptions = {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Appended to; its folder is made where it is missing. */
  readonly file?: string;
  readonly stderr?: boolean;
};

export type FlushableLogger = Logger & { readonly flush: () => void };

const destination = (dest: string | number) => {
  const stream = pino.destination({ dest, mkdir: true, sync: true });
  // A full disk must not end the process that is just about to say that the disk is full.
  stream.on('error', () => undefined);
  return stream;
};

const wrap = (logger: PinoLogger): FlushableLogger => ({
  debug: (fields, message) => logger.debug(fields, message),
  info: (fields, message) => logger.info(fields, message),
  warn: (fields, message) => logger.warn(fields, message),
  error: (fields, message) => logger.error(fields, message),
  flush: () => logger.flush(),
});

/** Writes without delay: a log that is lost in a crash is the one that was needed, and there are few lines a second. */
export const createLogger = ({ level, file, stderr = false }: LoggerOptions): FlushableLogger => {
  const streams = [...(file === undefined ? [] : [{ level, stream: destination(file) }]), ...(stderr ? [{ level, stream: destination(2) }] : [])];
  return wrap(
    pino({ level: streams.length === 0 ? 'silent' : level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, pino.multistream(streams)),
  );
};

/** https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#logseverity */
const severities: Readonly<Record<string, string>> = { debug: 'DEBUG', info: 'INFO', warn: 'WARNING', error: 'ERROR', fatal: 'CRITICAL' };
/** The event that Error Reporting groups by its stack (https://cloud.google.com/error-reporting/docs/formatting-error-messages). */
const reportedError = 'type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent';

/** Fields of a line that Google's tools read: the trace of the message that was handled, and the stack of an error. */
const googleFields = (fields: Record<string, unknown>, level: string): Record<string, unknown> => {
  const { traceparent, err, message, ...others } = fields;
  const trace = typeof traceparent === 'string' ? /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-/.exec(traceparent) : null;
  return {
    ...others,
    // Two keys `message` in a line would leave the one that says least.
    ...(message === undefined ? {} : { detail: message }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(err === undefined ? {} : { err }),
    ...(trace === null ? {} : { 'logging.googleapis.com/trace': trace[1], 'logging.googleapis.com/spanId': trace[2] }),
    ...(level === 'ERROR' && err instanceof Error ? { '@type': reportedError, stack_trace: err.stack } : {}),
  };
};

/**
 * For Cloud Logging, which takes each line of JSON on standard output for one entry and reads `severity`, `message` and `time`
 * of it (https://cloud.google.com/logging/docs/structured-logging). `fields` are in every line.
 */
export const createCloudLogger = (options: {
  readonly level: LoggerOptions['level'];
  readonly fields: Readonly<Record<string, string>>;
  /** Standard output, unless a test listens. */
  readonly write?: (line: string) => void;
}): FlushableLogger => {
  const { level, fields, write } = options;
  return wrap(
    pino(
      {
        level,
        base: fields,
        messageKey: 'message',
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ severity: severities[label] ?? 'DEFAULT' }) },
        hooks: {
          // Here the level is known beside the fields; a mixin isn't given it by name.
          logMethod(args, method, number) {
            const [first, ...rest] = args;
            method.apply(this, [
              googleFields(first as Record<string, unknown>, severities[this.levels.labels[number] ?? ''] ?? ''),
              ...rest,
            ] as unknown as typeof args);
          },
        },
      },
      write === undefined ? destination(1) : { write },
    ),
  );
};
