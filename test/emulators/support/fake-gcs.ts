// Cloud Storage for load jobs: fake-gcs-server in memory, and what puts objects into it.
import { startStorageEmulator } from '@floodgate/emulators/storage-emulator.ts';

export type FakeGcs = AsyncDisposable & {
  /** For STORAGE_EMULATOR_HOST. */
  readonly host: string;
  readonly createBucket: (bucket: string) => Promise<void>;
  readonly put: (bucket: string, object: string, content: Uint8Array | string) => Promise<void>;
};

export const startFakeGcs = async (): Promise<FakeGcs> => {
  const emulator = await startStorageEmulator();
  const host = `http://${emulator.host}`;
  const post = async (path: string, body: Uint8Array | string, type: string): Promise<void> => {
    const response = await fetch(`${host}${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : Buffer.from(body),
      headers: { 'content-type': type },
    });
    if (!response.ok) throw new Error(`fake-gcs-server answered ${response.status} to ${path}: ${await response.text()}`);
  };
  return {
    host,
    createBucket: (bucket) => post('/storage/v1/b?project=p', JSON.stringify({ name: bucket }), 'application/json'),
    put: (bucket, object, content) =>
      post(`/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${encodeURIComponent(object)}`, content, 'application/octet-stream'),
    [Symbol.asyncDispose]: () => emulator[Symbol.asyncDispose](),
  };
};
