// The express app: control endpoint, BigQuery's routes, and what they all share. What is not routed is refused by name.
import { bigquery } from '@floodgate/cloud-limits/limits.ts';
import express, { type Express, type NextFunction, type Request, type Response, type Router } from 'express';
import type { EmulatorClock } from '../control/emulator-clock.ts';
import type { Faults } from '../control/faults.ts';
import { notImplemented } from '../problem.ts';
import { answerError } from './error-body.ts';

type Dependencies = {
  readonly control: Router;
  readonly routes: readonly Router[];
  readonly faults: Faults;
  readonly clock: EmulatorClock;
  readonly limits: boolean;
};

const maxBytesWithoutLimits = 200 * 2 ** 20;

export const createApp = ({ control, routes, faults, clock, limits }: Dependencies): Express => {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use('/emulator/v1', express.json({ limit: '1mb' }), control);

  app.use(async (request, response, next) => {
    const { latencyMs, error, reset } = faults.forCall({ method: request.method, path: request.path });
    if (latencyMs > 0) await clock.sleep(latencyMs);
    if (reset) return void request.socket.resetAndDestroy();
    if (error !== undefined) throw error;
    if (!response.closed) next();
  });
  // Multipart media are read by their route; everything else is JSON, whatever its content type says.
  app.use(
    express.json({
      limit: limits ? bigquery.query.maxRequestBytes : maxBytesWithoutLimits,
      type: (request) =>
        request.method !== 'PUT' || !(request.url ?? '').startsWith('/upload/') ? !/^multipart\//i.test(request.headers['content-type'] ?? '') : false,
    }),
  );

  // Uploads have a prefix of their own; some clients leave `/bigquery/v2` out where they are given an emulator's address.
  app.use((request, _response, next) => {
    request.url = request.url.replace(/^(\/resumable)?\/upload\/bigquery\/v2\//, '/upload/').replace(/^\/bigquery\/v2\//, '/');
    next();
  });
  for (const router of routes) app.use(router);
  app.use((request) => {
    throw notImplemented(`${request.method} ${request.path}`);
  });
  app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(error);
    const { status, body } = answerError(error);
    response.status(status).json(body);
  });
  return app;
};
