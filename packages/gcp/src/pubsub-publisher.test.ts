// The client is Google's own; the service is a server that speaks as much gRPC as publishing needs, so that it can be slow, refuse
// and be gone at the right moment.
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { Http2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { protos } from '@google-cloud/pubsub';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OutgoingMessage } from '@floodgate/core/ports/message-bus.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { connectPubSub } from './pubsub-client.ts';
import { PubSubPublisher } from './pubsub-publisher.ts';

const { PublishRequest, PublishResponse } = protos.google.pubsub.v1;
const ok = 0;
const notFound = 5;
const unavailable = 14;

type Call = { readonly topic: string; readonly data: readonly string[]; readonly answer: (status: number) => void; readonly cancelled: Promise<void> };

const startService = async () => {
  const calls: Call[] = [];
  const sessions = new Set<Http2Session>();
  let wake = (): void => undefined;
  const onStream = async (stream: ServerHttp2Stream): Promise<void> => {
    const cancelled = Promise.withResolvers<void>();
    stream.on('error', () => undefined);
    stream.on('aborted', () => cancelled.resolve());
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    // A gRPC message has 5 bytes in front: whether it is compressed, and its length.
    const request = PublishRequest.decode(Buffer.concat(chunks).subarray(5));
    const answer = (status: number): void => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status), 'grpc-message': 'as told' }));
      const body = PublishResponse.encode({ messageIds: request.messages.map((_, i) => String(i)) }).finish();
      const head = Buffer.alloc(5);
      head.writeUInt32BE(body.length, 1);
      stream.end(status === ok ? Buffer.concat([head, body]) : undefined);
    };
    calls.push({
      topic: request.topic,
      data: request.messages.map(({ data }) => Buffer.from(data as Uint8Array).toString()),
      answer,
      cancelled: cancelled.promise,
    });
    wake();
  };
  const server = createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream) => void onStream(stream));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    /** The nth call, as soon as it is there. */
    call: async (n: number): Promise<Call> => {
      while (calls.length < n) await new Promise<void>((resolve) => (wake = resolve));
      return calls[n - 1]!;
    },
    close: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
};

const message = (data: string, overrides: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  topic: 'floodgate-tasks',
  attributes: { id: data },
  data,
  ...overrides,
});
const keyed = (data: string, orderingKey = 'k'): OutgoingMessage => message(data, { orderingKey });
const path = (topic: string): string => `projects/project-one/topics/${topic}`;

describe('publishing', () => {
  let service: Awaited<ReturnType<typeof startService>>;
  let publisher: PubSubPublisher;
  let ends: (() => Promise<void>)[];
  const createPublisher = (timeoutMs = 20_000): PubSubPublisher => {
    const pubsub = connectPubSub({ projectId: 'project-one', emulators: { pubsub: service.host } });
    const created = new PubSubPublisher(pubsub, { clock: systemClock, timeoutMs });
    ends.push(async () => {
      await created[Symbol.asyncDispose]();
      await pubsub.close();
    });
    return created;
  };
  beforeEach(async () => {
    service = await startService();
    ends = [];
    publisher = createPublisher();
  });
  afterEach(async () => {
    await Promise.all(ends.map((end) => end()));
    service.close();
  });

  it('is one request for all messages of a topic, in their order, whatever their keys', async () => {
    const published = publisher.publish([keyed('a'), message('b'), keyed('c', 'other'), message('event', { topic: 'floodgate-task-events' }), keyed('d')]);
    (await service.call(1)).answer(ok);
    (await service.call(2)).answer(ok);
    await published;
    expect(service.calls).toMatchObject([
      { topic: path('floodgate-tasks'), data: ['a', 'b', 'c', 'd'] },
      { topic: path('floodgate-task-events'), data: ['event'] },
    ]);
  });

  it('sends one request after the other where one can not hold all', async () => {
    const published = publisher.publish(Array.from({ length: 1_001 }, (_, i) => message(String(i))));
    const first = await service.call(1);
    expect(first.data).toHaveLength(1_000);
    expect(service.calls).toHaveLength(1);
    first.answer(ok);
    const second = await service.call(2);
    expect(second.data).toEqual(['1000']);
    second.answer(ok);
    await published;
  });

  it('publishes nothing of a call in which there is a message that would be refused', async () => {
    await expect(publisher.publish([message('a'), message('b', { attributes: { id: 'b', long: 'x'.repeat(1_025) } })])).rejects.toMatchObject({
      code: 'message_refused',
      message: expect.stringContaining('nothing was published: Pub/Sub would refuse the message b'),
    });
    expect(service.calls).toEqual([]);
  });

  it('tries again what may pass', async () => {
    const published = publisher.publish([message('a')]);
    (await service.call(1)).answer(unavailable);
    (await service.call(2)).answer(ok);
    await published;
    expect(service.calls.map(({ data }) => data)).toEqual([['a'], ['a']]);
  });

  it('says what is missing, at once', async () => {
    const published = publisher.publish([message('a')]);
    (await service.call(1)).answer(notFound);
    await expect(published).rejects.toMatchObject({ code: 'topic_missing', message: expect.stringContaining('the topic floodgate-tasks') });
    expect(service.calls).toHaveLength(1);
  });

  it('gives up after its time, and cancels the request', async () => {
    const published = createPublisher(300).publish([message('a')]);
    const call = await service.call(1);
    await expect(published).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await call.cancelled;
  });

  it('gives up when it is told to, with the reason, and cancels the request', async () => {
    const stop = new AbortController();
    const published = publisher.publish([message('a')], stop.signal);
    const call = await service.call(1);
    const reason = new Error('stopped');
    stop.abort(reason);
    await expect(published).rejects.toBe(reason);
    await call.cancelled;
  });

  it('gives up after its time where nobody answers at all', async () => {
    const lonely = createPublisher(300);
    service.close();
    await expect(lonely.publish([message('a')])).rejects.toMatchObject({ code: 'deadline_exceeded' });
  });

  it('keeps the order of a key: a call waits for the one before it, its retries included, and for no other', async () => {
    const first = publisher.publish([keyed('a1')]);
    const call = await service.call(1);
    const second = publisher.publish([keyed('a2')]);
    const other = publisher.publish([keyed('b1', 'other')]);
    (await service.call(2)).answer(ok);
    await other;
    call.answer(unavailable);
    (await service.call(3)).answer(ok);
    await first;
    (await service.call(4)).answer(ok);
    await second;
    expect(service.calls.map(({ data }) => data[0])).toEqual(['a1', 'b1', 'a1', 'a2']);
  });

  it('goes on with a key after a call that failed', async () => {
    const first = publisher.publish([keyed('a1')]);
    const second = publisher.publish([keyed('a2')]);
    (await service.call(1)).answer(notFound);
    await expect(first).rejects.toMatchObject({ code: 'topic_missing' });
    (await service.call(2)).answer(ok);
    await second;
  });

  it('does not let a call pass those before it because one between them was given up', async () => {
    const stop = new AbortController();
    const first = publisher.publish([keyed('a1')]);
    const call = await service.call(1);
    const second = publisher.publish([keyed('a2')], stop.signal);
    const third = publisher.publish([keyed('a3')]);
    stop.abort(new Error('stopped'));
    await expect(second).rejects.toThrow('stopped');
    const unrelated = publisher.publish([message('free')]);
    (await service.call(2)).answer(ok);
    await unrelated;
    expect(service.calls.map(({ data }) => data[0])).toEqual(['a1', 'free']);
    call.answer(ok);
    await first;
    (await service.call(3)).answer(ok);
    await third;
    expect(service.calls.map(({ data }) => data[0])).toEqual(['a1', 'free', 'a3']);
  });
});
