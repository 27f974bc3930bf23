import { createSign, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OAuth2Client } from 'google-auth-library';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPushVerifier } from './push-token.ts';

const ours = generateKeyPairSync('rsa', { modulusLength: 2048 });
const others = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pusher = 'pusher@project-one.iam.gserviceaccount.com';
const audience = 'https://worker.example/push';

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
const seconds = (): number => Math.floor(Date.now() / 1_000);

const claims = (overrides: object = {}): object => ({
  iss: 'https://accounts.google.com',
  aud: audience,
  sub: '1',
  email: pusher,
  email_verified: true,
  iat: seconds() - 10,
  exp: seconds() + 3_600,
  ...overrides,
});

const sign = (payload: object, { key = ours.privateKey, kid = 'one', alg = 'RS256' } = {}): string => {
  const signed = `${encode({ alg, kid, typ: 'JWT' })}.${encode(payload)}`;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key, 'base64url')}`;
};

describe('the token of a push', () => {
  let asked = 0;
  let isBroken = false;
  /** Google's certificates, as the library fetches them: keys in PEM by their ids. */
  const certificates = createServer((_, response) => {
    asked += 1;
    response.writeHead(isBroken ? 400 : 200, { 'content-type': 'application/json', 'cache-control': 'public, max-age=3600' });
    response.end(JSON.stringify({ one: ours.publicKey.export({ type: 'spki', format: 'pem' }) }));
  });
  let url = '';
  beforeAll(async () => {
    certificates.listen(0, '127.0.0.1');
    await once(certificates, 'listening');
    url = `http://127.0.0.1:${(certificates.address() as AddressInfo).port}/`;
  });
  afterAll(() => {
    certificates.close();
  });

  const createVerifier = () =>
    createPushVerifier({ audience, serviceAccounts: [pusher], client: new OAuth2Client({ endpoints: { oauth2FederatedSignonPemCertsUrl: url } }) });

  const unsigned = `${encode({ alg: 'none', kid: 'one' })}.${encode(claims())}.`;
  const [header, , signature] = sign(claims()).split('.');
  it.each([
    ['a good one', `Bearer ${sign(claims())}`, { ok: true }],
    ['a good one with the issuer without a scheme', `bearer ${sign(claims({ iss: 'accounts.google.com' }))}`, { ok: true }],
    ['none', undefined, { ok: false, status: 401 }],
    ['a password', 'Basic eDp5', { ok: false, status: 401 }],
    ['something else', 'Bearer x', { ok: false, status: 401 }],
    ['parts that are no JSON', 'Bearer a.b.c', { ok: false, status: 401, why: 'the token can not be parsed' }],
    [
      'one signed by another key',
      `Bearer ${sign(claims(), { key: others.privateKey })}`,
      { ok: false, status: 401, why: 'the signature of the token is wrong' },
    ],
    ['one with the id of another key', `Bearer ${sign(claims(), { kid: 'two' })}`, { ok: false, status: 401, why: expect.stringContaining('none of Google') }],
    ['one with other claims than were signed', `Bearer ${header}.${encode(claims({ sub: '2' }))}.${signature}`, { ok: false, status: 401 }],
    ['an unsigned one', `Bearer ${unsigned}`, { ok: false, status: 401, why: 'the signature of the token is wrong' }],
    [
      'one for another audience',
      `Bearer ${sign(claims({ aud: 'https://other.example' }))}`,
      { ok: false, status: 401, why: expect.stringContaining('audience') },
    ],
    ['one of another issuer', `Bearer ${sign(claims({ iss: 'https://issuer.example' }))}`, { ok: false, status: 401, why: expect.stringContaining('Google') }],
    ['an expired one', `Bearer ${sign(claims({ iat: seconds() - 7_200, exp: seconds() - 3_600 }))}`, { ok: false, status: 401, why: 'the token has expired' }],
    [
      'one of tomorrow',
      `Bearer ${sign(claims({ iat: seconds() + 3_600, exp: seconds() + 7_200 }))}`,
      { ok: false, status: 401, why: expect.stringContaining('yet') },
    ],
    [
      'one that is good for a year',
      `Bearer ${sign(claims({ exp: seconds() + 31_536_000 }))}`,
      { ok: false, status: 401, why: expect.stringContaining('times') },
    ],
    [
      'one of another account',
      `Bearer ${sign(claims({ email: 'me@example.com' }))}`,
      { ok: false, status: 403, why: expect.stringContaining('me@example.com') },
    ],
    ['one whose address is not verified', `Bearer ${sign(claims({ email_verified: false }))}`, { ok: false, status: 403 }],
    ['one without an address', `Bearer ${sign(claims({ email: undefined }))}`, { ok: false, status: 403 }],
  ])('is judged: %s', async (_, authorization, expected) => {
    const verdict = await createVerifier()(authorization);
    expect(verdict).toMatchObject(expected);
    // It opens doors: whoever reads the log must not find it there.
    const parts = (authorization ?? '').split('.').filter((part) => part.length > 1);
    if (!verdict.ok) for (const part of parts) expect(verdict.why).not.toContain(part);
  });

  it('is judged by certificates that are fetched once', async () => {
    const verify = createVerifier();
    const before = asked;
    for (let i = 0; i < 3; i += 1) expect(await verify(`Bearer ${sign(claims())}`)).toEqual({ ok: true });
    expect(asked - before).toBe(1);
  });

  it('is nobody’s fault when the certificates can not be fetched', async () => {
    isBroken = true;
    const verdict = await createVerifier()(`Bearer ${sign(claims())}`);
    isBroken = false;
    expect(verdict).toMatchObject({ ok: false, status: 503 });
    expect(await createVerifier()(`Bearer ${sign(claims())}`)).toEqual({ ok: true });
  });
});
