// The official client as Floodgate uses it. Resources go over the wire as the REST reference has them: the client's own
// comforts (waiting for jobs at its own pace, guessing types of parameters and of rows) can't be aborted or told what to do.
import { Readable } from 'node:stream';
import { BigQuery, type BigQueryOptions } from '@google-cloud/bigquery';
import { WarehouseError } from '@floodgate/core/ports/warehouse.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { Ids } from '@floodgate/core/ports/ids.ts';
import { isTransient, toWarehouseError } from './bigquery-errors.ts';
import type { GcpSettings } from './settings.ts';

/** A call that takes longer has been lost. Long polling asks for less. */
const callTimeoutMs = 60_000;
const maxTries = 6;
const baseDelayMs = 250;
const maxDelayMs = 8_000;

/** Credentials of nobody, so that nobody's are looked for. */
const nobody = { getRequestHeaders: async () => new Headers({ authorization: 'Bearer nobody' }) } as unknown as NonNullable<BigQueryOptions['authClient']>;

export const connectBigQuery = (settings: GcpSettings): BigQuery => {
  const emulator = settings.emulators.bigquery;
  const client = new BigQuery({
    projectId: settings.projectId,
    location: settings.location,
    // What is tried again, and how often, is decided below.
    retryOptions: { autoRetry: false },
    timeout: callTimeoutMs,
    ...(emulator === undefined ? {} : { apiEndpoint: `http://${emulator}`, authClient: nobody }),
  } as BigQueryOptions);
  // The client takes BIGQUERY_EMULATOR_HOST for the whole address, without a scheme or the API's path, whatever apiEndpoint says.
  if (emulator !== undefined) client.baseUrl = `${client.apiEndpoint}/bigquery/v2`;
  return client;
};

export type Call = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Beneath `/bigquery/v2/projects/{project}`, or absolute. */
  readonly uri: string;
  readonly qs?: Readonly<Record<string, string | number | boolean>>;
  readonly json?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly multipart?: readonly { readonly 'Content-Type': string; readonly body: string | Buffer }[];
};

export const cancelled = (signal: AbortSignal): WarehouseError => new WarehouseError('cancelled', 'the call was cancelled', { cause: signal.reason });

// Resources of the REST API are trees of optional fields; whoever reads one names the fields that it needs.
// oxlint-disable-next-line typescript/no-explicit-any
export type Resource = any;
// oxlint-disable-next-line typescript/no-redundant-type-constituents -- the compiler takes it for any; readers are told that there may be none
export type MaybeResource = Resource | undefined;

/** Calls with a deadline, that can be given up, and that are tried again where that changes nothing. */
export class BigQueryCalls {
  readonly client: BigQuery;
  readonly settings: GcpSettings;
  readonly clock: Clock;
  readonly ids: Ids;
  constructor(client: BigQuery, settings: GcpSettings, clock: Clock, ids: Ids) {
    this.client = client;
    this.settings = settings;
    this.clock = clock;
    this.ids = ids;
  }

  /** Must be safe to repeat: reads, conditional writes, jobs with an id. Throws WarehouseError, its cause the client's error. */
  async call(call: Call, signal: AbortSignal): Promise<Resource> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.once(call, signal);
      } catch (error) {
        if (signal.aborted) throw cancelled(signal);
        if (attempt === maxTries || !isTransient(error)) throw toWarehouseError(error);
        await this.pause(attempt, signal);
      }
    }
  }

  /** Throws what the client throws. */
  once(call: Call, signal: AbortSignal): Promise<Resource> {
    if (signal.aborted) return Promise.reject(cancelled(signal));
    return new Promise((resolve, reject) => {
      const settled = new AbortController();
      const abort = (): void => {
        settled.abort();
        reject(cancelled(signal));
      };
      signal.addEventListener('abort', abort, { once: true });
      const end = (): void => {
        signal.removeEventListener('abort', abort);
        settled.abort();
      };
      // The client has a timeout of its own, which closes the socket; this one also covers the fetch of a token.
      this.clock.sleep(callTimeoutMs + 5_000, settled.signal).then(
        () => {
          end();
          reject(Object.assign(new Error(`no answer from BigQuery within ${callTimeoutMs / 1000} s: ${call.method} ${call.uri}`), { code: 'ETIMEDOUT' }));
        },
        () => undefined,
      );
      // The client can't give a request up: where the signal is aborted its answer is not waited for.
      // A part of a body is a text or a stream to it, and a stream is read once.
      const multipart = call.multipart?.map((part) => (typeof part.body === 'string' ? part : { ...part, body: Readable.from([part.body]) }));
      this.client.request({ ...call, ...(multipart === undefined ? {} : { multipart }) } as never, (error: Error | null | undefined, body: unknown) => {
        end();
        if (error !== null && error !== undefined) reject(error);
        else resolve(body);
      });
    });
  }

  async pause(attempt: number, signal: AbortSignal): Promise<void> {
    const delayMs = Math.min(maxDelayMs, baseDelayMs * 2 ** (attempt - 1)) * (0.5 + this.ids.random() / 2);
    await this.clock.sleep(delayMs, signal).catch((error: unknown) => {
      throw signal.aborted ? cancelled(signal) : error;
    });
  }

  uploadUri(): string {
    return `${this.client.apiEndpoint}/upload/bigquery/v2/projects/${this.settings.projectId}/jobs`;
  }
}
