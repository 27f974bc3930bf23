// What every route needs to know of a call.
import type { Request, Response } from 'express';
import { readOptionalText } from './read-json.ts';

export const projectOf = (request: Request): string => String(request.params['projectId']);

/** A parameter of the query string; the first one where it is given twice. */
export const queryText = (request: Request, name: string): string | undefined => {
  const value = request.query[name];
  return readOptionalText(Array.isArray(value) ? value[0] : value, name);
};
export const queryTexts = (request: Request, name: string): readonly string[] => {
  const value = request.query[name];
  return value === undefined ? [] : (Array.isArray(value) ? value : [value]).map(String);
};

/** A body that is absent counts as an empty object. */
export const bodyOf = (request: Request): Readonly<Record<string, unknown>> => {
  const body: unknown = request.body;
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Readonly<Record<string, unknown>>) : {};
};

export const baseUrlOf = (request: Request): string => `${request.protocol}://${request.get('host') ?? 'localhost'}`;

/** If-Match; `*` matches anything that is there. */
export const ifMatch = (request: Request): string | undefined => {
  const value = request.get('if-match');
  return value === undefined || value === '*' ? undefined : value;
};

/** Aborted when the caller has gone. */
export const callerSignal = (response: Response): AbortSignal => {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  return gone.signal;
};
