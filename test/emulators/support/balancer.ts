// What Cloud Run does in front of the instances of one service: a request goes to the next of those that run, and is refused
// where none does.
import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Balancer = AsyncDisposable & { readonly url: string };

/** `ports`: of the instances that run now. */
export const startBalancer = async (ports: () => readonly number[]): Promise<Balancer> => {
  let turn = 0;
  const server = createServer((incoming, answer) => {
    const running = ports();
    turn += 1;
    const port = running[turn % Math.max(running.length, 1)];
    const refuse = (): void => {
      if (!answer.headersSent) answer.writeHead(503);
      answer.end();
    };
    if (port === undefined) {
      incoming.resume();
      refuse();
      return;
    }
    const passed = send({ host: '127.0.0.1', port, method: incoming.method, path: incoming.url, headers: incoming.headers }, (result) => {
      answer.writeHead(result.statusCode ?? 502, result.headers);
      result.pipe(answer);
    });
    // The instance died in the middle: the caller hears 503 and comes again.
    passed.on('error', refuse);
    answer.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
