// Media that come with a load job: in one request with the job (multipart/related), or after it in pieces (resumable).
// https://docs.cloud.google.com/bigquery/docs/reference/api-uploads. Media go to files; an upload that nobody goes on with is
// forgotten after an hour.
import { createWriteStream } from 'node:fs';
import { appendFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request } from 'express';
import type { EmulatorClock } from '../control/emulator-clock.ts';
import { createScratch, unpack, type SourceFile } from '../jobs/fetch-sources.ts';
import { BigQueryProblem } from '../problem.ts';
import { invalid } from './read-json.ts';

export type Media = SourceFile & { readonly remove: () => Promise<void> };

const maxUploadBytes = 5 * 2 ** 30;
const maxMultipartBytes = 256 * 2 ** 20;
const uploadLifeMs = 3_600_000;

const tooLarge = (): BigQueryProblem => invalid('The upload is larger than this emulator takes');

const collect = async (request: Request, maxBytes: number): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/** The parts of a multipart/related body: https://www.rfc-editor.org/rfc/rfc2046#section-5.1 */
const splitParts = (body: Buffer, boundary: string): readonly { readonly headers: string; readonly content: Buffer }[] => {
  const delimiter = Buffer.from(`--${boundary}`);
  const parts: { headers: string; content: Buffer }[] = [];
  let at = body.indexOf(delimiter);
  while (at >= 0) {
    const start = at + delimiter.length;
    // `--` behind the delimiter closes the body.
    if (body.subarray(start, start + 2).toString() === '--') return parts;
    const next = body.indexOf(Buffer.from(`\r\n--${boundary}`), start);
    if (next < 0) throw invalid('Malformed multipart body: its end is missing');
    const lineEnd = body.indexOf('\r\n', start);
    const headEnd = body.indexOf('\r\n\r\n', lineEnd);
    if (lineEnd < 0 || headEnd < 0 || headEnd > next) throw invalid('Malformed multipart body: a part without a head');
    parts.push({ headers: body.subarray(lineEnd, headEnd).toString(), content: body.subarray(headEnd + 4, next) });
    at = next + 2;
  }
  throw invalid('Malformed multipart body: no part was found');
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new BigQueryProblem('invalid', 'Parse Error: the job of the upload is no JSON');
  }
};

export const readMultipart = async (request: Request): Promise<{ readonly body: unknown; readonly media: Media }> => {
  const [, quoted, plain] = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(request.get('content-type') ?? '') ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw invalid('A multipart upload needs a boundary in its content-type');
  const parts = splitParts(await collect(request, maxMultipartBytes), boundary);
  const [job, content] = parts;
  if (job === undefined || content === undefined || parts.length !== 2)
    throw invalid(`A multipart upload has two parts, the job and its media; this one has ${parts.length}`);
  const body = parseJson(job.content.toString());
  const scratch = await createScratch();
  const path = join(scratch.folder, 'media');
  await writeFile(path, content.content);
  return { body, media: { path: await unpack(path), name: 'the uploaded media', remove: scratch.remove } };
};

type Upload = {
  readonly body: unknown;
  readonly projectId: string;
  readonly path: string;
  readonly remove: () => Promise<void>;
  readonly startedAt: number;
  received: number;
  busy: boolean;
};

export type Uploads = {
  /** Answers the id of a new upload. */
  readonly start: (projectId: string, body: unknown) => Promise<string>;
  /** One piece. Answers how many bytes are there, and the whole once it is complete. */
  readonly write: (
    id: string,
    request: Request,
  ) => Promise<{ readonly received: number; readonly complete?: { readonly projectId: string; readonly body: unknown; readonly media: Media } }>;
  readonly close: () => Promise<void>;
};

const readRange = (request: Request): { readonly start: number | undefined; readonly total: number | undefined } => {
  const header = request.get('content-range');
  if (header === undefined) return { start: 0, total: undefined };
  const [, start, , total] = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(header) ?? [];
  if (total === undefined) throw invalid(`Invalid Content-Range: ${header}`);
  return { start: start === undefined ? undefined : Number(start), total: total === '*' ? Number.POSITIVE_INFINITY : Number(total) };
};

export const createUploads = ({ clock, newId }: { readonly clock: EmulatorClock; readonly newId: () => string }): Uploads => {
  const uploads = new Map<string, Upload>();
  const forgetOld = async (): Promise<void> => {
    for (const [id, upload] of uploads) {
      if (upload.busy || clock.now() - upload.startedAt < uploadLifeMs) continue;
      uploads.delete(id);
      await upload.remove();
    }
  };

  const append = async (upload: Upload, request: Request): Promise<void> => {
    const count = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        upload.received += chunk.length;
        done(upload.received > maxUploadBytes ? tooLarge() : null, chunk);
      },
    });
    await pipeline(request, count, createWriteStream(upload.path, { flags: 'a' }));
    // What was lost on the way into the file is not there, whatever was counted.
    upload.received = (await stat(upload.path)).size;
  };

  return {
    start: async (projectId, body) => {
      await forgetOld();
      const scratch = await createScratch();
      const path = join(scratch.folder, 'media');
      await appendFile(path, '');
      const id = newId();
      uploads.set(id, { body, projectId, path, remove: scratch.remove, startedAt: clock.now(), received: 0, busy: false });
      return id;
    },
    write: async (id, request) => {
      const upload = uploads.get(id);
      if (upload === undefined) throw new BigQueryProblem('notFound', `Not found: Upload ${id}`);
      if (upload.busy) throw invalid('Another piece of this upload is on its way');
      const { start, total } = readRange(request);
      // A piece that doesn't begin where the last one ended is not taken: the answer tells where to go on.
      upload.busy = true;
      try {
        if (start !== undefined && start === upload.received) await append(upload, request);
        else request.resume();
      } finally {
        upload.busy = false;
      }
      if (upload.received < (total ?? upload.received)) return { received: upload.received };
      uploads.delete(id);
      const { projectId, body, path, remove } = upload;
      return { received: upload.received, complete: { projectId, body, media: { path: await unpack(path), name: 'the uploaded media', remove } } };
    },
    close: async () => {
      for (const upload of uploads.values()) await upload.remove();
      uploads.clear();
    },
  };
};
