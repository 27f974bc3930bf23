// Requests to one of our own servers, over a Unix socket or TCP. Errors come back as the errors that they were.
import { request } from 'node:http';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { errorOfBody, type ErrorBody } from './error-response.ts';
import type { HttpTarget } from './http-server.ts';

export type HttpAnswer = { readonly status: number; readonly body: unknown };

const isErrorBody = (body: unknown): body is ErrorBody => typeof body === 'object' && body !== null && 'error' in body;

/** Resolves with a 2xx answer; throws the server's FloodgateError, or `unreachable` where nobody answers. */
export const callHttp = (target: HttpTarget, method: 'GET' | 'POST', path: string, body?: unknown, signal?: AbortSignal): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const outgoing = request(
      {
        ...('socket' in target ? { socketPath: target.socket } : { host: target.host, port: target.port }),
        method,
        path,
        headers: text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
        ...(signal === undefined ? {} : { signal }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          let answer: unknown;
          try {
            answer = JSON.parse(Buffer.concat(chunks).toString('utf8'));
          } catch {
            reject(new FloodgateError('unreachable', `${method} ${path}: the answer is no JSON`));
            return;
          }
          const status = response.statusCode ?? 500;
          if (status < 300) resolve({ status, body: answer });
          else reject(isErrorBody(answer) ? errorOfBody(answer) : new FloodgateError('unreachable', `${method} ${path} was answered with ${status}`));
        });
      },
    );
    outgoing.on('error', (error) =>
      reject(signal?.aborted === true ? signal.reason : new FloodgateError('unreachable', `nobody answers: ${error.message}`, { cause: error })),
    );
    outgoing.end(text);
  });
