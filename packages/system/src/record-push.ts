import type { StoreDeps } from '@floodgate/core/app/deps.ts';
import { recordMalformed } from '@floodgate/core/app/reconcile.ts';

/** Keeps the body of a push that is no message of Pub/Sub, as a malformed message of that subscription. The same body is one entry. */
export const createPushRecorder =
  (deps: StoreDeps) =>
  (text: string, subscription: string, problem: string): Promise<void> =>
    recordMalformed(deps, { attributes: { subscription }, data: text }, problem);
