// Logs as JSON lines, fields first: to a file, to standard error, or both. Errors go in with their stacks.
import type { Logger } from '@floodgate/core/ports/logger.ts';
import { pino } from 'pino';

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

/** Writes without delay: a log that is lost in a crash is the one that was needed, and there are few lines a second. */
export const createLogger = ({ level, file, stderr = false }: LoggerOptions): FlushableLogger => {
  const streams = [...(file === undefined ? [] : [{ level, stream: destination(file) }]), ...(stderr ? [{ level, stream: destination(2) }] : [])];
  const logger = pino(
    { level: streams.length === 0 ? 'silent' : level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.multistream(streams),
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    flush: () => logger.flush(),
  };
};
