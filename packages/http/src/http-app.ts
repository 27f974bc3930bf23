// The express application around the routes of a service: health, JSON bodies, errors. Liveness says that the process answers;
// readiness that it takes work, so that a deploy sends none to one that starts or stops.
import type { Logger } from '@floodgate/core/ports/logger.ts';
import express, { type Express, type Router } from 'express';
import { answerNotFound, createErrorHandler } from './error-response.ts';

export type HttpAppOptions = {
  readonly logger: Logger;
  /** Parts of the process by name; it is ready when all are. */
  readonly readiness: Readonly<Record<string, () => boolean>>;
  readonly routers: readonly Router[];
  /** Routers that read their bodies themselves. */
  readonly rawRouters?: readonly Router[];
  readonly maxBodyBytes?: number;
};

export const createHttpApp = ({ logger, readiness, routers, rawRouters = [], maxBodyBytes = 1_000_000 }: HttpAppOptions): Express => {
  const app = express();
  app.disable('x-powered-by');
  // Cloud Run keeps paths that end in z to itself: https://docs.cloud.google.com/run/docs/known-issues
  app.get(['/health', '/healthz'], (_, response) => {
    response.json({ status: 'ok' });
  });
  app.get(['/ready', '/readyz'], (_, response) => {
    const parts = Object.fromEntries(Object.entries(readiness).map(([name, isReady]) => [name, isReady()]));
    const ready = Object.values(parts).every(Boolean);
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not_ready', parts });
  });
  for (const router of rawRouters) app.use(router);
  // Any content type: a person with curl forgets the header, and there is nothing else that a body could be.
  app.use(express.json({ limit: maxBodyBytes, type: () => true, strict: false }));
  for (const router of routers) app.use(router);
  app.use(answerNotFound);
  app.use(createErrorHandler(logger));
  return app;
};
