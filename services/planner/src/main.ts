// The planner as a process, on Google Cloud.
// oxlint-disable-next-line import/no-unassigned-import -- imported for its effect, before anything else
import '@floodgate/system/v8-flags.ts';
import { adoptCommitLogs } from '@floodgate/core/app/adopt-logs.ts';
import { describePlan } from '@floodgate/core/app/describe-plan.ts';
import { openGcpBackend } from '@floodgate/gcp/gcp-backend.ts';
import { createPushRouters } from '@floodgate/http/push-router.ts';
import { runService } from '@floodgate/http/run-service.ts';
import { createEngine } from '@floodgate/system/create-engine.ts';
import { createFolderCatalog } from '@floodgate/system/pipeline-folders.ts';
import { createPushRecorder } from '@floodgate/system/record-push.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import { createPlannerApp, type PlannerDeps } from './app.ts';
import { readPlannerConfig, systemEnvironment } from './config.ts';
import { createOperateRoutes } from './operate-routes.ts';
import { createPlannerRoutes } from './routes.ts';

await runService({
  service: 'planner',
  clock: systemClock,
  readConfig: () => readPlannerConfig(systemEnvironment()),
  open: async (config, { logger, signal }) => {
    const backend = await openGcpBackend(config.gcp, { ...config, clock: systemClock, ids: systemIds, logger });
    await backend.check(signal);
    const deps: PlannerDeps = {
      ...createEngine(backend, { service: 'planner', logger, leaseMs: config.leaseMs }),
      catalog: await createFolderCatalog(config.pipelinesFolder),
      defaultMaxInFlight: config.maxInFlight,
      workers: config.workers,
      // One message per date; a job of BigQuery takes seconds, however little it reads, so that spans are made of several.
      defaultDatesPerTask: 1,
      autoTargetMs: 10_000,
      progressEveryMs: 2_000,
      gatherMs: 200,
      reconcileEveryMs: config.reconcileEveryMs,
      // Longer than a publish takes with its retries under way: what is younger is most likely on its way.
      outboxAgeMs: 15_000,
      queuedAgeMs: config.queuedAgeMs,
      keepClosedMs: config.keepClosedDays * 86_400_000,
    };
    const app = createPlannerApp(deps);
    return {
      ...app,
      start: async () => {
        await adoptCommitLogs(deps, signal);
        await app.start();
      },
      routers: [createPlannerRoutes({ accept: deps, describePlan }), createOperateRoutes(deps)],
      rawRouters: createPushRouters(backend.push, createPushRecorder(deps), logger),
      close: () => backend[Symbol.asyncDispose](),
      about: { holder: deps.lease.holder, revision: config.revision, mode: config.mode, pipelines: deps.catalog.ids },
    };
  },
});
