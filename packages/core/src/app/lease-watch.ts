// Judges leases of others: one is dead when this process has seen the same heartbeat for the lease's length on its own
// clock. No instant of another machine is ever compared, so clocks may differ and jump.
import type { Clock } from '../ports/clock.ts';
import type { LeaseSettings } from './deps.ts';

export type LeaseWatch = {
  /** Whether the lease is dead. The first sight of a heartbeat starts its clock. */
  readonly isDead: (path: string, lease: { readonly holder: string; readonly heartbeat: number }) => boolean;
  readonly forget: (path: string) => void;
};

export const createLeaseWatch = (clock: Clock, settings: LeaseSettings): LeaseWatch => {
  const seen = new Map<string, { readonly mark: string; readonly since: number }>();
  return {
    isDead: (path, { holder, heartbeat }) => {
      if (settings.isKnownDead(holder)) return true;
      const mark = `${holder}#${heartbeat}`;
      const before = seen.get(path);
      // A clock that jumped backwards starts the observation anew.
      if (before === undefined || before.mark !== mark || before.since > clock.now()) {
        seen.set(path, { mark, since: clock.now() });
        return false;
      }
      return clock.now() - before.since >= settings.leaseMs;
    },
    forget: (path) => void seen.delete(path),
  };
};
