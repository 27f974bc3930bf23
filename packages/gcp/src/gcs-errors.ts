// What Cloud Storage's answers mean for us: one table over HTTP status, reason and text.
// https://docs.cloud.google.com/storage/docs/json_api/v1/status-codes
import { ObjectStoreError, type ObjectStoreErrorCode } from '@floodgate/core/ports/object-store.ts';

export type GcsFailure = { readonly status?: number; readonly message: string };

type Meaning = { readonly code: ObjectStoreErrorCode; readonly isTransient: boolean; readonly hint?: string };

const mayNot = 'grant roles/storage.objectUser on the bucket to whom Floodgate runs as; npx floodgate doctor --backend gcp names what is missing';
const again = 'is Cloud Storage within reach? https://status.cloud.google.com';

/** In order: the first that fits. `status: undefined` is no answer at all. */
const meanings: readonly (readonly [{ readonly status?: readonly (number | undefined)[]; readonly text?: RegExp }, Meaning])[] = [
  [
    { text: /could not load the default credentials|invalid_grant|could not refresh access token/i },
    { code: 'unavailable', isTransient: false, hint: 'gcloud auth application-default login' },
  ],
  [
    { status: [404], text: /bucket (you tried to access )?(does not|doesn't) exist|^bucket not found/i },
    { code: 'unavailable', isTransient: false, hint: 'create the bucket, or correct the setting FLOODGATE_GCP_BUCKET' },
  ],
  [{ status: [404] }, { code: 'not_found', isTransient: false }],
  [{ status: [401, 403] }, { code: 'unavailable', isTransient: false, hint: mayNot }],
  [{ status: [408, 429, 500, 502, 503, 504] }, { code: 'unavailable', isTransient: true, hint: again }],
  [{ status: [undefined] }, { code: 'unavailable', isTransient: true, hint: again }],
];

const otherwise: Meaning = { code: 'unavailable', isTransient: false };

export const classifyGcsFailure = ({ status, message }: GcsFailure): Meaning =>
  meanings.find(([of]) => (of.status?.includes(status) ?? true) && (of.text?.test(message) ?? true))?.[1] ?? otherwise;

type HttpError = { readonly code?: unknown; readonly status?: unknown; readonly response?: { readonly data?: unknown } };

const decoder = new TextDecoder();

/** What the server said, where the answer was awaited as bytes: an error of the API as JSON, or a plain text. */
const saidBy = (data: unknown): string | undefined => {
  if (!(data instanceof ArrayBuffer)) return undefined;
  const text = decoder.decode(data).trim();
  try {
    return (JSON.parse(text) as { readonly error?: { readonly message?: string } }).error?.message ?? text;
  } catch {
    return text;
  }
};

/** Codes of the network (`ECONNRESET`) are texts, those of HTTP numbers, and a DOMException (a timeout) has numbers of its own. */
export const readGcsFailure = (error: unknown): GcsFailure => {
  const { code, status, response } = (error ?? {}) as HttpError;
  const said = saidBy(response?.data);
  const message = said !== undefined && said !== '' ? said : error instanceof Error ? error.message : String(error);
  const found = [status, code].find((each): each is number => typeof each === 'number' && each >= 100);
  return found === undefined ? { message } : { status: found, message };
};

/** `what` was tried, e.g. "read gs://bucket/games.parquet". */
export const toObjectStoreError = (error: unknown, what: string): ObjectStoreError => {
  if (error instanceof ObjectStoreError) return error;
  const failure = readGcsFailure(error);
  const { code, hint } = classifyGcsFailure(failure);
  const said = failure.message.trim().slice(0, 500);
  return new ObjectStoreError(code, `could not ${what}: ${said}${failure.status === undefined ? '' : ` (${failure.status})`}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
};
