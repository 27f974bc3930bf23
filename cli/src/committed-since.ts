// What failed or was held back, and was committed since by another backfill: nothing is left to be done about it, whatever the
// backfill that it stands in says.
import { readLedgerYears } from '@floodgate/core/app/ledger-reader.ts';
import { ledgerPathOf } from '@floodgate/core/domain/ledger.ts';
import type { PartitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { StoreReader } from '@floodgate/core/ports/status-store.ts';

/** `at`: when it failed; as everywhere, in milliseconds since 1970-01-01. */
type Stopped = { readonly pipelineId: string; readonly processorId: string; readonly date: string; readonly at: number };

/** The items that are still to be dealt with, and how many were committed since. */
export const withoutCommitted = async <Item>(
  store: StoreReader,
  items: readonly Item[],
  describe: (item: Item) => Stopped | undefined,
): Promise<{ readonly left: readonly Item[]; readonly committed: number }> => {
  const pathOf = ({ pipelineId, processorId, date }: Stopped): string => ledgerPathOf(pipelineId, processorId, date as PartitionDate);
  const stopped = items.flatMap((item) => describe(item) ?? []);
  const years = await readLedgerYears(store, [...new Set(stopped.map(pathOf))]);
  const left = items.filter((item) => {
    const each = describe(item);
    return each === undefined || (years.get(pathOf(each))?.entries[each.date]?.committedAt ?? 0) <= each.at;
  });
  return { left, committed: items.length - left.length };
};
