import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { explainBadDate, tryPartitionDate, type PartitionDate } from '@floodgate/core/domain/partition-date.ts';

/** A date that was typed; throws FloodgateError `usage` with what is wrong with it. */
export const readDate = (text: string): PartitionDate => {
  const date = tryPartitionDate(text);
  if (date === undefined) throw new FloodgateError('usage', explainBadDate(text));
  return date;
};
