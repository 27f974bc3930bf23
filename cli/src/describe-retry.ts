import type { RetryOutcome } from '@floodgate/core/app/operate.ts';
import { assertNever } from '@floodgate/core/domain/assert-never.ts';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { plural } from './render/numbers.ts';

/** What came of trying again, in words; throws where it was refused. */
export const describeRetry = (backfillId: string, outcome: RetryOutcome): string => {
  switch (outcome.outcome) {
    case 'retrying':
      return outcome.tasks === 0
        ? `${backfillId} is open again: its gates are judged anew.`
        : `${plural(outcome.tasks, 'date')} of ${backfillId} ${outcome.tasks === 1 ? 'is' : 'are'} tried again.`;
    case 'nothing_to_retry':
      return `Nothing in ${backfillId} that was named failed or was quarantined.`;
    case 'cancelled':
      throw new FloodgateError('usage', `backfill ${backfillId} is cancelled`, { hint: 'ask for its dates anew with npx floodgate backfill' });
    case 'overlap':
      throw new FloodgateError('overlap', `backfill ${outcome.backfillId} is computing some of these dates`, {
        hint: `wait for it: npx floodgate watch ${outcome.backfillId}`,
      });
    default:
      return assertNever(outcome);
  }
};
