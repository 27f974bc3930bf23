// A server on a TCP port or a Unix socket, and its end: no new connections, requests under way are answered within the grace
// period, whatever is left is cut.
import { rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';

export type HttpTarget = { readonly host: string; readonly port: number } | { readonly socket: string };

export type HttpServer = {
  /** `http://127.0.0.1:8787`, or the socket's path. */
  readonly address: string;
  readonly close: (graceMs: number) => Promise<void>;
};

const listening = (server: Server, target: HttpTarget): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    if ('socket' in target) server.listen(target.socket);
    else server.listen(target.port, target.host);
  });

const isAnswering = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = connect(socket);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });

const toError = (error: unknown, target: HttpTarget): FloodgateError => {
  const where = 'socket' in target ? `the socket ${target.socket}` : `${target.host}:${target.port}`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason =
    code === 'EADDRINUSE' ? 'something else listens there' : code === 'EACCES' ? 'this user may not' : error instanceof Error ? error.message : String(error);
  return new FloodgateError('address_in_use', `can't listen on ${where}: ${reason}`, {
    hint: 'socket' in target ? 'stop the other process, or choose another home' : 'choose another port with --port',
    cause: error,
  });
};

/** Throws FloodgateError `address_in_use`. A socket that a dead process left behind is taken over. */
export const startHttpServer = async (listener: RequestListener, target: HttpTarget): Promise<HttpServer> => {
  if ('socket' in target && !(await isAnswering(target.socket))) await rm(target.socket, { force: true });
  const server = createServer(listener);
  try {
    await listening(server, target);
  } catch (error) {
    throw toError(error, target);
  }
  const close = async (graceMs: number): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // A connection that answered its last request stays open for the next one (keep-alive), and close() waits for it.
    const sweep = setInterval(() => server.closeIdleConnections(), 20);
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    await closed;
    clearInterval(sweep);
    clearTimeout(cut);
  };
  if ('socket' in target) return { address: target.socket, close };
  const { address, port } = server.address() as AddressInfo;
  return { address: `http://${address.includes(':') ? `[${address}]` : address}:${port}`, close };
};
