// The embedded backend as commands see it: what has to be done is asked of the process that runs on the home, or done here.
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { BackfillRequest } from '@floodgate/core/contracts/request.ts';
import { callHttp } from '@floodgate/http/http-client.ts';
import type { Backend, RunOutcome, WithWarehouseOptions } from './backend.ts';
import { examineHome } from './doctor-checks.ts';
import { createEmbeddedActions } from './embedded-actions.ts';
import { findHomeHolder, warehouseFile } from './embedded-home.ts';
import { makePlanHere, refuseOtherPlan } from './make-plan.ts';
import type { PlanOutput } from './output-schema.ts';
import { loadPipeline } from './pipeline-files.ts';
import { prepareData } from './prepare-data.ts';
import { needHome, openHomeStore, reachHome } from './reach-home.ts';
import { runToEnd } from './run-to-end.ts';
import type { Session } from './session.ts';
import { submitRequest } from './submit-request.ts';
import { createRemoteActions, type WarehouseActions } from './warehouse-actions.ts';

/** Throws FloodgateError `overlap`. */
const makePlan = async (session: Session, request: BackfillRequest): Promise<PlanOutput> => {
  const reach = await reachHome(session);
  if (reach.kind === 'remote') {
    const { body } = await callHttp(reach.target, 'POST', '/v1/backfills?dryRun=true', request, session.interrupted);
    return (body as { readonly plan: PlanOutput }).plan;
  }
  await using stack = reach.stack;
  return await makePlanHere(stack.plannerDeps, request, session.interrupted);
};

const withWarehouse = async <Result>(
  session: Session,
  body: (actions: WarehouseActions) => Promise<Result>,
  options: WithWarehouseOptions = { mayBegin: false },
): Promise<Result> => {
  if (!options.mayBegin) await needHome(session);
  const reach = await reachHome(session);
  if (reach.kind === 'remote') return body(createRemoteActions(reach.target));
  await using stack = reach.stack;
  // Awaited here: the stack is closed when this function returns.
  return await body(createEmbeddedActions(stack));
};

/** With the files of `dataFolder`, where it is not the one that the session names. */
export const runEmbeddedBackfill = async (
  session: Session,
  backend: Backend,
  request: BackfillRequest,
  options: { readonly command: string; readonly dataFolder?: string },
): Promise<RunOutcome> => {
  const { submit, andThen } = submitRequest(session, request);
  return runToEnd(session, backend, submit, { ...options, andThen });
};

export const createEmbeddedBackend = (session: Session): Backend => {
  const { home } = session.config;
  const backend: Backend = {
    places: { home, warehouse: warehouseFile(home) },
    pollMs: 100,
    openStore: () => openHomeStore(session),
    withWarehouse: (body, options) => withWarehouse(session, body, options),
    findServer: async () => {
      const holder = await findHomeHolder(home);
      return holder === undefined ? undefined : holder === 'unknown' ? 'the process that runs on this home' : `process ${holder.pid}`;
    },
    prepare: async (request) => prepareData(session, await loadPipeline(session), request),
    makePlan: (request) => makePlan(session, request),
    runBackfill: async (request, { command, plan, detach }) => {
      if (detach === true)
        throw new FloodgateError(
          'usage',
          '--detach: expected --backend gcp, where services run elsewhere; an embedded backfill runs in the process that takes it',
          {
            hint: 'run npx floodgate up in another terminal and send the request to it over HTTP',
          },
        );
      if (plan !== undefined) refuseOtherPlan(session, (await makePlan(session, request)).planHash, plan);
      return runEmbeddedBackfill(session, backend, request, { command });
    },
    goOn: (backfillId, command) => {
      const submitted = { backfillId, resumed: true };
      return runToEnd(session, backend, { remote: async () => submitted, own: async () => submitted }, { command });
    },
    examine: () => examineHome(session),
    [Symbol.asyncDispose]: async () => undefined,
  };
  return backend;
};
