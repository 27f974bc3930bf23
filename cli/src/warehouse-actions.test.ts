import { expect, test } from 'vitest';
import { createActionRouter } from '@floodgate/http/action-router.ts';
import { createHttpApp } from '@floodgate/http/http-app.ts';
import { startHttpServer } from '@floodgate/http/http-server.ts';
import { join } from 'node:path';
import { createTemporaryFolder } from '../../test/support/temporary-folder.ts';
import type { ValidationInput } from '@floodgate/core/app/validate.ts';
import { createRemoteActions } from './warehouse-actions.ts';

const quietLogger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

test('what another process validates is told while it goes on, under the name that was given', async () => {
  await using folder = await createTemporaryFolder();
  const seen = Promise.withResolvers<void>();
  let named = '';
  const router = createActionRouter({
    // Ends once whoever asked has heard of it.
    validate: async (input) => {
      named = (input as { readonly progressId: string }).progressId;
      await seen.promise;
      return { verdict: 'ready' };
    },
    validating: async (input) => ((input as { readonly progressId: string }).progressId === named ? { done: 3, total: 7, what: 'shop.sales' } : null),
  });
  const target = { socket: join(folder.path, 's') };
  const server = await startHttpServer(createHttpApp({ logger: quietLogger, readiness: {}, routers: [router] }), target);
  const input: ValidationInput = { kind: 'range', selection: { pipeline: 'shop', exclude: [] } };
  const heard: unknown[] = [];
  const report = await createRemoteActions(target).validate(input, new AbortController().signal, (step) => {
    heard.push(step);
    seen.resolve();
  });
  await server.close(0);
  expect(report).toEqual({ verdict: 'ready' });
  expect(heard[0]).toEqual({ done: 3, total: 7, what: 'shop.sales' });
});
