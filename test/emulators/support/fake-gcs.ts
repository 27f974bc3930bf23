// Cloud Storage for load jobs: fake-gcs-server in memory, and what puts objects into it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { installFakeGcs } from '@floodgate/emulators/fake-gcs-install.ts';

export type FakeGcs = AsyncDisposable & {
  /** For STORAGE_EMULATOR_HOST. */
  readonly host: string;
  readonly createBucket: (bucket: string) => Promise<void>;
  readonly put: (bucket: string, object: string, content: Uint8Array | string) => Promise<void>;
};

const freePort = async (): Promise<number> => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

export const startFakeGcs = async (): Promise<FakeGcs> => {
  const program = await installFakeGcs();
  // It doesn't say which port it got, so it is told one.
  const port = await freePort();
  const host = `http://127.0.0.1:${port}`;
  const child = spawn(
    program,
    ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port), '-public-host', `127.0.0.1:${port}`, '-backend', 'memory', '-log-level', 'error'],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const exited = once(child, 'exit');
  const post = async (path: string, body: Uint8Array | string, type: string): Promise<void> => {
    const response = await fetch(`${host}${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : Buffer.from(body),
      headers: { 'content-type': type },
    });
    if (!response.ok) throw new Error(`fake-gcs-server answered ${response.status} to ${path}: ${await response.text()}`);
  };
  const deadline = Date.now() + 20_000;
  while (
    !(await fetch(`${host}/storage/v1/b?project=p`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error('fake-gcs-server did not start');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    host,
    createBucket: (bucket) => post('/storage/v1/b?project=p', JSON.stringify({ name: bucket }), 'application/json'),
    put: (bucket, object, content) =>
      post(`/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${encodeURIComponent(object)}`, content, 'application/octet-stream'),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
};
