// Brings the files of a load job to this disk: objects of Cloud Storage, through the JSON API that STORAGE_EMULATOR_HOST
// serves (fake-gcs-server, or any other). Compressed text is unpacked, as BigQuery does.
// https://docs.cloud.google.com/bigquery/docs/loading-data-cloud-storage-json and https://docs.cloud.google.com/storage/docs/json_api/v1
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { BigQueryProblem, notImplemented } from '../problem.ts';

export type SourceFile = { readonly path: string; readonly name: string };
export type Sources = AsyncDisposable & { readonly files: readonly SourceFile[] };

export const createScratch = async (): Promise<{ readonly folder: string; readonly remove: () => Promise<void> }> => {
  const folder = await mkdtemp(join(tmpdir(), 'bigquery-emulator-load-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
};

const callTimeoutMs = 120_000;

const parseUri = (uri: string): { readonly bucket: string; readonly object: string } => {
  const [, bucket, object] = /^gs:\/\/([^/]+)\/(.+)$/s.exec(uri) ?? [];
  if (bucket === undefined || object === undefined) {
    throw uri.startsWith('gs:') ? new BigQueryProblem('invalid', `Invalid source URI: ${uri}`) : notImplemented(`loading from ${uri}; gs:// it can read`);
  }
  if (object.split('*').length > 2) throw new BigQueryProblem('invalid', `Invalid source URI: ${uri}: only one wildcard is allowed`);
  return { bucket, object };
};

const request = async (url: string, signal: AbortSignal, uri: string): Promise<Response> => {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]) });
  } catch (error) {
    signal.throwIfAborted();
    throw new BigQueryProblem('backendError', `Error reading ${uri}: the storage server did not answer`, undefined, { cause: error });
  }
  if (response.status === 404) throw new BigQueryProblem('notFound', `Not found: URI ${uri}`);
  if (!response.ok) throw new BigQueryProblem('backendError', `Error reading ${uri}: the storage server answered ${response.status}`);
  return response;
};

const listObjects = async (host: string, uri: string, signal: AbortSignal): Promise<readonly { readonly bucket: string; readonly object: string }[]> => {
  const { bucket, object } = parseUri(uri);
  const [prefix, suffix] = object.split('*') as [string, string | undefined];
  if (suffix === undefined) return [{ bucket, object }];
  const names: string[] = [];
  let pageToken = '';
  do {
    const query = new URLSearchParams({ prefix, fields: 'items(name),nextPageToken', ...(pageToken === '' ? {} : { pageToken }) });
    const response = await request(`${host}/storage/v1/b/${encodeURIComponent(bucket)}/o?${query.toString()}`, signal, uri);
    const page = (await response.json()) as { items?: { name: string }[]; nextPageToken?: string };
    names.push(...(page.items ?? []).map(({ name }) => name));
    pageToken = page.nextPageToken ?? '';
  } while (pageToken !== '');
  const matching = names.filter((name) => name.length >= prefix.length + suffix.length && name.endsWith(suffix));
  if (matching.length === 0) throw new BigQueryProblem('notFound', `Not found: URI ${uri}`);
  return matching.sort().map((name) => ({ bucket, object: name }));
};

/** Answers the path of what can be read: itself, or an unpacked copy. */
export const unpack = async (path: string): Promise<string> => {
  const handle = await open(path);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0).finally(() => handle.close());
  if (bytesRead < 2 || buffer[0] !== 0x1f || buffer[1] !== 0x8b) return path;
  await pipeline(createReadStream(path), createGunzip(), createWriteStream(`${path}.unpacked`));
  return `${path}.unpacked`;
};

export const fetchSources = async (uris: readonly string[], storageHost: string | undefined, signal: AbortSignal): Promise<Sources> => {
  if (storageHost === undefined) throw notImplemented('loading from Cloud Storage without STORAGE_EMULATOR_HOST, the address of a storage emulator');
  const host = (/^https?:\/\//.test(storageHost) ? storageHost : `http://${storageHost}`).replace(/\/+$/, '');
  const { folder, remove } = await createScratch();
  try {
    const objects = (await Promise.all(uris.map((uri) => listObjects(host, uri, signal)))).flat();
    const files: SourceFile[] = [];
    for (const [index, { bucket, object }] of objects.entries()) {
      const name = `gs://${bucket}/${object}`;
      const response = await request(`${host}/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(object)}?alt=media`, signal, name);
      const path = join(folder, String(index));
      await pipeline(response.body === null ? Readable.from([]) : Readable.fromWeb(response.body), createWriteStream(path), { signal });
      files.push({ path: await unpack(path), name });
    }
    return { files, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
};
