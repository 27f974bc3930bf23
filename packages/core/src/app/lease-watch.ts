// Leases: judges those of others, and keeps our own. One is dead when this process has seen the same heartbeat for the lease's
// length on its own clock. No instant of another machine is ever compared, so clocks may differ and jump.
import { leaseSchema, parseDocument, type LeaseDocument } from '../contracts/documents.ts';
import type { Clock } from '../ports/clock.ts';
import type { StatusStore, StoredDocument, StoreTransaction } from '../ports/status-store.ts';
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

export type HeldLease = {
  /** Takes it or renews it in time: `taken` where it was not ours the last time, or somebody else has had it since. */
  readonly keep: () => Promise<'kept' | 'taken' | 'not_ours'>;
  /** Whether the document says that nobody has taken it since it was kept. */
  readonly isOurs: (document: StoredDocument) => boolean;
  /** Whoever wants it needn't wait until it is dead. Returns whether it was ours. Nothing may go on under it meanwhile. */
  readonly giveBack: (transaction: StoreTransaction) => Promise<boolean>;
};

export const createHeldLease = (deps: { readonly store: StatusStore; readonly clock: Clock; readonly lease: LeaseSettings }, path: string): HeldLease => {
  const watch = createLeaseWatch(deps.clock, deps.lease);
  let epoch = 0;
  let heartbeatAt = Number.NEGATIVE_INFINITY;
  const isOurs = (document: StoredDocument): boolean => parseDocument(leaseSchema, document).epoch === epoch;
  return {
    keep: async () => {
      const now = deps.clock.now();
      if (epoch > 0 && now - heartbeatAt < deps.lease.leaseMs / 3) return 'kept';
      const before = epoch;
      epoch = (await takeLease(deps, watch, path)) ?? 0;
      heartbeatAt = now;
      if (epoch === 0) return 'not_ours';
      return epoch === before ? 'kept' : 'taken';
    },
    isOurs,
    giveBack: async (transaction) => {
      const document = epoch === 0 ? undefined : await transaction.get(path);
      if (document === undefined || !isOurs(document)) return false;
      transaction.set(path, { ...parseDocument(leaseSchema, document), holder: '' });
      heartbeatAt = Number.NEGATIVE_INFINITY;
      return true;
    },
  };
};

/** Takes or renews a lease document. Returns its epoch, or undefined while somebody else is alive in it. */
const takeLease = async (deps: { readonly store: StatusStore; readonly lease: LeaseSettings }, watch: LeaseWatch, path: string): Promise<number | undefined> =>
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
