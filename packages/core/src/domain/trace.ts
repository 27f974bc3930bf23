// W3C Trace Context (https://www.w3.org/TR/trace-context/): every message of a backfill carries the trace of the request
// that caused it, and a request without one begins one.
import { digestText } from './digest.ts';

const shape = /^[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The traceparent as it came where it is valid, else a new one made from fresh ids. */
export const continueTrace = (traceparent: string, newId: () => string): string =>
  shape.test(traceparent) ? traceparent : `00-${digestText(newId())}${digestText(newId())}-${digestText(newId())}-01`;
