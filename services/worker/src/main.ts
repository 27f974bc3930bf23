// The worker as a process, on Google Cloud.
// oxlint-disable-next-line import/no-unassigned-import -- imported for its effect, before anything else
import '@floodgate/system/v8-flags.ts';
import { createSurroundings } from '@floodgate/core/app/code-surroundings.ts';
import { openGcpBackend } from '@floodgate/gcp/gcp-backend.ts';
import { createPushRouters } from '@floodgate/http/push-router.ts';
import { runService } from '@floodgate/http/run-service.ts';
import { createEngine } from '@floodgate/system/create-engine.ts';
import { createFolderCode } from '@floodgate/system/pipeline-folders.ts';
import { createPushRecorder } from '@floodgate/system/record-push.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import { createWorkerApp } from './app.ts';
import { readWorkerConfig, systemEnvironment } from './config.ts';

await runService({
  service: 'worker',
  clock: systemClock,
  readConfig: () => readWorkerConfig(systemEnvironment()),
  open: async (config, { logger, signal, halt }) => {
    const { roles, concurrency, lanes } = config;
    const backend = await openGcpBackend(config.gcp, { ...config, clock: systemClock, ids: systemIds, logger });
    await backend.check(signal);
    const engine = createEngine(backend, { service: 'worker', logger, leaseMs: config.leaseMs });
    const code = createFolderCode(config.pipelinesFolder);
    // Firestore bears one write of a document in a second, and a settlement writes the ledger's several times over.
    const surroundings = createSurroundings({ landing: backend.objectStore, settingsOf: config.fetchSettingsOf });
    const app = createWorkerApp({ ...engine, code, surroundings, roles, concurrency, lanes, lingerMs: 500, batchEveryMs: 3_000, maxDates: 50, onHalt: halt });
    return {
      ...app,
      routers: [],
      rawRouters: createPushRouters(backend.push, createPushRecorder(engine), logger),
      close: () => backend[Symbol.asyncDispose](),
      about: { holder: engine.lease.holder, revision: config.revision, mode: config.mode, roles: [...roles] },
    };
  },
});
