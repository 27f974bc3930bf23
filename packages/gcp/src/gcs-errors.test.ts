import { expect, test } from 'vitest';
import { ObjectStoreError } from '@floodgate/core/ports/object-store.ts';
import { classifyGcsFailure, readGcsFailure, toObjectStoreError } from './gcs-errors.ts';

const http = (code: number, message = 'said so'): Error => Object.assign(new Error(message), { code });
const network = (code: string): Error => Object.assign(new Error(`request failed, reason: ${code}`), { code });

test.each([
  ['an object that is not there', http(404, 'No such object: bucket/key'), 'not_found', false],
  ['a bucket that is not there', http(404, 'The specified bucket does not exist.'), 'unavailable', false],
  ['a caller who may not', http(403, 'x does not have storage.objects.get access'), 'unavailable', false],
  ['a token that is none', http(401), 'unavailable', false],
  ['no credentials at all', new Error('Could not load the default credentials. Browse to …'), 'unavailable', false],
  ['a condition that does not hold', http(412), 'unavailable', false],
  ['a request that is wrong', http(400), 'unavailable', false],
  ['too many requests', http(429), 'unavailable', true],
  ['a server that failed', http(503), 'unavailable', true],
  ['a connection that broke', network('ECONNRESET'), 'unavailable', true],
  ['a name that is not known', network('EAI_AGAIN'), 'unavailable', true],
  ['a deadline of ours', AbortSignal.abort(new DOMException('timed out', 'TimeoutError')).reason, 'unavailable', true],
])('%s', (_, error, code, isTransient) => {
  expect(classifyGcsFailure(readGcsFailure(error))).toMatchObject({ code, isTransient });
  const told = toObjectStoreError(error, 'read gs://bucket/key');
  expect([told.code, told.message.startsWith('could not read gs://bucket/key: '), told.cause]).toEqual([code, true, error]);
});

test('what the server said is told, also where its answer was awaited as bytes', () => {
  const answered = (status: number, text: string): Error =>
    Object.assign(new Error(`Request failed with status code ${status}`), { status, response: { data: new TextEncoder().encode(text).buffer } });
  expect(toObjectStoreError(answered(404, 'No such object: bucket/key'), 'read x').message).toBe('could not read x: No such object: bucket/key (404)');
  const denied = toObjectStoreError(answered(403, '{"error": {"code": 403, "message": "x may not storage.objects.get"}}'), 'read x');
  expect(denied.message).toBe('could not read x: x may not storage.objects.get (403)');
  expect(toObjectStoreError(answered(404, 'The specified bucket does not exist.'), 'read x').code).toBe('unavailable');
  expect(toObjectStoreError(answered(404, ''), 'read x')).toMatchObject({
    code: 'not_found',
    message: 'could not read x: Request failed with status code 404 (404)',
  });
});

test('an error of ours stays as it is, and whoever may not is told what to grant', () => {
  const ours = new ObjectStoreError('not_found', 'x');
  expect(toObjectStoreError(ours, 'read')).toBe(ours);
  expect(toObjectStoreError(http(403), 'read').hint).toContain('roles/storage.objectUser');
});
