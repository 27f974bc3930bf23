// A deployment on Google Cloud as commands see it: its services do the work, this process asks, looks and decides.
import { readBackfill } from '@floodgate/core/app/plan-store.ts';
import { controlBackfill } from '@floodgate/core/app/operate.ts';
import type { BackfillRequest } from '@floodgate/core/contracts/request.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Backend, BackfillOptions, RunOutcome } from './backend.ts';
import { readOutput, watch } from './follow.ts';
import { openGcpStack, type GcpStack, type OpenGcpStack } from './gcp-stack.ts';
import type { GcpSettings } from './gcp-settings.ts';
import { makePlanHere, refuseOtherPlan } from './make-plan.ts';
import { refreshSources } from './refresh-sources.ts';
import { requestDecision } from './request-decision.ts';
import { currentUser } from './selection-flags.ts';
import type { Session } from './session.ts';

/** Each look reads a few small documents, which are billed; nothing of a deployment changes faster than people can follow. */
const pollMs = 2_000;
const decisionWithinMs = 120_000;

export const createGcpBackend = (session: Session, settings: GcpSettings, open: OpenGcpStack = openGcpStack): Backend => {
  const { config, print, interrupted } = session;
  const place = `project ${settings.projectId}`;
  const server = `the deployment in ${place}`;
  let opened: Promise<GcpStack> | undefined;
  const stackOf = (): Promise<GcpStack> =>
    (opened ??= open({ settings, pipelinesFolder: config.pipelinesFolder, pipelineId: config.pipelineId, logger: session.log }));

  const makePlan = async (request: BackfillRequest) => makePlanHere(await (await stackOf()).acceptDeps(), request, interrupted);

  /** Planned between the look of a person and the planner's: what has changed since was not looked at. */
  const refuseChanged = async (stack: GcpStack, backfillId: string, wanted: string, wasKnown: boolean): Promise<void> => {
    const planHash = (await readBackfill(stack.deps.store, backfillId))?.planHash ?? '';
    if (planHash !== wanted && !wasKnown) await controlBackfill(stack.deps, backfillId, 'cancel', currentUser());
    refuseOtherPlan(session, planHash, wanted);
  };

  const follow = async (backfillId: string): Promise<RunOutcome> => {
    const { output, ended } = await watch(session, backend, backfillId, false);
    return { output, servedBy: ended === 'interrupted' ? server : undefined };
  };

  const runBackfill = async (request: BackfillRequest, options: BackfillOptions): Promise<RunOutcome> => {
    const { plan, detach } = options;
    if (plan !== undefined) refuseOtherPlan(session, (await makePlan(request)).planHash, plan);
    const stack = await stackOf();
    const { backfillId, wasKnown } = await requestDecision(session, stack.deps, request, { place, withinMs: options.decisionWithinMs ?? decisionWithinMs });
    if (plan !== undefined) await refuseChanged(stack, backfillId, plan, wasKnown);
    if (detach === true)
      return { output: await readOutput(session, backend.places, stack.deps.store, stack.plans, backfillId), servedBy: server, detached: true };
    print.note(
      `${wasKnown ? 'Decided before' : 'Accepted'} as ${print.style.bold(backfillId)}${print.style.dim(`; ${server} does the work. Looked at every ${pollMs / 1_000} s; Ctrl-C only ends the looking.`)}`,
    );
    return follow(backfillId);
  };

  const backend: Backend = {
    places: {
      home: `//firestore.googleapis.com/projects/${settings.projectId}/databases/${settings.firestoreDatabase}`,
      warehouse: `//bigquery.googleapis.com/projects/${settings.projectId}`,
    },
    pollMs,
    openStore: async () => {
      // One connection for the whole command, closed with it.
      const { deps, plans } = await stackOf();
      return { deps, plans, [Symbol.asyncDispose]: async () => undefined };
    },
    withWarehouse: async (body) => body(await (await stackOf()).actions()),
    findServer: async () => server,
    // Files are in the bucket; what is missing there the plan tells.
    prepare: async (request) => {
      if (config.fetching.sourceUrl === undefined) return;
      const { objectStore } = await stackOf();
      if (objectStore === undefined)
        throw new FloodgateError('no_data', 'no bucket is named that fetched files could be put in', { hint: 'name it with FLOODGATE_GCP_BUCKET' });
      await refreshSources(session, objectStore, request);
    },
    makePlan,
    runBackfill,
    goOn: follow,
    examine: async () => (await import('./gcp-doctor.ts')).examineGcp(session, settings, stackOf),
    [Symbol.asyncDispose]: async () => {
      await (await opened?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
  return backend;
};
