// Whether each emulator does its work: a message, a document, an object and a query there and back, through the adapters and
// clients that Floodgate itself uses.
import type { GcpBackend } from '@floodgate/gcp/gcp-backend.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';

export type EmulatorCheck = { readonly what: string; readonly ms: number };

const deadlineMs = 30_000;

const expectSame = (what: string, expected: string, found: string): void => {
  if (expected !== found) throw new Error(`${what}: expected ${expected} back, found ${found}`);
};

/** Throws at the first that fails. Nothing that they write stays. */
export const checkEmulators = async ({ clients, store, warehouse }: GcpBackend, bucket: string): Promise<readonly EmulatorCheck[]> => {
  const signal = AbortSignal.timeout(deadlineMs);
  const mark = systemIds.newId();

  const message = async (): Promise<void> => {
    const [topic] = await clients.pubsub.createTopic(`floodgate-check-${mark}`);
    const [subscription] = await topic.createSubscription(`floodgate-check-${mark}`);
    const received = Promise.withResolvers<string>();
    signal.addEventListener('abort', () => received.reject(signal.reason), { once: true });
    subscription.on('error', received.reject).on('message', (each) => {
      each.ack();
      received.resolve(each.data.toString());
    });
    await topic.publishMessage({ data: Buffer.from(mark) });
    expectSame('message', mark, await received.promise);
    await subscription.close();
    await Promise.all([subscription.delete(), topic.delete()]);
  };
  const document = async (): Promise<void> => {
    const path = `checks/${mark}`;
    await store.transaction(async (transaction) => transaction.create(path, { mark }));
    expectSame('document', mark, String((await store.get(path))?.data['mark']));
    await store.transaction(async (transaction) => transaction.delete(path));
  };
  const object = async (): Promise<void> => {
    const file = clients.storage.bucket(bucket).file(`floodgate-check-${mark}`);
    await file.save(mark, { resumable: false });
    expectSame('object', mark, (await file.download())[0].toString());
    await file.delete();
  };
  const query = async (): Promise<void> => {
    const { rows } = await warehouse.query('SELECT @mark AS mark', { dialect: 'googlesql', params: { mark }, maxRows: 1 }, signal);
    expectSame('query', mark, String(rows[0]?.['mark']));
  };

  const checks: EmulatorCheck[] = [];
  for (const [what, check] of [
    ['Pub/Sub: a message', message],
    ['Firestore: a document', document],
    ['Cloud Storage: an object', object],
    ['BigQuery: a query', query],
  ] as const) {
    const startedAt = systemClock.now();
    await check();
    checks.push({ what, ms: systemClock.now() - startedAt });
  }
  return checks;
};
