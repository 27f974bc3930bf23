// The object store's contract on fake-gcs-server, and what only a store behind a network has to stand.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startStorageEmulator } from '@floodgate/emulators/storage-emulator.ts';
import type { RunningEmulator } from '@floodgate/emulators/java-emulator.ts';
import { GcsObjectStore } from '@floodgate/gcp/gcs-object-store.ts';
import { connectStorage } from '@floodgate/gcp/storage-client.ts';
import { describeObjectStoreContract } from '../contract/object-store.contract.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { createSeededIds } from '../support/seeded-ids.ts';
import { describeWithEmulators } from './support/requirements.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array): string => new TextDecoder().decode(content);
const never = new AbortController().signal;
/** Delays between tries are the real ones, without their length. */
const impatient = { now: () => systemClock.now(), sleep: () => Promise.resolve() };

const openAt = (host: string, bucket: string): GcsObjectStore =>
  new GcsObjectStore(connectStorage({ projectId: 'floodgate-test', emulators: { storage: host } }).bucket(bucket), {
    clock: impatient,
    ids: createSeededIds(1),
  });

type Fault = (request: IncomingMessage, response: ServerResponse) => 'handled' | 'pass' | 'lose_answer';

/** A server between us and the emulator that fails as it is told. */
const startFaulty = async (upstream: string, fault: Fault): Promise<{ readonly host: string } & AsyncDisposable> => {
  const server = createServer((request, response) => {
    void (async () => {
      const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
      const decided = fault(request, response);
      if (decided === 'handled') return;
      const headers = new Headers(
        Object.entries(request.headers).flatMap(([name, value]) =>
          typeof value === 'string' && !/^(host|connection|content-length|transfer-encoding|accept-encoding)$/.test(name)
            ? [[name, value] as [string, string]]
            : [],
        ),
      );
      const answer = await fetch(`http://${upstream}${request.url}`, { method: request.method ?? 'GET', headers, ...(body.length === 0 ? {} : { body }) });
      const content = Buffer.from(await answer.arrayBuffer());
      if (decided === 'lose_answer') return void response.destroy();
      response.writeHead(
        answer.status,
        Object.fromEntries([...answer.headers].filter(([name]) => !/^(content-encoding|transfer-encoding|content-length)$/.test(name))),
      );
      response.end(content);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

describeWithEmulators('object store on Cloud Storage', ['storage'], () => {
  let emulator: RunningEmulator;
  let buckets = 0;
  beforeAll(async () => {
    emulator = await startStorageEmulator();
  }, 180_000);
  afterAll(() => emulator?.[Symbol.asyncDispose]());

  const newBucket = async (): Promise<string> => {
    const name = `floodgate-${(buckets += 1)}`;
    await connectStorage({ projectId: 'floodgate-test', emulators: { storage: emulator.host } }).createBucket(name);
    return name;
  };
  const open = async (): Promise<GcsObjectStore> => openAt(emulator.host, await newBucket());

  describeObjectStoreContract('Cloud Storage', async () => ({ store: await open(), [Symbol.asyncDispose]: async () => undefined }));

  it('lists more objects than a page holds', async () => {
    const store = await open();
    const keys = Array.from({ length: 1_005 }, (_, index) => `raw/${String(index).padStart(4, '0')}.csv`);
    for (let from = 0; from < keys.length; from += 100) await Promise.all(keys.slice(from, from + 100).map((key) => store.write(key, bytes(key))));
    expect((await store.list('raw/*.csv')).map(({ key }) => key)).toEqual(keys);
  }, 60_000);

  it('gives the same content the same etag and another generation when it is uploaded again', async () => {
    const store = await open();
    await store.write('a', bytes('1'));
    const [before] = await store.list('a');
    await store.write('a', bytes('1'));
    const [after] = await store.list('a');
    expect([after?.etag === before?.etag, after?.generation === before?.generation]).toEqual([true, false]);
  });

  it('reads a part of the generation that was listed, and no other', async () => {
    const store = await open();
    await store.write('a', bytes('0123456789'));
    const [object] = await store.list('a');
    expect(text(await store.readRange(object!, 2, 5, never))).toBe('234');
    expect(text(await store.readRange(object!, 9, 10, never))).toBe('9');
    await store.write('a', bytes('9876543210'));
    await expect(store.readRange(object!, 2, 5, never)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('passes over the empty objects that stand for folders', async () => {
    const bucket = await newBucket();
    await connectStorage({ projectId: 'floodgate-test', emulators: { storage: emulator.host } })
      .bucket(bucket)
      .file('raw/')
      .save('');
    const store = openAt(emulator.host, bucket);
    await store.write('raw/a.csv', bytes('x'));
    expect((await store.list('raw/*')).map(({ key }) => key)).toEqual(['raw/a.csv']);
  });

  it('tells a bucket that is not there from an object that is not there', async () => {
    const store = openAt(emulator.host, 'no-such-bucket');
    await expect(store.list('*')).rejects.toMatchObject({
      code: expect.stringMatching(/unavailable|not_found/),
      message: expect.stringContaining('gs://no-such-bucket/'),
    });
  });

  it('tries again what a server failed to do', async () => {
    let failures = 0;
    await using faulty = await startFaulty(emulator.host, (request, response) => {
      if ((failures += 1) % 3 === 0) return 'pass';
      if (failures % 3 === 1) response.writeHead(503).end('{"error": {"code": 503, "message": "busy"}}');
      else request.socket.destroy();
      return 'handled';
    });
    const store = openAt(faulty.host, await newBucket());
    await store.write('a', bytes('content'));
    expect((await store.list('*')).map(({ key }) => key)).toEqual(['a']);
    expect(text(await store.read('a'))).toBe('content');
    expect(failures).toBe(12);
  });

  it('takes a write whose answer was lost for done, and does not undo what came after it', async () => {
    const bucket = await newBucket();
    const direct = openAt(emulator.host, bucket);
    let uploads = 0;
    await using faulty = await startFaulty(emulator.host, (request) => (request.method === 'POST' && (uploads += 1) === 1 ? 'lose_answer' : 'pass'));
    await openAt(faulty.host, bucket).write('a', bytes('ours'));
    expect(text(await direct.read('a'))).toBe('ours');
    expect(uploads).toBe(2);

    uploads = 0;
    let overwritten: Promise<void> | undefined;
    await using late = await startFaulty(emulator.host, (request, response) => {
      if (request.method !== 'POST' || (uploads += 1) > 1) return 'pass';
      overwritten = direct.write('a', bytes('theirs')).then(() => void response.destroy());
      return 'handled';
    });
    await openAt(late.host, bucket).write('a', bytes('ours again'));
    await overwritten;
    expect(text(await direct.read('a'))).toBe('theirs');
  });

  it('gives up a call that is under way as soon as the signal aborts', async () => {
    await using faulty = await startFaulty(emulator.host, () => 'handled');
    const store = openAt(faulty.host, 'any');
    const reason = new Error('stopped');
    for (const call of [
      (signal: AbortSignal) => store.read('a', signal),
      (signal: AbortSignal) => store.write('a', bytes('x'), signal),
      (signal: AbortSignal) => store.list('*', signal),
    ]) {
      const controller = new AbortController();
      const pending = call(controller.signal);
      setImmediate(() => controller.abort(reason));
      await expect(pending).rejects.toBe(reason);
    }
  });

  it('ends the request of a read that is given up', async () => {
    const asked = Promise.withResolvers<ServerResponse>();
    await using slow = await startFaulty(emulator.host, (_, response) => {
      asked.resolve(response);
      return 'handled';
    });
    const controller = new AbortController();
    const pending = openAt(slow.host, 'any').read('a', controller.signal);
    const response = await asked.promise;
    const closed = once(response, 'close');
    controller.abort(new Error('stopped'));
    await expect(pending).rejects.toThrow('stopped');
    await closed;
  });

  it('reads again what came damaged', async () => {
    const bucket = await newBucket();
    await openAt(emulator.host, bucket).write('a', bytes('content'));
    let reads = 0;
    await using faulty = await startFaulty(emulator.host, (_, response) => {
      if ((reads += 1) > 1) return 'pass';
      const md5 = createHash('md5').update('content').digest('base64');
      response.writeHead(200, { 'x-goog-hash': `crc32c=AAAAAA==,md5=${md5}` }).end('con?ent');
      return 'handled';
    });
    expect(text(await openAt(faulty.host, bucket).read('a'))).toBe('content');
    expect(reads).toBe(2);
  });

  it('locates an object for BigQuery', async () => {
    expect(openAt(emulator.host, 'my-bucket').locate('raw/a.parquet')).toBe('gs://my-bucket/raw/a.parquet');
  });
});
