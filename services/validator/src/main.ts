// The validator as a process, on Google Cloud.
// oxlint-disable-next-line import/no-unassigned-import -- imported for its effect, before anything else
import '@floodgate/system/v8-flags.ts';
import { openGcpBackend } from '@floodgate/gcp/gcp-backend.ts';
import { createPushRouters } from '@floodgate/http/push-router.ts';
import { runService } from '@floodgate/http/run-service.ts';
import { createEngine } from '@floodgate/system/create-engine.ts';
import { createPushRecorder } from '@floodgate/system/record-push.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import { createValidatorApp } from './app.ts';
import { readValidatorConfig, systemEnvironment } from './config.ts';

await runService({
  service: 'validator',
  clock: systemClock,
  readConfig: () => readValidatorConfig(systemEnvironment()),
  open: async (config, { logger, signal }) => {
    const backend = await openGcpBackend(config.gcp, { ...config, clock: systemClock, ids: systemIds, logger });
    await backend.check(signal);
    const engine = createEngine(backend, { service: 'validator', logger, leaseMs: config.leaseMs });
    const app = createValidatorApp({ ...engine, gatherMs: 500 });
    return {
      ...app,
      routers: [],
      rawRouters: createPushRouters(backend.push, createPushRecorder(engine), logger),
      close: () => backend[Symbol.asyncDispose](),
      about: { holder: engine.lease.holder, revision: config.revision, mode: config.mode },
    };
  },
});
