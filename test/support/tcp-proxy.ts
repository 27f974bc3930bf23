// A line between a service and an emulator that can be cut: connections are reset and new ones refused until it is healed, or
// it swallows everything without a word, as a network does that drops packets.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type TcpProxy = AsyncDisposable & {
  /** `host:port` to connect to instead of the target. */
  readonly host: string;
  /** Resets what is open and refuses what comes. */
  readonly cut: () => void;
  /** Keeps what is open and what comes, and passes nothing on. */
  readonly stall: () => void;
  readonly heal: () => void;
  /** Connections that were reset or stalled so far: a cut that hit nothing proves nothing. */
  readonly hit: number;
};

/** `target`: `host:port`. */
export const startTcpProxy = async (target: string): Promise<TcpProxy> => {
  const [hostname = '', port = ''] = target.split(':');
  const open = new Map<Socket, Socket>();
  let state: 'open' | 'cut' | 'stalled' = 'open';
  let hit = 0;

  const end = (socket: Socket): void => {
    const other = open.get(socket);
    open.delete(socket);
    socket.destroy();
    other?.destroy();
  };

  const pass = (from: Socket, to: Socket): void => {
    from.on('data', (chunk) => {
      if (!to.write(chunk)) from.pause();
    });
    to.on('drain', () => {
      if (state !== 'stalled') from.resume();
    });
    from.on('end', () => to.end());
  };

  const server = createServer((client) => {
    if (state === 'cut') {
      hit += 1;
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ host: hostname, port: Number(port) });
    open.set(client, upstream);
    for (const socket of [client, upstream]) {
      // A reset of either side is what this proxy is for: both ends go, nobody needs to be told here.
      socket.on('error', () => end(client));
      socket.on('close', () => end(client));
      socket.setNoDelay(true);
    }
    pass(client, upstream);
    pass(upstream, client);
    if (state === 'stalled') {
      hit += 1;
      client.pause();
      upstream.pause();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get hit() {
      return hit;
    },
    cut: () => {
      state = 'cut';
      hit += open.size;
      for (const [client, upstream] of open) {
        client.resetAndDestroy();
        upstream.resetAndDestroy();
      }
      open.clear();
    },
    stall: () => {
      state = 'stalled';
      hit += open.size;
      for (const [client, upstream] of open) {
        client.pause();
        upstream.pause();
      }
    },
    heal: () => {
      state = 'open';
      for (const [client, upstream] of open) {
        client.resume();
        upstream.resume();
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of open.keys()) end(client);
      server.close();
      await once(server, 'close');
    },
  };
};
