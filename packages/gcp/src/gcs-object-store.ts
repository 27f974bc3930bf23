// Objects of one bucket. Cloud Storage shows an object as a whole or not at all, and every read is of one generation of it.
//
// The etag that we give is the content's MD5 (or, for objects that were composed of parts and have none, its CRC32C and size):
// Cloud Storage's own etag and its generation also change when the same content is uploaded again, or metadata is edited, and
// then every source would be loaded anew for nothing. Whoever must know that nothing was written meanwhile compares generations.
import { createHash } from 'node:crypto';
import type { Bucket, File, FileMetadata } from '@google-cloud/storage';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { Ids } from '@floodgate/core/ports/ids.ts';
import { checkObjectKey, parseObjectGlob } from '@floodgate/core/ports/object-keys.ts';
import { ObjectStoreError, type ObjectInfo, type ObjectStore } from '@floodgate/core/ports/object-store.ts';
import { classifyGcsFailure, readGcsFailure, toObjectStoreError } from './gcs-errors.ts';

export type GcsObjectInfo = ObjectInfo & {
  /** Changes with every write, also one of the same content. */
  readonly generation: string;
};

/** Of a listing's page or an object's metadata. */
const callTimeoutMs = 30_000;
/** Of content, in whole; 1 GiB at 5 MiB/s takes less. */
const contentTimeoutMs = 300_000;
const maxTries = 5;
const baseDelayMs = 200;
const maxDelayMs = 5_000;
const maxPage = 1_000;

const neverAborted = new AbortController().signal;

export class GcsObjectStore implements ObjectStore {
  readonly #bucket: Bucket;
  readonly #clock: Clock;
  readonly #ids: Ids;

  constructor(bucket: Bucket, deps: { readonly clock: Clock; readonly ids: Ids }) {
    this.#bucket = bucket;
    this.#clock = deps.clock;
    this.#ids = deps.ids;
  }

  async list(glob: string, signal: AbortSignal = neverAborted): Promise<readonly GcsObjectInfo[]> {
    const patterns = parseObjectGlob(glob);
    const beforeStar = glob.split('*', 1)[0] ?? '';
    // Where only the last name has a star, nothing below a further `/` can match, and need not be listed.
    const folder = glob.slice(0, glob.lastIndexOf('/') + 1);
    const delimiter = folder.includes('*') ? {} : { delimiter: '/' };
    const found: GcsObjectInfo[] = [];
    for (let pageToken: string | undefined; ;) {
      const query = {
        prefix: beforeStar,
        maxResults: maxPage,
        autoPaginate: false,
        ...delimiter,
        ...(pageToken === undefined ? {} : { pageToken }),
      };
      const [files, next] = await this.#retried(`list gs://${this.#bucket.name}/${glob}`, callTimeoutMs, signal, () => this.#bucket.getFiles(query));
      for (const { name, metadata } of files) {
        const names = name.split('/');
        // A "folder" that a console made is an empty object whose name ends in `/`.
        if (names.length === patterns.length && names.every((each, index) => each !== '' && patterns[index]?.test(each) === true))
          found.push(describe(name, metadata));
      }
      pageToken = (next as { readonly pageToken?: string } | null)?.pageToken;
      if (pageToken === undefined) break;
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  read(key: string, signal: AbortSignal = neverAborted): Promise<Uint8Array> {
    return this.#download(key, {}, signal);
  }

  /** Bytes `start` to `end`, exclusive, of one generation; throws `not_found` where the object has another one by now. */
  async readRange({ key, generation }: Pick<GcsObjectInfo, 'key' | 'generation'>, start: number, end: number, signal: AbortSignal): Promise<Uint8Array> {
    const content = await this.#download(key, { generation, range: { start, end: end - 1 } }, signal);
    if (content.length === end - start) return content;
    throw new ObjectStoreError('unavailable', `of ${this.locate(key)} ${content.length} bytes came instead of ${end - start}, from ${start} on`);
  }

  /**
   * A write is conditional on the generation that was there when it began, so that a try whose answer was lost can be
   * repeated without undoing what somebody wrote after it. Where the condition fails, a write of ours has succeeded before or
   * somebody else's came in between; either way it is as if ours had been the earlier one.
   */
  async write(key: string, content: Uint8Array, signal: AbortSignal = neverAborted): Promise<void> {
    const address = this.locate(key);
    signal.throwIfAborted();
    const file = this.#bucket.file(key);
    const generation = await this.#generationOf(file, signal);
    // The writer may change his bytes while they are on their way, and between two tries.
    const data = Buffer.from(content);
    try {
      await this.#retried(`write ${address}`, contentTimeoutMs, signal, (given) => upload(file, data, generation, given));
    } catch (error) {
      if (error instanceof ObjectStoreError && readGcsFailure(error.cause).status === 412) return;
      throw error;
    }
  }

  locate(key: string): string {
    checkObjectKey(key);
    return `gs://${this.#bucket.name}/${key}`;
  }

  /** 0, where there is no such object: the condition that there still is none. */
  async #generationOf(file: File, signal: AbortSignal): Promise<string | number> {
    try {
      const [metadata] = await this.#retried(`look at ${this.locate(file.name)}`, callTimeoutMs, signal, () => file.getMetadata());
      return metadata.generation ?? 0;
    } catch (error) {
      if (error instanceof ObjectStoreError && error.code === 'not_found') return 0;
      throw error;
    }
  }

  async #download(
    key: string,
    options: { readonly generation?: string; readonly range?: { readonly start: number; readonly end: number } },
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const address = this.locate(key);
    const { generation, range } = options;
    const { storage, name } = this.#bucket;
    const url = `${storage.apiEndpoint}/storage/v1/b/${encodeURIComponent(name)}/o/${encodeURIComponent(key)}`;
    // Through the client's authentication and not by its streams: those can't be given up before they have an answer (they then
    // fail where nobody hears it), and each of them warns of too many listeners.
    return this.#retried(`read ${address}`, contentTimeoutMs, signal, async (given) => {
      const { data, headers } = await storage.authClient.request<ArrayBuffer>({
        url,
        params: { alt: 'media', ...(generation === undefined ? {} : { generation }) },
        headers: range === undefined ? {} : { range: `bytes=${range.start}-${range.end}` },
        responseType: 'arraybuffer',
        retry: false,
        signal: given,
      });
      const content = new Uint8Array(data);
      // A part can't be held against the hash of the whole, nor can what was stored compressed and unpacked on its way.
      if (range === undefined && !headers.has('content-encoding')) checkHash(content, headers.get('x-goog-hash'), address);
      return content;
    });
  }

  /** Only for what can be repeated. Rejects with the signal's reason as soon as it aborts. */
  async #retried<Answer>(what: string, timeoutMs: number, signal: AbortSignal, call: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await bounded(call, timeoutMs, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (attempt === maxTries || !classifyGcsFailure(readGcsFailure(error)).isTransient) throw toObjectStoreError(error, what);
        const delayMs = Math.min(maxDelayMs, baseDelayMs * 2 ** (attempt - 1)) * (0.5 + this.#ids.random() / 2);
        await this.#clock.sleep(delayMs, signal);
      }
    }
  }
}

const describe = (key: string, { size, md5Hash, crc32c, generation }: FileMetadata): GcsObjectInfo => ({
  key,
  bytes: Number(size ?? 0),
  etag: md5Hash ?? `${crc32c}-${size}`,
  generation: String(generation),
});

/** `crc32c=…,md5=…`; without MD5 for objects that were composed of parts. */
const checkHash = (content: Uint8Array, header: string | null, address: string): void => {
  const expected = /\bmd5=([^,\s]+)/.exec(header ?? '')?.[1];
  if (expected === undefined || createHash('md5').update(content).digest('base64') === expected) return;
  throw new Error(`what came of ${address} is not what is stored: its MD5 is another one`);
};

const upload = (file: File, content: Buffer, generation: string | number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    // Not resumable: one request, which the bucket takes as a whole or not at all, and refuses where the content is not that of
    // the hash. (The client's own validation comes after the write, and deletes the object.)
    const md5Hash = createHash('md5').update(content).digest('base64');
    const stream = file.createWriteStream({ resumable: false, validation: false, metadata: { md5Hash }, preconditionOpts: { ifGenerationMatch: generation } });
    const giveUp = (): void => void stream.destroy(asError(signal.reason));
    signal.addEventListener('abort', giveUp, { once: true });
    const end = (): void => signal.removeEventListener('abort', giveUp);
    stream.on('error', (error) => {
      end();
      reject(error);
    });
    stream.on('finish', () => {
      end();
      resolve();
    });
    stream.end(content);
  });

/** The client's calls can't be given up: where the time is over or the signal aborts, their answer is not waited for any more. */
const bounded = async <Answer>(call: (signal: AbortSignal) => Promise<Answer>, timeoutMs: number, signal: AbortSignal): Promise<Answer> => {
  signal.throwIfAborted();
  const either = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const { promise: given, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(either.reason);
  either.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([call(either), given]);
  } finally {
    either.removeEventListener('abort', giveUp);
  }
};

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));
