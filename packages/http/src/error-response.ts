// Errors as JSON, and back: one shape on every route, so that a client can tell them apart by code and show message and hint.
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Logger } from '@floodgate/core/ports/logger.ts';
import type { ErrorRequestHandler, Request, Response } from 'express';

export type ErrorBody = { readonly error: { readonly code: string; readonly message: string; readonly hint?: string; readonly problems?: readonly string[] } };

/** HTTP status of our codes; what is not here is the server's fault. */
const statusOf: Readonly<Record<string, number>> = {
  invalid_request: 400,
  invalid_sql: 400,
  invalid_pipeline: 422,
  unknown_pipeline: 422,
  unknown_processor: 422,
  unknown_phase: 422,
  empty_selection: 422,
  unknown_backfill: 404,
  unknown_table: 404,
  not_found: 404,
  overlap: 409,
  conflict: 409,
  home_in_use: 409,
  rate_limited: 429,
  quota_exceeded: 429,
  permission_denied: 403,
  unavailable: 503,
  shutdown: 503,
  timeout: 504,
  disk_full: 507,
};

export const statusOfError = (code: string): number => (Object.hasOwn(statusOf, code) ? (statusOf[code] as number) : 500);

const errorBody = (error: unknown): ErrorBody => {
  if (error instanceof FloodgateError)
    return { error: { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) } };
  return { error: { code: 'internal', message: 'an error that nobody expected; the log has it' } };
};

/** An error body as the error that it was. */
export const errorOfBody = (body: ErrorBody): FloodgateError => {
  const { code, message, hint, problems } = body.error;
  return new FloodgateError(code, problems === undefined ? message : problems.join('\n'), hint === undefined ? {} : { hint });
};

/** Errors of express and its body parser carry a status and may be shown. */
const clientError = (error: unknown): { readonly status: number; readonly message: string } | undefined => {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  return error.status >= 400 && error.status < 500 ? { status: error.status, message: error.message } : undefined;
};

export const createErrorHandler =
  (logger: Logger): ErrorRequestHandler =>
  (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const client = clientError(error);
    if (client !== undefined) {
      response.status(client.status).json({ error: { code: 'invalid_request', message: client.message } } satisfies ErrorBody);
      return;
    }
    const status = error instanceof FloodgateError ? statusOfError(error.code) : 500;
    if (status >= 500) logger.error({ err: error, method: request.method, path: request.path }, 'request failed');
    response.status(status).json(errorBody(error));
  };

export const answerNotFound = (request: Request, response: Response): void => {
  response.status(404).json({ error: { code: 'not_found', message: `there is nothing at ${request.method} ${request.path}` } } satisfies ErrorBody);
};
