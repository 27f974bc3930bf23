// Text files, gzipped or not, as BigQuery takes either.
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { BigQueryProblem } from '../problem.ts';

/** Text of the file in pieces, as UTF-8 without a byte order mark. */
export async function* readText(file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const source = createReadStream(file);
  const bytes = (await isGzipped(file)) ? source.pipe(createGunzip()) : source;
  try {
    for await (const piece of bytes as AsyncIterable<Uint8Array>) yield decoder.decode(piece, { stream: true });
    yield decoder.decode();
  } catch (error) {
    throw new BigQueryProblem(
      'invalid',
      `Error while reading data, error message: ${error instanceof Error ? error.message : String(error)}; file ${file}`,
      undefined,
      { cause: error },
    );
  } finally {
    source.destroy();
  }
}

/** Lines without their ends, counted by the caller. */
export async function* readLines(file: string): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of readText(file)) {
    const lines = `${rest}${piece}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  if (rest !== '') yield rest;
}

const isGzipped = async (file: string): Promise<boolean> => {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await handle.close();
  }
};
