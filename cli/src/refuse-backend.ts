import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { Session } from './session.ts';

/** For commands that make no sense on a deployment: says which, and what to run instead. */
export const refuseBackend = (session: Session, command: string, instead: string): void => {
  if (session.config.gcp === undefined) return;
  throw new FloodgateError('usage', `floodgate ${command}: expected --backend embedded, found gcp`, { hint: instead });
};
