// Judges leases of others: one is dead when this process has seen the same heartbeat for the lease's length on its own
// clock. No instant of another machine is ever compared, so clocks may differ and jump.
import { leaseSchema, parseDocument, type LeaseDocument } from '../contracts/documents.ts';
import type { Clock } from '../ports/clock.ts';
import type { StatusStore } from '../ports/status-store.ts';
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

/** Takes or renews a lease document. Returns its epoch, or undefined while somebody else is alive in it. */
export const takeLease = async (
  deps: { readonly store: StatusStore; readonly lease: LeaseSettings },
  watch: LeaseWatch,
  path: string,
): Promise<number | undefined> =>
  deps.store.transaction(async (transaction) => {
    const document = await transaction.get(path);
    const lease = document === undefined ? undefined : parseDocument(leaseSchema, document);
    const ours = lease?.holder === deps.lease.holder;
    if (lease !== undefined && !ours && lease.holder !== '' && !watch.isDead(path, lease)) return undefined;
    const next: LeaseDocument = {
      holder: deps.lease.holder,
      heartbeat: (lease?.heartbeat ?? 0) + 1,
      epoch: ours ? lease.epoch : (lease?.epoch ?? 0) + 1,
    };
    transaction.set(path, next);
    return next.epoch;
  });
