// The process that runs on a home answers the others over a socket in the home: requests for backfills as over HTTP, and
// what needs the warehouse. A socket's path has about 100 bytes; for a deeper home it lies in the system's temporary folder.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestText } from '@floodgate/core/domain/digest.ts';
import { createActionRouter } from '@floodgate/http/action-router.ts';
import { createHttpApp } from '@floodgate/http/http-app.ts';
import { callHttp } from '@floodgate/http/http-client.ts';
import { startHttpServer, type HttpServer, type HttpTarget } from '@floodgate/http/http-server.ts';
import { Router } from '@floodgate/http/router.ts';
import { createPlannerRoutes } from '@floodgate/planner/routes.ts';
import * as z from 'zod';
import type { EmbeddedStack } from './embedded-stack.ts';
import { planOutputOf } from './plan-output.ts';
import type { Session } from './session.ts';
import { createEmbeddedActions } from './embedded-actions.ts';

const maxSocketPath = 100;

const socketOf = (home: string): string => {
  const own = join(home, 'floodgate.sock');
  return Buffer.byteLength(own) <= maxSocketPath ? own : join(tmpdir(), `floodgate-${digestText(home)}.sock`);
};

const greetingSchema = z.object({ pid: z.int(), command: z.string(), dataFolder: z.string().nullable() });
export type Greeting = z.output<typeof greetingSchema>;

const createGreeting = (greeting: Greeting): Router => {
  const router = Router();
  router.get('/greeting', (_, response) => void response.json(greeting));
  return router;
};

export type ControlServer = {
  /** The public address, where a port was asked for. */
  readonly address: string | undefined;
  /** Backfills that others handed over. */
  readonly handedOver: ReadonlySet<string>;
  readonly close: (graceMs: number) => Promise<void>;
};

export type ControlServerOptions = {
  readonly session: Session;
  readonly stack: EmbeddedStack;
  /** Name of the command that runs, for those who meet it. */
  readonly command: string;
  readonly dataFolder: string | undefined;
  /** `up` listens on TCP too. */
  readonly listen?: { readonly host: string; readonly port: number };
};

export const startControlServer = async ({ session, stack, command, dataFolder, listen }: ControlServerOptions): Promise<ControlServer> => {
  const handedOver = new Set<string>();
  const routes = createPlannerRoutes({ accept: stack.plannerDeps, describePlan: planOutputOf, onAccepted: (backfillId) => handedOver.add(backfillId) });
  const readiness = { planner: stack.planner.isReady, worker: stack.worker.isReady, validator: stack.validator.isReady };
  const greeting = createGreeting({ pid: process.pid, command, dataFolder: dataFolder ?? null });
  // Actions only on the socket: they may read and write files as this user.
  const inner = createHttpApp({
    logger: session.log,
    readiness,
    routers: [greeting, routes, createActionRouter(createEmbeddedActions(stack))],
    maxBodyBytes: 10_000_000,
  });
  const servers: HttpServer[] = [];
  try {
    servers.push(await startHttpServer(inner, { socket: socketOf(session.config.home) }));
    if (listen !== undefined) servers.push(await startHttpServer(createHttpApp({ logger: session.log, readiness, routers: [routes] }), listen));
  } catch (error) {
    await Promise.all(servers.map((server) => server.close(0)));
    throw error;
  }
  return {
    address: servers[1]?.address,
    handedOver,
    close: async (graceMs) => {
      await Promise.all(servers.map((server) => server.close(graceMs)));
    },
  };
};

/** Who answers on the home's socket; undefined where nobody does. */
export const greet = async (home: string, signal: AbortSignal): Promise<{ readonly target: HttpTarget; readonly greeting: Greeting } | undefined> => {
  const target = { socket: socketOf(home) };
  try {
    const { body } = await callHttp(target, 'GET', '/greeting', undefined, signal);
    return { target, greeting: greetingSchema.parse(body) };
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
};
