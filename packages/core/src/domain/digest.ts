// Digests identify content inside one deployment; they are no security measure. 64 bits of SHA-256 are plenty for the
// 10^7 partitions that one ledger may hold (collision odds below 10^-5).
import { createHash } from 'node:crypto';

/** First 16 hex digits of SHA-256. */
export const digestText = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** JSON with sorted keys, so that equal values have equal text. */
export const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  );
