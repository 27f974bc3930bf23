// What `floodgate doctor` asks of Google Cloud before it asks for anything in particular: whose credentials there are, whether
// each service is within reach, whether this machine's clock is right, what kind of database Firestore has. Nothing here throws:
// what can't be looked at is a finding.
import { GoogleAuth, type AuthClient } from 'google-auth-library';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import { bounded, messageOf } from './resource-report.ts';
import type { EmulatorHosts, GcpSettings } from './settings.ts';

/** One thing that was looked at. */
export type Probe = { readonly subject: string; readonly verdict: 'ok' | 'warn' | 'fail'; readonly message: string; readonly advice: string };

const ok = (subject: string, message: string): Probe => ({ subject, verdict: 'ok', message, advice: '' });
const warn = (subject: string, message: string, advice: string): Probe => ({ subject, verdict: 'warn', message, advice });
const fail = (subject: string, message: string, advice: string): Probe => ({ subject, verdict: 'fail', message, advice });

const scope = 'https://www.googleapis.com/auth/cloud-platform';
const logIn = 'gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS with the path of a key; on Google Cloud give the service an account';

const isEmulated = ({ emulators }: GcpSettings): boolean => Object.keys(emulators).length > 0;

/** The account's name, as far as the credentials tell: those of a person don't without asking. */
const accountOf = async (auth: GoogleAuth, client: AuthClient): Promise<string> => {
  const { client_email: email } = await auth.getCredentials();
  if (email !== undefined && email !== '') return `service account ${email}`;
  if ('getServiceAccountEmail' in client && typeof client.getServiceAccountEmail === 'function')
    return `service account ${String(await (client as { getServiceAccountEmail: () => Promise<string | null> }).getServiceAccountEmail())}, by federation`;
  return 'credentials of a person';
};

/** Also fetches a token: credentials that are there and have been revoked are found here and not by the first command. */
export const probeCredentials = async (settings: GcpSettings, signal: AbortSignal): Promise<Probe> => {
  const subject = 'credentials';
  if (isEmulated(settings)) return ok(subject, 'none needed: everything goes to emulators');
  try {
    const auth = new GoogleAuth({ scopes: [scope] });
    const client = await bounded(auth.getClient(), signal);
    await bounded(client.getAccessToken(), signal);
    return ok(subject, await bounded(accountOf(auth, client), signal));
  } catch (error) {
    return fail(subject, `expected application default credentials, found none that work: ${messageOf(error)}`, logIn);
  }
};

const hosts: readonly (readonly [service: keyof EmulatorHosts, name: string, address: string])[] = [
  ['pubsub', 'Pub/Sub', 'https://pubsub.googleapis.com/'],
  ['firestore', 'Firestore', 'https://firestore.googleapis.com/'],
  ['bigquery', 'BigQuery', 'https://bigquery.googleapis.com/'],
  ['storage', 'Cloud Storage', 'https://storage.googleapis.com/'],
];

/** Tokens are valid from the moment on at which they were made, and for an hour; leases never compare clocks. */
const maxSkewMs = 60_000;
const reachWithinMs = 10_000;

type Reached = { readonly name: string; readonly address: string; readonly skewMs: number | undefined; readonly problem: string | undefined };

const reach = async (name: string, address: string, clock: Clock, signal: AbortSignal): Promise<Reached> => {
  const timeout = new AbortController();
  const late = clock.sleep(reachWithinMs, AbortSignal.any([timeout.signal, signal])).then(
    () => timeout.abort(new Error(`no answer within ${reachWithinMs / 1_000} s`)),
    () => undefined,
  );
  try {
    // Any answer will do, a refusal too: it comes from there.
    const response = await fetch(address, { method: 'GET', redirect: 'manual', signal: AbortSignal.any([timeout.signal, signal]) });
    const date = Date.parse(response.headers.get('date') ?? '');
    await response.body?.cancel();
    return { name, address, skewMs: Number.isNaN(date) ? undefined : clock.now() - date, problem: undefined };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { name, address, skewMs: undefined, problem: messageOf(cause) };
  } finally {
    timeout.abort();
    await late;
  }
};

/** One finding for all services that answer, and one for each that doesn't; and the clock, by what they say the time is. */
export const probeServices = async (settings: GcpSettings, clock: Clock, signal: AbortSignal): Promise<readonly Probe[]> => {
  const asked = hosts.filter(([service]) => !isEmulated(settings) || settings.emulators[service] !== undefined);
  const reached = await Promise.all(
    asked.map(([service, name, address]) => {
      const emulator = settings.emulators[service];
      return reach(name, emulator === undefined ? address : `http://${emulator}/`, clock, signal);
    }),
  );
  const silent = reached.filter(({ problem }) => problem !== undefined);
  const answered = reached.filter(({ problem }) => problem === undefined).map(({ name }) => name);
  const emulated = isEmulated(settings);
  return [
    ...(answered.length === 0
      ? []
      : [ok('network', `${answered.join(', ')} ${answered.length === 1 ? 'answers' : 'answer'}${emulated ? ' (emulators)' : ''}`)]),
    ...silent.map(({ name, address, problem }) =>
      fail(
        'network',
        `${name} is not within reach: expected an answer from ${address}, found: ${problem ?? ''}`,
        emulated
          ? 'is the emulator running, and on this port? npm run emulators starts all'
          : 'look at network and firewall; behind a proxy set HTTPS_PROXY and NODE_USE_ENV_PROXY=1',
      ),
    ),
    ...probeClock(reached.flatMap(({ skewMs }) => (skewMs === undefined ? [] : [skewMs]))),
  ];
};

/** Of several answers the one that differs least: a slow answer makes a clock look late. */
const probeClock = (skews: readonly number[]): readonly Probe[] => {
  const [skewMs] = skews.toSorted((a, b) => Math.abs(a) - Math.abs(b));
  if (skewMs === undefined) return [];
  const seconds = Math.round(Math.abs(skewMs) / 1_000);
  if (Math.abs(skewMs) <= maxSkewMs) return [ok('clock', seconds <= 1 ? 'as the servers have it' : `${seconds} s off the servers', which does no harm`)];
  return [
    warn(
      'clock',
      `expected the servers' time within ${maxSkewMs / 1_000} s, found this machine ${seconds} s ${skewMs > 0 ? 'ahead' : 'behind'}: instants that people read are wrong, tokens may be refused`,
      'let the clock be set over the network: timedatectl set-ntp true',
    ),
  ];
};

/** Native mode and its location; an emulator has neither. */
export const probeFirestoreMode = async (settings: GcpSettings, signal: AbortSignal): Promise<readonly Probe[]> => {
  const { projectId, firestoreDatabase } = settings;
  if (isEmulated(settings)) return [];
  const subject = 'firestore';
  const name = `projects/${projectId}/databases/${firestoreDatabase}`;
  try {
    const auth = new GoogleAuth({ scopes: [scope] });
    const { data } = await bounded(
      auth.request<{ readonly type?: string; readonly locationId?: string }>({ url: `https://firestore.googleapis.com/v1/${name}` }),
      signal,
    );
    if (data.type === 'FIRESTORE_NATIVE') return [ok(subject, `${firestoreDatabase}, native mode, in ${data.locationId ?? 'an unknown place'}`)];
    return [
      fail(
        subject,
        `database ${firestoreDatabase}: expected native mode, found ${data.type ?? 'nothing'}`,
        `a database of its own will do: gcloud firestore databases create --database=floodgate --location=<near ${settings.location}> --type=firestore-native; FLOODGATE_GCP_FIRESTORE_DATABASE=floodgate`,
      ),
    ];
  } catch (error) {
    return [
      warn(
        subject,
        `the mode of database ${firestoreDatabase} can't be looked at: ${messageOf(error)}`,
        'grant roles/datastore.viewer, or look: gcloud firestore databases describe',
      ),
    ];
  }
};
