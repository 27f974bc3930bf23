// A quota of a day. The cloud gives it back bit by bit over the day ("quota replenishment" on BigQuery's quotas page), not at
// midnight, so it is counted over the last 24 hours.
import { createRateMeter, type RateMeter } from './rate-meter.ts';

const hourMs = 3_600_000;

/** In steps of an hour, so that a day of 30,000 events costs 25 numbers; an event counts for 24 to 25 hours. */
export const createDailyMeter = ({ limit }: { readonly limit: number }): RateMeter => {
  const hours = createRateMeter({ limit, windowMs: 25 });
  const hourOf = (now: number): number => Math.floor(now / hourMs);
  return {
    take: (now, count = 1) => hours.take(hourOf(now), count),
    record: (now, count = 1) => hours.record(hourOf(now), count),
    used: (now) => hours.used(hourOf(now)),
    peak: hours.peak,
  };
};
