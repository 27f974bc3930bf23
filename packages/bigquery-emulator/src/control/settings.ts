// What the control endpoint can set for all jobs; a fault rule adds to it for some.
export type Settings = {
  /** PENDING for so long before a slot is taken. */
  queueMs: number;
  /** RUNNING for so long before the work. */
  runMs: number;
  /** RUNNING for so long after the work is committed. */
  settleMs: number;
  /** For so long rows that were streamed can't be changed by DML: 30 minutes in the cloud. 0: never. */
  streamingBufferMs: number;
};
export const defaultSettings: Settings = { queueMs: 0, runMs: 0, settleMs: 0, streamingBufferMs: 0 };
