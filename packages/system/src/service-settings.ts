// The settings that planner, worker and validator share. Each service's config.ts puts its own beside them.
import * as z from 'zod';
import { isFetchVariable } from './fetch-settings.ts';
import { commaSeparated, folder, logLevels, oneOf, wholeNumber, type SettingsOf } from './read-settings.ts';

export const serviceSettingsTable = {
  logLevel: { variable: 'FLOODGATE_LOG_LEVEL', schema: oneOf(logLevels), initial: 'info' },
  // Cloud Run sends requests to all addresses of the container, at PORT.
  host: { variable: 'FLOODGATE_HOST', schema: z.string().min(1, 'expected an address to listen on'), initial: '0.0.0.0' },
  port: { variable: 'FLOODGATE_PORT', otherwise: 'PORT', schema: wholeNumber(0, 65_535), initial: 8_080 },
  /** Named by Cloud Run; in the log, to tell which build said something. */
  revision: { variable: 'K_REVISION', schema: z.string(), initial: undefined },
  /** How messages come: streaming pull, or pushed to /push/<subscription>. */
  mode: { variable: 'FLOODGATE_MODE', schema: oneOf(['pull', 'push']), initial: 'pull' },
  /** What tokens of pushes must be for, and whose they must be. */
  pushAudience: { variable: 'FLOODGATE_PUSH_AUDIENCE', schema: z.string().min(1, 'expected the audience of the push subscriptions'), initial: undefined },
  pushServiceAccounts: { variable: 'FLOODGATE_PUSH_SERVICE_ACCOUNTS', schema: commaSeparated, initial: undefined },
  /** Cloud Run kills 10 s after SIGTERM; what is given back at the end of these 8 takes its time. */
  graceMs: { variable: 'FLOODGATE_GRACE_MS', schema: wholeNumber(0, 3_600_000), initial: 8_000 },
  startWithinMs: { variable: 'FLOODGATE_START_WITHIN_MS', schema: wholeNumber(1_000, 3_600_000), initial: 60_000 },
  /**
   * A third of it is the beat in which each task and lane under way is written: one write in 20 s leaves Firestore's one sustained
   * write a second of a document untouched, and two beats may be late (a garbage collection, a slow transaction) before others
   * take the work away. A worker that was killed is missed after a minute, which is little beside its start.
   */
  leaseMs: { variable: 'FLOODGATE_LEASE_MS', schema: wholeNumber(1_000, 3_600_000), initial: 60_000 },
  /** Undefined: those of the checkout or image that the service lies in. */
  pipelinesFolder: { variable: 'FLOODGATE_PIPELINES', schema: folder, initial: undefined },
} as const;

/** Settings that one of the services reads. One environment may serve all three, so the others know their names. */
const ownVariables: readonly string[] = [
  'FLOODGATE_RECONCILE_EVERY_MS',
  'FLOODGATE_QUEUED_AGE_MS',
  'FLOODGATE_KEEP_CLOSED_DAYS',
  'FLOODGATE_MAX_IN_FLIGHT',
  'FLOODGATE_WORKERS',
  'FLOODGATE_ROLES',
  'FLOODGATE_CONCURRENCY',
  'FLOODGATE_LANES',
];
export const isServiceVariable = (variable: string): boolean => ownVariables.includes(variable) || isFetchVariable(variable);

/** `isEmulated`: the Pub/Sub emulator pushes without tokens. */
export const checkServiceSettings = (values: SettingsOf<typeof serviceSettingsTable>, isEmulated: boolean): readonly string[] => {
  const { pushAudience, pushServiceAccounts } = serviceSettingsTable;
  if (values.mode !== 'push' || isEmulated) return [];
  return [
    ...(values.pushAudience === undefined ? [`${pushAudience.variable}: not set; pushes can't be told from anybody's requests without it`] : []),
    ...(values.pushServiceAccounts === undefined ? [`${pushServiceAccounts.variable}: not set; it names who may push`] : []),
  ];
};
