// Which backfill a command means: the one that is named, by its whole id or by a beginning that fits only one, or the latest.
import { listBackfills } from '@floodgate/core/app/read-status.ts';
import type { BackfillDocument } from '@floodgate/core/contracts/documents.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { nearestName } from '@floodgate/core/domain/nearest-name.ts';
import type { StoreReader } from '@floodgate/core/ports/status-store.ts';

export const chooseBackfill = (backfills: readonly BackfillDocument[], name: string | undefined): BackfillDocument => {
  if (name === undefined) {
    // The active one, if only one is; else the newest that had anything to do.
    const active = backfills.filter(({ state }) => state === 'active');
    const only =
      active.length === 1
        ? active[0]
        : (backfills.find(({ state, tasks }) => state !== 'completed' || Object.values(tasks).some((count) => count > 0)) ?? backfills[0]);
    if (only === undefined)
      throw new FloodgateError('unknown_backfill', 'there are no backfills on this home yet', { hint: 'begin with npx floodgate backfill' });
    return only;
  }
  const exact = backfills.find(({ backfillId }) => backfillId === name);
  if (exact !== undefined) return exact;
  const hits = backfills.filter(({ backfillId }) => backfillId.startsWith(name));
  if (hits.length === 1 && hits[0] !== undefined) return hits[0];
  const near = nearestName(
    name,
    backfills.map(({ backfillId }) => backfillId),
  );
  const more = hits.length > 1 ? `; it could be ${hits.map(({ backfillId }) => backfillId).join(' or ')}` : near === undefined ? '' : `; did you mean ${near}?`;
  throw new FloodgateError('unknown_backfill', `there is no backfill "${name}"${more}`, { hint: 'npx floodgate status lists them' });
};

export const findBackfill = async (store: StoreReader, name: string | undefined): Promise<BackfillDocument> => chooseBackfill(await listBackfills(store), name);
